"""The plug-in of Celery's command line costs nothing until one of its commands runs."""

import subprocess
import sys


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


def test_the_api_is_an_extra() -> None:
    """Without what the API needs, the command says how to install it."""
    code = (
        "import sys; sys.modules['celery_otel_api.command'] = None; sys.argv = ['celery', 'otel', 'api'];"
        "from celery.__main__ import main; main()"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (1, True) == (done.returncode, "pip install 'celery-otel[api]'" in done.stderr)
