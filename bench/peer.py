"""Someone to compare with: a server that sends one event of 1.5 KB a second to every viewer.

Each file of `peers/` has one as `PEER`. All give the same event, whose `data` is JSON with `id`
(`<milliseconds>-<sequence>`), `timestamp` and filler, and do no more with it than it takes to send it.
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

EVENT_BYTES = 1500
"""Bytes of an event's `data`, about as many as our own event has."""


class Serving(msgspec.Struct, frozen=True):
    """A peer that runs, all of it in one process, and the address of its stream."""

    pid: int
    stream: str


class Peer(msgspec.Struct, frozen=True):
    """What it is called, what it lacks to run here (None: nothing), and how it runs: in a folder, on a core."""

    name: str
    lacks: Callable[[], str | None]
    serving: Callable[[Path, int], AbstractContextManager[Serving]]


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
