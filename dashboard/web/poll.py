"""Long polling: what the stream would carry, as JSON and a piece at a time, for whom a proxy holds the stream back."""

from __future__ import annotations

import asyncio
import re

import msgspec
from quart import Response

from dashboard.broadcaster import Cursor
from dashboard.errors import InvalidParameter
from dashboard.eventlog import EventId
from dashboard.events import Bye, Heartbeat, Hello
from dashboard.web.routing import JSON, Context, number

LONGEST = 30.0
"""Seconds that an answer may wait for something to happen at most."""

MOST = 1024 * 1024
"""Bytes of events after which an answer is closed; the next one goes on."""

_FRAME = re.compile(
    rb"(?:id: (?P<id>[^\n]*)\n)?event: (?P<event>[^\n]*)\n(?:retry: [0-9]+\n)?data: (?P<data>[^\n]*)\n\n"
)
_HELLO = str(Hello.__struct_config__.tag).encode()
_HEARTBEAT = str(Heartbeat.__struct_config__.tag).encode()
_BYE = str(Bye.__struct_config__.tag).encode()


def wait_of(context: Context) -> float:
    """Return the query's `wait` in seconds; raise InvalidParameter when it cannot be used."""
    wait = number(context.arg("wait") or "")
    if not 0 <= wait <= LONGEST:
        raise InvalidParameter("wait", f"must be a number of seconds from 0 to {LONGEST:g}")
    return wait if context.request.method == "GET" else 0.0


async def answer(context: Context, cursor: Cursor, wait: float) -> Response:
    """Answer with what `cursor` has to read, as soon as there is anything, or with a heartbeat after `wait` seconds."""
    tally, viewer = context.runtime.tally, context.viewer
    gathered = _Gathered()
    tally.enter(viewer)
    try:
        with cursor:
            read_all = await _gather(context, cursor, wait, gathered)
    finally:
        tally.leave(viewer)
    last = "" if read_all else gathered.last or _begun(context)
    return Response(
        gathered.json(last or str(context.runtime.log.bounds().newest)),
        200,
        {"Cache-Control": "no-store"},
        content_type=JSON,
    )


def _begun(context: Context) -> str:
    """Return the id that the question named; empty when there was none, or none that is one."""
    given = context.request.headers.get("Last-Event-ID") or context.arg("after") or ""
    try:
        return str(EventId.parse(given))
    except InvalidParameter:
        return ""


async def _gather(context: Context, cursor: Cursor, wait: float, gathered: _Gathered) -> bool:
    """Read until there is something, then on to the end or to a full answer; return whether the end was reached."""
    deadline, late = asyncio.get_running_loop().time() + wait, False
    while not cursor.ended and gathered.size < MOST:
        chunk = cursor.read()
        if chunk:
            gathered.add(chunk)
        elif cursor.needs_disk:
            await cursor.refill()
        elif not cursor.lag and gathered.news:
            return True
        elif not cursor.lag and late:
            gathered.events.append(Heartbeat(server_time=context.runtime.clock.wall()).encode())
            return True
        elif not cursor.lag:
            try:
                async with asyncio.timeout_at(deadline):
                    await cursor.changed()
            except TimeoutError:
                late = True  # and something may have come in the very same turn of the event loop
    return False


class _Gathered:
    """The events of one answer, each the `data` that a frame of the stream has."""

    def __init__(self) -> None:
        self.events: list[bytes] = []
        self.size = 0
        self.news = False
        self.last = ""
        self.retry_after: float | None = None

    def add(self, frames: bytes) -> None:
        """Take what a cursor gave."""
        for match in _FRAME.finditer(frames):
            id, event, data = match["id"], match["event"], match["data"]
            if event == _HEARTBEAT:
                continue  # its time would be old when the answer is sent, which ends with one of its own
            self.events.append(data)
            self.size += len(data)
            self.news = self.news or event != _HELLO
            if id:
                self.last = id.decode()
            if event == _BYE:
                self.retry_after = msgspec.json.decode(data, type=Bye).retry_after

    def json(self, last: str) -> bytes:
        """Return the answer's body; nothing is encoded a second time."""
        retry = b"" if self.retry_after is None else b',"retry_after":%b' % msgspec.json.encode(self.retry_after)
        return b'{"events":[%b],"last":%b%b}' % (b",".join(self.events), msgspec.json.encode(last), retry)
