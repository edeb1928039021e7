"""A disk that is full under the real program: the stream goes on, it is said, and it mends by itself; then a kill."""

from __future__ import annotations

import asyncio
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pytest

from dashboard.blind import UNSTORED
from dashboard.clock import SystemClock
from dashboard.copies import restore
from dashboard.datadir import DataDir
from dashboard.errors import StorageError
from dashboard.reserve import SIZE
from dashboard.selector import Selector
from tests.archives import disk
from tests.commands.running import NOBODY, run
from tests.disks import fill, small
from tests.fates import history_on
from tests.serving import running_server
from tests.web.test_stream import Viewer, viewing
from tests.web.test_stream_ends import until

MEMORY = "system_memory_utilization_ratio"
TYPES = {"types": "metrics,system,notification", "match": MEMORY}
PATIENCE = 30.0

Json = dict[str, Any]


async def said(viewer: Viewer, what: str) -> Json:
    """Read up to a system event."""
    event = await viewer.until(lambda event: event.event == "system" and event.json()["event"] == what)
    return dict(event.json())


async def kept(reserve: Path) -> bool:
    return reserve.exists() and reserve.stat().st_size == SIZE


async def points(client: httpx.AsyncClient, start: float, end: float) -> tuple[set[float], list[list[Any]]]:
    """Return the seconds from `start` to `end` that have a point, and the blind times."""
    query = {"match": MEMORY, "start": str(start), "end": str(end), "step": "1"}
    answer = (await client.get("/api/v1/query_range", params=query)).raise_for_status().json()
    (result,) = answer["result"]
    return {point[0] for point in result["points"] if point[1] is not None}, answer["blind"]


async def newest(viewer: Viewer) -> float:
    """Return the time of the next metrics."""
    return float((await viewer.next("metrics")).json()["timestamp"])


@pytest.mark.fault
@pytest.mark.timeout(120)
async def test_a_full_disk_stops_nothing_but_storing_which_goes_on_by_itself_and_over_a_kill(tmp_path: Path) -> None:
    """32 MiB are kept for `state.db` on a disk of 80: what is in the rest is taken away and given back."""
    with small(tmp_path / "disk", "80m") as disk:
        data = disk / "data"
        async with (
            running_server(data_dir=data) as server,
            httpx.AsyncClient(base_url=server.url, timeout=PATIENCE) as client,
        ):
            await until(lambda: kept(data / "reserve"), PATIENCE)
            async with viewing(client, TYPES) as viewer:
                begun = await newest(viewer)
                await newest(viewer)
                filler = fill(disk)
                full = time.time()
                stopped = await said(viewer, "storing_stopped")
                assert full - 3 < stopped["start"] <= stopped["timestamp"] and "free some space" in stopped["message"]
                notice = {"title": "Tea", "level": "info"}
                assert (await client.post("/api/v1/notifications", json=notice)).status_code == 200
                await viewer.next("notification")
                while await newest(viewer) < full:
                    pass  # these were on their way
                status = (await client.get("/api/v1/status")).json()
                assert "free some space" in status["storage"]["trouble"] and status["unstored"] == 0
                _, blind = await points(client, begun, time.time())
                assert [blind[-1][0], blind[-1][2]] == [stopped["start"], UNSTORED]

                filler.unlink()
                resumed = await said(viewer, "storing_resumed")
                assert abs(resumed["start"] - stopped["start"]) < 0.1 and full < resumed["end"] <= time.time()
                came = [resumed["end"]]
                while came[-1] < resumed["end"] + 2:
                    came.append(await newest(viewer))
                last = came[-1]
            await asyncio.to_thread(server.kill)
            await asyncio.to_thread(server.start)
            async with viewing(client, {"types": "system,notification"}, "1-0") as viewer:
                await viewer.next("notification")
                await said(viewer, "storing_resumed")
            found, blind = await points(client, begun - 5, last)
            # A kill costs two seconds; of those before, each that a collector had a turn in is there.
            assert found >= {begun, *(at for at in came if int(resumed["end"]) + 2 <= at <= last - 2)}
            assert found.isdisjoint(range(int(full) + 3, int(resumed["end"]) - 1))
            assert [resumed["start"], resumed["end"], UNSTORED] in blind
            await backed_up(data, tmp_path, found)


async def backed_up(data: Path, folder: Path, seconds: set[float]) -> None:
    """A running program is backed up by the command, and refuses to have its folder written to."""
    backup, other = folder / "backup.tar", folder / "other"
    ended = await asyncio.to_thread(run, "backup", str(backup), "--data-dir", str(data), url=NOBODY)
    assert ended.returncode == 0 and b"history.db" in ended.stdout, ended.stderr
    with pytest.raises(StorageError, match="is in use by a dashboard: end that first"):
        restore(backup, DataDir(data), time.time())
    restore(backup, DataDir(other), time.time())
    with closing(disk(other, SystemClock())) as owned:
        history = history_on(owned.history, SystemClock())
        (known,) = history.catalogue([Selector.parse(MEMORY)])
        (stretch,) = history.read([known.text], min(seconds), max(seconds) + 1, 1).stretches
    assert {point[0] for point in stretch.points if point[1] is not None} >= seconds
