"""The scheduler: many collectors that are quick alone and slow together."""

from __future__ import annotations

from tests.clocks import START
from tests.collectors.stage import Held, Steady, running


class Added(Held):
    """One of the folder."""

    built_in = False


async def test_added_ones_that_are_slow_together_delay_no_built_in_one_and_who_is_late_by_them_is_told() -> None:
    """Each has its samples as soon as it ends, and its next tick."""
    slow, steady = [Added(f"slow{n:02}") for n in range(13)], Steady("steady")
    async with running(*slow, steady) as stage:
        await stage.tick("steady")
        await stage.clock.run(0.01)
        for one in slow:
            await one.entered()
            await stage.clock.run(0.085 if one is slow[3] else 0.08)
            if one is not slow[-1]:
                one.free()
        await stage.until(lambda: stage.stamps("steady") == [START + 1, START + 2])
        assert all(stage.stamps(one.name) == [START + 1] for one in slow[:-1])
        assert stage.reports == [("slow12", "late")]
        assert stage.state("slow12").error == (
            "it waits 0.965 s of its interval of 1 s for others in its thread, longest for slow03 (0.085 s)"
        )
        slow[-1].free()
        await stage.until(lambda: all(stage.stamps(one.name) == [START + 1, START + 2] for one in slow[:-1]))
        assert stage.stamps("slow12") == [START + 1]
        await stage.tick("slow12", "steady")
        assert stage.reports == [("slow12", "late"), ("slow12", "ok")]
        assert {thread for one in slow for thread in one.threads} == {"collect-added"}
        assert {*steady.threads} == {"collect-shared"}


async def test_at_the_start_an_added_one_takes_no_room_before_the_built_in_ones_have_theirs() -> None:
    own, added = Held("own"), Added("added")
    added.free()
    async with running(added, own) as stage:
        await stage.clock.run(1.0)
        await own.entered()
        await stage.clock.run(0.05)
        assert added.runs == 0
        own.free()
        await stage.until(lambda: stage.stamps("own") == [START + 1])
        await stage.clock.run(0.01)
        await stage.until(lambda: stage.stamps("added") == [START + 1])


async def test_an_added_one_waits_for_no_built_in_one_that_hangs() -> None:
    own, added = Held("own"), Added("added")
    added.free()
    async with running(added, own) as stage:
        await stage.clock.run(1.0)
        await own.entered()
        await stage.clock.run(0.1)
        await stage.until(lambda: stage.stamps("added") == [START + 1])
        own.free()
