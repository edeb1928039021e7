"""The program about itself: how it is doing as JSON, and a page that shows it."""

from __future__ import annotations

from collections import Counter

import msgspec
from quart import Response

from dashboard import __version__
from dashboard.collectors import CollectorState, storage
from dashboard.collectors.itself import CPU, LAG, MEMORY
from dashboard.model import Family, Role, Series
from dashboard.runtime import Runtime
from dashboard.web.pages import rendered
from dashboard.web.routing import Context, Route, json_response

MOST_VIEWERS = 100
"""Viewers that are listed at most: those with the most streams."""


class StatusViewer(msgspec.Struct, frozen=True, omit_defaults=True):
    """Who looks, with how many streams; admins are told the address, too."""

    principal: str
    streams: int
    address: str | None = None


class StatusLog(msgspec.Struct, frozen=True):
    """What the log holds, from id to id, and its bounds in events and in seconds."""

    oldest: str
    newest: str
    events: int
    max_events: int
    max_age: float


class StatusProcess(msgspec.Struct, frozen=True):
    """What the process takes; null when that is not collected.

    `loop_lag` is the longest delay of the event loop, in seconds, within the last interval of the collector.
    """

    cpu_ratio: float | None
    resident_bytes: float | None
    loop_lag: float | None


class StatusStorage(msgspec.Struct, frozen=True):
    """What is kept on disk, in bytes, and how much room there is; null when that is not known.

    `trouble` is why points and logs are not stored at present, null while they are.
    """

    history_bytes: float | None
    state_bytes: float | None
    free_bytes: float | None
    trouble: str | None


class Status(msgspec.Struct, frozen=True, kw_only=True):
    """How the program is doing. Counts are since the start, times Unix seconds."""

    version: str
    instance: str
    server_time: float
    started_at: float
    heartbeat_interval: float
    insecure: bool
    streams: int
    slowest: int
    users: int
    viewers: tuple[StatusViewer, ...]
    published: dict[str, int]
    conflated: int
    gaps: dict[str, int]
    resumes: int
    streams_refused: dict[str, int]
    streams_aborted: int
    bytes_sent: int
    log: StatusLog
    series: int
    max_series: int
    refused: int
    unstored: int
    storage: StatusStorage
    process: StatusProcess
    collectors: tuple[CollectorState, ...]
    board_fault: str | None


async def status(context: Context) -> Response:
    """Tell how the program itself is doing."""
    runtime = context.runtime
    delivery = runtime.delivery()
    return json_response(
        Status(
            version=__version__,
            instance=runtime.instance,
            server_time=runtime.clock.wall(),
            started_at=runtime.started_at,
            heartbeat_interval=runtime.settings.heartbeat_interval,
            insecure=runtime.settings.insecure,
            streams=delivery.streams,
            slowest=delivery.behind,
            users=len(runtime.tally.viewers),
            viewers=_viewers(context),
            published=dict(delivery.published),
            conflated=delivery.conflated,
            gaps=dict(delivery.gaps),
            resumes=delivery.resumes,
            streams_refused=dict(delivery.refused),
            streams_aborted=delivery.aborted,
            bytes_sent=runtime.tally.bytes_sent,
            log=_log(runtime),
            series=len(runtime.window),
            max_series=runtime.settings.max_series,
            refused=runtime.window.refused,
            unstored=len(runtime.broadcaster.unstored),
            storage=_storage(runtime),
            process=StatusProcess(_newest(runtime, CPU), _newest(runtime, MEMORY), _newest(runtime, LAG)),
            collectors=tuple(runtime.states()),
            board_fault=runtime.board_fault,
        )
    )


async def status_page(context: Context) -> Response:
    """Show how the program itself is doing."""
    return await rendered(context, "status.html", page="status")


def _viewers(context: Context) -> tuple[StatusViewer, ...]:
    viewers = context.runtime.tally.viewers
    if context.principal.role.allows(Role.ADMIN):
        most = sorted(viewers.items(), key=lambda item: (-item[1], item[0]))[:MOST_VIEWERS]
        return tuple(StatusViewer(who.principal, streams, who.address) for who, streams in most)
    principals: Counter[str] = Counter()
    for who, streams in viewers.items():
        principals[who.principal] += streams
    return tuple(StatusViewer(name, streams) for name, streams in principals.most_common(MOST_VIEWERS))


def _log(runtime: Runtime) -> StatusLog:
    bounds, settings = runtime.log.bounds(), runtime.settings
    held = runtime.log.end - runtime.log.start
    return StatusLog(str(bounds.floor), str(bounds.newest), held, settings.log_events, settings.log_age)


def _storage(runtime: Runtime) -> StatusStorage:
    history, state = (_newest(runtime, storage.SIZE, database=name) for name in storage.DATABASES)
    return StatusStorage(history, state, _newest(runtime, storage.FREE), runtime.disk.history.trouble())


def _newest(runtime: Runtime, family: Family, **labels: str) -> float | None:
    """Return the newest value of one of the program's own metrics; None when it is stale or not there."""
    line = runtime.window.line(str(Series(family.name, tuple(labels.items())).merged({"instance": runtime.instance})))
    if line is None or runtime.clock.wall() - line.last[0] > 2 * (line.interval or 0) + 1:
        return None
    return line.last[1]


ROUTES = (
    Route("/api/v1/status", Role.VIEWER, status),
    Route("/status", Role.VIEWER, status_page),
)
