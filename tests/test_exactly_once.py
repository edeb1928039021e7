"""The promise of Last-Event-ID: everything of a filter is delivered once and in order, or covered by a gap told before.

Random publishing, reading, slow reading, leaving, resuming, ageing, clock steps, restarts, and disks that hang, fail
and forget are held against that sentence.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from unittest.mock import patch

from hypothesis import given, settings
from hypothesis import strategies as st

from dashboard.archive import MemoryArchive
from dashboard.broadcaster import Broadcaster, Cursor, admission
from dashboard.errors import StorageError
from dashboard.eventlog import Entry, EventId
from tests.clocks import HandClock
from tests.occurrences import Seen, seen
from tests.polling import polled
from tests.promise import FILTERS, MADE, MINE, RecordedLog, Witness

WHO = st.integers(0, len(FILTERS) - 1)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("publish"), st.lists(st.sampled_from(list(MADE)), min_size=1, max_size=6)),
        st.tuples(st.just("read"), WHO),
        st.tuples(st.just("read_slowly"), WHO),
        st.tuples(st.just("fall_behind"), WHO),
        st.tuples(st.just("leave"), WHO),
        st.tuples(st.just("resume"), WHO),
        st.tuples(st.just("resume_by_nonsense"), WHO),
        st.tuples(st.just("poll"), st.tuples(WHO, st.integers(0, 4), st.sampled_from(list(MADE)))),
        st.tuples(st.just("move"), st.floats(0.001, 40)),
        st.tuples(st.just("set_clock"), st.floats(-4000, 4000)),
        st.tuples(
            st.sampled_from(["restart", "kill", "disk_hangs", "disk_goes_on", "disk_fails", "disk_heals"]), st.none()
        ),
    ),
    max_size=40,
)


class Viewer(Witness):
    """A viewer that reads a cursor."""

    cursor: Cursor | None = None

    def connect(self, broadcaster: Broadcaster, header: str | None = None) -> None:
        """Open a stream behind the last id, as a browser does."""
        if header is None and self.last is not None:
            header = str(self.last)
        elif header is not None and self.last is not None:
            self.astray.append((self.last, broadcaster.log.bounds().newest))
        self.cursor = broadcaster.subscribe(self.filter, header=header, to=MINE).__enter__()
        self._take(self.cursor.read(), first=True)

    async def poll(self, broadcaster: Broadcaster, clock: HandClock, turns: int, publish: Callable[[], None]) -> None:
        """Ask once behind the last id, as who cannot have a stream does; `publish` in one of the loop's next turns."""
        self.leave()
        cursor = broadcaster.subscribe(self.filter, header=str(self.last or ""), to=MINE)
        polling = asyncio.create_task(polled(broadcaster, clock, cursor))
        for _ in range(turns):
            await asyncio.sleep(0)
        publish()
        body = await polling
        for at, data in enumerate(body["events"]):
            self.take(Seen(data["type"], data.get("id", ""), data, None), first=not at)
        self.last = EventId.parse(body["last"])

    def leave(self) -> None:
        if self.cursor is not None:
            self.cursor.__exit__(None, None, None)
            self.cursor = None

    async def read(self, *, blocked: bool = False) -> None:
        """Read to the end; one that is `blocked` takes what its first read gives."""
        while self.cursor is not None:
            chunk = self.cursor.read(blocked=blocked)
            self._take(chunk)
            if self.cursor.needs_disk:
                await self.cursor.refill()
            elif blocked or not chunk:
                return

    def _take(self, chunk: bytes, first: bool = False) -> None:
        for at, event in enumerate(seen(chunk)):
            self.take(event, first=first and at == 0)


@settings(max_examples=400, deadline=None)
@given(STEPS, st.integers(1, 12), st.integers(1, 30))
def test_everything_is_delivered_once_and_in_order_or_covered_by_a_gap(
    steps: list[tuple[str, object]], held: int, stored: int
) -> None:
    async def play() -> None:
        clock = HandClock()
        archive = MemoryArchive(max_events=stored)
        history: list[Entry] = []
        mark = 0

        async def start() -> Broadcaster:
            log = RecordedLog(clock, max_events=held, max_age=60, begin_above=mark)
            log.history = history
            made = Broadcaster(
                log, clock, archive, version="", source="web-1/dashboard", heartbeat_interval=5, flush_interval=60
            )
            await made.recall()
            return made

        def say(name: str) -> None:
            broadcaster.publish(MADE[name](), urgent=True)

        broadcaster = await start()
        viewers = [Viewer(number, history) for number in range(len(FILTERS))]
        for viewer in viewers:
            viewer.connect(broadcaster)
        for step, what in steps:
            if step == "publish":
                assert isinstance(what, list)
                for name in what:
                    broadcaster.publish(MADE[name]())
                broadcaster.flush()
                await asyncio.sleep(0)  # what no disk took is told in the event loop's next round
            elif step == "poll":
                assert isinstance(what, tuple)
                who, turns, name = what
                await viewers[who].poll(broadcaster, clock, turns, partial(say, name))
            elif step == "move":
                clock.move(float(str(what)))
            elif step == "set_clock":
                clock.step(float(str(what)))
            elif step == "disk_hangs":
                archive.hold()
            elif step == "disk_goes_on":
                archive.release()
                await asyncio.sleep(0)
            elif step == "disk_fails":
                archive.fault = StorageError("the disk is full")
            elif step == "disk_heals":
                archive.fault = None
            elif step in ("restart", "kill"):
                for viewer in viewers:
                    viewer.leave()
                if step == "kill":
                    archive.forget_held()
                else:
                    broadcaster.close()
                archive.release()
                await asyncio.sleep(0)
                lost = {id for span in broadcaster.unstored for id in (span.first, span.last)}
                # Such a notice that is itself not stored is no news: what it named is told again.
                notices = {entry.id for entry in history if getattr(entry.event, "event", "") == "not_stored"}
                for viewer in viewers:
                    viewer.unknowable.update(broadcaster.untold, notices & lost)
                mark = broadcaster.log.stamped.ms + 1
                broadcaster.retire()
                broadcaster = await start()
            else:
                assert isinstance(what, int)
                viewer = viewers[what]
                if step in ("leave", "resume", "resume_by_nonsense"):
                    viewer.leave()
                if step == "read":
                    await viewer.read()
                elif step == "fall_behind":
                    for name in ("both", "log", "a", "a of another", "b", "a"):
                        broadcaster.publish(MADE[name]())
                        broadcaster.flush()
                        clock.move(1)
                    await viewer.read(blocked=True)
                elif step == "read_slowly":
                    await viewer.read(blocked=True)
                elif step == "resume":
                    viewer.connect(broadcaster)
                elif step == "resume_by_nonsense":
                    viewer.connect(broadcaster, "nonsense")
        archive.release()
        await asyncio.sleep(0)
        for viewer in viewers:
            if viewer.cursor is None:
                viewer.connect(broadcaster)
            await viewer.read()
            viewer.hold_to_the_promise(upto=broadcaster.log.bounds().newest)
        broadcaster.retire()

    # A disk hangs for as long as the steps say, though the machine may stand still meanwhile.
    with patch.object(admission, "PATIENCE", 600.0):
        asyncio.run(play())
