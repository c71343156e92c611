"""Celery's own integration tests, run bare and instrumented: `python -m tests.compatibility.celery_tests`.

They are in the source distribution of Celery. Each test must end instrumented as it ends bare, whatever that is: some
need servers that are not here, and some fail on a slow machine. What differs is run once more by itself, both ways,
since a test may also differ from itself.
"""

import argparse
import os
import subprocess
import sys
import tarfile
import tempfile
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from xml.etree import ElementTree as ET

from celery_otel_pipeline.otlp_sink import OtlpSink
from celery_otel_pipeline.redis import RedisServer
from celery_otel_pipeline.repository import ROOT
from tests.compatibility.environments import CACHE, Environment

#: What the tests need beside Celery; of their own list, without what needs servers in containers.
NEEDED = (
    "pytest==9.1.1",
    "pytest-rerunfailures",
    "pytest-subtests",
    "pytest-timeout",
    "pytest-click",
    "pytest-order",
    "freezegun",
    "pydantic",
    "SQLAlchemy",
    "msgpack",
    "cryptography",
    "PyYAML",
)
PLUGIN = "tests.compatibility.instrumented_plugin"
SECONDS_OF_A_TEST = 60
Outcomes = Mapping[str, str]


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs them both ways, prints the counts and what differs, and returns the exit status."""
    options = _options(arguments)
    environment = Environment(f"celery-tests {options.version}", (f"celery[redis]=={options.version}", *NEEDED))
    python = environment.made()
    tests = _source(options.version)
    chosen = options.tests or ["t/integration"]
    bare, ours = _both(python, tests, chosen)
    differing = _differing(bare, ours)
    if differing:
        print(f"once more: {sorted(differing)}")  # noqa: T201  # the report is what the program is for
        differing &= _differing(*_both(python, tests, sorted(differing)))
    for name, found in (("bare", bare), ("instrumented", ours)):
        print(f"{name}: {len(found)} tests, {dict(Counter(found.values()))}")  # noqa: T201  # as above
    print(f"{len(differing)} differ: {sorted(differing)}")  # noqa: T201  # as above
    return int(bool(differing))


def _both(python: Path, source: Path, tests: Sequence[str]) -> tuple[Outcomes, Outcomes]:
    """How each test ended bare and instrumented, each with servers of its own."""
    return _run(python, source, tests, instrumented=False), _run(python, source, tests, instrumented=True)


def _differing(bare: Outcomes, ours: Outcomes) -> set[str]:
    return {name for name in bare.keys() | ours.keys() if bare.get(name) != ours.get(name)}


def _source(version: str) -> Path:
    """The unpacked source distribution."""
    place = CACHE / "sources"
    root = place / f"celery-{version}"
    if not root.exists():
        pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--no-binary", ":all:"]
        subprocess.run([*pip, "--no-build-isolation", "-d", place, f"celery=={version}"], check=True)
        with tarfile.open(next(place.glob(f"celery-{version}.tar.gz"))) as archive:
            archive.extractall(place, filter="data")
    return root


def _run(python: Path, source: Path, tests: Sequence[str], *, instrumented: bool) -> Outcomes:
    """How each test ended."""
    with ExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="celery-otel-celery-tests-")))
        redis = stack.enter_context(RedisServer(directory / "redis"))
        sink = stack.enter_context(OtlpSink())
        report = directory / "report.xml"
        argv = [python, "-m", "pytest", "-q", f"--junitxml={report}", f"--timeout={SECONDS_OF_A_TEST}"]
        # Its fixtures are those of Celery's own plugin, whose entry point is in a package of its own.
        argv += ["-p", "celery.contrib.pytest", "-p", "no:cacheprovider", "-o", "addopts="]
        argv += ["--continue-on-collection-errors"]
        argv += ["-p", PLUGIN] if instrumented else []
        log = CACHE / f"celery-tests-{'instrumented' if instrumented else 'bare'}.log"
        with log.open("w") as out:
            environment = {
                **_environment(redis.url, sink.endpoint, source),
                "PATH": f"{python.parent}:{os.environ['PATH']}",
            }
            command = [str(part) for part in (*argv, *tests) if part]
            subprocess.run(command, cwd=source, env=environment, stdout=out, stderr=out, check=False)
        if instrumented:
            print(f"exported: {len(sink.spans())} spans, {sink.metrics().total()} metrics")  # noqa: T201  # as above
        return _outcomes(report, log)


def _environment(redis: str, collector: str, source: Path) -> Mapping[str, str]:
    return {
        **{key: value for key, value in os.environ.items() if not key.startswith(("OTEL_", "CELERY_", "PYTHONPATH"))},
        "TEST_BROKER": redis,
        "TEST_BACKEND": redis.removesuffix("0") + "1",
        "REDIS_HOST": "127.0.0.1",
        "REDIS_PORT": redis.rpartition(":")[2].partition("/")[0],
        "PYTHONPATH": os.pathsep.join([str(source), str(ROOT), str(ROOT / "instrumentation"), str(ROOT / "collector")]),
        "OTEL_EXPORTER_OTLP_ENDPOINT": collector,
        "OTEL_METRIC_EXPORT_INTERVAL": "1000",
    }


def _outcomes(report: Path, log: Path) -> Outcomes:
    if not report.exists():
        raise RuntimeError(f"there is no report: read {log}")
    cases = ET.parse(report).iter("testcase")  # noqa: S314  # pytest has just written it
    return {_node(str(case.get("classname")), str(case.get("name"))): _outcome(case) for case in cases}


def _node(owner: str, name: str) -> str:
    """What pytest takes for a test: the module's file, its class if it has one, and its name.

    A file that could not be collected has no owner.
    """
    if not owner:
        return f"{name.replace('.', '/')}.py"
    parts = owner.split(".")
    last = next(index for index, part in enumerate(parts) if part.startswith("test_"))
    return "::".join(["/".join(parts[: last + 1]) + ".py", *parts[last + 1 :], name])


def _outcome(case: ET.Element) -> str:
    kinds = [child.tag for child in case if child.tag in {"failure", "error", "skipped"}]
    return kinds[0] if kinds else "passed"


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.compatibility.celery_tests", description=__doc__)
    parser.add_argument("--version", default="5.7.0", help="of Celery (default: 5.7.0)")
    parser.add_argument("tests", nargs="*", help="what pytest runs of its source; by default t/integration")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
