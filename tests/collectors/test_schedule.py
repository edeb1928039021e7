"""The scheduler: aligned ticks, and collectors that do not stand in each other's way."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
from collections.abc import Iterator

import pytest

from dashboard.collectors import CollectorError, CollectorState, Sample
from dashboard.collectors.watch import CALM_RUNS, PATIENCE
from dashboard.model import Batch
from tests.clocks import START
from tests.collectors.stage import Held, Stage, Steady, running, warned


class Failing(Steady):
    """Raises what it is given, after its sample."""

    error: BaseException | None = None

    def collect(self) -> Iterator[Sample]:
        yield from super().collect()
        if self.error is not None:
            raise self.error


async def test_ticks_fall_on_multiples_of_each_interval() -> None:
    """All start at the next full second; from then on at multiples of their own interval."""
    second, third = Steady("second"), Steady("third", interval=3)
    async with running(second, third) as stage:
        await stage.clock.run(0.25)
        for _ in range(7):
            await stage.tick("second")
        assert stage.stamps("second") == [START + n for n in range(1, 8)]
        assert stage.stamps("third") == [START + 1, *(START + n for n in range(2, 8) if (START + n) % 3 == 0)]


async def test_batch_says_whose_it_is() -> None:
    async with running(Steady("disk", interval=2), default_interval=5) as stage:
        stamp = await stage.tick("disk")
        assert stage.batches == [Batch("web-1/disk", stamp, 2, {"instance": "web-1"}, {"disk_runs": 1.0})]


async def test_fractions_of_a_second_stay_aligned() -> None:
    async with running(Steady("quick", interval=0.1)) as stage:
        await stage.tick("quick")
        for n in range(1, 30):
            await stage.clock.run(0.1)
            await stage.until(lambda n=n: len(stage.stamps("quick")) == n + 1)  # type: ignore[misc]
        assert stage.stamps("quick") == [round(START + 1 + n / 10, 6) for n in range(30)]


async def test_cheap_collectors_share_a_thread() -> None:
    first, second = Steady("first"), Steady("second")
    async with running(first, second) as stage:
        await stage.tick("first", "second")
        assert first.threads == second.threads == ["collect-shared"]


async def test_ticks_that_passed_unseen_are_left_out() -> None:
    """After a stand-still one sample is taken, for the newest tick alone."""
    async with running(Steady("a")) as stage:
        await stage.tick("a")
        await stage.clock.run(7.4)
        await stage.until(lambda: len(stage.batches) == 2)
        assert stage.stamps("a") == [START + 1, START + 8]


async def test_raising_collector_is_reported_once_and_recovers(caplog: pytest.LogCaptureFixture) -> None:
    failing, steady = Failing("failing"), Steady("steady")
    failing.error = ValueError("no such thing")
    async with running(failing, steady) as stage:
        for _ in range(5):
            await stage.tick("failing", "steady")
        assert stage.reports == [("failing", "failed")]
        state = stage.state("failing")
        assert (state.failures, state.last_success) == (5, None)
        assert state.error is not None
        assert "test_schedule.py:" in state.error
        assert state.error.endswith("ValueError: no such thing")
        failing.error = None
        await stage.tick("failing", "steady")
        assert stage.reports == [("failing", "failed"), ("failing", "ok")]
        assert stage.state("failing").error is None
    assert len(warned(caplog)) == 1


async def test_samples_before_a_failure_count() -> None:
    failing = Failing("failing")
    failing.error = CollectorError("disk b does not answer")
    async with running(failing) as stage:
        await stage.tick("failing")
        assert stage.batches[0].samples == {"failing_runs": 1.0}
        assert stage.state("failing").error == "disk b does not answer"


async def test_collector_whose_samples_are_refused_has_failed_until_they_are_taken(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """How many it were changes at each tick, which is no news of its own."""
    async with running(Steady("steady")) as stage:
        for number in (5, 6, 7):
            stage.refusal = f"{number} of its 9 series found no room"
            await stage.tick("steady")
        state = stage.state("steady")
        assert (state.state, state.error, state.failures) == ("failed", stage.refusal, 3)
        stage.refusal = None
        await stage.tick("steady")
        assert stage.reports == [("steady", "failed"), ("steady", "ok")]
        assert stage.state("steady").error is None
    assert len(warned(caplog)) == 1


async def test_failure_told_on_purpose_is_reported_again_when_it_reads_differently() -> None:
    failing = Failing("failing")
    async with running(failing) as stage:
        for text in ("a", "a", "a and b", "a and b"):
            failing.error = CollectorError(text)
            await stage.tick("failing")
        assert [said.error for said in stage.said if isinstance(said, CollectorState)] == ["a", "a and b"]


@pytest.mark.parametrize("error", [SystemExit(3), KeyboardInterrupt(), GeneratorExit()])
async def test_nothing_that_is_raised_kills_a_thread(error: BaseException) -> None:
    failing, steady = Failing("failing"), Steady("steady")
    failing.error = error
    async with running(failing, steady) as stage:
        for _ in range(3):
            await stage.tick("failing", "steady")
        assert stage.state("failing").state == "failed"


async def test_collector_that_fails_off_and_on_does_not_fill_the_log() -> None:
    failing = Failing("failing")
    async with running(failing) as stage:
        for n in range(300):
            failing.error = ValueError("odd") if n % 2 else None
            await stage.tick("failing")
        assert len(stage.reports) <= 16
        failing.error = None
        for _ in range(CALM_RUNS):
            await stage.tick("failing")
        assert stage.reports[-1] == ("failing", "ok")


async def test_hanging_collector_delays_no_other() -> None:
    """Those behind it in the thread go on in another within PATIENCE; later ticks do not notice it."""
    before, hung, after = Steady("before"), Held("hung"), Steady("after")
    async with running(before, hung, after) as stage:
        await stage.clock.run(1.0)
        await hung.entered()
        assert stage.batches == []
        await stage.clock.run(PATIENCE)
        await stage.until(lambda: len(stage.batches) == 2)
        assert stage.stamps("before") == stage.stamps("after") == [START + 1]
        for _ in range(9):
            await stage.tick("before", "after")
        assert stage.reports == [("hung", "late"), ("hung", "failed")]
        assert stage.stamps("before") == stage.stamps("after") == [START + n for n in range(1, 11)]
        hung.free()


async def test_hung_collector_costs_one_thread_and_one_line_of_the_log(caplog: pytest.LogCaptureFixture) -> None:
    hung, steady = Held("hung"), Steady("steady")
    async with running(hung, steady) as stage:
        await stage.clock.run(1.0)
        await hung.entered()
        await stage.clock.run(PATIENCE)
        await stage.until(lambda: bool(stage.stamps("steady")))
        threads = threading.active_count()
        for _ in range(50):
            await stage.tick("steady")
        assert threading.active_count() <= threads
        assert stage.state("hung").failures == 1
        hung.free()
        await stage.until(lambda: stage.state("hung").duration is not None)
    assert warned(caplog) == ["collector hung: failed: did not return within 2 s"]


async def test_collector_that_hung_is_tried_again_and_recovers() -> None:
    """What it gave far too late is not shown; the next try comes after a pause, and counts."""
    hung, steady = Held("hung"), Steady("steady")
    async with running(hung, steady) as stage:
        await stage.clock.run(1.0)
        await hung.entered()
        await stage.clock.run(PATIENCE)
        await stage.until(lambda: bool(stage.stamps("steady")))
        for _ in range(8):
            await stage.tick("steady")
        hung.free()
        await stage.until(lambda: stage.state("hung").duration is not None)
        assert stage.stamps("hung") == []
        for _ in range(4):
            await stage.tick("steady")
        await stage.until(lambda: stage.state("hung").state == "ok")
        assert stage.reports == [("hung", "late"), ("hung", "failed"), ("hung", "ok")]
        assert stage.stamps("hung")[0] >= START + 11


async def test_late_collector_is_reported_once_and_its_samples_count(caplog: pytest.LogCaptureFixture) -> None:
    """Each of its runs takes one and a half intervals: it misses every other tick, and no one else misses any."""
    late, steady = Held("late", may_block=True), Steady("steady")
    async with running(late, steady) as stage:
        for _ in range(5):
            late.hold()
            await stage.tick("steady")
            await late.entered()
            await stage.tick("steady")
            await stage.clock.run(0.5)
            runs = late.runs
            assert runs or not warned(caplog)
            late.free()
            await stage.until(lambda runs=runs: len(stage.stamps("late")) == runs + 1)  # type: ignore[misc]
        assert stage.reports == [("late", "late")]
        assert stage.stamps("late") == [START + n for n in (1, 3, 5, 7, 9)]
        late.free()
        await stage.tick("steady", "late")
        assert stage.reports == [("late", "late"), ("late", "ok")]
    assert warned(caplog) == ["collector late: late: it takes 1.5 s of its interval of 1 s"]


async def test_late_collector_that_fails_in_the_end_has_one_line_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    class Both(Held):
        def collect(self) -> Iterator[Sample]:
            yield from super().collect()
            raise CollectorError("disk b does not answer")

    late, steady = Both("late", may_block=True), Steady("steady")
    async with running(late, steady) as stage:
        await stage.tick("steady")
        await late.entered()
        await stage.tick("steady")
        await stage.clock.run(0.5)
        assert stage.reports == [("late", "late")]
        late.free()
        await stage.until(lambda: stage.reports == [("late", "late"), ("late", "failed")])
    assert warned(caplog) == ["collector late: failed: disk b does not answer"]


async def test_collector_that_may_block_never_shares() -> None:
    mounts, steady = Held("mounts", may_block=True), Steady("steady")
    async with running(mounts, steady) as stage:
        await stage.tick("steady")
        await mounts.entered()
        mounts.free()
        await stage.until(lambda: bool(stage.stamps("mounts")))
        assert mounts.threads == ["collect-mounts"]


async def test_collector_that_was_slow_shares_again_after_a_while() -> None:
    slow, steady = Held("slow"), Steady("steady")
    before = {*threading.enumerate()}  # what other tests left, some of which ends meanwhile
    async with running(slow, steady) as stage:
        await stage.clock.run(1.0)
        await slow.entered()
        await stage.clock.run(PATIENCE)
        slow.free()
        await stage.until(lambda: bool(stage.stamps("slow") and stage.stamps("steady")))
        for _ in range(CALM_RUNS + 1):
            await stage.tick("slow", "steady")
        assert stage.reports == []
        assert slow.threads[-1] == steady.threads[-1]
        assert slow.threads.count("collect-shared") == CALM_RUNS + 2
        await stage.until(lambda: len(_collecting() - before) == 1)


def _collecting() -> set[threading.Thread]:
    return {thread for thread in threading.enumerate() if thread.name.startswith("collect-")}


async def test_sample_that_was_not_declared_fails_its_collector() -> None:
    steady = Steady("steady")
    steady.families = ()
    async with running(steady) as stage:
        await stage.clock.run(1.0)
        await stage.until(lambda: bool(stage.reports))
        assert stage.state("steady").error == "gives 'steady_runs', which is not among its families"


async def test_states_tell_how_each_is_doing() -> None:
    async with running(Steady("steady", interval=2)) as stage:
        families = stage.state("steady").families
        assert families
        assert stage.state("steady") == CollectorState(
            "steady", "web-1/steady", "waiting", 2, since=START, families=families
        )
        stamp = await stage.tick("steady")
        assert stage.state("steady") == CollectorState(
            "steady", "web-1/steady", "ok", 2, since=stamp, last_success=stamp, duration=0.0, families=families
        )
        assert stage.reports == []


async def test_run_may_be_begun_again() -> None:
    """Whoever owns it may end it and start anew; a collector that still hangs is still the only one missing."""
    held, steady = Held("held", may_block=True), Steady("steady")
    stage = Stage([held, steady])
    for _ in range(2):
        task = asyncio.get_running_loop().create_task(stage.scheduler.run())
        await stage.tick("steady")
        task.cancel()
        await asyncio.wait([task])
    held.free()
    assert len(stage.stamps("steady")) == 2


def test_hung_collector_does_not_keep_the_process_from_ending() -> None:
    """A real process, on the real clock, with a thread that never comes back: it ends, and ends well.

    What it says of that collector, should it be held up for so long, is none of what would be wrong.
    """
    program = """
import asyncio, logging, sys, threading
from dashboard.clock import SystemClock
from dashboard.collectors import Family
from dashboard.collectors.schedule import Scheduler

logging.basicConfig(stream=sys.stdout)
entered = threading.Event()

class Hung:
    name, interval, families = "hung", 0.1, ()
    def collect(self):
        entered.set()
        threading.Event().wait()

async def main():
    scheduler = Scheduler([Hung()], instance="i", clock=SystemClock(), accept=print, on_state=print,
                          on_clock_step=print, default_interval=1.0)
    task = asyncio.create_task(scheduler.run())
    await asyncio.to_thread(entered.wait)
    task.cancel()
    await asyncio.wait([task])

asyncio.run(main())
"""
    ended = subprocess.run(
        [sys.executable, "-W", "error", "-c", program], capture_output=True, text=True, timeout=30, check=False
    )
    assert (ended.returncode, ended.stderr) == (0, "")


async def test_machine_without_a_thread_to_spare_is_a_failure_like_any_other(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    async with running(Steady("steady")) as stage:
        with monkeypatch.context() as patch:
            patch.setattr(threading.Thread, "start", refuse)
            await stage.clock.run(1.0)
            await stage.until(lambda: stage.state("steady").state == "failed")
        assert stage.state("steady").error == "can't start new thread"
        await stage.tick("steady")
        assert stage.state("steady").state == "ok"
