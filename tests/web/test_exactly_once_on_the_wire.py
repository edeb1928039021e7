"""The promise of Last-Event-ID over sockets, by both writers: viewers stall, vanish and resume, and servers restart."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
from collections.abc import Callable, Iterator
from functools import partial
from itertools import count
from pathlib import Path

import httpx
import hypercorn.asyncio.run
import hypercorn.protocol
import msgspec
import pytest
from httpx_sse import aconnect_sse
from hypercorn.asyncio import serve
from hypothesis import given, settings
from hypothesis import strategies as st

from dashboard import runtime as program
from dashboard.broadcaster import Cursor
from dashboard.broadcaster import cursor as cursors
from dashboard.config import Settings
from dashboard.eventlog import Entry
from dashboard.events import Event
from dashboard.model import Clock
from dashboard.runtime import Runtime, running
from dashboard.web import portable_writer
from dashboard.web.app import create_app
from dashboard.web.connections import Connections, listen
from dashboard.web.crowd import Crowd
from dashboard.web.server import _config
from dashboard.web.socket_stream import SocketStream
from tests.occurrences import Seen, line, metrics
from tests.promise import FILTERS, MADE, RecordedLog, Witness

LARGE = "x" * 2000
MANY = {"a": 1.0, "b": 2.0} | {f"a{number:0200}": 1.0 for number in range(9)}
FLOODS: dict[str, Callable[[], Event]] = {
    "lines": lambda: line(LARGE),
    "samples": lambda: msgspec.structs.replace(metrics(), samples=MANY),
}
"""Events so large that a few dozen of them are more than a socket takes from a viewer that does not read."""

UNSAID = ("hello", "heartbeat", "gap", "bye")
"""Kinds of events that have no id, whatever id the client remembers."""

WHO = st.integers(0, len(FILTERS) - 1)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("publish"), st.lists(st.sampled_from(list(MADE)), min_size=1, max_size=6)),
        st.tuples(st.just("flood"), st.sampled_from(list(FLOODS))),
        st.tuples(st.sampled_from(["stall", "read", "leave", "resume", "catch_up"]), WHO),
        st.tuples(st.sampled_from(["turn", "turn", "turn", "restart"]), st.none()),
    ),
    max_size=25,
)


class Stage:
    """A server in this process, which may be started again on its data and its port."""

    def __init__(self, folder: Path, fast: bool, patch: pytest.MonkeyPatch) -> None:
        self.history: list[Entry] = []
        self.settings = Settings(
            data_dir=folder,
            port=0,
            fast_writer=fast,
            log_events=60,
            interval=300,
        )
        history = self.history

        def recorded(clock: Clock, *, max_events: int, max_age: float, begin_above: int = 0) -> RecordedLog:
            log = RecordedLog(clock, max_events=max_events, max_age=max_age, begin_above=begin_above)
            log.history = history
            return log

        patch.setattr(program, "MemoryLog", recorded)
        # Whoever did not take its bytes at once is conflated: no play lasts long enough to be seconds behind.
        patch.setattr(cursors, "CONFLATE_BEHIND", 0.0)
        patch.setattr(portable_writer, "IN_TIME", 0.0)
        self.runtime: Runtime
        self._stop = asyncio.Event()
        self._task: asyncio.Task[None]

    async def start(self) -> None:
        """Listen, on the port of last time."""
        self._stop = asyncio.Event()
        ready: asyncio.Future[Runtime] = asyncio.get_running_loop().create_future()
        self._task = asyncio.create_task(self._serve(ready))
        self.runtime = await ready

    def lags(self) -> list[int]:
        """Return how far behind each viewer of the server is."""
        return [cursor.lag for cursor in self.runtime.broadcaster.cursors]

    async def stop(self) -> None:
        """End every stream with `bye`, and all else."""
        self._stop.set()
        await self._task

    async def _serve(self, ready: asyncio.Future[Runtime]) -> None:
        listener = listen(self.settings)
        self.settings = msgspec.structs.replace(self.settings, port=listener.getsockname()[1])
        async with running(self.settings, [], None) as runtime:
            connections = Connections(runtime.tally, runtime.settings.stall_timeout)
            app = create_app(runtime)
            connections.register(app.extensions.get("opening"))

            async def until_stopped() -> None:
                ready.set_result(runtime)
                await self._stop.wait()
                runtime.end_streams()
                asyncio.get_running_loop().call_later(0.2, connections.abort)

            await serve(app, _config(listener, connections.batch, None), shutdown_trigger=until_stopped)


class Viewer(Witness):
    """A viewer of the stage, by a library's client whose sockets hold little."""

    def __init__(self, number: int, stage: Stage) -> None:
        super().__init__(number, stage.history)
        self.stage = stage
        self.reading = asyncio.Event()
        self.reading.set()
        self.open = False
        self._task: asyncio.Task[None] | None = None

    async def connect(self) -> None:
        """Open a stream behind the last id, as a browser does; return when it has begun."""
        await self.leave()
        begun = asyncio.Event()
        self._task = asyncio.create_task(self._watch(begun))
        ended = asyncio.create_task(begun.wait())
        await asyncio.wait([ended, self._task], return_when=asyncio.FIRST_COMPLETED)
        ended.cancel()

    async def leave(self) -> None:
        """Go away in the midst of whatever comes; raise what went wrong before."""
        task, self._task = self._task, None
        if task is not None:
            if task.done():
                task.result()
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task

    async def catch_up(self) -> None:
        """Read on until nothing is missing that the promise covers; raise AssertionError when that never comes."""
        self.reading.set()
        newest = self.stage.runtime.log.bounds().newest
        for _ in range(200):
            if self._task is None or self._task.done():
                await self.connect()
            with contextlib.suppress(AssertionError):
                return self.hold_to_the_promise(upto=newest)
            await asyncio.sleep(0.05)
        try:
            self.hold_to_the_promise(upto=newest)
        except AssertionError as error:
            open_ = self._task is not None and not self._task.done()
            raise AssertionError(f"{error}; last {self.last}, open {open_}, lag {self.stage.lags()}") from error

    async def _watch(self, begun: asyncio.Event) -> None:
        small = [(socket.SOL_SOCKET, socket.SO_RCVBUF, 16384)]
        params = {"types": self.types} if self.types else {}
        headers = {"Last-Event-ID": str(self.last)} if self.last is not None else {}
        url = f"http://127.0.0.1:{self.stage.settings.port}/api/v1/events"
        with contextlib.suppress(httpx.TransportError):
            async with (
                httpx.AsyncClient(transport=httpx.AsyncHTTPTransport(socket_options=small), timeout=20) as client,
                aconnect_sse(client, "GET", url, params={**params, "match": self.match}, headers=headers) as source,
            ):
                first = True
                async for event in source.aiter_sse():
                    id = "" if event.event in UNSAID else event.id
                    self.take(Seen(event.event, id, json.loads(event.data), event.retry), first=first)
                    first = False
                    begun.set()
                    await self.reading.wait()


async def play(stage: Stage, steps: list[tuple[str, object]]) -> None:
    """Do what the steps say, and hold what every viewer got to the promise."""
    stage.history.clear()
    viewers = [Viewer(number, stage) for number in (*range(len(FILTERS)), 0, 0, 1)]
    try:
        for viewer in viewers:
            await viewer.connect()
        await follow(steps, stage, viewers)
        await stage.runtime.broadcaster.settled()
        for viewer in viewers:
            await viewer.catch_up()
    finally:
        for viewer in viewers:
            with contextlib.suppress(AssertionError):
                await viewer.leave()


async def follow(steps: list[tuple[str, object]], stage: Stage, viewers: list[Viewer]) -> None:
    """Do what the steps say."""
    for step, what in steps:
        publish = stage.runtime.broadcaster.publish
        if step == "publish":
            assert isinstance(what, list)
            for name in what:
                publish(MADE[name]())
        elif step == "flood":
            for _ in range(50):
                publish(FLOODS[str(what)](), urgent=True)
        elif step == "turn":
            await asyncio.sleep(0)
        elif step == "settle":
            await stage.runtime.broadcaster.settled()
        elif step == "restart":
            await stage.stop()
            await stage.start()
        else:
            assert isinstance(what, int)
            viewer = viewers[what]
            if step == "stall":
                viewer.reading.clear()
            elif step == "read":
                viewer.reading.set()
            elif step == "leave":
                await viewer.leave()
            elif step == "resume":
                viewer.reading.set()
                await viewer.connect()
            elif step == "catch_up":
                await viewer.catch_up()


@pytest.fixture(scope="module", params=["fast", "portable"])
def played(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., None]]:
    """Something to play on a server that goes on from one play to the next."""
    with pytest.MonkeyPatch.context() as patch, asyncio.Runner() as runner:
        patch.setattr(
            hypercorn.asyncio.run, "TCPServer", vars(hypercorn.asyncio.run)["TCPServer"]
        )  # put back at the end
        stage = Stage(tmp_path_factory.mktemp("data"), request.param == "fast", patch)
        runner.run(stage.start())
        yield lambda steps: runner.run(play(stage, steps))
        runner.run(stage.stop())


@pytest.mark.parametrize(
    "plays", [pytest.param(8, id="short"), pytest.param(200, id="hundreds", marks=pytest.mark.long)]
)
@pytest.mark.fault
def test_over_sockets_everything_comes_once_and_in_order_or_is_covered_by_a_gap(
    played: Callable[[list[tuple[str, object]]], None], plays: int
) -> None:
    """Seven filters, and three viewers more that stand beside others all the time."""

    @settings(max_examples=plays, deadline=None)
    @given(steps=STEPS)
    def on_stage(steps: list[tuple[str, object]]) -> None:
        played(steps)

    on_stage()


class Faulty(Cursor):
    """A cursor that others follow, of which every third look fails."""

    __slots__ = ()
    looks = count()

    def read(self, *, blocked: bool = False) -> bytes:
        """Return what is new, or fail."""
        if next(self.looks) % 3 == 2:
            raise RuntimeError("broken on purpose")
        return super().read(blocked=blocked)


def give_in_part(crowd: Crowd, frame: bytes, begin: int, end: int, calls: Iterator[int] = count()) -> object:  # noqa: B008
    """Write to all, or, every third time, to half of them before it fails."""
    if next(calls) % 3 == 2:
        GIVE(crowd, frame, begin, begin + crowd.size // 2)
        raise RuntimeError("broken on purpose")
    return GIVE(crowd, frame, begin, end)


GIVE, LEAD = Crowd.give, Cursor.lead


@pytest.mark.parametrize("played", ["fast"], indirect=True)
@pytest.mark.parametrize("fault", ["read", "write"])
@pytest.mark.fault
def test_a_fault_where_viewers_go_together_costs_none_of_them_an_event(
    played: Callable[[list[tuple[str, object]]], None],
    fault: str,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """They go on each by itself when nothing could be read, and are cut off, and come back, when half was written."""

    def lead(cursor: Cursor) -> Cursor:
        found = LEAD(cursor)
        found.__class__ = Faulty
        return found

    said = {"read": "cannot be read", "write": "are cut off"}[fault]
    monkeypatch.setattr(*((Cursor, "lead", lead) if fault == "read" else (Crowd, "give", give_in_part)))
    caught_up = [("catch_up", who) for who in range(len(FILTERS))]
    for _ in range(20):
        played([("publish", ["both", "log"]), ("settle", None), *caught_up] * 3)
        if said in caplog.text:
            return
    raise AssertionError("nothing has failed")


ADMIT = Crowd.admit


@pytest.mark.parametrize("played", ["fast"], indirect=True)
@pytest.mark.fault
def test_who_can_be_written_to_again_as_it_joins_others_is_sent_nothing_twice(
    played: Callable[[list[tuple[str, object]]], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its socket has taken its bytes while a round was under way, and something is published before that is seen to."""
    joined = count()

    def admit(crowd: Crowd, stream: SocketStream) -> bool:
        found = ADMIT(crowd, stream)
        if found and next(joined) < 50:
            publish = partial(stream.cursor._broadcaster.publish, metrics(), urgent=True)
            asyncio.get_running_loop().call_soon(publish)
            stream.resume_writing()
        return found

    monkeypatch.setattr(Crowd, "admit", admit)
    caught_up = [("catch_up", who) for who in range(len(FILTERS))]
    played([("publish", ["both", "log"]), ("settle", None), *caught_up] * 3)
    assert next(joined) >= len(FILTERS)
