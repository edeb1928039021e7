"""The wire contract: every event of the stream, as typed values that encode themselves and know nothing else.

Each becomes one SSE event whose name is `type` and whose `data` is one line of JSON. Events that live in the log
get their `id` put in front of `data` by the log; control events carry none, so that they never move
Last-Event-ID. Times are Unix seconds.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from dashboard.model import ProcessRow

_encode = msgspec.json.Encoder().encode
_EXACT = 2**53  # below it a float holds every whole number


def _plain(value: float) -> float:
    return int(value) if not value % 1 and -_EXACT < value < _EXACT else value


class Event(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", omit_defaults=True):
    """Something that happened; `timestamp` is when it was true, not when it was sent."""

    timestamp: float
    source: str

    @property
    def type(self) -> str:
        """Return the name of the event on the wire."""
        return str(self.__struct_config__.tag)

    def encode(self) -> bytes:
        """Return `data` without its `id`: one line of JSON."""
        return _encode(self)


class Metrics(Event, frozen=True, kw_only=True, tag="metrics"):
    """One collection of one source: full series are `samples`' keys with the labels of `resource` merged in."""

    interval: float | None
    resource: dict[str, str]
    samples: dict[str, float]

    def encode(self) -> bytes:
        """Return `data` without its `id`; whole numbers have no fraction, which to JSON is the same and shorter."""
        samples = {key: _plain(value) for key, value in self.samples.items()}
        interval = self.interval and _plain(self.interval)
        whole = msgspec.structs.replace(self, timestamp=_plain(self.timestamp), interval=interval, samples=samples)
        return _encode(whole)


class Processes(Event, frozen=True, kw_only=True, tag="processes"):
    """The top processes of one machine by CPU and by memory."""

    interval: float | None
    resource: dict[str, str]
    rows: tuple[ProcessRow, ...]


Level = Literal["debug", "info", "warning", "error", "critical"]


class Log(Event, frozen=True, kw_only=True, tag="log"):
    """One line of a program's log."""

    resource: dict[str, str]
    level: Level
    message: str
    logger: str = ""


TaskState = Literal["running", "completed", "failed", "lost"]


class Task(Event, frozen=True, kw_only=True, tag="task"):
    """How far a piece of long work is: each event is the whole of what is known, and replaces the one before.

    `progress` is from 0 to 1, None while nobody knows; `done` of `total` are in `unit`, and `rate` is units per second.
    Nothing heard for three `interval` seconds makes a running task `lost`. `output` are the last lines of a command.
    """

    resource: dict[str, str]
    task: str
    state: TaskState
    title: str = ""
    message: str = ""
    progress: float | None = None
    done: float | None = None
    total: float | None = None
    unit: str = ""
    rate: float | None = None
    interval: float
    started_at: float
    ended_at: float | None = None
    exit_code: int | None = None
    output: tuple[str, ...] = ()


class Notification(Event, frozen=True, kw_only=True, tag="notification"):
    """A notice to all, or to the principal named in `to` alone."""

    title: str
    message: str = ""
    level: Level
    to: str | None = None


SystemEvent = Literal[
    "start",
    "stop",
    "blind",
    "collector_failed",
    "collector_recovered",
    "changed",
    "clock_step",
    "high_load",
    "load_normal",
    "not_stored",
    "storing_stopped",
    "storing_resumed",
]


class System(Event, frozen=True, kw_only=True, tag="system"):
    """Something that the program says of itself.

    `not_stored` names in `ids` events that no disk holds, and that were not named before; from `start` to `end` lie
    all that were lost of the same trouble. `step` is the seconds by which the clock was set; else from `start` to
    `end` (Unix seconds) nobody watched, or nothing was stored.
    """

    event: SystemEvent
    message: str = ""
    collector: str | None = None
    what: str | None = None
    ids: tuple[str, ...] = ()
    step: float | None = None
    start: float | None = None
    end: float | None = None


class Control(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", omit_defaults=True):
    """An event about the stream itself; never stored, never counted by Last-Event-ID."""

    @property
    def type(self) -> str:
        """Return the name of the event on the wire."""
        return str(self.__struct_config__.tag)

    def encode(self) -> bytes:
        """Return `data`: one line of JSON."""
        return _encode(self)


class Hello(Control, frozen=True, kw_only=True, tag="hello"):
    """First on every stream. `oldest` and `newest` are the bounds of the log, empty when it is."""

    version: str
    server_time: float
    heartbeat_interval: float
    resume: Literal["fresh", "resumed", "gap"]
    oldest: str
    newest: str


class Heartbeat(Control, frozen=True, kw_only=True, tag="heartbeat"):
    """Sent every `heartbeat_interval`, whatever else is sent, and at once when the server's clock was set."""

    server_time: float


GapReason = Literal["retention", "restart", "slow", "unknown_id", "not_stored"]


class Gap(Control, frozen=True, kw_only=True, tag="gap"):
    """What this viewer was not sent: everything of `types` between the ids `after` and `before`, exclusive.

    `start` and `end` (on the wire `from` and `to`) are the times to ask `query_range` for.
    """

    after: str
    before: str
    start: float | None = msgspec.field(name="from", default=None)
    end: float | None = msgspec.field(name="to", default=None)
    types: tuple[str, ...]
    reason: GapReason
    skipped: int | None = None


class Bye(Control, frozen=True, kw_only=True, tag="bye"):
    """Last on a stream that the server ends; come back after `retry_after` seconds."""

    reason: Literal["shutdown", "revoked", "busy"]
    retry_after: float


LOGGED: dict[str, type[Event]] = {
    str(kind.__struct_config__.tag): kind for kind in (Metrics, Processes, Log, Task, Notification, System)
}
"""Every type that has an id and a place in the log, by its name on the wire."""

KEPT: dict[str, Literal["history", "state"]] = {
    "log": "history",
    "task": "state",
    "notification": "state",
    "system": "state",
}
"""The types that are kept on disk, each with its database; of a task, and of one `not_stored`, the latest is."""

TYPES = frozenset({*LOGGED, "alert"})
"""Every type that a viewer may ask for. Alerts have no source yet: a filter for them is right, and quiet."""
