"""Someone to compare with: a server that sends every viewer the events of a feed (`bench.replay`) at their times.

Each file of `peers/` has one as `PEER`. All give the same events, whose `data` is JSON with `id`
(`<milliseconds>-<sequence>`) and `timestamp`, and do no more with them than it takes to send them.
"""

from __future__ import annotations

import pkgutil
import socket
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from importlib import import_module
from pathlib import Path

import msgspec

import bench.peers


class Serving(msgspec.Struct, frozen=True):
    """A peer that runs, all of it in one process, and the address of its stream."""

    pid: int
    stream: str


class Peer(msgspec.Struct, frozen=True):
    """What it is called, what it lacks to run here (None: nothing), and how it sends a feed: in a folder, on a core."""

    name: str
    lacks: Callable[[], str | None]
    serving: Callable[[Path, int, Path], AbstractContextManager[Serving]]


def peers() -> Iterator[Peer]:
    """Yield the peer of every file of the folder."""
    for module in pkgutil.iter_modules(bench.peers.__path__, "bench.peers."):
        yield import_module(module.name).PEER


def free_port() -> int:
    """Return a port of loopback that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def listening(port: int) -> bool | None:
    """Tell whether someone takes connections at a port of loopback; None while nobody does."""
    with socket.socket() as probe:
        return True if probe.connect_ex(("127.0.0.1", port)) == 0 else None
