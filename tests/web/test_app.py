"""The application by itself: what happens when a view fails, and what is counted of it."""

from __future__ import annotations

import asyncio
import logging
import time
from pathlib import Path

import pytest
from hypercorn.typing import ASGISendEvent, HTTPRequestEvent, HTTPScope

from dashboard.config import Settings
from dashboard.runtime import Runtime
from dashboard.web.app import create_app
from tests.web.test_routes import hold_headers


@pytest.mark.parametrize("accept", ["*/*", "text/html"])
async def test_a_view_that_fails_is_a_500_that_gives_nothing_away_and_a_log_that_does(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, accept: str
) -> None:
    app = create_app(Runtime(Settings(data_dir=tmp_path), [], None))

    async def fails() -> str:
        raise ValueError("a secret")

    app.add_url_rule("/fails", "fails", fails)
    with caplog.at_level(logging.ERROR, "dashboard.web"):
        answer = await app.test_client().get("/fails", headers={"Accept": accept})
    text = await answer.get_data(as_text=True)
    assert answer.status_code == 500 and "a secret" not in text and "Traceback" not in text
    assert ("</html>" in text) == (accept == "text/html") and ('{"error":{"code":"internal"' in text) == (
        accept == "*/*"
    )
    assert "GET /fails failed" in caplog.text and "a secret" in caplog.text
    hold_headers({name.lower(): value for name, value in answer.headers.items()})


@pytest.mark.parametrize("name", ["/healthz", "/static/<path:path>"])
async def test_an_answer_is_counted_when_it_has_been_sent_with_how_long_that_took(tmp_path: Path, name: str) -> None:
    """Who takes its last bytes stands still here, as a slow line does, until it was looked whether it is counted."""
    runtime = Runtime(Settings(data_dir=tmp_path), [], None)
    app = create_app(runtime)
    path = app.extensions["assets"].url("", "js/status.js") if "static" in name else name
    scope: HTTPScope = {
        "type": "http", "asgi": {}, "http_version": "1.1", "method": "GET", "scheme": "http", "path": path,
        "raw_path": path.encode(), "query_string": b"", "root_path": "", "client": None, "server": None,
        "headers": [(b"host", b"localhost"), (b"accept-encoding", b"gzip")], "extensions": {}, "state": {},
    }  # fmt: skip
    asked, sending, taken = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def receive() -> HTTPRequestEvent:
        if asked.is_set():
            await asyncio.Event().wait()
        asked.set()
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(event: ASGISendEvent) -> None:
        if event["type"] == "http.response.body" and event["body"]:
            sending.set()
            await taken.wait()

    answering = asyncio.create_task(app(scope, receive, send))
    await sending.wait()
    stood = time.monotonic()
    assert not runtime.tally.latency and not runtime.tally.requests
    stood = time.monotonic() - stood
    taken.set()
    await answering
    assert runtime.tally.requests == {(name, "GET", 200): 1} and sum(runtime.tally.latency[name]) == 1
    assert runtime.tally.latency_sum[name] >= stood > 0
