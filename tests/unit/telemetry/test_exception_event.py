"""What a span says of an exception: its class and stack, and no word of what it says unless asked."""

from celery_otel.telemetry.exception_event import MAX_STACK, exception_attributes


def raised(error: Exception, cause: Exception | None = None) -> Exception:
    """The exception with a stack."""
    try:
        raise error from cause  # noqa: TRY301  # it shall have a stack
    except Exception as caught:  # noqa: BLE001  # whatever it was asked to raise
        return caught


def test_class_and_stack_without_message() -> None:
    """The stack says where, through the cause too, and holds no message."""
    error = raised(OSError("secret-1"), raised(KeyError("secret-2")))
    told = exception_attributes(error, content=False)
    assert {"exception.type", "exception.stacktrace"} == set(told)
    assert "OSError" == told["exception.type"]
    assert "secret" not in told["exception.stacktrace"]
    lines = told["exception.stacktrace"].splitlines()
    assert ["KeyError", "OSError"] == [line for line in lines if line.endswith("Error")]
    assert 2 == told["exception.stacktrace"].count("in raised")


def test_the_message_on_request() -> None:
    """With content, the message is told as Python prints it."""
    told = exception_attributes(raised(OSError("full")), content=True)
    assert "full" == told["exception.message"]
    assert told["exception.stacktrace"].endswith("OSError: full\n")


def test_a_deep_stack_keeps_its_end() -> None:
    """However deep the stack is, what is told is bounded and ends where it was raised."""

    def fall(depth: int) -> None:
        if depth:
            fall(depth - 1)
            return
        raise fall_error

    fall_error = type("E" * 300, (Exception,), {})
    try:
        fall(300)
    except Exception as error:  # noqa: BLE001  # made above
        told = exception_attributes(error, content=False)
    assert MAX_STACK >= len(told["exception.stacktrace"])
    assert told["exception.stacktrace"].endswith("E" * 300 + "\n")
