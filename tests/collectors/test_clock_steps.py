"""The scheduler while someone sets the machine's clock."""

from __future__ import annotations

import random

import pytest

from dashboard.model import Batch
from tests.clocks import START
from tests.collectors.stage import Held, Stage, Steady, running


@pytest.mark.parametrize("seconds", [3600.0, -3600.0, 0.7, -0.7])
async def test_step_of_the_clock_is_told_before_the_first_batch_of_the_new_time(seconds: float) -> None:
    async with running(Steady("a"), Steady("slow", interval=2)) as stage:
        await stage.tick("a")
        told = len(stage.said)
        await stage.set_clock(seconds)
        for _ in range(3):
            await stage.tick("a")
        after = stage.said[told:]
        assert [said for said in after if isinstance(said, float)] == [pytest.approx(seconds)]
        assert isinstance(after[0], float)
        assert all(abs(batch.timestamp - stage.clock.wall()) < 4 for batch in after if isinstance(batch, Batch))


async def test_small_corrections_of_the_clock_are_no_step() -> None:
    async with running(Steady("a")) as stage:
        for _ in range(50):
            await stage.tick("a")
            stage.clock.step(-0.4)
            await stage.clock.run(0.4)
        assert not [said for said in stage.said if isinstance(said, float)]
        assert stage.stamps("a") == sorted(set(stage.stamps("a")))


async def test_batch_under_way_while_the_clock_is_set_is_told_in_the_new_time() -> None:
    held, steady = Held("held", may_block=True), Steady("steady")
    async with running(held, steady) as stage:
        await stage.tick("steady")
        await held.entered()
        await stage.set_clock(-3600)
        await stage.tick("steady")
        held.free()
        await stage.until(lambda: bool(stage.stamps("held")))
        assert stage.stamps("held") == [START + 1 - 3600]


async def test_a_thousand_steps_keep_the_order() -> None:
    """Between two steps times only rise, never twice the same; each is within its interval of the clock's."""
    chance = random.Random(7)
    async with running(Steady("a")) as stage:
        await stage.tick("a")
        for _ in range(1000):
            told = len(stage.said)
            await stage.set_clock(chance.choice([-1, 1]) * chance.uniform(0.6, 90_000))
            await stage.tick("a")
            assert abs(stage.clock.wall() - stage.stamps("a")[-1]) <= 1
            assert isinstance(stage.said[told], float)
        assert len([said for said in stage.said if isinstance(said, float)]) == 1000
        assert _rising_between_steps(stage)


def _rising_between_steps(stage: Stage) -> bool:
    newest = 0.0
    for said in stage.said:
        if isinstance(said, Batch) and said.timestamp <= newest:
            return False
        newest = said.timestamp if isinstance(said, Batch) else 0.0
    return True
