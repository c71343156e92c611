"""The plug-in of Celery's command line costs nothing until one of its commands runs."""

import subprocess
import sys

import pytest


def test_what_the_plugin_imports() -> None:
    """Importing it imports no OpenTelemetry, no instrumentation, and not even Celery."""
    heavy = ("opentelemetry", "celery", "prometheus_client", "celery_otel.instrumentation", "celery_otel.settings")
    code = f"import sys, celery_otel.commands; print([name for name in {heavy!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "[]\n" == done.stdout


def test_the_call_stays_a_call() -> None:
    """However the package's modules were imported, `celery_otel.instrument` is the function."""
    code = "import celery_otel.instrumentor, celery_otel.instrumentation, celery_otel; print(celery_otel.instrument)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("<function instrument ")


@pytest.mark.parametrize(("command", "module"), [("api", "celery_otel_api.command"), ("flower", "flower.command")])
def test_extras(command: str, module: str) -> None:
    """Without what the API or Flower needs, the command says how to install it."""
    code = (
        f"import sys; sys.modules[{module!r}] = None; sys.argv = ['celery', 'otel', {command!r}];"
        "from celery.__main__ import main; main()"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (1, True) == (done.returncode, f"pip install 'celery-otel[{command}]'" in done.stderr)
