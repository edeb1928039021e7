"""The composition root: one straight line from settings to a running program, closed last-in-first-out."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import get_args

import msgspec

from dashboard import __version__
from dashboard.annotations import Annotations
from dashboard.archive import Archive
from dashboard.blind import UNSTORED, Blind, Vigil, between_runs
from dashboard.blindlog import BlindLog
from dashboard.boards import Board
from dashboard.broadcaster import Broadcaster
from dashboard.clock import Steady, SystemClock
from dashboard.collectors import Collector, CollectorState
from dashboard.collectors.itself import Delivery, Itself
from dashboard.collectors.load import LoadFault, load
from dashboard.collectors.schedule import Scheduler
from dashboard.config import CollectorSetting, Settings
from dashboard.datadir import MARK_AHEAD, DataDir, default_folder
from dashboard.disk import Disk
from dashboard.diskarchive import DiskArchive, bounds_of
from dashboard.errors import StorageError
from dashboard.eventlog import MemoryLog
from dashboard.events import GapReason, System, SystemEvent
from dashboard.history import History, kept
from dashboard.ingest.repeats import Repeats
from dashboard.ingest.tasklist import TaskList, restore
from dashboard.model import Batch
from dashboard.ownlog import OwnLog
from dashboard.pipeline import Pipeline
from dashboard.raster import Rasteriser
from dashboard.recent import recent
from dashboard.reload import watch
from dashboard.storing import Halt, Storing
from dashboard.strain import Shortage, Strain, Turn
from dashboard.tally import Refused, Tally
from dashboard.window import Window

log = logging.getLogger("dashboard")

_OFTEN = 10.0  # seconds between samples, up to which a series is not waited for
_RECALL = 1.0  # seconds that the start waits for what the disk knows of those

_KNOWING = 5.0  # seconds that it waits for what the disk knows of tasks: who tells of one later would begin another

UNANNOUNCED = " The run before it ended without a word: it was killed, or the machine went down."

QUESTIONS = 2
"""Questions that history answers at once at most: each keeps a thread busy, and the event loop shares their turns."""


class Runtime:
    """The running program, as the floors above see it."""

    def __init__(self, settings: Settings, boards: Sequence[Board], path: Path | None) -> None:
        """Wire everything; nothing runs before `running` is entered. `path` is the settings file, if there is one."""
        self.settings, self.path = settings, path
        self.boards = {board.name: board for board in boards}
        self.board_fault: str | None = None
        self.clock = SystemClock()
        self.started_at = self.clock.wall()
        self.data_dir = DataDir(settings.data_dir or default_folder())
        self.instance = settings.instance or self.data_dir.instance()
        self.last_alive = self.data_dir.last_alive()
        self.tally = Tally()
        self.raster = Rasteriser()
        self.disk = Disk(self.data_dir, self.clock)
        self.archive: Archive = DiskArchive(self.disk, self.clock, bounds_of(settings))
        self.blind_log = BlindLog(self.disk.state, self.clock, self.last_alive)
        self.annotations = Annotations(self.disk.state)
        self.log = MemoryLog(
            self.clock,
            max_events=settings.log_events,
            max_age=settings.log_age,
            begin_above=self.archive.newest().ms + 1,
        )
        self.broadcaster = Broadcaster(
            self.log,
            self.clock,
            self.archive,
            version=__version__,
            source=f"{self.instance}/dashboard",
            heartbeat_interval=settings.heartbeat_interval,
            flush_interval=settings.flush_interval,
        )
        self.window = Window(keep=settings.window, max_series=settings.max_series)
        self.history = History(self.disk.history, self.clock, kept(settings), self.window.is_counter)
        self.questions = asyncio.Semaphore(QUESTIONS)
        self.pipeline = Pipeline(self.window, self.broadcaster, self.clock, self.history)
        self.tasks = TaskList(self.clock)
        self.repeats = Repeats()
        self.load_faults: list[LoadFault] = []
        self.scheduler = self._schedule()

    def states(self) -> list[CollectorState]:
        """Return how every collector is doing, those that could not be loaded among them."""
        return [*self.scheduler.states(), *(fault.state(self.instance, self.started_at) for fault in self.load_faults)]

    def delivery(self) -> Delivery:
        """Return what is held and was delivered; may be called from any thread."""
        cursors = tuple(self.broadcaster.cursors)  # others come and go meanwhile
        return Delivery(
            streams=len(cursors),
            behind=max((cursor.lag for cursor in cursors), default=0),
            series=len(self.window),
            logged=self.log.end - self.log.start,
            published=dict(self.broadcaster.published),
            conflated=self.broadcaster.conflated,
            gaps={reason: self.broadcaster.gaps[reason] for reason in get_args(GapReason)},
            resumes=self.broadcaster.resumes,
            refused={limit: self.tally.refused[limit] for limit in get_args(Refused)},
            aborted=self.tally.stalled,
        )

    def system(
        self,
        event: SystemEvent,
        message: str = "",
        *,
        collector: str | None = None,
        what: str | None = None,
        step: float | None = None,
        start: float | None = None,
        end: float | None = None,
    ) -> None:
        """Publish something that the program says of itself, at once."""
        self.broadcaster.publish(
            System(
                timestamp=self.clock.wall(),
                source=f"{self.instance}/dashboard",
                event=event,
                message=message,
                collector=collector,
                what=what,
                step=step,
                start=start,
                end=end,
            ),
            urgent=True,
        )

    def tell_blind(self, blind: Blind | None) -> None:
        """Publish a time in which nobody watched, if there was one."""
        if blind is not None:
            log.warning("%s", blind.message)
            self.blind_log.add(blind)
            self.system("blind", f"{blind.message}.", start=blind.start, end=blind.end)

    def tell_halt(self, halt: Halt) -> None:
        """Publish that nothing is stored, or that it is again."""
        if halt.end is None:
            self.blind_log.begin(halt.start, UNSTORED)
            self.system("storing_stopped", halt.message, start=halt.start)
        else:
            self.blind_log.end(Blind(halt.start, halt.end, UNSTORED) if halt.lost else None)
            self.system("storing_resumed", halt.message, start=halt.start, end=halt.end)

    def end_streams(self) -> None:
        """Tell every viewer that this is the end; the first step of a shutdown."""
        self.system("stop", "The server is shutting down.")
        self.broadcaster.close()

    def _schedule(self) -> Scheduler:
        loaded, self.load_faults = load(self.settings)
        chosen = next((one for one in self.settings.collector if one.name == Itself.name), CollectorSetting(name=""))
        itself = Itself(
            self.tally,
            # Nobody steers by them, and its many series would be a third of what a viewer is sent.
            interval=chosen.interval or max(5.0, self.settings.interval),
            states=self.states,
            delivery=self.delivery,
        )
        collectors: list[Collector] = [*loaded, *([itself] if chosen.enabled else [])]
        self._added = {self._source(one.name) for one in loaded if not one.built_in}
        for collector in collectors:
            source = self._source(collector.name)
            owner = "" if source in self._added else source
            self.pipeline.declare(collector.families, owner=owner, instance=self.instance)
        return Scheduler(
            collectors,
            instance=self.instance,
            clock=self.clock,
            accept=self._accept,
            on_state=self._on_state,
            on_clock_step=self._on_clock_step,
            default_interval=self.settings.interval,
        )

    def _source(self, collector: str) -> str:
        return f"{self.instance}/{collector}"

    def _accept(self, batch: Batch) -> str | None:
        """Take what a collector gave; return what kept some of it out."""
        refused = self.pipeline.accept(batch, standing="added" if batch.source in self._added else "own")
        taken = [key for key, code in refused.items() if code == "taken"]
        reasons = []
        if len(refused) > len(taken):
            reasons.append(
                f"{len(refused) - len(taken):,} of its {len(batch.samples):,} series found no room: "
                "see the setting max_series"
            )
        if taken:
            owner = self.window.owner(taken[0], batch).rpartition("/")[2]
            others = f" and of {len(taken) - 1:,} more" if len(taken) > 1 else ""
            reasons.append(
                f"samples of {taken[0][:200]}{others} are refused, for the collector {owner} gives them: "
                "take another name, or a label of its own"
            )
        return "; ".join(reasons) or None

    def _on_state(self, state: CollectorState) -> None:
        if state.state in ("failed", "late"):
            what = "late" if state.state == "late" else None
            self.system("collector_failed", state.error or "", collector=state.name, what=what)
        elif state.state == "ok":
            self.system("collector_recovered", "", collector=state.name)

    def _on_clock_step(self, delta: float) -> None:
        if delta < 0:
            self.window.step_back(self.clock.wall())
            self.history.step_back(self.clock.wall())
        self.broadcaster.beat()
        self.system("clock_step", f"The clock of {self.instance} was set by {delta:+.1f} s.", step=delta)

    def on_boards(self, boards: Sequence[Board]) -> None:
        """Show other boards from now on."""
        self.boards = {board.name: board for board in boards}
        self.board_fault = None
        self.system("changed", what="boards")

    def on_fault(self, message: str) -> None:
        """Keep the boards, and say on the page what is wrong with their file."""
        self.board_fault = message
        self.system("changed", message, what="boards")


@asynccontextmanager
async def running(settings: Settings, boards: Sequence[Board], path: Path | None) -> AsyncIterator[Runtime]:
    """Run the program around the body of the `async with`."""
    runtime = Runtime(settings, boards, path)
    storing = Storing(runtime.clock)
    began = runtime.clock.wall()  # from here on there may be points, however long a disk takes to say what was before
    async with asyncio.TaskGroup() as tasks:
        owned = [
            tasks.create_task(_for_ever(name, run))
            for name, run in (
                ("scheduler", runtime.scheduler.run),
                ("heartbeat", runtime.broadcaster.run),
                ("history", runtime.history.run),
                ("house", lambda: _keep_house(runtime)),
                ("tidiness", runtime.history.keep_house),
                ("life", lambda: _sign_life(runtime)),
                ("lag", lambda: _watch_strain(runtime)),
                ("tasks", lambda: _mind_tasks(runtime)),
                ("watch", lambda: watch(runtime)),
            )
        ]
        known = tasks.create_task(_for_ever("what is known of tasks", lambda: _recall_tasks(runtime)))
        owned.append(known)
        await runtime.broadcaster.recall()
        await _recall_seldom(runtime)
        killed = await _was_killed(runtime)
        runtime.system("start", f"dashboard {__version__} started.{UNANNOUNCED if killed else ''}")
        # Only now, for with the start of a run pages forget what the one before could not store.
        owned.append(tasks.create_task(_for_ever("storing", lambda: _watch_storing(runtime, storing))))
        runtime.tell_blind(between_runs(runtime.last_alive, began, settings.interval, killed=killed))
        # Whoever asks first finds this run's start, not the last one's. A disk that hangs holds that up for a second.
        await runtime.broadcaster.settled()
        await asyncio.wait([known], timeout=_KNOWING)
        try:
            with OwnLog(runtime.broadcaster.publish, runtime.clock, runtime.instance):
                for fault in runtime.load_faults:
                    log.error("collector %s: %s", fault.name, fault)
                yield runtime
        finally:
            for task in owned:
                task.cancel()
            await runtime.raster.close()
            runtime.archive.mark(runtime.log.stamped.ms + 1)
            runtime.broadcaster.retire()
            runtime.history.close()
            runtime.data_dir.sign_alive(runtime.clock.wall())
            runtime.archive.close()


async def _recall_seldom(runtime: Runtime) -> None:
    """Let what comes seldom, and still holds, be live at once; what comes often is there again in a moment."""
    try:
        async with asyncio.timeout(_RECALL):
            stored = await asyncio.to_thread(runtime.history.catalogue, [])
    except (StorageError, TimeoutError):
        return  # it comes again when it is due
    now = runtime.clock.wall()
    for one in stored:
        time, value = one.last
        if one.interval is not None and one.interval > _OFTEN and value is not None:
            runtime.window.adopt(one.series, one.source, one.interval, (time, value), now)


async def _was_killed(runtime: Runtime) -> bool:
    """Tell whether the run before this one, if there was one, ended unannounced."""
    turns = ("start", "stop")
    found = await recent(runtime.log, runtime.broadcaster.stored, System, 1, lambda event: event.event in turns)
    return bool(found.events) and msgspec.json.decode(found.events[0], type=System).event == "start"


async def _for_ever(name: str, run: Callable[[], Awaitable[None]]) -> None:
    """Run a part of the program; when a fault ends it, log that and begin it again."""
    while True:
        try:
            await run()
            return
        except Exception:
            log.exception("%s failed and is started again", name)
            await asyncio.sleep(1)


async def _keep_house(runtime: Runtime) -> None:
    loop = asyncio.get_running_loop()
    shortage = Shortage(runtime.clock)
    while True:
        newest = max(runtime.log.bounds().newest.ms, int(runtime.clock.wall() * 1000))
        # In a thread, for a disk may hang.
        await loop.run_in_executor(None, runtime.archive.mark, newest + int(MARK_AHEAD * 1000))
        runtime.blind_log.keep()
        runtime.window.sweep(runtime.clock.wall())
        _say(runtime, shortage.see(runtime.window.refused, len(runtime.window)))
        await asyncio.sleep(MARK_AHEAD / 3)


def _say(runtime: Runtime, turn: Turn | None) -> None:
    if turn is not None:
        log.log(logging.WARNING if turn.high else logging.INFO, "%s", turn.message)
        runtime.system("high_load" if turn.high else "load_normal", turn.message)


async def _sign_life(runtime: Runtime, every: float = 1.0) -> None:
    steady = Steady(runtime.clock)
    while True:
        # In a thread, for a disk may hang.
        await asyncio.to_thread(runtime.data_dir.sign_alive, runtime.clock.wall(), steady=steady())
        await asyncio.sleep(every)


async def _watch_strain(runtime: Runtime, every: float = 0.5) -> None:
    loop, strain = asyncio.get_running_loop(), Strain(runtime.clock)
    vigil = Vigil(runtime.clock, runtime.settings.interval)
    while True:
        due = loop.time() + every
        await asyncio.sleep(every)
        lag = loop.time() - due
        runtime.tally.loop_lag = max(runtime.tally.loop_lag, lag)
        blind = vigil.look()
        runtime.tell_blind(blind)
        if blind is not None:
            continue  # the same need not be said in other words
        turn = strain.see(lag, _load_of_a_core())
        if turn is not None:
            runtime.system("high_load" if turn.high else "load_normal", turn.message)


async def _watch_storing(runtime: Runtime, storing: Storing, every: float = 1.0) -> None:
    while True:
        await asyncio.sleep(every)
        halt = storing.see(runtime.history.trouble(), runtime.history.lost_samples)
        if halt is not None:
            runtime.tell_halt(halt)


def _load_of_a_core() -> float | None:
    """Return the load average of a minute for each core, where there is one."""
    try:
        return os.getloadavg()[0] / (os.cpu_count() or 1)
    except OSError:
        return None


async def _recall_tasks(runtime: Runtime) -> None:
    await restore(runtime.tasks, runtime.broadcaster.stored, runtime.log.bounds().origin)


async def _mind_tasks(runtime: Runtime, every: float = 0.5) -> None:
    while True:
        for task in runtime.tasks.tick():
            runtime.broadcaster.publish(task)
        await asyncio.sleep(every)
