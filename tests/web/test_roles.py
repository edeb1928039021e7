"""Who may enter where: every route by every role, and the short way to a stream."""

from __future__ import annotations

from pathlib import Path

import pytest

from dashboard.config import Settings
from dashboard.model import Principal, Role
from dashboard.runtime import running
from dashboard.web.app import create_app
from dashboard.web.guard import Guard
from tests.web.test_opening import HEALTH, PLAIN, Door, door
from tests.web.test_routes import ALL, address

__all__ = ["door"]


@pytest.fixture(params=list(Role))
def role(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Role:
    """Each role in turn; everyone who asks has it."""
    found: Role = request.param
    monkeypatch.setattr(Guard, "_principal", lambda guard, request: Principal("anna", found))
    return found


async def test_every_route_is_closed_to_exactly_the_roles_below_its_own(role: Role, tmp_path: Path) -> None:
    async with running(Settings(data_dir=tmp_path), [], None) as runtime:
        asking = create_app(runtime).test_client()
        for route in ALL:
            for method in {"HEAD" if method == "GET" else method for method in route.methods}:
                answer = await asking.open(address(route), method=method, headers={"Host": "localhost"})
                refused = not role.allows(route.role)
                assert (answer.status_code == 403) == refused, f"{method} {route.path}: {answer.status_code}"
                assert answer.status_code != 500
                if refused and method != "HEAD":
                    error = (await answer.get_json())["error"]
                    assert error["code"] == "forbidden" and f"the role {route.role}; you are anna, {role}" in str(error)


async def test_a_stream_begins_on_either_way_for_those_alone_who_may_see_it(role: Role, door: Door) -> None:
    allowed = role.allows(Role.VIEWER)
    end = b"event: hello" if allowed else b'"forbidden"'
    for before, short in ([(), allowed], [(HEALTH,), False]):
        answer = await door.ask(*before, PLAIN + b"\r\n", until=end)
        assert answer.startswith(b"HTTP/1.1 200 " if allowed else b"HTTP/1.1 403 ")
        assert door.short.pop() is short
        assert allowed or not door.runtime.tally.streams
        await door.emptied()
    assert door.runtime.tally.requests["/api/v1/events", "GET", 200] == 2 * allowed
