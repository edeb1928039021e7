"""What Last-Event-ID promises, to hold against what a viewer got: each event once and in order, or a gap before it."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from fnmatch import fnmatchcase
from operator import attrgetter
from typing import NamedTuple

from dashboard.archive import subject_of
from dashboard.eventlog import Entry, EventId, MemoryLog
from dashboard.events import KEPT, Event, Metrics
from dashboard.filters import Filter
from tests.occurrences import Seen, line, metrics, notice, system, task

MINE = "local"
"""The principal who looks."""


def samples(entry: Entry) -> dict[str, float]:
    return entry.event.samples if isinstance(entry.event, Metrics) else {}


def of_one_source(one: Entry, other: Entry) -> bool:
    """Tell whether both are metrics of one source and one resource."""
    first, second = one.event, other.event
    if not (isinstance(first, Metrics) and isinstance(second, Metrics)):
        return False
    return (first.source, first.resource) == (second.source, second.resource)


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
    "a of another": lambda: metrics(source="web-1/disk", a=1.0),
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
    skipped: int | None

    @property
    def conflated(self) -> bool:
        """Whether it tells of events that later ones make superfluous, not of such as nobody has any more."""
        return self.reason == "slow" and self.types == ["metrics"] and self.skipped is not None

    def covers(self, entry: Entry) -> bool:
        """Tell whether it says that an event was not sent."""
        return self.after < entry.id < self.before and entry.type in self.types


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
        self.uncounted: list[Missed] = []
        """Gaps of this connection that tell a count, of whose events some may still come."""
        self.astray: list[tuple[EventId, EventId]] = []
        """Where it came back without knowing its last id: nobody can tell what of the kept events it is owed."""
        self.unknowable: set[EventId] = set()
        """What a run could neither store nor note on the disk that it lacks: the next knows nothing of it."""

    def shown(self, entry: Entry) -> set[str]:
        """Return the series that this viewer is shown of an event."""
        return {name for name in samples(entry) if not self.match or any(fnmatchcase(name, one) for one in self.match)}

    def wants(self, entry: Entry) -> bool:
        """Tell whether an event is for this viewer."""
        return self._of_filter(entry) and entry.to in (None, MINE)

    def take(self, event: Seen, *, first: bool = False) -> None:
        """Take what came next; `first` on its connection."""
        assert (event.type == "hello") == first
        if first:
            self.uncounted.clear()  # of one that broke after its gap all may come once more
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
            self._count(id)

    def _miss(self, told: dict[str, object]) -> None:
        after, before = (EventId.parse(str(told[key])) for key in ("after", "before"))
        types, reason, skipped = told["types"], str(told["reason"]), told.get("skipped")
        assert isinstance(types, list) and types and after < before
        assert self.filter.types is None or set(types) <= self.filter.types
        assert isinstance(skipped, int | None) and (skipped is None or reason == "slow")
        if set(types) & KEPT.keys():
            assert reason in ("retention", "not_stored"), "what a disk keeps is lost in no other way"
        gap = Missed(after, before, types, reason, skipped)
        self.gaps.append(gap)
        if skipped is not None:
            self.uncounted.append(gap)

    def _count(self, upto: EventId) -> None:
        """Hold the counts that gaps told to what was left out, once all has come that could come of it."""
        for gap in [gap for gap in self.uncounted if gap.before <= upto]:
            self.uncounted.remove(gap)
            begin = bisect_right(self.history, gap.after, key=attrgetter("id"))
            end = bisect_left(self.history, gap.before, key=attrgetter("id"))
            left_out = [one for one in self.history[begin:end] if one.type in gap.types and self.wants(one)]
            left_out = [one for one in left_out if one.id not in self.got]
            assert len(left_out) == gap.skipped, (gap, [(one.id, one.type) for one in left_out])

    def hold_to_the_promise(self, upto: EventId, since: EventId | None = None) -> None:
        """Raise AssertionError when an event up to an id, of all or `since` another, was lost without a word."""
        begin = since or self.begin
        assert begin is not None
        first, end = (bisect_right(self.history, id, key=attrgetter("id")) for id in (begin, upto))
        got = set(self.got[bisect_right(self.got, begin) : bisect_right(self.got, upto)])
        for place in range(first, end):
            entry = self.history[place]
            if entry.id in got:
                assert self.wants(entry)
            elif self.wants(entry) and (since is None or subject_of(entry) is None):
                # (A newer state replaces the old one on the disk a moment before it can be read itself.)
                covered = self._is_covered(entry) or self._is_conflated(
                    entry, self.history[place + 1 :] if since is None else None
                )
                assert covered, (entry.id, entry.type, self.gaps)
            got.discard(entry.id)
        assert not got, "what never was came"

    def _is_covered(self, entry: Entry) -> bool:
        covered = any(gap.covers(entry) for gap in self.gaps if not gap.conflated)
        # Whoever does not ask for metrics is told of no gap in what no disk keeps.
        untold = entry.type not in KEPT and not self.filter.losable
        astray = entry.type in KEPT and any(last < entry.id <= here for last, here in self.astray)
        return covered or untold or astray or entry.id in self.unknowable or self._is_replaced(entry)

    def _is_conflated(self, entry: Entry, later: Sequence[Entry] | None) -> bool:
        """Tell whether it was told to be superfluous, and of those `later`, if they are known, one shows that it is.

        That one holds all its series, and came; or was lost after it was counted upon, and told to be.
        """
        if not any(gap.covers(entry) for gap in self.gaps if gap.conflated):
            return False
        return later is None or any(
            self.shown(entry) <= self.shown(other)
            and of_one_source(entry, other)
            and (other.id in self.got or self._is_covered(other))
            for other in later
        )

    def _is_replaced(self, entry: Entry) -> bool:
        """Tell whether it is a state, as of a task, that has a newer one."""
        subject = subject_of(entry)
        later = (other for other in reversed(self.history) if other.id > entry.id)
        return subject is not None and any(subject_of(other) == subject for other in later)
