"""A shop that tells a dashboard what it does, for pictures: samples, log lines, long work and notices."""

from __future__ import annotations

import asyncio
import math
import random
import time
from itertools import count

import httpx

BOARD = """
[[board]]
name = "shop"
title = "Shop"
range = "5m"

[[board.panel]]
title = "Requests"
kind = "area"
stack = true
series = ["shop_requests_total"]
legend = "{status}"
width = 4
height = 24

[[board.panel]]
title = "Payment takes"
kind = "line"
series = ["shop_payment_seconds"]
legend = "{provider}"
thresholds = [{ above = 2, severity = "warning" }]
width = 4
height = 24

[[board.panel]]
title = "Orders in the queue"
kind = "gauge"
series = ["shop_queue_length"]
max = 100
thresholds = [{ above = 80, severity = "warning" }]
width = 4
height = 24

[[board.panel]]
title = "Work"
kind = "tasks"
width = 5
height = 50

[[board.panel]]
title = "Log"
kind = "log"
width = 7
height = 50
"""

LINES = (
    ("info", "shop.order", "order {n} was paid: 3 articles, 48.20 EUR"),
    ("info", "shop.cart", "a basket of {n} was left behind for 30 min"),
    ("debug", "shop.search", '"winter tyres" found 214 articles in 12 ms'),
    ("warning", "shop.payment", "the bank took 2.4 s to answer for order {n}; its limit is 2 s"),
    ("info", "shop.mail", "receipt of order {n} was sent"),
    ("error", "shop.payment", "order {n}: the card was refused twice\n  code: do_not_honor\n  the customer was told"),
)
WORK = (
    {"task": "backup", "title": "Nightly backup", "unit": "files", "total": 18_400, "rate": 61.0},
    {"task": "index", "title": "Search index of articles", "unit": "articles", "total": 5_200, "rate": 9.0},
)
"""Tasks that run all the time: how many of what there are, and how many are done in a second."""


async def trade(url: str) -> None:
    """Tell the dashboard at `url` of the shop, twice a second, until cancelled."""
    async with httpx.AsyncClient(base_url=url) as client:
        await client.put(
            "/api/v1/tasks/restore", json=_ended("failed", "Restore of last Friday", "disk sdb is missing")
        )
        await client.put("/api/v1/tasks/invoices", json=_ended("completed", "Invoices of October", "2,310 were sent"))
        served, began = {"200": 0.0, "404": 0.0, "500": 0.0}, time.monotonic()
        for turn in count():
            busy = 1 + 0.5 * math.sin(turn / 60)
            for status, share in (("200", 40.0), ("404", 3.0), ("500", 0.5)):
                served[status] += share * busy * random.uniform(0.4, 0.6)
            takes = {name: usual * random.uniform(0.8, 1.3) * busy for name, usual in (("bank", 1.1), ("card", 0.6))}
            await client.post(
                "/api/v1/samples",
                json=[
                    *(
                        {"series": f'shop_requests_total{{status="{key}"}}', "value": all}
                        for key, all in served.items()
                    ),
                    *(
                        {"series": f'shop_payment_seconds{{provider="{key}"}}', "value": one}
                        for key, one in takes.items()
                    ),
                    {"series": "shop_queue_length", "value": round(38 * busy)},
                ],
            )
            if random.random() < 0.4:
                level, logger, message = random.choices(LINES, weights=(9, 3, 5, 2, 6, 1))[0]
                line = {"level": level, "logger": logger, "message": message.format(n=10_400 + turn), "source": "shop"}
                await client.post("/api/v1/logs", json=line)
            for work in WORK:
                done = round((time.monotonic() - began) * float(str(work["rate"]))) % int(str(work["total"]))
                told = {key: work[key] for key in ("title", "unit", "total")}
                await client.put(f"/api/v1/tasks/{work['task']}", json={**told, "done": done, "interval": 10})
            await asyncio.sleep(0.5)


async def announce(url: str) -> None:
    """Send the notices that a picture of them shows."""
    async with httpx.AsyncClient(base_url=url) as client:
        for level, title, message in (
            ("info", "Deploy at noon", "Expect a minute without the shop."),
            ("warning", "The bank is slow", "Payments take over 2 s since 11:40; the bank knows of it."),
        ):
            await client.post("/api/v1/notifications", json={"title": title, "message": message, "level": level})


def _ended(state: str, title: str, message: str) -> dict[str, object]:
    began = time.time() - 600
    return {"state": state, "title": title, "message": message, "started_at": began, "ended_at": began + 214}
