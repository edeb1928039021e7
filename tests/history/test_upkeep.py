"""What is done now and then: that it is done again when it failed, and that nothing grows with each turn."""

from __future__ import annotations

import asyncio
import threading
import weakref
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from dashboard.errors import StorageError
from dashboard.history import core
from dashboard.history.upkeep import Upkeep
from dashboard.tiers import Bounds
from tests.history.keeping import AGES, PATIENCE, T0, Freely, keeping
from tests.waiting import until


def test_nothing_is_remembered_of_counters_that_are_forgotten(tmp_path: Path) -> None:
    """Hundreds of new ones in each turn, as whoever puts a number into a label makes."""
    bounds = Bounds({**AGES, "15m": 86_400.0}, 1 << 30)
    with keeping(tmp_path / "history.db", bounds=bounds) as kept:
        for turn in range(4):
            begin = T0 + turn * 10 * 86_400
            kept.take(begin, {f"requests{turn}_{at}_total": 1.0 for at in range(300)})
            kept.tidy(begin + 2_000)
            kept.tidy(begin + 9 * 86_400)
        kept.take(kept.clock.wall(), {"requests_total": 1.0})
        kept.tidy(kept.clock.wall() + 2_000)
        assert kept.history._upkeep is not None
        assert len(kept.history._upkeep._compactor._tails) <= len(kept.history.catalogue([])) < 900


def test_what_is_written_while_the_journal_is_compacted_is_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else a journal that is filled quickly would be taken for a short one, and grow for a quarter of an hour."""
    monkeypatch.setattr(core, "CROWDED", 1_000)
    compacted, go_on, tidy = threading.Event(), threading.Event(), Upkeep.tidy

    def held(upkeep: Upkeep, slack: float, *, everything: bool, stopping: Callable[[], bool]) -> int:
        taken = tidy(upkeep, slack, everything=everything, stopping=stopping)
        compacted.set()
        assert go_on.wait(PATIENCE)
        return taken

    monkeypatch.setattr(Upkeep, "tidy", held)
    with keeping(tmp_path / "history.db") as kept:
        kept.every("a", [1.0] * 1_000)
        kept.write()
        house = threading.Thread(target=kept.history.tidy)
        house.start()
        assert compacted.wait(PATIENCE) and kept.count("journal") == 0
        kept.every("a", [1.0] * 1_000, begin=T0 + 1_000)
        kept.write()
        go_on.set()
        house.join(PATIENCE)
        kept.history.tidy()
        assert kept.count("journal") == 0


async def test_nothing_is_held_for_questions_that_nobody_asks(tmp_path: Path) -> None:
    """Up to 16 MB of chunks and all of the journal; whoever asks again is answered the same."""
    with keeping(tmp_path / "history.db") as kept:
        kept.every("a", [1.0] * 100)
        kept.write()
        points = kept.points("a", T0, T0 + 100)
        held = weakref.ref(kept.history._reader)
        house = asyncio.create_task(kept.history.keep_house(0.01))
        kept.clock.move(core.IDLE + 1)
        await until(lambda: held() is None)
        assert kept.points("a", T0, T0 + 100) == points and len(points) == 100
        house.cancel()
        with suppress(asyncio.CancelledError):
            await house


async def test_what_could_not_be_tidied_up_is_tried_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    refused = 0

    def allow(_: Freely) -> None:
        nonlocal refused
        if refused >= 0:
            refused += 1
            raise StorageError("not now")

    with keeping(tmp_path / "history.db", T0 + 1_000) as kept:
        kept.every("a", [1.0] * 900)
        kept.write()
        house = asyncio.create_task(kept.history.keep_house(0.01))
        await until(lambda: kept.history._tidied > 0)
        monkeypatch.setattr(Freely, "allow", allow)
        kept.clock.move(900)
        await until(lambda: refused > 0)
        assert kept.count("chunk_raw") == 0
        refused = -1
        kept.clock.move(core.AGAIN)
        await until(lambda: kept.count("chunk_raw") == 1)
        house.cancel()
        with suppress(asyncio.CancelledError):
            await house
