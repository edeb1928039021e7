"""The list of all series, of which there may be tens of thousands."""

from __future__ import annotations

import time
from pathlib import Path

from dashboard.config import Settings
from dashboard.model import Batch
from dashboard.runtime import running
from dashboard.web.app import create_app

MANY = 3_000


async def test_the_list_of_thousands_is_made_beside_the_event_loop(tmp_path: Path) -> None:
    """What the loop's own thread has to do is the copying: less than half of all that is to be done."""
    async with running(Settings(data_dir=tmp_path), [], None) as runtime:
        samples = {f'listed{{host="host-{number:05}"}}': float(number) for number in range(MANY)}
        runtime.pipeline.accept(Batch("h/x", time.time(), 60.0, {"instance": "h"}, samples))
        client = create_app(runtime).test_client()
        shares = []
        for _ in range(4):
            own, total = time.thread_time(), time.process_time()
            answer = await client.get("/api/v1/series?match=listed", headers={"Host": "localhost"})
            own, total = time.thread_time() - own, time.process_time() - total
            shares.append(own / total)
            result = (await answer.get_json())["result"]
            assert len(result) == MANY and result[7]["series"] == 'listed{host="host-00007",instance="h"}'
        assert min(shares[1:]) < 0.6, shares  # the first loads code
