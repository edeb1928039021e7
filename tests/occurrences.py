"""Events as tests make them, and what a viewer's bytes say."""

from __future__ import annotations

import json
from typing import NamedTuple

import httpx
from httpx_sse import EventSource

from dashboard.events import Log, Metrics, Notification, System, Task

HOST = {"instance": "web-1"}


class Seen(NamedTuple):
    """One event as a viewer got it."""

    type: str
    id: str
    data: dict[str, object]
    retry: int | None


def metrics(time: float = 0.0, *, source: str = "web-1/load", **samples: float) -> Metrics:
    """Return a collection of these samples; none: one series named `a`."""
    return Metrics(timestamp=time, source=source, interval=1.0, resource=HOST, samples=samples or {"a": 1.0})


def system(message: str = "") -> System:
    """Return an event that is no metric."""
    return System(timestamp=0.0, source="web-1/dashboard", event="changed", message=message)


def line(message: str = "said") -> Log:
    """Return a line of a log."""
    return Log(timestamp=0.0, source="web-1/shop", resource=HOST, level="info", message=message)


def task(name: str, progress: float = 0.5) -> Task:
    """Return a state of a task that runs."""
    return Task(
        timestamp=0.0,
        source="web-1/backup",
        resource=HOST,
        task=name,
        state="running",
        progress=progress,
        interval=5.0,
        started_at=0.0,
    )


def notice(title: str = "Tea", *, to: str | None = None) -> Notification:
    """Return a notice to all, or to one."""
    return Notification(timestamp=0.0, source="web-1/local", title=title, level="info", to=to)


def seen(stream: bytes) -> list[Seen]:
    """Decode a stream by httpx-sse; each frame's own `id` field, empty where it has none."""
    events = []
    for part in stream.split(b"\n\n")[:-1]:
        response = httpx.Response(200, headers={"Content-Type": "text/event-stream"}, content=part + b"\n\n")
        (event,) = EventSource(response).iter_sse()
        events.append(Seen(event.event, event.id, json.loads(event.data), event.retry))
    return events
