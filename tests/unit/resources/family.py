"""A process that has children when it is told to. They write, and say what the kernel says that they have used.

`python family.py <directory>`: each line on its input is a command, each line on its output the answer to one.

- `spawn`: a child writes 200 kB and lives; answers its process id.
- `end <pid>`: that child ends and is waited for; answers how many bytes it had written in its life.
- `churn <number>`: as many children, one after another, write and end; answers that they have.
- `written`: answers how many bytes it has written itself, with the children that it has waited for.
"""

import os
import signal
import sys
from pathlib import Path

SIZE = 200_000


def written() -> int:
    """What the kernel says that this process has written to disks."""
    (line,) = [line for line in Path("/proc/self/io").read_text().splitlines() if line.startswith("write_bytes")]
    return int(line.split()[1])


def write(directory: Path) -> None:
    """Writes a file of this process."""
    (directory / str(os.getpid())).write_bytes(b"x" * SIZE)


class Family:
    """The commands.

    Args:
        directory: Where the children write.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def spawn(self) -> int:
        """A child that lives."""
        reader, writer = os.pipe()
        pid = os.fork()
        if pid == 0:
            write(self._directory)
            os.write(writer, b"x")
            signal.pause()
        os.read(reader, 1)
        os.close(reader)
        os.close(writer)
        return pid

    def end(self, pid: str) -> int:
        """Its end."""
        before = written()
        os.kill(int(pid), signal.SIGKILL)
        os.waitpid(int(pid), 0)
        return written() - before

    def churn(self, number: str) -> int:
        """Children that come and go."""
        for _ in range(int(number)):
            pid = os.fork()
            if pid == 0:
                write(self._directory)
                os._exit(0)
            os.waitpid(pid, 0)
        return int(number)

    def written(self) -> int:
        """What it has written."""
        return written()


def main() -> None:
    """Answers commands until its input ends."""
    family = Family(Path(sys.argv[1]))
    for line in sys.stdin:
        command, *arguments = line.split()
        sys.stdout.write(f"{getattr(family, command)(*arguments)}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
