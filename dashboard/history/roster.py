"""Who is who: the number of each series, and what is known of it."""

from __future__ import annotations

import logging
import sqlite3
import threading
from array import array
from collections import deque
from collections.abc import Callable, Container, Iterable
from itertools import pairwise
from operator import attrgetter

from dashboard.history.journal import Frame, Frames
from dashboard.history.nouns import Known
from dashboard.model import Batch, Series

log = logging.getLogger("dashboard")

LAST_ID = 2**32 - 1
"""The highest number that the journal and the keys of chunks have room for; what comes after it is not stored."""

_LAYOUTS = 512  # sets of series that come together, remembered at most
_ARRIVALS = 5  # of a series without a declared interval, whose usual distance is taken for it


class Entry:
    """One series."""

    __slots__ = ("_series", "arrivals", "counter", "first", "id", "interval", "last", "layouts", "source", "text")

    def __init__(self, id: int, text: str, counter: bool, source: str, first: float) -> None:
        self.id, self.text, self.counter, self.source, self.first = id, text, counter, source, first
        self.interval: float | None = None
        self.last: tuple[float, float | None] = (first, None)
        self.arrivals: deque[float] | None = None
        self.layouts: list[Layout] = []
        self._series: Series | None = None

    @property
    def series(self) -> Series:
        """The series itself, read from its text when it is first asked for."""
        if self._series is None:
            self._series = Series.parse(self.text)
        return self._series

    def settle(self) -> None:
        """Take over what its layouts know."""
        for layout in self.layouts:
            self.first = min(self.first, layout.first)
            if layout.time >= self.last[0]:
                self.last = (layout.time, layout.values[layout.places[self.id]])

    def known(self) -> Known:
        """Return what is known of it."""
        self.settle()
        return Known(self.text, self.series, self.counter, self.interval, self.source, self.first, self.last)


class Layout:
    """Series that come together again and again, as the samples of one collector do, and their newest values."""

    __slots__ = ("entries", "first", "ids", "interval", "places", "source", "time", "values")

    def __init__(self, batch: Batch, entries: list[Entry]) -> None:
        self.entries, self.source, self.interval = entries, batch.source, batch.interval
        self.ids = array("I", [entry.id for entry in entries]).tobytes()
        self.places = {entry.id: place for place, entry in enumerate(entries)}
        self.first = batch.timestamp
        self.time, self.values = float("-inf"), array("d")

    def note(self, time: float, values: array[float]) -> None:
        """Take values; what is newest goes by its time."""
        self.first = min(self.first, time)
        if time >= self.time:
            self.time, self.values = time, values


class Roster:
    """All series that are stored, or will be at once. Safe to use from any thread once `load` was called."""

    def __init__(self, is_counter: Callable[[str], bool]) -> None:
        self._is_counter = is_counter
        self._lock = threading.RLock()
        self._entries: dict[str, Entry] = {}
        self._by_id: dict[int, Entry] = {}
        self._layouts: dict[tuple[str, tuple[tuple[str, str], ...], tuple[str, ...]], Layout] = {}
        self._unsaved: dict[int, Entry] = {}
        self._next = 1
        self._full = False
        self.generation = 0
        """Grows when all numbers become void, for their file is gone."""

    def load(self, connection: sqlite3.Connection) -> None:
        """Learn the series of a file."""
        rows = connection.execute("SELECT id, text, counter, interval, source, first, last, value FROM series")
        with self._lock:
            for id, text, counter, interval, source, first, last, value in rows:
                if text not in self._entries:
                    entry = Entry(id, text, bool(counter), source, first)
                    entry.interval, entry.last = interval, (last, value)
                    self._entries[text] = self._by_id[id] = entry
            (most,) = connection.execute(
                "SELECT max(coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'series'), 0),"
                " coalesce((SELECT max(id) FROM series), 0))"
            ).fetchone()
            self._next = max(self._next, int(most) + 1)

    def replay(self, frames: Frames) -> None:
        """Learn from the journal what came after the series were last saved."""
        with self._lock:
            for group in frames.groups.values():
                at = max(range(len(group.times)), key=group.times.__getitem__)
                oldest = min(group.times)
                for place, id in enumerate(group.ids):
                    entry = self._by_id.get(id)
                    if entry is not None:
                        entry.first = min(entry.first, oldest)
                        if group.times[at] >= entry.last[0]:
                            entry.last = (group.times[at], group.values[at * len(group.ids) + place])

    def forget_all(self) -> None:
        """Begin anew: nothing is stored any more."""
        with self._lock:
            self._entries, self._by_id, self._layouts, self._unsaved = {}, {}, {}, {}
            self.generation += 1

    def forget(self, before: float, most: int) -> tuple[list[int], int]:
        """Forget series whose newest sample is from before a time, and those that ended first when there are too many.

        Returns the numbers of all, and how many were too many.
        """
        with self._lock:
            for entry in self._entries.values():
                entry.settle()
            by_end = sorted(self._entries.values(), key=lambda entry: entry.last[0])
            many = len(by_end) - most
            gone = [entry for at, entry in enumerate(by_end) if at < many or entry.last[0] < before]
            if gone:
                self._layouts.clear()
                for entry in gone:
                    del self._entries[entry.text], self._by_id[entry.id]
                    self._unsaved.pop(entry.id, None)
                for entry in self._entries.values():
                    entry.layouts = []
            return [entry.id for entry in gone], sum(entry.last[0] >= before for entry in gone)

    def step_back(self, now: float) -> None:
        """Let the newest samples be from now, where they are of what is the future since the clock was set back."""
        with self._lock:
            self._drop_layouts()
            for entry in self._entries.values():
                entry.last = (min(entry.last[0], now), entry.last[1])

    def frame(self, batch: Batch, refused: Container[str]) -> Frame:
        """Return a batch as it is stored, without the samples that are refused; doing so again changes nothing."""
        samples = batch.samples
        if refused:
            samples = {key: value for key, value in samples.items() if key not in refused}
        values = array("d", samples.values())
        with self._lock:
            layout = self._layout(batch, tuple(samples))
            layout.note(batch.timestamp, values)
            if batch.interval is None:
                _arrived(layout, batch.timestamp)
        return Frame(batch.timestamp, batch.interval or 0.0, layout.ids, values.tobytes())

    def entry(self, text: str) -> Entry | None:
        """Return the series that is written so, None when nothing of it is stored."""
        return self._entries.get(text)

    def by_id(self, id: int) -> Entry | None:
        """Return the series with this number."""
        return self._by_id.get(id)

    def known(self, match: Callable[[Series], bool] | None) -> list[Known]:
        """Return what is known of every series that matches (None: of all), sorted by text."""
        with self._lock:
            chosen = [entry for entry in self._entries.values() if match is None or match(entry.series)]
            return [entry.known() for entry in sorted(chosen, key=attrgetter("text"))]

    def __len__(self) -> int:
        return len(self._entries)

    def save_new(self, connection: sqlite3.Connection) -> list[Entry]:
        """Store the series that were not; return them for `saved`, once that is committed."""
        with self._lock:
            fresh = list(self._unsaved.values())
        self.save(connection, fresh)
        return fresh

    def saved(self, entries: Iterable[Entry]) -> None:
        """Take note that these are stored."""
        with self._lock:
            for entry in entries:
                self._unsaved.pop(entry.id, None)

    def save(self, connection: sqlite3.Connection, entries: Iterable[Entry] | None = None) -> None:
        """Store what is known of series, of all when none are given."""
        with self._lock:
            rows = []
            for entry in list(self._entries.values()) if entries is None else entries:
                entry.settle()
                rows.append(
                    (entry.id, entry.text, entry.counter, entry.interval, entry.source, entry.first, *entry.last)
                )
        connection.executemany("INSERT OR REPLACE INTO series VALUES (?, ?, ?, ?, ?, ?, ?, ?)", rows)

    def _layout(self, batch: Batch, keys: tuple[str, ...]) -> Layout:
        resource = tuple(batch.resource.items())
        layout = self._layouts.get((batch.source, resource, keys))
        if layout is None:
            if len(self._layouts) >= _LAYOUTS:
                self._drop_layouts()
            entries = [self._intern(key, batch) for key in keys]
            layout = self._layouts[batch.source, resource, keys] = Layout(batch, entries)
            for entry in entries:
                entry.layouts.append(layout)
        elif layout.interval == batch.interval:
            return layout
        layout.interval = batch.interval
        for entry in layout.entries:
            entry.source = batch.source
            if batch.interval is not None:
                entry.interval, entry.arrivals = batch.interval, None
        return layout

    def _drop_layouts(self) -> None:
        for entry in self._entries.values():
            entry.settle()
            entry.layouts = []
        self._layouts.clear()

    def _intern(self, key: str, batch: Batch) -> Entry:
        series = Series.parse(key).merged(batch.resource)
        text = str(series)
        entry = self._entries.get(text)
        if entry is None:
            is_counter = self._is_counter(series.name)
            if self._next > LAST_ID:
                self._tell_full(text)
                return Entry(0, text, is_counter, batch.source, batch.timestamp)  # nobody's number: it is left out
            entry = Entry(self._next, text, is_counter, batch.source, batch.timestamp)
            self._next += 1
            self._entries[text] = self._by_id[entry.id] = self._unsaved[entry.id] = entry
        return entry

    def _tell_full(self, text: str) -> None:
        if not self._full:
            log.error(
                "no number is left for a further series: %s and all that are new are not stored; stop, and move"
                " history.db away, to begin anew",
                text[:200],
            )
        self._full = True


def _arrived(layout: Layout, time: float) -> None:
    """Take the usual distance of the last arrivals for the interval of series that declare none."""
    for entry in layout.entries:
        arrivals = entry.arrivals
        if arrivals is None:
            arrivals = entry.arrivals = deque(maxlen=_ARRIVALS)
        if not arrivals or time > arrivals[-1]:
            arrivals.append(time)
            if len(arrivals) == _ARRIVALS:
                _, shorter, longer, _ = sorted(later - earlier for earlier, later in pairwise(arrivals))
                entry.interval = (shorter + longer) / 2
