"""`dashboard notify`: ends well only when the notice was taken, and else says what to do."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from tests.commands.running import NOBODY, run, until
from tests.serving import Server, running_server


@pytest.fixture(scope="module")
def shared() -> Iterator[Server]:
    """A server for all tests of this file."""
    with running_server(config='instance = "web-1"') as running:
        yield running


def test_a_notice_is_on_the_dashboard(shared: Server) -> None:
    ended = run("notify", "Deploy at noon", "--message", "one minute", "--level", "warning", url=shared.url)
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, b"", b"")
    (notice,) = until(lambda: httpx.get(f"{shared.url}/api/v1/notifications").json()["result"])
    assert (notice["title"], notice["message"], notice["level"]) == ("Deploy at noon", "one minute", "warning")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [((" ",), b"title: must not be empty"), (("x", "--level", "loud"), b"level: must be one of debug, info")],
)
def test_a_notice_that_is_not_taken_is_a_line_that_says_why(
    shared: Server, arguments: tuple[str, ...], said: bytes
) -> None:
    ended = run("notify", *arguments, url=shared.url)
    assert ended.returncode == 1 and ended.stdout == b""
    (line,) = ended.stderr.splitlines()
    assert said in line


def test_a_server_that_is_away_is_a_line_that_says_what_to_do() -> None:
    ended = run("notify", "x", url=NOBODY)
    (line,) = ended.stderr.splitlines()
    assert ended.returncode == 1 and b"dashboard serve" in line and b"--url or DASHBOARD_URL" in line


@pytest.mark.parametrize("url", ["nonsense", "ftp://x", "http://", "http://[", "http://x:99999"])
def test_an_address_that_is_none_is_named(url: str) -> None:
    ended = run("notify", "x", "--url", url, url=NOBODY)
    assert ended.returncode == 2 and len(ended.stderr.splitlines()) == 1 and b"no address of a server" in ended.stderr


def test_something_that_is_no_dashboard_is_told(shared: Server) -> None:
    ended = run("notify", "x", "--url", f"{shared.url}/static", url=NOBODY)
    assert ended.returncode == 1 and len(ended.stderr.splitlines()) == 1
