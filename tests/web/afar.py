"""A machine next to this one, for tests: a network namespace of its own, whose wire can be cut without a word."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.needs import cannot_run


class Afar:
    """The other machine. `here` is this one's address, as it sees it."""

    def __init__(self, ip: Path, name: str, here: str, wire: str) -> None:
        self._ip, self._name, self.here, self._wire = ip, name, here, wire

    def started(self, *command: str | Path) -> subprocess.Popen[bytes]:
        """Start a program there; its standard output is a pipe."""
        return subprocess.Popen([self._ip, "netns", "exec", self._name, *command], stdout=subprocess.PIPE)

    def cut(self) -> None:
        """Let nothing through any more, neither way, and tell neither side."""
        subprocess.run([self._ip, "-n", self._name, "link", "set", self._wire, "down"], check=True)


@contextmanager
def afar(ip: Path) -> Iterator[Afar]:
    """Make the namespace and its wire, and take both away."""
    number = os.getpid() % 16384
    here, there = (f"10.213.{number >> 6}.{(number & 63) * 4 + end}" for end in (1, 2))
    name, near, far = f"afar{number}", f"near{number}", f"far{number}"
    made = subprocess.run([ip, "netns", "add", name], capture_output=True, text=True)
    if made.returncode:
        cannot_run(f"network namespaces ({made.stderr.strip()})", "run the tests as root")
    try:
        for command in (
            f"link add {near} type veth peer name {far} netns {name}",
            f"addr add {here}/30 dev {near}",
            f"link set {near} up",
            f"-n {name} addr add {there}/30 dev {far}",
            f"-n {name} link set {far} up",
        ):
            subprocess.run([ip, *command.split()], check=True)
        yield Afar(ip, name, here, far)
    finally:
        subprocess.run([ip, "link", "del", near], capture_output=True)
        subprocess.run([ip, "netns", "del", name], check=True)
