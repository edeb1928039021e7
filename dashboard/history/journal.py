"""The journal: one row for all that came in within a second. It is what a kill cannot take, before it is in chunks."""

from __future__ import annotations

import sqlite3
import struct
import sys
import zlib
from array import array
from collections.abc import Iterable, Iterator
from itertools import accumulate
from operator import sub
from typing import NamedTuple

from dashboard.rolled import NO_SAMPLES, Samples, joined, ordered

_HEAD = struct.Struct("<ddI")
_LEVEL = 1  # of deflating: a row lives for minutes, and each costs the writer


class Frame(NamedTuple):
    """Values of several series at one time in Unix seconds.

    `ids` are the series' numbers and `values` are floats, one beside the other, in the machine's own form; `gap` is
    the declared interval, 0 for none.
    """

    time: float
    gap: float
    ids: bytes
    values: bytes


def encode(frames: Iterable[Frame]) -> bytes:
    """Pack frames as one row."""
    parts: list[bytes] = []
    for frame in frames:
        ids = array("I", frame.ids)
        steps = array("I", [number & 0xFFFFFFFF for number in map(sub, ids, [0, *ids[:-1]])])
        values = array("d", frame.values)
        if sys.byteorder == "big":
            steps.byteswap()
            values.byteswap()
        data = values.tobytes()
        parts += (_HEAD.pack(frame.time, frame.gap, len(ids)), steps.tobytes())
        parts += [data[rank::8] for rank in range(8)]  # bytes of one rank are more alike than those of one number
    return zlib.compress(b"".join(parts), _LEVEL)


def decode(data: bytes) -> list[Frame]:
    """Return the frames of a row; raise ValueError when it is not what was written."""
    try:
        body = zlib.decompress(data)
        frames = []
        at = 0
        while at < len(body):
            time, gap, count = _HEAD.unpack_from(body, at)
            at += _HEAD.size
            steps, values = body[at : at + 4 * count], bytearray(8 * count)
            at += 4 * count
            for rank in range(8):
                values[rank::8] = body[at : at + count]
                at += count
            frames.append(Frame(time, gap, _ids(steps), _floats(values)))
    except (zlib.error, struct.error) as error:
        raise ValueError(str(error)) from None
    return frames


class Group:
    """The frames of the same series, one after another."""

    __slots__ = ("gaps", "ids", "order", "times", "values")

    def __init__(self, ids: bytes) -> None:
        self.ids = array("I", ids)
        self.times, self.gaps, self.values = array("d"), array("d"), array("d")
        self.order: array[int] = array("L")

    def add(self, frame: Frame, order: int) -> None:
        """Take the next frame, and how many came before it in all."""
        self.order.append(order)
        self.times.append(frame.time)
        self.gaps.append(frame.gap)
        self.values.frombytes(frame.values)

    def column(self, place: int) -> Samples:
        """Return a copy of the samples of the series that stands at a place, as they came."""
        return Samples(self.times[:], self.values[place :: len(self.ids)], self.gaps[:])


class Frames:
    """Frames by their series."""

    def __init__(self, frames: Iterable[Frame] = ()) -> None:
        self.groups: dict[bytes, Group] = {}
        self.count = 0
        self._places: dict[int, list[tuple[Group, int]]] = {}
        for frame in frames:
            self.add(frame)

    def add(self, frame: Frame) -> None:
        """Take a frame."""
        group = self.groups.get(frame.ids)
        if group is None:
            group = self.groups[frame.ids] = Group(frame.ids)
            for place, id in enumerate(group.ids):
                self._places.setdefault(id, []).append((group, place))
        group.add(frame, self.count)
        self.count += len(group.ids)

    def ids(self) -> list[int]:
        """Return the numbers of all series that have something here."""
        return sorted(self._places)

    def samples(self, id: int) -> Samples:
        """Return the samples of a series by time; of several at one time that which came last."""
        found = [(group.column(place), group.order) for group, place in self._places.get(id, ()) if group.times]
        if not found:
            return NO_SAMPLES
        found.sort(key=lambda part: part[0].times[0])
        parts = [part for part, _ in found]
        if all(map(_follows, parts[1:], parts)):
            return ordered(joined(parts))
        came = array("d", [place for _, order in found for place in order])
        turns = sorted(range(len(came)), key=came.__getitem__)
        return ordered(Samples(*(array("d", [column[at] for at in turns]) for column in joined(parts))))


def _follows(part: Samples, before: Samples) -> bool:
    return max(before.times) < min(part.times)


class Head:
    """The journal as it was read, so that each question reads only what has come since. For one thread at a time."""

    def __init__(self) -> None:
        self.frames = Frames()
        self.damaged = False
        self._turn = self._last = -1

    def follow(self, connection: sqlite3.Connection) -> None:
        """Read what is new; all, when what is known is in chunks by now."""
        (turn,) = connection.execute("SELECT number FROM turn").fetchone()
        if turn != self._turn:
            self.frames, self.damaged, self._turn, self._last = Frames(), False, turn, -1
        for seq, frames in rows(connection, self._last + 1):
            self._last = seq
            if frames is None:
                self.damaged = True
            for frame in frames or ():
                self.frames.add(frame)


def rows(connection: sqlite3.Connection, first: int = -1) -> Iterator[tuple[int, list[Frame] | None]]:
    """Yield the rows from a number on with their frames; None for one that is damaged."""
    for seq, data in connection.execute("SELECT seq, data FROM journal WHERE seq >= ? ORDER BY seq", (first,)):
        try:
            yield seq, decode(data)
        except (TypeError, ValueError):
            yield seq, None


def _ids(steps: bytes) -> bytes:
    numbers = array("I", steps)
    if sys.byteorder == "big":
        numbers.byteswap()
    return array("I", [number & 0xFFFFFFFF for number in accumulate(numbers)]).tobytes()


def _floats(values: bytearray) -> bytes:
    if sys.byteorder == "little":
        return bytes(values)
    numbers = array("d", bytes(values))
    numbers.byteswap()
    return numbers.tobytes()
