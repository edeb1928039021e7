"""The latest of every task: progress and rate reckoned, silence noticed, bounded in number and in events."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Awaitable, Callable, Collection, Iterable
from contextlib import suppress
from typing import TypeVar

import msgspec
from msgspec import UNSET, UnsetType
from msgspec.structs import replace

from dashboard.archive import NONE, Kept
from dashboard.errors import StorageError
from dashboard.eventlog import EventId
from dashboard.events import Task, TaskState
from dashboard.ingest.items import refusal
from dashboard.ingest.tasks import PushedTask, Telling, last_lines
from dashboard.model import Clock

MAX_TASKS = 1_000
"""Tasks held at most; a finished one makes room for a new one."""

INTERVAL = 30.0
"""Seconds until a task is to be heard of again, unless it says otherwise."""

SILENT = 3.0
"""Intervals of silence after which a running task is lost."""

CALM = 0.5
"""Seconds between two events of one task at least, save when its state changes."""

_BLIND = 2.0  # seconds between two ticks after which it was this process that did not listen
_SMOOTH = 10.0  # seconds over which the rate is averaged
_SHORTEST = 0.1  # seconds below which a rate would be noise

_TYPE = str(Task.__struct_config__.tag)
_PAGE = 500  # events read from the disk at once

T = TypeVar("T")


class TaskList:
    """Take what programs tell; return events to publish. All calls come from one thread, `tick` every half second."""

    def __init__(self, clock: Clock, *, max_tasks: int = MAX_TASKS) -> None:
        self._clock, self._max_tasks = clock, max_tasks
        self._held: dict[tuple[str, str], _Held] = {}  # those heard of last stand last
        self._ticked = clock.monotonic()

    def __len__(self) -> int:
        return len(self._held)

    def tasks(self) -> list[Task]:
        """Return the latest of every task, those heard of last first."""
        return [held.task for held in reversed(self._held.values())]

    def put(self, telling: Telling) -> Task | None:
        """Take what a program tells; return the event of it, None when `tick` will give it.

        Raises InvalidInput when there is no room for one more task.
        """
        key = (telling.instance, telling.task)
        held = self._held.pop(key, None)
        if held is None:
            self._make_room()
            held = _Held(None)
        self._held[key] = held
        return held.hear(telling, self._clock)

    def tick(self) -> list[Task]:
        """Return the events that are due: of those that fell silent, and of what waited for calm."""
        now, due = self._clock.monotonic(), []
        if (away := now - self._ticked) > _BLIND:
            for held in self._held.values():
                held.heard += away  # nothing could be heard in that time
        self._ticked = now
        for held in self._held.values():
            task = held.look(now, self._clock.wall())
            if task is not None:
                due.append(task)
        return due

    def restore(self, tasks: Iterable[Task]) -> None:
        """Know again what an earlier run knew, the oldest first; silence counts from now.

        Of too many those are left that run, then the newest.
        """
        now = self._ticked = self._clock.monotonic()
        known = {(task.resource.get("instance", ""), task.task): _Held(task, now) for task in tasks}
        known = {key: held for key, held in known.items() if key not in self._held}
        surplus = max(0, len(known) + len(self._held) - self._max_tasks)
        for key in sorted(known, key=lambda key: known[key].task.state == "running")[:surplus]:
            del known[key]
        self._held = {**known, **self._held}

    def _make_room(self) -> None:
        if len(self._held) < self._max_tasks:
            return
        ended = next((key for key, held in self._held.items() if held.task.state != "running"), None)
        if ended is None:
            raise refusal("too_many_tasks", f"{self._max_tasks} tasks are running, which is as many as are held")
        del self._held[ended]


Stored = Callable[[EventId, EventId, Collection[str], int], Awaitable[list[Kept]]]
"""Gives kept events from the disk: after an id, up to another, of some types, at most so many; as Archive.read."""


async def restore(tasks: TaskList, stored: Stored, upto: EventId) -> None:
    """Let `tasks` know again what the disk holds of earlier runs, which ended at the id `upto`."""
    running: deque[Task] = deque(maxlen=MAX_TASKS)
    ended: deque[Task] = deque(maxlen=MAX_TASKS)
    after = NONE
    while True:
        try:
            rows = await stored(after, upto, {_TYPE}, _PAGE)
        except StorageError:
            break  # which whoever stores has told
        for row in rows:
            with suppress(msgspec.DecodeError):  # as an earlier version wrote it
                task = msgspec.json.decode(row.data, type=Task)
                (running if task.state == "running" else ended).append(task)
        if len(rows) < _PAGE:
            break
        after = rows[-1].id
    tasks.restore(sorted([*running, *ended], key=lambda task: task.timestamp))


class _Held:
    """One task: its latest event, when it was heard of and published, and how fast it goes."""

    __slots__ = ("_known", "_published", "_rate", "_waits", "heard")

    def __init__(self, task: Task | None, heard: float = 0.0) -> None:
        self._known, self.heard = task, heard
        self._published, self._waits, self._rate = -math.inf, False, _Rate()

    @property
    def task(self) -> Task:
        assert self._known is not None, "nothing was heard of it yet"
        return self._known

    def hear(self, telling: Telling, clock: Clock) -> Task | None:
        """Take what is told; return the event when it is due at once."""
        now = self.heard = clock.monotonic()
        old = self._known
        if _begins_anew(old, telling.pushed):
            old, self._rate = None, _Rate()
        task = _merged(old, telling, clock.wall())
        if task.done is not None and task.state == "running":
            self._rate.add(task.done, now)
        task = replace(task, rate=self._rate.value if task.done is not None else None)
        if old is not None and old.state == task.state != "running" and replace(task, timestamp=old.timestamp) == old:
            return None  # the same end, told again
        changed = old is None or old.state != task.state
        self._known = task
        if changed or now - self._published >= CALM:
            return self._publish(now)
        self._waits = True
        return None

    def look(self, now: float, wall: float) -> Task | None:
        """Return the event that is due, if there is one."""
        if self.task.state == "running" and now - self.heard > SILENT * self.task.interval:
            self._known = replace(self.task, state="lost", timestamp=wall)
            return self._publish(now)
        return self._publish(now) if self._waits and now - self._published >= CALM else None

    def _publish(self, now: float) -> Task:
        self._published, self._waits = now, False
        return self.task


class _Rate:
    """Units per second, smoothed; at the beginning the mean of all."""

    __slots__ = ("_at", "_began", "_done", "value")

    def __init__(self) -> None:
        self.value: float | None = None
        self._began = self._at = self._done = math.nan

    def add(self, done: float, now: float) -> None:
        if not done >= self._done:  # the first, or it began again
            self._began, self._at, self._done, self.value = now, now, done, None
            return
        span = now - self._at
        if span < _SHORTEST:
            return
        rate = (done - self._done) / span
        weight = max(1 - math.exp(-span / _SMOOTH), span / (now - self._began))
        smooth = rate if self.value is None else self.value + weight * (rate - self.value)
        self.value = float(f"{smooth:.4g}")
        self._at, self._done = now, done


def _begins_anew(old: Task | None, pushed: PushedTask) -> bool:
    return old is not None and old.state in ("completed", "failed") and pushed.state == "running"


def _merged(old: Task | None, telling: Telling, wall: float) -> Task:
    """Return what is known of a task from now on; what is not told stays as in `old`."""
    pushed = telling.pushed
    known = old or Task(
        timestamp=wall,
        source=f"{telling.instance}/push",
        resource={"instance": telling.instance},
        task=telling.task,
        state="running",
        interval=INTERVAL,
        started_at=wall,
    )
    done, total = _told(pushed.done, known.done), _told(pushed.total, known.total)
    state: TaskState = pushed.state if pushed.state is not UNSET else known.state
    if state == "lost":
        state = "running"
    started_at = _told(pushed.started_at, known.started_at)
    return replace(
        known,
        timestamp=wall,
        source=f"{telling.instance}/{telling.source}" if telling.source else known.source,
        state=state,
        title=_told(pushed.title, known.title) or "",
        message=_told(pushed.message, known.message) or "",
        progress=_progress(pushed, known, done, total),
        done=done,
        total=total,
        unit=_told(pushed.unit, known.unit) or "",
        interval=_told(pushed.interval, known.interval),
        started_at=started_at,
        ended_at=_ended_at(pushed, known, state, max(wall, started_at)),
        exit_code=_told(pushed.exit_code, known.exit_code),
        output=known.output if pushed.output is UNSET else tuple(last_lines(pushed.output or "")),
    )


def _told(told: T | UnsetType, known: T) -> T:
    return known if isinstance(told, UnsetType) else told


def _progress(pushed: PushedTask, known: Task, done: float | None, total: float | None) -> float | None:
    """Return the progress told, else the share that is done; None when that is no share."""
    if isinstance(pushed.progress, int | float):
        return float(pushed.progress)
    if pushed.progress is UNSET and pushed.done is UNSET and pushed.total is UNSET:
        return known.progress
    if done is None or not total or done > total:
        return None
    return done / total


def _ended_at(pushed: PushedTask, known: Task, state: TaskState, now: float) -> float | None:
    if state == "running":
        return None
    told = now if isinstance(pushed.ended_at, UnsetType) else pushed.ended_at
    if known.state == state and known.ended_at is not None and isinstance(pushed.ended_at, UnsetType):
        return known.ended_at
    return max(told, _told(pushed.started_at, known.started_at))
