"""What the real program says of the time in which it did not watch."""

from __future__ import annotations

import asyncio
import os
import time
from pathlib import Path
from typing import Any

import httpx
import pytest

from dashboard.broadcaster import Broadcaster
from dashboard.config import Settings
from dashboard.runtime import running
from tests.serving import Server, running_server


async def told(server: Server, during: float) -> dict[str, Any]:
    """Wait until a blind time is told in which a moment lies, and return it."""
    async with httpx.AsyncClient(base_url=server.url) as client, asyncio.timeout(20):
        while True:
            news = (await client.get("/api/v1/system")).json()["result"]
            for one in news:
                if one["event"] == "blind" and one["start"] <= during <= one["end"]:
                    return dict(one)
            await asyncio.sleep(0.05)


async def sign(folder: Path, since: float) -> float:
    """Wait for a sign of life after a moment, and return its time."""
    life = folder / "alive"
    async with asyncio.timeout(20):
        while True:
            if life.exists() and life.stat().st_mtime >= since:
                return life.stat().st_mtime
            await asyncio.sleep(0.05)


async def test_what_was_collected_while_a_disk_was_slow_to_say_what_was_before_is_not_in_a_blind_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    last = time.time() - 60
    (tmp_path / "alive").touch()
    os.utime(tmp_path / "alive", (last, last))
    recall = Broadcaster.recall

    async def slowly(broadcaster: Broadcaster) -> None:
        """Read what is stored as a disk does that has much to do: there are samples before it has answered."""
        async with asyncio.timeout(20):
            while True:
                if broadcaster.published.get("metrics"):
                    break
                await asyncio.sleep(0.01)
        await recall(broadcaster)

    monkeypatch.setattr(Broadcaster, "recall", slowly)
    async with running(Settings(data_dir=tmp_path), [], None) as runtime:
        blind = runtime.blind_log.between(last - 1, time.time())[0]
        assert round(blind.start) == round(last)
        known = await asyncio.to_thread(runtime.history.catalogue, ())
        assert last + 59 < blind.end <= min(one.first for one in known)


@pytest.mark.long
async def test_a_stop_and_a_kill_are_told_with_the_time_that_they_took(tmp_path: Path) -> None:
    """SIGSTOP and SIGCONT by the program that goes on; `kill -9` by the next, from the last sign of life on."""
    async with running_server(data_dir=tmp_path) as server:
        await sign(tmp_path, 0)
        server.stop()
        stopped = time.time()
        await asyncio.sleep(4)
        gone_on = time.time()
        server.cont()
        blind = await told(server, stopped)
        assert stopped - 5 < blind["start"] and gone_on <= blind["end"] <= time.time()
        assert str(blind["message"]).endswith(" UTC: the dashboard stood still: it was stopped, or had no turn.")
        await sign(tmp_path, gone_on)
        server.kill()
        last, killed = (tmp_path / "alive").stat().st_mtime, time.time()
        assert killed - last < 5
        await asyncio.sleep(4)
        await asyncio.to_thread(server.start)
        blind = await told(server, killed)
        assert abs(blind["start"] - last) < 1e-3 and killed + 4 <= blind["end"] <= time.time()
        assert str(blind["message"]).endswith(": it was killed, or the machine went down.")
