"""Ready-made schemas, by check-jsonschema, which has them vendored: no network is asked."""

from collections.abc import Iterable
from pathlib import Path

from check_jsonschema.cli.main_command import main  # type: ignore[import-untyped]  # it ships no types
from click.testing import CliRunner


def complaints(schema: str, files: Iterable[Path]) -> str:
    """What a schema has against files; empty if nothing.

    Args:
        schema: Its name among the vendored ones.
        files: At least one file.
    """
    result = CliRunner().invoke(main, ["--builtin-schema", f"vendor.{schema}", *map(str, files)])
    return "" if result.exit_code == 0 else f"{result.output}{result.exception or ''}"
