"""What Last-Event-ID promises, to hold against what a viewer got: each event once and in order, or a gap before it."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Sequence
from operator import attrgetter
from typing import NamedTuple

from dashboard.eventlog import Entry, EventId, MemoryLog
from dashboard.events import KEPT, Event, Metrics, Task
from dashboard.filters import Filter
from tests.occurrences import Seen, line, metrics, notice, system, task

MINE = "local"
"""The principal who looks."""


def samples(entry: Entry) -> dict[str, float]:
    return entry.event.samples if isinstance(entry.event, Metrics) else {}


FILTERS: list[tuple[str | None, list[str], Callable[[Entry], bool]]] = [
    (None, [], lambda entry: True),
    ("metrics", [], lambda entry: entry.type == "metrics"),
    ("system", [], lambda entry: entry.type == "system"),
    ("log,task", [], lambda entry: entry.type in ("log", "task")),
    ("metrics,notification,log", ["a"], lambda entry: entry.type in ("notification", "log") or "a" in samples(entry)),
    (None, ["a"], lambda entry: entry.type != "metrics" or "a" in samples(entry)),
    ("metrics", ["b*"], lambda entry: "b" in samples(entry)),
]

MADE: dict[str, Callable[[], Event]] = {
    "a": lambda: metrics(a=1.0, c=2.0),
    "b": lambda: metrics(b=1.0, c=2.0),
    "both": lambda: metrics(a=1.0, b=1.0, c=2.0),
    "system": system,
    "log": line,
    "task 1": lambda: task("one"),
    "task 2": lambda: task("two"),
    "to all": notice,
    "to me": lambda: notice(to=MINE),
    "to another": lambda: notice(to="bob"),
}


class Missed(NamedTuple):
    """A gap as a viewer was told it."""

    after: EventId
    before: EventId
    types: list[str]
    reason: str


class RecordedLog(MemoryLog):
    """A log that notes all that could ever be read in it."""

    history: list[Entry]

    def admit(self, entries: Sequence[Entry]) -> None:
        self.history += entries
        super().admit(entries)


class Witness:
    """Holds what one viewer was given, over all its connections, to the promise."""

    def __init__(self, number: int, history: list[Entry]) -> None:
        """`number` is that of its filter; `history` all that could ever be read."""
        self.types, self.match, self._of_filter = FILTERS[number]
        self.filter = Filter.parse(self.types, self.match)
        self.history = history
        self.begin: EventId | None = None
        self.last: EventId | None = None
        self.got: list[EventId] = []
        self.gaps: list[Missed] = []
        self.astray: list[tuple[EventId, EventId]] = []
        """Where it came back without knowing its last id: nobody can tell what of the kept events it is owed."""

    def wants(self, entry: Entry) -> bool:
        """Tell whether an event is for this viewer."""
        return self._of_filter(entry) and entry.to in (None, MINE)

    def take(self, event: Seen, *, first: bool = False) -> None:
        """Take what came next; `first` on its connection."""
        assert (event.type == "hello") == first
        if event.type == "hello" and self.begin is None:
            self.begin = self.last = EventId.parse(str(event.data["newest"]))
        if event.type == "gap":
            self._miss(event.data)
        if event.id:
            id = EventId.parse(event.id)
            assert self.last is None or id > self.last or self.gaps
            assert not self.got or id > self.got[-1], "it came twice, or out of order"
            before, self.last = self.got[-1] if self.got else self.begin, id
            self.got.append(id)
            self.hold_to_the_promise(id, since=before)

    def _miss(self, told: dict[str, object]) -> None:
        after, before = (EventId.parse(str(told[key])) for key in ("after", "before"))
        types, reason = told["types"], str(told["reason"])
        assert isinstance(types, list) and types and after < before
        assert self.filter.types is None or set(types) <= self.filter.types
        if set(types) & KEPT.keys():
            assert reason in ("retention", "not_stored"), "what a disk keeps is lost in no other way"
        self.gaps.append(Missed(after, before, types, reason))

    def hold_to_the_promise(self, upto: EventId, since: EventId | None = None) -> None:
        """Raise AssertionError when an event up to an id, of all or `since` another, was lost without a word."""
        begin = since or self.begin
        assert begin is not None
        first, end = (bisect_right(self.history, id, key=attrgetter("id")) for id in (begin, upto))
        got = set(self.got[bisect_right(self.got, begin) : bisect_right(self.got, upto)])
        for entry in self.history[first:end]:
            if entry.id in got:
                assert self.wants(entry)
            elif self.wants(entry) and (since is None or not isinstance(entry.event, Task)):
                # (A task's newer state replaces the old one on the disk a moment before it can be read itself.)
                assert self._is_covered(entry), (entry.id, entry.type, self.gaps)
            got.discard(entry.id)
        assert not got, "what never was came"

    def _is_covered(self, entry: Entry) -> bool:
        covered = any(gap.after < entry.id < gap.before and entry.type in gap.types for gap in self.gaps)
        # Whoever does not ask for metrics is told of no gap in what no disk keeps.
        untold = entry.type not in KEPT and not self.filter.losable
        astray = entry.type in KEPT and any(last < entry.id <= here for last, here in self.astray)
        return covered or untold or astray or self._is_replaced(entry)

    def _is_replaced(self, entry: Entry) -> bool:
        """Tell whether it is a state of a task that has a newer one."""
        name = entry.event.task if isinstance(entry.event, Task) else None
        later = (other for other in reversed(self.history) if other.id > entry.id)
        return name is not None and any(isinstance(other.event, Task) and other.event.task == name for other in later)
