"""The command line: `python -m tests.compatibility` (`make compatibility`). Exit status 1 if one does not balance."""

import argparse
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path

from celery_otel_pipeline.polling import DeadlineError
from celery_otel_pipeline.process import ProcessDiedError
from celery_otel_pipeline.repository import ROOT
from tests.acceptance.ledger.conditions import Conditions
from tests.acceptance.ledger.plan import Plan
from tests.acceptance.ledger.run import all_outcomes, assert_balanced, play, run_plan, seed, thinned
from tests.acceptance.ledger.scene import Pipeline, Scene
from tests.compatibility.environments import SHOWN, Environment, NotInstallableError, all_environments

PAGE = ROOT / "docs" / "reference" / "compatibility.md"
BEGIN, END = "<!-- ledger: begin, by make compatibility -->\n", "<!-- ledger: end -->"
#: How workers run: the pool, and whether they acknowledge late.
RUNS = (("prefork", False), ("prefork", True), ("threads", True), ("gevent", False))
HEAD = f"| environment | {' | '.join(SHOWN)} | run | attempts | series | |\n{'| --- ' * (len(SHOWN) + 5)}|\n"


def main(arguments: Sequence[str] | None = None) -> int:
    """Plays the plan in each environment, prints a table, and returns the exit status."""
    options = _options(arguments)
    rows: list[str] = []
    with (
        tempfile.TemporaryDirectory(prefix="celery-otel-compatibility-") as name,
        Pipeline(Path(name) / "pipeline", metric_expiration="30s") as pipeline,
    ):
        for environment in all_environments():
            if options.only in {None, environment.name}:
                rows += _rows(environment, pipeline, Path(name), options.times)
    if options.write:
        _write(rows)
    return int(not rows or not all(row.endswith("| equal |") for row in rows))


def _rows(environment: Environment, pipeline: Pipeline, directory: Path, times: int) -> list[str]:
    try:
        environment.made()
    except NotInstallableError as error:
        _explain(error)
        return [_said(f"| {environment.name} |{' |' * len(SHOWN)} | | | cannot be installed |")]
    versions = environment.versions()
    minor = tuple(int(part) for part in versions["celery"].split(".")[:2])
    rows = []
    for pool, acks_late in RUNS:
        slug = f"compatibility-{environment.name.replace(' ', '')}-{pool}-{'late' if acks_late else 'early'}"
        conditions = Conditions(pool, acks_late=acks_late, celery=(minor[0], minor[1]), queue=slug)
        shown = " | ".join(versions[name] for name in SHOWN)
        how = f"{pool}, {'late' if acks_late else 'early'}"
        played = _played(conditions, environment, pipeline, directory, times)
        rows.append(_said(f"| {environment.name} | {shown} | {how} | {played} |"))
    return rows


def _played(conditions: Conditions, environment: Environment, pipeline: Pipeline, directory: Path, times: int) -> str:
    begin = time.monotonic()
    try:
        plan = _plan(conditions, environment, pipeline, directory / conditions.queue, times)
    except (AssertionError, DeadlineError, ProcessDiedError) as error:
        _explain(error)
        return f"| | NOT equal after {time.monotonic() - begin:.0f} s: {(str(error) or repr(error)).splitlines()[0]}"
    attempts = sum(number for series, number in plan.items() if series.metric == "celery_task_received_total")
    return f"{attempts} | {len(plan)} | equal"


def _plan(conditions: Conditions, environment: Environment, pipeline: Pipeline, directory: Path, times: int) -> Plan:
    with Scene(pipeline, conditions, directory, python=str(environment.python)) as scene:
        scene.start_workers()
        outcomes = thinned(all_outcomes(scene), times)
        with redirect_stdout(StringIO()):
            play(scene, outcomes, seed())
        reading, plan = scene.settled(lambda: run_plan(scene, outcomes))
        assert_balanced(scene, reading, plan)
        return plan


def _explain(error: Exception) -> None:
    print(error, file=sys.stderr, flush=True)  # noqa: T201  # too long for the table


def _said(row: str) -> str:
    print(row, flush=True)  # noqa: T201  # the table is what the program is for
    return row


def _write(rows: Sequence[str]) -> None:
    before, _, rest = PAGE.read_text().partition(BEGIN)
    after = rest.partition(END)[2]
    PAGE.write_text(before + BEGIN + "\n" + HEAD + "\n".join(rows) + "\n\n" + END + after)


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.compatibility", description=__doc__)
    parser.add_argument("--only", help="the name of one environment")
    parser.add_argument("--times", type=int, default=3, help="at most so many attempts of each outcome (default: 3)")
    parser.add_argument("--write", action="store_true", help=f"write the table into {PAGE.name}")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
