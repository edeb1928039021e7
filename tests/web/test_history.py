"""The question in a page's head: the one that the page's script will put."""

from __future__ import annotations

import json
import re
from html import unescape
from pathlib import Path

import httpx
import pytest

from dashboard.web.history import ALSO, range_of, step_of
from tests.serving import Server

CASES = json.loads((Path(__file__).parent.parent / "cases" / "spans.json").read_text("utf-8"))


@pytest.mark.parametrize("case", [pytest.param(case, id=case["name"]) for case in CASES])
def test_range_and_step_are_as_the_shared_cases_say(case: dict[str, float]) -> None:
    assert range_of(case["recorded"], case["wanted"]) == case["range"]
    assert step_of(case["range"]) == case["step"]


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
