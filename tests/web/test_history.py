"""The question in a page's head: the one that the page's script will put."""

from __future__ import annotations

import json
import re
from html import unescape
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import httpx
import pytest

from dashboard.web.history import ALSO, Live, Past, frame_of, range_of, step_of
from tests.serving import Server

FOLDER = Path(__file__).parent.parent / "cases"
CASES = json.loads((FOLDER / "spans.json").read_text("utf-8"))
TWO_YEARS = 63_072_000
FRAMES = json.loads((FOLDER / "frames.json").read_text("utf-8"))


@pytest.mark.parametrize("case", [pytest.param(case, id=case["name"]) for case in CASES])
def test_range_and_step_are_as_the_shared_cases_say(case: dict[str, float]) -> None:
    assert range_of(case["recorded"], case["wanted"]) == case["range"]
    assert step_of(case["range"]) == case["step"]


@pytest.mark.parametrize("case", [pytest.param(case, id=case["name"]) for case in FRAMES])
def test_an_address_says_which_time_is_shown_as_the_shared_cases_say(case: dict[str, Any]) -> None:
    found = frame_of(dict(parse_qsl(case["query"], keep_blank_values=True)), case.get("longest", TWO_YEARS))
    said = case["frame"]
    if said is None:
        assert found is None
    elif "range" in said:
        assert found == Live(said["range"])
    else:
        assert found == Past(said["from"], said["to"])


async def test_the_head_asks_what_the_script_will_ask_and_the_answer_fits(server: Server) -> None:
    async with httpx.AsyncClient(base_url=server.url) as client:
        html = (await client.get("/")).text
        data = re.search(r'id="board">(.*?)</script>', html, re.S)
        assert data is not None
        history = json.loads(data.group(1))["history"]
        links = [unescape(link) for link in re.findall(r'rel="preload" href="([^"]+)" as="fetch"', html)]
        assert links == [history["url"], "/api/v1/status"]
        answer = (await client.get(history["url"])).json()
    assert answer["step"] == history["step"]
    assert set(ALSO) <= set(history["selectors"])
