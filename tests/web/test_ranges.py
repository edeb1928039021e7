"""Points of what was: rolled up, in every form, as Grafana asks for them; and the questions that are refused."""

from __future__ import annotations

import csv
import io
import json
import subprocess
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.documents import ROOT, blocks
from tests.web.test_queries import ask, push

YESTERDAY = int(time.time() // 60) * 60 - 26 * 3_600
"""A full minute, long before the server of these tests began."""

Json = dict[str, Any]


async def pushed(client: httpx.AsyncClient, name: str) -> None:
    """Push ten minutes of a wave with a peak of one sample, and of a counter that is restarted, both a day old."""
    values = [
        {"series": f'{name}{{room="a, \\"b\\""}}', "value": at % 6, "timestamp": YESTERDAY + 10 * at}
        for at in range(60)
    ]
    values[33]["value"] = 1_000
    totals = [
        {"series": f"{name}_total", "value": 5 * (at if at < 30 else at - 30), "timestamp": YESTERDAY + 10 * at}
        for at in range(60)
    ]
    await push(client, *({**one, "interval": 10} for one in [*values, *totals]))


async def test_what_came_late_is_answered_at_once_with_peaks_resets_and_nulls(client: httpx.AsyncClient) -> None:
    """Samples of yesterday, from before this run began: found without waiting, in whole minutes."""
    await pushed(client, "wave")
    span: Json = {"start": YESTERDAY - 120, "end": YESTERDAY + 720, "step": 60}
    body = await ask(client, "query_range", match="wave", **span)
    (line,) = body["result"]
    points = {int(at - YESTERDAY): values for at, *values in line["points"]}
    assert body["step"] == 60 and body["tier"] in ("raw", "10s", "1m") and body["incomplete"] == []
    assert points[0] == [2.5, 0, 5] and points[300][2] == 1_000 and points[300][1] == 0
    assert all(points[at] == [None] * 3 for at in (-120, -60, 660))
    assert sorted(points)[0] >= -120 and sorted(points)[-1] < 720
    (rate,) = (await ask(client, "query_range", match="wave_total", **span))["result"]
    rates = {int(at - YESTERDAY): values for at, *values in rate["points"]}
    assert rate["type"] == "counter" and rates[60] == [0.5, 0.5, 0.5]
    assert rates[300] == [0.5, 0.5, 0.5], "a fall is a restart, and no rate of its own"
    assert rates[600] == [None] * 3
    by_width = await ask(client, "query_range", match="wave", start=span["start"], end=span["end"], points=14)
    assert by_width["step"] == 60 and by_width["result"] == body["result"]


@pytest.mark.parametrize(("tier", "ago"), [("window", 60), ("history", 1_000)])
async def test_what_comes_seldom_is_in_an_answer_up_to_now_until_the_next_is_overdue(
    tier: str, ago: int, client: httpx.AsyncClient
) -> None:
    """A value that came before the first point that is asked for is as true as when it came."""
    name = f"seldom_{tier}"
    now = time.time()
    came, samples = now - 1_200, {name: 7, f"{name}_over": 7, f"{name}_total": 100}
    await push(
        client,
        {"series": f"{name}_total", "value": 10, "timestamp": came - 1_800, "interval": 1_800},
        *({"series": one, "value": value, "timestamp": came, "interval": 1_800} for one, value in samples.items()),
        {"series": f"{name}_over", "value": 8, "timestamp": came + 1, "interval": 1},
    )
    asked: Json = {"match": f"{name}*", "start": now - ago, "step": 10}
    found = (await ask(client, "query_range", end=now + 1, **asked))["result"]
    # A question may have been on its way for a while, and of one without an end that is when it came.
    for late in ({**asked, "end": now - 1}, {**asked, "step": 0}):
        assert [line["last"] for line in (await ask(client, "query_range", **late))["result"]] == [
            line["last"] for line in found
        ]
    assert [(line["series"].partition("{")[0], line["last"][1]) for line in found] == [
        (f"{name}_total", 0.05),
        (name, 7),
    ]
    for line in found:
        assert line["last"][0] == pytest.approx(came, abs=0.001) and line["interval"] == 1_800
        assert [mean for _, mean, *_ in line["points"] if mean is not None] == []
    over = (await ask(client, "query_range", end=now - 30, **asked))["result"]
    assert [line["series"] for line in over if line["last"]] == [], "a time that is over has its own"


async def test_a_time_is_the_same_as_unix_seconds_and_as_iso_with_any_offset(client: httpx.AsyncClient) -> None:
    await pushed(client, "zoned")
    start, end = datetime.fromtimestamp(YESTERDAY, UTC), datetime.fromtimestamp(YESTERDAY + 600, UTC)
    ahead = datetime.fromtimestamp(YESTERDAY + 7_200, UTC).replace(tzinfo=None).isoformat() + "+02:00"
    plain = await ask(client, "query_range", match="zoned", start=YESTERDAY, end=YESTERDAY + 600, step=60)
    for text in (start.isoformat(), start.isoformat().replace("+00:00", "Z"), ahead):
        same = await ask(client, "query_range", match="zoned", start=text, end=end.isoformat(), step="1m")
        assert same["result"] == plain["result"]
    bare = await client.get(f"/api/v1/query_range?match=zoned&start={ahead}&end={YESTERDAY + 600}&step=60")
    assert bare.json()["result"] == plain["result"], "a + that is not encoded comes as a space"


async def test_a_series_that_is_only_stored_is_in_the_catalogue_and_has_its_last_value(
    client: httpx.AsyncClient,
) -> None:
    await pushed(client, "gone")
    await push(client, {"series": "gone_not", "value": 7})
    entries = {entry["name"]: entry for entry in (await ask(client, "series", match="gone*"))["result"]}
    assert entries["gone"]["age"] > 25 * 3_600 and abs(entries["gone"]["first_seen"] - YESTERDAY) < 1
    assert entries["gone_not"]["live"] is True and entries["gone_total"]["type"] == "counter"
    latest = {entry["series"]: entry for entry in (await ask(client, "latest", match="gone*"))["result"]}
    stored = latest[entries["gone"]["series"]]
    assert stored["value"] == 5 and stored["timestamp"] == YESTERDAY + 590 and stored["age"] > 25 * 3_600


async def test_a_list_of_more_series_than_its_limit_is_refused_with_how_many_there_are(
    client: httpx.AsyncClient,
) -> None:
    await push(client, *({"series": f'listed{{n="{number}"}}', "value": 1} for number in range(3)))
    for path in ("series", "latest"):
        for most in (3, 120_000):  # a hundred thousand that are stored, and as many new ones as may be live
            assert len((await ask(client, path, match="listed", limit=most))["result"]) == 3
        answer = await client.get(f"/api/v1/{path}", params={"match": "listed", "limit": 2})
        error = answer.json()["error"]
        assert answer.status_code == 400 and "3 series are chosen; at most 2" in error["message"]
        assert (error["series"], error["max_series"]) == (3, 2)
        for text in ("0", "x", "120001"):
            answer = await client.get(f"/api/v1/{path}", params={"limit": text})
            assert answer.status_code == 400 and "limit: must be" in answer.json()["error"]["message"]


async def test_a_series_that_nobody_knows_is_a_404_with_names_alike_unless_that_is_no_news(
    client: httpx.AsyncClient,
) -> None:
    for query in ({"match": "system_lod_1m"}, {"match": "system_lod_1m", "start": str(YESTERDAY), "step": "60"}):
        answer = await client.get("/api/v1/query_range", params=query)
        error = answer.json()["error"]
        assert (answer.status_code, error["code"]) == (404, "unknown_series")
        assert "system_load_1m" in error["message"] and "GET /api/v1/series" in error["message"]
        lenient = await client.get("/api/v1/query_range", params={**query, "unknown": "empty"})
        assert lenient.status_code == 200 and lenient.json()["result"] == [] and lenient.json()["as_of"]


async def test_a_series_that_nobody_knows_is_told_also_beside_others(client: httpx.AsyncClient) -> None:
    """Of those that are live as of those that are only stored; a pattern may choose nothing, a page what there is."""
    await pushed(client, "beside")
    for span in ({}, {"start": str(YESTERDAY), "step": "60"}):
        for known in ("system_load_1m", "beside"):
            query: Json = {"match": [known, "system_lod_5m"], **span}
            answer = await client.get("/api/v1/query_range", params=query)
            error = answer.json()["error"]
            assert (answer.status_code, error["code"]) == (404, "unknown_series")
            assert "is chosen by system_lod_5m: " in error["message"] and "system_load_5m" in error["message"]
            lenient = await client.get("/api/v1/query_range", params={**query, "unknown": "empty"})
            assert lenient.status_code == 200
            patterns = ["system_lod_*", 'system_lod_5m{cpu!="0"}', 'beside{room=~"c.*"}']
            found = await client.get("/api/v1/query_range", params={**query, "match": [known, *patterns]})
            assert found.status_code == 200, found.text
        both = await client.get("/api/v1/query_range", params={"match": ["system_load_1m", "beside"], **span})
        assert both.status_code == 200
        label = await client.get("/api/v1/query_range", params={"match": ["beside", 'beside{room="c"}'], **span})
        assert label.status_code == 404 and 'beside{room="c"}' in label.json()["error"]["message"]


async def test_thousands_of_series_at_once_are_refused_with_how_many_may_be(client: httpx.AsyncClient) -> None:
    await push(client, *({"series": f'crowd{{n="{number}"}}', "value": 1} for number in range(2_001)))
    for start in (time.time() - 5, YESTERDAY):
        query: Json = {"match": "crowd", "start": start, "step": 3_600}
        answer = await client.get("/api/v1/query_range", params=query)
        error = answer.json()["error"]
        assert answer.status_code == 400 and "2001 series are chosen; at most 2000" in error["message"]
        assert (error["series"], error["max_series"]) == (2_001, 2_000)


async def test_csv_is_saved_under_a_name_and_read_by_any_program(client: httpx.AsyncClient) -> None:
    await pushed(client, "sheet")
    query: Json = {"match": ["sheet", "sheet_total"], "start": YESTERDAY, "end": YESTERDAY + 600, "step": 60}
    answer = await client.get("/api/v1/query_range", params={**query, "format": "csv"})
    assert answer.status_code == 200 and answer.headers["content-type"].startswith("text/csv; charset=utf-8")
    stamp = f"{datetime.fromtimestamp(YESTERDAY, UTC):%Y%m%dT%H%M%SZ}"
    assert f'attachment; filename="web-1-{stamp}-' in answer.headers["content-disposition"]
    header, *lines = csv.reader(io.StringIO(answer.text, newline=""), strict=True)
    assert header[0] == "time" and 'sheet{instance="web-1",room="a, \\"b\\""}' in header and len(header) == 7
    at = header.index('sheet{instance="web-1",room="a, \\"b\\""} maximum')
    assert len(lines) == 10 and lines[5][at] == "1000"
    assert [datetime.fromisoformat(line[0]).timestamp() for line in lines] == [YESTERDAY + 60 * at for at in range(10)]
    flat = await client.get("/api/v1/query_range", params={**query, "format": "csv-rows"})
    assert flat.text.startswith("time,series,average,minimum,maximum\r\n") and flat.text.count("\r\n") == 21
    saved = await client.get("/api/v1/query_range", params={**query, "download": 1})
    assert saved.headers["content-disposition"].endswith('.json"') and len(saved.json()["result"]) == 2


def interpolated(text: str) -> str:
    """Write what stands for Grafana's variables as it does."""
    ends = {"from": YESTERDAY, "to": YESTERDAY + 600}
    for name, at in ends.items():
        text = text.replace(f"${{__{name}:date:iso}}", f"{datetime.fromtimestamp(at, UTC):%Y-%m-%dT%H:%M:%S}.000Z")
    return text.replace("$__interval", "1m")


async def test_the_query_that_the_docs_show_for_grafana_gives_its_columns(client: httpx.AsyncClient) -> None:
    """The request that Infinity makes of it, and what its columns need: a time, texts, and a number or null."""
    await pushed(client, "grafana_room")
    (shown,) = (
        json.loads(block.text)
        for block in blocks()
        if block.place.startswith("docs/grafana.md") and '"refId"' in block.text
    )
    params: list[tuple[str, str | int | float | bool | None]] = [
        (one["key"], interpolated(one["value"])) for one in shown["url_options"]["params"]
    ]
    params = [(key, "grafana_room" if key == "match" else value) for key, value in params]
    answer = await client.request(shown["url_options"]["method"], shown["url"], params=params)
    rows = answer.json()
    assert answer.status_code == 200 and len(rows) == 10, answer.text
    assert {"time", "average", "series", "room", "instance", "name"} <= rows[0].keys()
    for column in shown["columns"]:
        for row in rows:
            if column["type"] == "timestamp":
                assert datetime.fromisoformat(row[column["selector"]]).tzinfo is not None
            if column["type"] == "number":
                assert isinstance(row[column["selector"]], int | float)
    epoch = await client.get(shown["url"], params={**dict(params), "start": str(YESTERDAY), "step": "60s"})
    assert epoch.json() == rows
    variable = (await client.get("/api/v1/series", params={"match": "grafana_room"})).json()
    assert [entry["labels"]["instance"] for entry in variable["result"]] == ["web-1"]


def test_the_scrape_that_the_docs_show_is_one(need: Callable[[str], Path], tmp_path: Path) -> None:
    (text,) = (one.text for one in blocks() if one.place.startswith("docs/grafana.md") and "scrape_configs" in one.text)
    (tmp_path / "prometheus.yml").write_text(text)
    checked = subprocess.run(
        [need("promtool"), "check", "config", tmp_path / "prometheus.yml"], capture_output=True, text=True, check=False
    )
    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert (ROOT / "docs/api.md").read_text("utf-8").count("honor_labels: true") == 1
