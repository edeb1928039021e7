"""What is sent twice under one `Idempotency-Key` is published once, and both are answered alike."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from tests.serving import Server


@pytest.mark.parametrize(
    ("path", "item"),
    [
        ("logs", {"message": "sent twice under a key"}),
        ("notifications", {"title": "Twice", "message": "sent twice under a key"}),
    ],
)
def test_a_key_makes_one_of_two(server: Server, path: str, item: dict[str, Any]) -> None:
    url = f"{server.url}/api/v1/{path}"

    def send(key: str | None, sent: object) -> httpx.Response:
        return httpx.post(url, json=sent, headers={} if key is None else {"Idempotency-Key": key}, timeout=20)

    def found() -> int:
        listed = httpx.get(url, timeout=20).json()["result"]
        return sum(one["message"] == item["message"] for one in listed)

    answers = [send("one", [item, {"message": 7}]) for _ in range(3)]
    assert [answer.json()["accepted"] for answer in answers] == [1, 1, 1]
    assert answers[0].content == answers[1].content == answers[2].content
    assert found() == 1
    other = send("one", item)
    assert other.status_code == 400 and "Idempotency-Key: stood for another body" in other.text
    assert send("k" * 201, item).status_code == 400
    assert [send("two", item).status_code, send(None, item).status_code] == [200, 200]
    assert found() == 3
