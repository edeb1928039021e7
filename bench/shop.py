"""A shop that tells a dashboard what it does, for pictures: samples, log lines, long work and notices; and its past."""

from __future__ import annotations

import asyncio
import math
import random
import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count, islice

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

DAY = 86_400
STEP = 10
"""Seconds between two samples of the shop's past."""
BATCH = 1_000
"""Samples of one request."""


@dataclass(frozen=True)
class Past:
    """What a shop went through until `now` (Unix seconds): its days, and what stands out of them, in Unix seconds."""

    now: float
    days: float = 7

    @property
    def slow_bank(self) -> tuple[float, float]:
        """The night in which the bank was slow."""
        return self._at(2.4), self._at(2.4) + 1_500

    @property
    def outage(self) -> tuple[float, float]:
        """The hours in which the shop told nothing."""
        return self._at(4.6), self._at(4.6) + 9_000

    @property
    def spike(self) -> float:
        """The one sample that took nine seconds."""
        return self._at(5.3)

    def _at(self, days_ago: float) -> float:
        return (self.now - days_ago * DAY) // STEP * STEP

    def samples(self) -> Iterator[dict[str, object]]:
        """Give the samples in the order of their times; the same for the same `now`."""
        chance, served = random.Random(7), {"200": 0.0, "404": 0.0, "500": 0.0}
        outage, slow = self.outage, self.slow_bank
        for turn in range(round(self.days * DAY / STEP), 0, -1):
            at = self._at(0) - turn * STEP
            if outage[0] <= at < outage[1]:
                continue
            busy = 1 + 0.7 * math.sin((at % DAY / DAY - 0.3) * math.tau)  # quiet at dawn, busy in the late afternoon
            late = 3.4 if slow[0] <= at < slow[1] else 1.0
            values = {
                f'shop_payment_seconds{{provider="{name}"}}': usual * chance.uniform(0.9, 1.15) * (0.7 + 0.3 * busy)
                for name, usual in (("bank", 1.1 * late), ("card", 0.6))
            }
            if at == self.spike:
                values['shop_payment_seconds{provider="card"}'] = 9.0
            for status, share in (("200", 40.0), ("404", 3.0), ("500", 0.5 * late**3)):
                served[status] += STEP * share * busy * chance.uniform(0.9, 1.1)
                values[f'shop_requests_total{{status="{status}"}}'] = round(served[status])
            values["shop_queue_length"] = round(38 * busy * late**0.5)
            for series, value in values.items():
                yield {"series": series, "value": value, "timestamp": at, "interval": STEP}


async def remember(url: str, past: Past) -> int:
    """Tell the dashboard at `url` of the shop's past, by the way in that everyone has; return the count of samples."""
    told, samples = 0, past.samples()
    async with httpx.AsyncClient(base_url=url, timeout=60) as client:
        while batch := list(islice(samples, BATCH)):
            (await client.post("/api/v1/samples", json=batch)).raise_for_status()
            told += len(batch)
        for start, end, text in (
            (*past.slow_bank, "The bank was slow\nIts limit is 2 s; they had a broken disk."),
            (past.spike, None, "One payment of 9 s"),
        ):
            mark = {"start": start, "end": end, "text": text}
            (await client.post("/api/v1/annotations", json=mark)).raise_for_status()
    return told


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
