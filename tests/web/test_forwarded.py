"""Whom proxies speak for: believed only of those that are trusted."""

from __future__ import annotations

import re
from typing import Any, cast

import pytest
from hypercorn.typing import HTTPScope
from hypothesis import given
from hypothesis import strategies as st

from dashboard.web.forwarded import Proxies, counted, parse

OWN = frozenset({"", "api", "boards", "static"})


def scope(peer: str, path: str = "/", **headers: str) -> HTTPScope:
    """Return the beginning of a request from `peer`; a header's name is written with `_`."""
    pairs = [(name.replace("_", "-").encode(), value.encode("latin-1")) for name, value in headers.items()]
    return cast(
        HTTPScope,
        {"type": "http", "client": (peer, 1), "scheme": "http", "path": path, "root_path": "", "headers": pairs},
    )


def client_of(trusted: list[str], peer: str, *chain: str) -> str:
    headers = {"x_forwarded_for": ", ".join(chain)} if chain else {}
    client = Proxies(trusted, "", OWN).resolve(scope(peer, **headers))["client"]
    assert client is not None
    return client[0]


@pytest.mark.parametrize(
    ("trusted", "peer", "chain", "client"),
    [
        ([], "127.0.0.1", ["203.0.113.7"], "127.0.0.1"),
        (["127.0.0.1"], "127.0.0.1", [], "127.0.0.1"),
        (["127.0.0.1"], "127.0.0.1", ["203.0.113.7"], "203.0.113.7"),
        (["127.0.0.1"], "127.0.0.1", ["6.6.6.6", "203.0.113.7"], "203.0.113.7"),
        (["127.0.0.1"], "198.51.100.1", ["203.0.113.7"], "198.51.100.1"),
        (["127.0.0.1", "10.0.0.0/8"], "127.0.0.1", ["6.6.6.6", "203.0.113.7", "10.1.2.3"], "203.0.113.7"),
        (["127.0.0.1", "10.0.0.0/8"], "127.0.0.1", ["10.9.9.9", "10.1.2.3"], "10.9.9.9"),
        (["::1", "127.0.0.1"], "::ffff:127.0.0.1", ["203.0.113.7:4711"], "203.0.113.7"),
        (["::1"], "::1", ["[2001:db8::7]:4711"], "2001:db8::7"),
        (["::1"], "::1", ["::ffff:203.0.113.7"], "203.0.113.7"),
        (["127.0.0.1"], "127.0.0.1", ["203.0.113.7", "unknown"], "127.0.0.1"),
        (["127.0.0.1"], "127.0.0.1", ["203.0.113.7", ""], "127.0.0.1"),
        (["127.0.0.1"], "127.0.0.1", ["nonsense"] * 5000 + ["203.0.113.7"], "203.0.113.7"),
    ],
)
def test_the_client_is_the_rightmost_address_that_is_not_trusted(
    trusted: list[str], peer: str, chain: list[str], client: str
) -> None:
    assert client_of(trusted, peer, *chain) == client


def test_several_lines_of_a_header_are_one() -> None:
    asked = scope("127.0.0.1", x_forwarded_for="6.6.6.6")
    asked["headers"] = [*asked["headers"], (b"x-forwarded-for", b"203.0.113.7")]
    assert Proxies(["127.0.0.1"], "", OWN).resolve(asked)["client"] == ("203.0.113.7", 0)


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({"x_forwarded_proto": "https"}, {"scheme": "https"}),
        ({"x_forwarded_proto": "HTTPS"}, {"scheme": "https"}),
        ({"x_forwarded_proto": "javascript"}, {"scheme": "http"}),
        ({"x_forwarded_for": "203.0.113.7, 10.0.0.1", "x_forwarded_proto": "https, http"}, {"scheme": "https"}),
        ({"x_forwarded_for": "203.0.113.7", "x_forwarded_proto": "https, http"}, {"scheme": "http"}),
        ({"x_forwarded_prefix": "/dash"}, {"root_path": "/dash", "path": "/boards/x"}),
        ({"x_forwarded_prefix": "/dash/"}, {"root_path": "/dash"}),
        ({"x_forwarded_prefix": "/a/b"}, {"root_path": "/a/b"}),
        ({"x_forwarded_prefix": "/"}, {"root_path": ""}),
        ({"x_forwarded_prefix": "//evil.example"}, {"root_path": ""}),
        ({"x_forwarded_prefix": "/../x"}, {"root_path": ""}),
        ({"x_forwarded_prefix": '/"><script>'}, {"root_path": ""}),
    ],
)
def test_scheme_and_prefix_are_taken_when_they_are_such(headers: dict[str, str], expected: dict[str, str]) -> None:
    trusting = Proxies(["127.0.0.1", "10.0.0.0/8"], "", OWN)
    resolved = cast("dict[str, Any]", trusting.resolve(scope("127.0.0.1", "/boards/x", **headers)))
    assert {name: resolved[name] for name in expected} == expected
    mistrusting = Proxies(["192.0.2.1"], "", OWN)
    asked = scope("127.0.0.1", "/boards/x", **headers)
    assert mistrusting.resolve(asked) is asked


@pytest.mark.parametrize(
    ("prefix", "path", "below"),
    [
        ("/dash", "/dash/boards/x", "/boards/x"),
        ("/dash", "/boards/x", "/boards/x"),
        ("/dash", "/dash", "/"),
        ("/dash", "/dash/", "/"),
        ("/dash", "/dashboards", "/dashboards"),
        ("/boards", "/boards/x", "/boards/x"),
        ("/a/b", "/a/b/c", "/c"),
    ],
)
def test_a_prefix_is_taken_off_once_whether_the_proxy_did_or_not(prefix: str, path: str, below: str) -> None:
    resolved = Proxies([], prefix, OWN).resolve(scope("203.0.113.7", path))
    assert (resolved["root_path"], resolved["path"]) == (prefix, below)


anything = st.text(st.characters(max_codepoint=255), max_size=60)
addresses = st.one_of(st.ip_addresses().map(str), anything)


@given(
    st.lists(addresses, max_size=30), addresses, st.dictionaries(st.sampled_from(["proto", "host", "prefix"]), anything)
)
def test_whatever_is_sent_the_client_is_an_address_that_was_named(
    chain: list[str], peer: str, more: dict[str, str]
) -> None:
    headers = {"x_forwarded_for": ",".join(chain), **{f"x_forwarded_{name}": value for name, value in more.items()}}
    proxies = Proxies(["0.0.0.0/1", "::/1"], "", OWN)
    resolved = proxies.resolve(scope(peer, **headers))
    assert resolved["client"] is not None
    client = parse(resolved["client"][0])
    known = {parse(part) for text in (*chain, peer) for part in text.split(",")}
    assert client in known and counted(client)
    assert re.fullmatch(r"(/[A-Za-z0-9._~-]+)*", resolved["root_path"]) and resolved["scheme"] in ("http", "https")
