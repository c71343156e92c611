"""What is known of the blocks: which test runs each language, and what is done with each command of a terminal.

To make a new command known, add a line to COMMANDS, above the first one that would match it by mistake.
"""

import re
from collections.abc import Iterator

from tests.doc_blocks.block import NEEDS, Block
from tests.doc_blocks.command import (
    TERMINAL,
    Asks,
    Elsewhere,
    Ends,
    How,
    Installs,
    Makes,
    Serves,
    Sets,
    commands_of,
)

_TESTS = "tests/integration/docs"

LANGUAGES = {
    "promql": f"{_TESTS}/test_data.py",
    "yaml": f"{_TESTS}/test_data.py",
    "json": f"{_TESTS}/test_data.py",
    "python": f"{_TESTS}/test_python.py",
    **dict.fromkeys(TERMINAL, f"{_TESTS}/test_commands.py"),
}
"""The test file that runs the blocks of a language."""

PYTHON_ELSEWHERE = {
    "docs/guides/coming-from-the-guide.md": "tests/integration/guide/test_snippets.py",
    "docs/guides/producers.md": "tests/integration/traces/test_guide.py",
    "docs/guides/training.md": "tests/integration/guide/test_training_page.py",
}
"""Pages whose Python is run by a test of their own."""

_WORKER = r"([A-Z_0-9]+=\S+ )*celery (-A [\w.]+ )?(-b \S+ )?worker( .*)?"
_COLLECTOR_PORTS = ("GRPC_ENDPOINT", "HTTP_ENDPOINT", "PROMETHEUS_ENDPOINT", "SPAN_METRICS_ENDPOINT", "HEALTH_ENDPOINT")
_COLLECTOR_ENV = {
    **{f"CELERY_OTEL_COLLECTOR_{name}": "127.0.0.1:{port}" for name in _COLLECTOR_PORTS},
    "CELERY_OTEL_COLLECTOR_TELEMETRY_PORT": "{port}",
    "CELERY_OTEL_COLLECTOR_QUEUE_DIRECTORY": "{directory}/queue",
}
_API_ENV = {"CELERY_OTEL_API_PORT": "{port}"}

COMMANDS: tuple[tuple[str, How], ...] = (
    (r"pip install .*", Installs()),
    (r"make .*", Makes()),
    (r"export .*", Sets()),
    (_WORKER, Serves(r"ready\.", more=" --loglevel INFO --concurrency 1 --without-mingle")),
    (
        r"opentelemetry-instrument celery .*",
        Elsewhere("tests/integration/traces/test_zero_code.py::test_an_application_that_knows_nothing"),
    ),
    (
        r"opentelemetry-instrument flask .*",
        Elsewhere("tests/integration/traces/test_guide.py::test_a_request_is_the_parent_of_its_publish"),
    ),
    (r"celery -A \S+ otel status --json \| jq .*", Ends(prints='"total_pending"')),
    (r"celery -A \S+ otel (status|doctor)( .*)?", Ends((0, 1), prints="(?i)worker")),
    (r"celery -A \S+ otel api", Serves("listens on", env=_API_ENV)),
    (r"celery -A \S+ otel flower", Serves("Visit me at", more=" --port={port}")),
    (
        r"(\S+ )?celery -A \S+ otel flower .*",
        Elsewhere("tests/integration/commands/test_flower.py::test_a_login_beyond_loopback"),
    ),
    (
        r"python start_flower\.py",
        Elsewhere("tests/integration/commands/test_flower.py::test_the_script_of_the_guide"),
    ),
    (r"celery -A \S+ call .*", Ends(prints="[0-9a-f]{8}-")),
    (r"celery -A \S+ inspect .*", Ends(prints="celery@")),
    (r"celery-otel-api token .*", Ends(prints="line for the token file")),
    (r"celery-otel-api .*--ssl-certfile.*", Elsewhere("tests/integration/api/test_command.py::test_it_speaks_tls")),
    (
        r"(celery-otel-api|curl) .*(--token-file|Bearer).*",
        Elsewhere("tests/integration/api/test_command.py::test_a_token_of_the_command_opens_the_service"),
    ),
    (r"celery-otel-api( -A \S+)?", Serves("listens on", env=_API_ENV)),
    (r"echo .* >>? \S+", Ends()),
    (r"cp docs/kubernetes/.*", Ends()),
    (r'"\$\{EDITOR:-vi\}" .*', Ends()),
    (r"curl http://localhost:8000/\S+", Asks("api")),
    (r"curl http://localhost:9090/\S+", Asks("prometheus")),
    (r"curl http://localhost:9093/\S+", Asks("alertmanager")),
    (r"curl http://localhost:13133", Asks("collector")),
    (r"curl http://localhost:16686/\S+", Asks("jaeger")),
    (r"amtool alert query .*", Asks("alertmanager")),
    (r"PYTHONPATH=collector \S+ -m grafana.generate_dashboards .*", Elsewhere("tests/unit/grafana/test_dashboards.py")),
    (r"sed .*", Ends(at_root=True)),
    (r"\$\(make -s tool-path NAME=promtool\) .*", Ends(prints="SUCCESS", at_root=True)),
    (r"\$\(make -s tool-path NAME=otelcol\) validate --config otel-collector.yaml", Ends(at_root=True)),
    (r".*otelcol.* --config routing.yaml", Elsewhere("tests/acceptance/test_collector_routing.py")),
    (r"\$\(make -s tool-path NAME=otelcol\) .*", Serves("Everything is ready", env=_COLLECTOR_ENV, at_root=True)),
    (
        r"\$\(make -s tool-path NAME=prometheus\) .*",
        Serves("Server is ready", more=" --web.listen-address=127.0.0.1:{port}", at_root=True),
    ),
    (
        r"\$\(make -s tool-path NAME=jaeger\) .*",
        Elsewhere("tests/integration/pipeline/test_servers.py::test_server_answers_again_after_a_kill"),
    ),
    (
        r"(\S+=\S+ )+\$\(make -s tool-path NAME=otelcol\) .*--config collector/bearer-token\.yaml",
        Elsewhere("tests/acceptance/test_collector_security.py::test_token_is_asked_for_where_it_is_configured"),
    ),
)
"""For commands, by a regular expression for the whole of one, what is done with it. The first that fits counts."""

TARGETS = {
    "demo": "tests/acceptance/test_demo.py::test_it_stays_up_with_links_until_interrupted",
    "demo ONCE=1": "tests/acceptance/test_demo.py::test_once_shows_equal_numbers_and_ends",
    "test": ".ci/run",
    "lint": ".ci/run",
    "validate": ".ci/run",
    "rules": "tests/unit/rules/test_rules.py",
}
"""What runs the targets of the Makefile."""

HOW_TO = (
    "run it by a line of COMMANDS (or another table) in tests/doc_blocks/known.py, or write a mark on the line before "
    f"the block: <!-- output --> for what a program prints, <!-- needs: X --> with X of {', '.join(NEEDS)}"
)


def how(command: str) -> How | None:
    """What is done with a command; None if nothing is known of it."""
    return next((found for pattern, found in COMMANDS if re.fullmatch(pattern, command)), None)


def unknown(block: Block) -> Iterator[str]:
    """What is not known of a block, in words; nothing if all is."""
    if block.needs:
        yield from (
            [] if block.needs in NEEDS else [f"{block.where}: needs {block.needs!r}, which is none of {set(NEEDS)}"]
        )
    elif block.is_output:
        return
    elif block.language not in LANGUAGES:
        yield f"{block.where}: a block of language {block.language!r}, which no test runs: {HOW_TO}"
    elif block.language in TERMINAL:
        yield from _unknown_commands(block)


def _unknown_commands(block: Block) -> Iterator[str]:
    commands = commands_of(block)
    if not commands:
        yield f"{block.where}: no line begins with '$ ': {HOW_TO}"
    for command in commands:
        found = how(command)
        if found is None:
            yield f"{block.where}: `{command}`: {HOW_TO}"
        elif isinstance(found, Makes) and _target(command) not in TARGETS:
            yield f"{block.where}: `{command}`: say in TARGETS of tests/doc_blocks/known.py what runs it"


def _target(command: str) -> str:
    return command.partition("make ")[2]
