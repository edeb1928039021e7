"""The application by itself: what happens when a view fails."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

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
