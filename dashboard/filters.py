"""What a viewer wants of the stream: types × selectors. Equal filters share one object, and so all work of choosing."""

from __future__ import annotations

from collections.abc import Sequence, Set

import msgspec

from dashboard.errors import InvalidParameter
from dashboard.eventlog import Entry
from dashboard.events import KEPT, TYPES, Metrics
from dashboard.model import Series
from dashboard.selector import Selector, Selectors, parse_all

_MAX_VERDICTS = 50_000
_UNKEPT = ("metrics", "processes")
_ALTERNATIVES = 4


class Filter:
    """Types (None: all) and selectors (none: all series). Selectors trim `metrics` and touch no other type."""

    __slots__ = ("_held", "_most", "_union", "_verdicts", "key", "selectors", "types")

    def __init__(self, types: frozenset[str] | None, selectors: frozenset[Selector], most: int = _MAX_VERDICTS) -> None:
        """Remember which series are chosen, of at most so many and those of one event."""
        self.types, self.selectors = types, selectors
        self._most, self._held = most, 0
        self.key = (types, selectors)
        self._union = Selectors(selectors)
        self._verdicts: dict[tuple[str, tuple[tuple[str, str], ...]], dict[str, bool]] = {}

    @classmethod
    def parse(
        cls, types: str | None, match: list[str], series: int = 0, max_series: int = _MAX_VERDICTS // 2
    ) -> Filter:
        """Read the query's `types` (comma-separated) and `match`; raise InvalidParameter or SelectorSyntaxError.

        `series` is how many there are to choose from, `max_series` how many there may ever be at once.
        """
        wanted = None
        if types:
            wanted = frozenset(types.split(","))
            if unknown := sorted(wanted - TYPES):
                raise InvalidParameter(
                    "types", f"no such type: {unknown[0][:80]!r}; there are {', '.join(sorted(TYPES))}"
                )
        # Twice as many as are held: what comes has room, and what has left is forgotten seldom, for all is then.
        return cls(wanted, frozenset(parse_all(match, series)), 2 * max_series)

    @property
    def losable(self) -> tuple[str, ...]:
        """The types of this filter that a gap names: those that no disk keeps; none for a filter without `metrics`."""
        if self.types is None:
            return _UNKEPT
        return tuple(name for name in _UNKEPT if name in self.types) if "metrics" in self.types else ()

    @property
    def kept(self) -> frozenset[str]:
        """The types of this filter that are kept on disk."""
        return frozenset(KEPT) if self.types is None else self.types & KEPT.keys()

    def superseded(self, entries: Sequence[Entry]) -> set[int]:
        """Return which of these, by their place, are `metrics` that a later one of their source makes superfluous.

        It does when it holds all series that this filter shows of the earlier one.
        """
        later: dict[tuple[str, tuple[tuple[str, str], ...]], list[Set[str]]] = {}
        superseded = set()
        for index in range(len(entries) - 1, -1, -1):
            event = entries[index].event
            if not isinstance(event, Metrics) or (self.types is not None and "metrics" not in self.types):
                continue
            shown = (self.trim(event) if self.selectors else event.samples).keys()
            if not shown:
                continue
            alternatives = later.setdefault((event.source, tuple(event.resource.items())), [])
            if any(shown <= other for other in alternatives):
                superseded.add(index)
            else:
                alternatives[_ALTERNATIVES - 1 :] = [shown]
        return superseded

    def frame(self, entry: Entry) -> bytes:
        """Return what this filter shows of an entry, as an SSE frame; empty when that is nothing."""
        if self.types is not None and entry.type not in self.types:
            return b""
        if not self.selectors or not isinstance(entry.event, Metrics):
            return entry.frame
        samples = self.trim(entry.event)
        if len(samples) == len(entry.event.samples):
            return entry.frame
        return entry.frame_of(msgspec.structs.replace(entry.event, samples=samples)) if samples else b""

    def trim(self, event: Metrics) -> dict[str, float]:
        """Return the samples of the series that the selectors choose."""
        origin = (event.source, tuple(event.resource.items()))
        if self._held > self._most:
            self._verdicts, self._held = {}, 0
        verdicts = self._verdicts.setdefault(origin, {})
        before = len(verdicts)
        chosen = {}
        for key, value in event.samples.items():
            verdict = verdicts.get(key)
            if verdict is None:
                series = Series.parse(key).merged(event.resource)
                verdict = verdicts[key] = self._union.match(series)
            if verdict:
                chosen[key] = value
        self._held += len(verdicts) - before
        return chosen
