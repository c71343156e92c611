"""The memory limit is the smallest of those that the control groups above this process set."""

from pathlib import Path

import pytest

from celery_otel.resources.cgroup import MemoryLimit

V2 = "31 23 0:28 / /sys/fs/cgroup rw,nosuid shared:9 - cgroup2 cgroup rw"
V1 = "36 31 0:33 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory"
V1_CPU = "35 31 0:32 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu"
HYBRID = "41 31 0:38 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw"
CONTAINER = "36 31 0:33 /docker/abc /sys/fs/cgroup/memory ro - cgroup cgroup rw,memory"
UNLIMITED = "9223372036854771712"


def limit(root: Path, groups: str, mounts: list[str], files: dict[str, str]) -> int | None:
    """The limit on a machine with these groups, mounts and files."""
    everything = {"proc/self/cgroup": groups, "proc/self/mountinfo": "\n".join(mounts), **files}
    for name, text in everything.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(f"{text}\n")
    return MemoryLimit(root)()


@pytest.mark.parametrize(
    ("expected", "groups", "mounts", "files"),
    [
        # A container with its own namespace: it is at the top of what it sees.
        (400, "0::/", [V2], {"sys/fs/cgroup/memory.max": "400"}),
        # A service of systemd, limited by itself and by the slice above.
        (
            300,
            "0::/a.slice/b",
            [V2],
            {"sys/fs/cgroup/a.slice/memory.max": "300", "sys/fs/cgroup/a.slice/b/memory.max": "400"},
        ),
        (None, "0::/a", [V2], {"sys/fs/cgroup/a/memory.max": "max"}),
        (500, "4:memory:/a\n1:cpu:/", [V1_CPU, V1], {"sys/fs/cgroup/memory/a/memory.limit_in_bytes": "500"}),
        (None, "4:memory:/a", [V1], {"sys/fs/cgroup/memory/a/memory.limit_in_bytes": UNLIMITED}),
        # A container in the host's namespace: its group is what is seen at the mount point.
        (600, "4:memory:/docker/abc", [CONTAINER], {"sys/fs/cgroup/memory/memory.limit_in_bytes": "600"}),
        (600, "4:memory:/docker/abc/x", [CONTAINER], {"sys/fs/cgroup/memory/x/memory.limit_in_bytes": "600"}),
        (600, "4:memory:/../other", [CONTAINER], {"sys/fs/cgroup/memory/memory.limit_in_bytes": "600"}),
        # Both at once: memory belongs to the first.
        (700, "4:memory:/a\n0::/", [V1, HYBRID], {"sys/fs/cgroup/memory/a/memory.limit_in_bytes": "700"}),
        (None, "", [], {}),
        (None, "0::/a", [V2], {}),
        (None, "0::/", [V2], {"sys/fs/cgroup/memory.max": "nonsense"}),
    ],
)
def test_the_smallest_limit_counts(
    expected: int | None, groups: str, mounts: list[str], files: dict[str, str], tmp_path: Path
) -> None:
    """Of version 2 and 1, in containers and out of them; None if there is none."""
    assert expected == limit(tmp_path, groups, mounts, files)


def test_a_limit_that_changes_is_followed(tmp_path: Path) -> None:
    """A container's limit can be changed while it runs."""
    limit(tmp_path, "0::/", [V2], {"sys/fs/cgroup/memory.max": "400"})
    found = MemoryLimit(tmp_path)
    (tmp_path / "sys/fs/cgroup/memory.max").write_text("800\n")
    assert 800 == found()


def test_a_machine_without_control_groups_has_no_limit(tmp_path: Path) -> None:
    """Nothing is there to be read, and nothing is raised."""
    assert None is MemoryLimit(tmp_path)()


def test_this_machine_can_be_read() -> None:
    """Whatever its control groups are, it has a limit or none."""
    assert 0 < (MemoryLimit()() or 1)
