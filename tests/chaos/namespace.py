"""A network of its own with a cable that can be pulled: a network namespace of Linux, which only root can make.

Workers and servers stay where they are. What moves into the namespace is one listening socket: whoever dials it sends
packets through a pair of virtual network cards, and its owner accepts the connections on the other side.
"""

import ctypes
import os
import shutil
import socket
import subprocess
import threading
from pathlib import Path
from types import TracebackType
from typing import Self

_CLONE_NEWNET = 0x40000000
_NEAR, _FAR = "near", "far"


class NamespaceError(RuntimeError):
    """The namespace could not be entered."""


class Namespace:
    """A namespace with one address, and the cable to it.

    Its name and its addresses (of 198.18.0.0/15, which is set aside for tests) follow from the process that makes it.
    """

    def __init__(self) -> None:
        number = os.getpid() % 0x4000
        self._name = f"celery-otel-{os.getpid()}"
        self._cards = {_NEAR: f"co{number:x}n", _FAR: f"co{number:x}f"}
        network = f"198.18.{number // 64}"
        first = number % 64 * 4
        self._near, self.address = f"{network}.{first + 1}", f"{network}.{first + 2}"
        self._made = False

    @staticmethod
    def missing() -> str:
        """Why none can be had here; empty if one can."""
        if os.geteuid():
            return "only root can make a network namespace"
        if not shutil.which("ip"):
            return "there is no program ip (Debian: iproute2)"
        tried = subprocess.run(["unshare", "--net", "true"], check=False, capture_output=True)  # noqa: S607 - util-linux
        return "" if tried.returncode == 0 else "this kernel has no network namespaces"

    def make(self) -> None:
        """Make the namespace and plug the cable in, unless it is there."""
        if self._made:
            return
        self._made = True
        near, far = self._cards[_NEAR], self._cards[_FAR]
        _ip("netns", "add", self._name)
        _ip("link", "add", near, "type", "veth", "peer", "name", far)
        _ip("link", "set", far, "netns", self._name)
        _ip("address", "add", f"{self._near}/30", "dev", near)
        _ip("link", "set", near, "up")
        self._inside("address", "add", f"{self.address}/30", "dev", far)
        self.mend()

    def listener(self) -> socket.socket:
        """A socket that is bound to the namespace's address and a free port."""
        self.make()
        made: list[socket.socket] = []
        # A thread of its own: the one that enters a namespace stays there.
        thread = threading.Thread(target=lambda: made.append(self._bound()), name="namespace")
        thread.start()
        thread.join()
        if not made:
            raise NamespaceError(f"no socket could be made in the namespace {self._name}: see the traceback above")
        return made[0]

    def cut(self) -> None:
        """Pull the cable: packets vanish, nobody is told."""
        self._inside("link", "set", self._cards[_FAR], "down")

    def mend(self) -> None:
        """Plug the cable in again."""
        self._inside("link", "set", self._cards[_FAR], "up")

    def _inside(self, *words: str) -> None:
        _ip("-n", self._name, *words)

    def _bound(self) -> socket.socket:
        with Path("/run/netns", self._name).open() as namespace:
            if ctypes.CDLL(None, use_errno=True).setns(namespace.fileno(), _CLONE_NEWNET):
                raise NamespaceError(f"setns failed with {os.strerror(ctypes.get_errno())}")
        listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        listener.bind((self.address, 0))
        return listener

    def __enter__(self) -> Self:
        self.make()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # Its card goes with it, and so does the other end of the pair.
        _ip("netns", "delete", self._name)
        self._made = False


def _ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True, capture_output=True, text=True)  # noqa: S607 - our own words
