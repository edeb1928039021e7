"""Images of charts for other pages: what they are asked for, what they say, and what they cost."""

from __future__ import annotations

import asyncio
import re
import struct
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from xml.etree import ElementTree

import httpx
import pytest

from tests.needs import need
from tests.serving import Server, running_server
from tests.test_drawing import texts
from tests.test_raster import resident
from tests.web.conftest import until_all_are_in
from tests.web.wire import DEADLINE

SETTINGS = """
instance = "web-1"
[[board]]
name = "own"
title = "Own"
range = "60s"
[[board.panel]]
id = "pushed"
title = "Pushed <b>"
kind = "line"
series = ["pushed_bytes"]
legend = "{name}"
[[board.panel]]
id = "past"
title = "Past"
kind = "line"
series = ["past_bytes"]
[[board.panel]]
id = "late"
title = "Late"
kind = "stat"
series = ["late_ratio"]
[[board.panel]]
id = "lines"
title = "Lines"
kind = "log"
"""


@pytest.fixture(scope="module")
def embedding() -> AsyncIterator[Server]:
    """A server with a board of pushed series."""
    with running_server(config=SETTINGS) as running:
        until_all_are_in(running)
        yield running


@pytest.fixture
async def client(embedding: Server) -> AsyncIterator[httpx.AsyncClient]:
    """A client of that server."""
    async with httpx.AsyncClient(base_url=embedding.url, timeout=20) as opened:
        yield opened


async def push(
    client: httpx.AsyncClient, series: str, values: dict[float, float], interval: float = 3600, now: float | None = None
) -> None:
    """Push the samples of a series, by their age in seconds at a time, which is now unless it is said."""
    now = time.time() if now is None else now
    samples = [
        {"series": series, "value": value, "timestamp": now - age, "interval": interval}
        for age, value in sorted(values.items(), reverse=True)
    ]
    assert (await client.post("/api/v1/samples", json=samples)).json()["rejected"] == []


@pytest.mark.parametrize("id", ["cpu", "memory-states", "load", "cores", "filesystems"])
async def test_each_kind_of_the_overview_has_an_image(client: httpx.AsyncClient, id: str) -> None:
    """It is well-formed, of the size that is asked for, says UTC, and pages of other origins may show it."""
    answer = await client.get(f"/embed/overview.{id}.svg?width=500&height=240&theme=dark")
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "image/svg+xml; charset=utf-8"
    assert answer.headers["cross-origin-resource-policy"] == "cross-origin"
    assert answer.headers["cache-control"] == "private, no-cache" and answer.headers["etag"].startswith('W/"')
    assert "script-src 'self'" in answer.headers["content-security-policy"]
    root = ElementTree.fromstring(answer.text)
    assert (root.get("width"), root.get("height")) == ("500", "240")
    assert any(text.endswith(" UTC") for text in texts(answer.text)) and "<script" not in answer.text
    deadline = time.monotonic() + DEADLINE
    lines: list[dict[str, object]] = []
    while not (lines and all(line["value"] is not None for line in lines)):  # a rate needs two collections
        assert time.monotonic() < deadline, lines
        lines = (await client.get(f"/embed/overview.{id}.json")).json()["lines"]


async def test_what_is_unchanged_is_not_sent_again(client: httpx.AsyncClient) -> None:
    """An image of a time that is over has the same ETag each time; another size, theme or form has another."""
    await push(client, 'pushed_bytes{name="old"}', {age: 1024.0 * age for age in range(20, 50)}, 1)
    now = time.time()
    address = f"/embed/own.pushed.svg?from={now - 45:.0f}&to={now - 15:.0f}"
    first = await client.get(address)
    tag = first.headers["etag"]
    again = await client.get(address, headers={"If-None-Match": f'"other", {tag}'})
    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
    assert again.headers["cache-control"] == "private, no-cache"
    for other in (f"{address}&width=300", f"{address}&theme=dark", f"{address}&tz=Asia/Tokyo"):
        assert (await client.get(other, headers={"If-None-Match": tag})).status_code == 200
    assert "Pushed <b>" in texts(first.text) and "<b>" not in first.text


async def test_a_picture_is_made_of_the_same_image(client: httpx.AsyncClient) -> None:
    """PNG has the size of the drawing times its scale, an ETag of its own, and is made only for whoever lacks it."""
    need("fonts")
    now = time.time()
    address = f"/embed/overview.cpu.png?from={now - 100:.0f}&to={now - 60:.0f}&width=200&height=80&scale=2"
    answer = await client.get(address)
    assert answer.status_code == 200 and answer.headers["content-type"] == "image/png"
    assert struct.unpack(">II", answer.content[16:24]) == (400, 160)
    tag = answer.headers["etag"]
    assert (await client.get(address, headers={"If-None-Match": tag})).status_code == 304
    assert (await client.head(address)).headers["etag"] == tag
    assert (await client.get(address.replace("png", "svg"), headers={"If-None-Match": tag})).status_code == 200


async def test_old_data_are_marked_with_the_reason(client: httpx.AsyncClient) -> None:
    """A value is never shown bare when its successor is overdue."""
    await push(client, "late_ratio", {30: 0.5, 29: 0.4}, 1)
    said = " ".join(texts((await client.get("/embed/own.late.svg")).text))
    # Other tests may push meanwhile, so that the source goes on.
    assert re.search(r"40\.0 % (STALE \d+ s source web-1/push: stopped|gone for \d+ s web-1/push goes on)", said), said
    assert (await client.get("/embed/own.late.json")).json()["lines"][0]["stale"] is True


async def test_the_account_has_the_exact_newest_value_and_the_axis_of_the_image(client: httpx.AsyncClient) -> None:
    await push(client, 'pushed_bytes{name="exact"}', {2: 5.0, 1: 123456.789})
    account = (await client.get("/embed/own.pushed.json")).json()
    line = next(line for line in account["lines"] if line["name"] == "exact")
    assert line["value"] == 123456.789 and line["text"] == "121\xa0KiB"
    assert account["x"]["max"] - account["x"]["min"] == 60 and account["x"]["zone"] == "UTC"
    drawn = texts((await client.get("/embed/own.pushed.svg")).text)
    assert [text.replace("\xa0", " ") for _, text in account["y"]["ticks"]] == [
        text for text in drawn if re.fullmatch(r"[\d.]+ [KM]?i?B", text)
    ][: len(account["y"]["ticks"])]


async def test_a_past_is_that_of_its_own_points(client: httpx.AsyncClient) -> None:
    """Nothing from before and after it is in the image: neither in its axis nor as its newest value."""
    end = time.time() // 1 - 30
    within = {end - at - 0.5: 10.0 + at % 7 for at in range(int(end) - 40, int(end))}
    around = {end - at - 0.5: 5000.0 for at in (end - 42, end - 41, end, end + 1)}
    await push(client, 'past_bytes{name="past"}', within | around, 1, now=end)
    span = {"from": end - 40, "to": end}
    account = (await client.get("/embed/own.past.json", params=span)).json()
    (line,) = account["lines"]
    asked = {"match": "past_bytes", "start": end - 40, "end": end, "step": 1}
    (found,) = (await client.get("/api/v1/query_range", params=asked)).json()["result"]
    assert (line["time"], line["value"]) == tuple(found["points"][-1][:2]) and line["time"] == end - 1
    assert account["y"]["max"] < 30 and account["since"] >= end - 40


async def test_a_past_is_judged_by_how_often_samples_came_then(client: httpx.AsyncClient) -> None:
    """Where they came each 10 s nothing is missing between two of them, nor after the last, though today more come."""
    now = time.time()
    end = now // 60 * 60 - 7_200
    await push(client, 'past_bytes{name="rare"}', {at: 5.0 + at % 3 for at in range(-50, 700, 10)}, 10, now=end)
    await push(client, 'past_bytes{name="rare"}', {0: 5.0}, 0.5)
    account = (await client.get("/embed/own.past.json", params={"from": end - 600, "to": end})).json()
    (line,) = account["lines"]
    assert account["holes"] == [] and line["peak"] is None
    assert line["time"] == end - 10


@pytest.mark.parametrize(
    ("address", "status", "said"),
    [
        ("overview.cpu-mode.svg", 404, "did you mean overview.cpu-modes"),
        ("overwiev.cpu.svg", 404, "overview.cpu"),
        ("nothing.svg", 404, "check-config"),
        ("own.lines.svg", 404, "of kind log"),
        ("overview.processes.json", 404, "of kind processes"),
        ("overview.cpu.svg?width=20", 400, "160 to 2400"),
        ("overview.cpu.svg?height=1e9", 400, "72 to 1600"),
        ("overview.cpu.svg?theme=pink", 400, "light, dark"),
        ("overview.cpu.svg?tz=Mars/Base", 400, "Europe/Berlin"),
        ("overview.cpu.svg?tz=../../etc/passwd", 400, "Europe/Berlin"),
        ("overview.cpu.svg?tz=Europe", 400, "Europe/Berlin"),
        ("overview.cpu.svg?range=1s", 400, "10 s"),
        ("overview.cpu.svg?range=100y", 400, "such as 15m"),
        ("overview.cpu.svg?from=2020-01-01T00:00:00", 400, "both from and to"),
        ("overview.cpu.svg?from=2020-01-01T00:00:00&to=2020-01-01T01:00:00Z", 400, "no offset"),
        ("overview.cpu.svg?from=2020-01-01T02:00:00Z&to=2020-01-01T01:00:00Z", 400, "after from"),
        ("overview.cpu.svg?from=0&to=1700000000", 400, "are stored"),
        ("overview.cpu.svg?from=0&to=4000000000", 400, "in the future"),
        ("overview.cpu.svg?from=90000000000&to=90000000100", 400, "in the past"),
        ("overview.cpu.png?scale=9", 400, "1 to 4"),
        ("overview.cpu.png?width=2400&height=1600&scale=4", 400, "at most 1.4"),
    ],
)
async def test_what_cannot_be_drawn_gets_a_reason(
    client: httpx.AsyncClient, address: str, status: int, said: str
) -> None:
    """With a chart that is not there those called alike are named, with a parameter what it takes."""
    answer = await client.get(f"/embed/{address}")
    assert answer.status_code == status, answer.text
    assert said in answer.json()["error"]["message"]


async def test_many_images_leave_the_memory_as_it_was(embedding: Server, client: httpx.AsyncClient) -> None:
    """After the first ones another hundred cost nothing that stays."""
    await _render(client, 60)
    before = resident(embedding.pid)
    await _render(client, 100)
    assert resident(embedding.pid) - before < 3_000_000


@pytest.mark.long
@pytest.mark.timeout(600)
async def test_a_hundred_images_a_second_leave_the_memory_as_it_was() -> None:
    """For a minute, of all kinds, with a picture each second; what grows is the record, by a megabyte a minute."""
    need("fonts")
    with running_server() as server:
        until_all_are_in(server)
        async with httpx.AsyncClient(base_url=server.url, timeout=60) as client:
            await _render(client, 3_000)  # until the garbage collector has had some rounds
            before = resident(server.pid)
            begun = time.monotonic()
            for second in range(60):
                picture = client.get(f"/embed/overview.cores.png?scale=2&width={400 + second}")
                await asyncio.gather(_render(client, 100, at=second), picture)
                await asyncio.sleep(max(0.0, begun + second + 1 - time.monotonic()))
            assert time.monotonic() - begun < 66, "not a hundred a second"
            assert resident(server.pid) - before < 4_000_000


async def _render(client: httpx.AsyncClient, count: int, at: int = 0) -> None:
    """Ask for so many images, no two alike, ten at a time."""
    ids = ("cpu", "cpu-modes", "memory-states", "network-io", "cores", "filesystems", "load")
    for first in range(0, count, 10):
        numbers = range(first, min(count, first + 10))
        sizes = [(f"overview.{ids[n % len(ids)]}", f"width={400 + n % 2000}&height={240 + at}") for n in numbers]
        asked = (client.get(f"/embed/{chart}.svg?{size}&range=30s") for chart, size in sizes)
        answers = await asyncio.gather(*asked)
        assert {answer.status_code for answer in answers} == {200}


def test_drawing_is_loaded_with_the_first_image_only() -> None:
    """A server that draws nothing has no memory for it; what rasterises it never loads at all."""
    code = "import sys, dashboard.web.app, dashboard.web.embed; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert "dashboard.web.embed" in loaded
    assert not [name for name in loaded if name.startswith(("dashboard.drawing", "dashboard.web.embed.", "resvg_py"))]
