"""Which frames of a page tell of it: those for which the machine had brought all samples in time."""

from __future__ import annotations

import math

from tests.browser.glass import Frame, Glass, allowed, frames, until

NOTE_ARRIVALS = """(() => {
    window.ids = [];
    window.arrived = [];
    const types = ["metrics", "processes", "system"];
    const note = (event) => {
        if (!types.includes(event?.type)) return;
        const { id, type, timestamp, source, interval } = event;
        ids.push([id, timestamp]);
        const wrong = Math.round((timestamp - recorded.unix()) / 3600) * 3600;
        if (interval) arrived.push([recorded.unix(), source, timestamp - wrong, interval]);
    };
    window.SharedWorker = class extends SharedWorker {
        constructor(...parts) {
            super(...parts);
            this.port.addEventListener("message", ({ data }) => note(data.event));
        }
    };
    window.EventSource = class extends EventSource {
        constructor(...parts) {
            super(...parts);
            for (const type of types) this.addEventListener(type, ({ data }) => note(JSON.parse(data)));
        }
    };
})()"""
"""Of either way that events take to a page; it must have been opened with recorder.js, too."""


def in_time(arrived: list[tuple[float, str, float, float]], now: float) -> bool:
    """Tell whether no source's newest sample was near its end; on a busy machine some truly are late.

    After a hole of over two intervals a counter has no rate yet, so that sample is not counted.
    """
    taken: dict[str, float] = {}
    newest: dict[str, float] = {}
    for at, source, true, interval in arrived:
        if at <= now:
            if true - taken.get(source, -math.inf) < 2 * interval + 0.1 or source not in newest:
                newest[source] = true + allowed(interval)
            taken[source] = true
    return now < min(newest.values(), default=-math.inf) - 0.6


async def frames_in_time(glass: Glass, began: float, end: float, status: str = "") -> list[Frame]:
    """Wait until a frame after `end` was in time, and has this status; return all since `began` that were in time."""
    found: list[Frame] = []

    async def enough() -> bool:
        seen = [frame for frame in await frames(glass.page) if frame.now > began]
        arrived = await glass.page.evaluate("arrived")
        found[:] = [frame for frame in seen if in_time(arrived, frame.now)]
        return bool(found) and found[-1].now > end and status in ("", found[-1].status)

    await glass.until(f"recorded.unix() > {end}", timeout=end - began + 20)
    await until(enough)
    return found
