"""Collectors of a folder beside the built-in ones: they take nothing from these, and what they are refused is told."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable
from pathlib import Path

import httpx
import msgspec

from dashboard.collectors import CollectorState
from dashboard.web.status import Status
from tests.serving import Server, running_server
from tests.web.wire import DEADLINE

MANY = """
from dashboard.collectors import Family, Sample
families = [Family("many", "gauge", "", "Many.")]
def collect():
    return [Sample("many", 1, {"n": str(number)}) for number in range(900)]
"""

SAME = """
from dashboard.collectors import Family, Sample
from dashboard.collectors.loadavg import FAMILIES
families = [*FAMILIES, Family("same_own", "gauge", "", "Own.")]
def collect():
    yield Sample("system_load_1m", 5555)
    yield Sample("same_own", 1)
"""

TWIN = """
from dashboard.collectors import Family, Sample
families = [Family("twin", "gauge", "", "Twin.")]
def collect():
    yield Sample("twin", 1)
"""

ENDLESS = """
from dashboard.collectors import Family, Sample
families = [Family("endless", "gauge", "", "Endless.")]
interval = 0.5
def collect():
    while True:
        yield Sample("endless", 1)
"""

LARGE = """
from dashboard.collectors import Family, Sample
families = [Family("large", "gauge", "", "Large.")]
def collect():
    yield Sample("large", 1, {"i": "a"})
    yield Sample("large", 10**400, {"i": "b"})
    yield Sample("large", 3, {"i": "c"})
"""

SLOW = """
import os, time
from dashboard.collectors import Family, Sample
families = [Family("slow", "gauge", "", "Slow.")]
interval = 4
def collect():
    while not os.path.exists("{gate}"):
        time.sleep(0.01)
    yield Sample("slow", 1)
"""

SETTINGS = """
instance = "web-1"
max_series = 900
collectors_dir = "{folder}"
[[collector]]
name = "dashboard"
interval = 0.5
"""


def serving(folder: Path, **files: str) -> str:
    """Put collectors into a folder; return settings that load them."""
    for name, text in files.items():
        (folder / f"{name}.py").write_text(text)
    return SETTINGS.format(folder=folder)


def status(server: Server) -> Status:
    return msgspec.json.decode(httpx.get(f"{server.url}/api/v1/status").content, type=Status)


def told(server: Server, name: str, holds: Callable[[CollectorState], bool]) -> CollectorState:
    """Return the state of a collector when it is so."""
    deadline = time.monotonic() + DEADLINE
    while not holds(state := next(one for one in status(server).collectors if one.name == name)):
        assert time.monotonic() < deadline, state
        time.sleep(0.02)
    return state


def failed_by(server: Server, name: str, error: str) -> CollectorState:
    """Return the state of a collector when it failed with this error: a machine that stands still is another."""
    return told(server, name, lambda state: state.state == "failed" and error in (state.error or ""))


def latest(server: Server, match: str) -> list[tuple[float, str]]:
    answer = httpx.get(f"{server.url}/api/v1/latest", params={"match": match}).json()
    return [(line["value"], line["source"]) for line in answer["result"]]


def test_a_collector_with_too_many_series_leaves_room_for_the_built_in_ones_and_is_told_of(tmp_path: Path) -> None:
    with running_server(config=serving(tmp_path, aaa_many=MANY)) as server:
        failed_by(server, "aaa_many", "of its 900 series found no room: see the setting max_series")
        assert told(server, "dashboard", lambda state: state.state == "ok").error is None
        deadline = time.monotonic() + DEADLINE
        while (process := status(server).process).cpu_ratio is None:
            assert time.monotonic() < deadline
            time.sleep(0.02)
        assert process.resident_bytes is not None
        server.wait_for_log("Samples find no room: .* see the setting max_series")
        told(server, "aaa_many", lambda state: state.failures >= 8)
        log = server.log()
        assert log.count("collector aaa_many: failed") == log.count("Samples find no room") == 1
        news = httpx.get(f"{server.url}/api/v1/system").json()["result"]
        shortages = [one for one in news if one.get("message", "").startswith("Samples find no room")]
        assert [one["event"] for one in shortages] == ["high_load"]


def test_a_series_has_one_collector_and_another_that_gives_it_fails_with_the_owners_name(tmp_path: Path) -> None:
    with running_server(config=serving(tmp_path, same=SAME, first=TWIN, second=TWIN)) as server:
        same = told(server, "same", lambda state: state.failures >= 3)
        assert same.state == "failed" and same.error == (
            "samples of system_load_1m are refused, for the collector loadavg gives them: "
            "take another name, or a label of its own"
        )
        assert "the collector first gives them" in (
            told(server, "second", lambda state: state.failures >= 3).error or ""
        )
        assert {source for _, source in latest(server, "twin")} == {"web-1/first"}
        assert [value for value, _ in latest(server, "system_load_1m")] != [5555.0]
        assert latest(server, "same_own") == [(1.0, "web-1/same")]
        assert server.log().count("collector same: failed") == server.log().count("collector second: failed") == 1


def test_what_a_built_in_collector_will_give_cannot_be_pushed_in_the_first_moment() -> None:
    with running_server(config='instance = "web-1"\n[[collector]]\nname = "cpu"\ninterval = 60\n') as server:
        sample = {"series": 'system_cpu_total_utilization_ratio{instance="web-1"}', "value": 1}
        answer = httpx.post(f"{server.url}/api/v1/samples", json=[sample, {**sample, "series": 'x{instance="web-1"}'}])
        assert [one["code"] for one in answer.json()["rejected"]] == ["taken"] and answer.json()["accepted"] == 1


def test_a_collector_ends_neither_the_server_nor_what_it_gives_itself(tmp_path: Path) -> None:
    """One waits, one blocks, one gives without an end, one raises what Ctrl-C does; a real Ctrl-C still ends all."""
    slow = TWIN.replace("def collect():", "async def collect():\n    import asyncio\n    await asyncio.Event().wait()")
    slow = slow.replace("yield Sample", "return Sample")
    stroke = TWIN.replace("def collect", "async def collect").replace(
        'yield Sample("twin", 1)', "raise KeyboardInterrupt"
    )
    dead = slow.replace("import asyncio", "import time").replace("await asyncio.Event().wait()", "time.sleep(3600)")
    files = {"slow": slow, "dead": dead, "stroke": stroke, "endless": ENDLESS, "large": LARGE}
    with running_server(config=serving(tmp_path, **files)) as server:
        state = told(server, "slow", lambda state: state.state == "failed")
        assert (state.error, state.families) == ("did not return within 2 s", ("twin",))
        failed_by(server, "dead", "did not return within 2 s")
        failed_by(server, "endless", "was still giving samples after 1 s, and was stopped")
        told(server, "large", lambda state: state.failures >= 2)
        assert failed_by(server, "large", 'large{i="b"}: ').error == 'large{i="b"}: its value is too large'
        assert [value for value, _ in latest(server, "large")] == [1.0, 3.0]
        told(server, "stroke", lambda state: state.failures >= 2)
        assert (
            failed_by(server, "stroke", "KeyboardInterrupt").error == f"{tmp_path / 'stroke.py'}:5: KeyboardInterrupt"
        )
        server.send(signal.SIGINT)
        assert server.wait() == 0


def test_one_that_is_late_only_is_told_as_late_with_the_seconds_that_it_took(tmp_path: Path) -> None:
    """Its interval is so long that a machine that stands still for some seconds does not make it fail."""
    gate = tmp_path / "gate"
    with running_server(config=serving(tmp_path, slow=SLOW.replace("{gate}", str(gate)))) as server:
        state = told(server, "slow", lambda state: state.state == "late")
        assert state.error == "it takes longer than its interval of 4 s"
        gate.touch()
        server.wait_for_log(r"collector slow: late: it takes [0-9.]+ s of its interval of 4 s")
        news = httpx.get(f"{server.url}/api/v1/system", timeout=DEADLINE).json()["result"]
        first = [event for event in news if event.get("collector") == "slow"][-1]
        assert (first["event"], first["what"]) == ("collector_failed", "late")
