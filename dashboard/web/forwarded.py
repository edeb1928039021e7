"""What proxies say of the requests that they pass on: from whom, by which name, under which path.

Only those of `trusted_proxies` are listened to, for anyone can send these headers. Each proxy adds to the right of
what it was sent, so what is true stands as many places from the right as there are trusted proxies in a row.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from functools import lru_cache
from typing import cast

from hypercorn.typing import HTTPScope

from dashboard.rules import is_root_path

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

MOST_HOPS = 16
"""Proxies in a row that are followed back at most."""

_SCHEMES = ("http", "https")


class Proxies:
    """Makes of a request what its sender meant: its address, scheme, host, and the path without its prefix."""

    def __init__(self, trusted: Iterable[str], root_path: str, own: frozenset[str]) -> None:
        """`root_path` is the prefix where no proxy names one; `own` are the first parts of this program's paths."""
        self._trusted = tuple(ipaddress.ip_network(network, strict=False) for network in trusted)
        self._root_path, self._own = root_path, own

    def resolve(self, scope: HTTPScope) -> HTTPScope:
        """Return the scope as if there were no proxy; its path has no prefix, which is its `root_path` instead."""
        prefix, changed = self._root_path, dict[str, object]()
        peer = parse((scope.get("client") or ("",))[0])
        if peer is not None and self.trusts(peer):
            said = _Said(scope)
            hops, address = self._trace(said.values(b"x-forwarded-for"), peer)
            changed["client"] = (str(address), 0)
            scheme = said.nth(b"x-forwarded-proto", hops).lower()
            if scheme in _SCHEMES:
                changed["scheme"] = scheme
            host = said.nth(b"x-forwarded-host", hops)
            if host:
                others = [(name, value) for name, value in scope["headers"] if name != b"host"]
                changed["headers"] = [*others, (b"host", host.encode("latin-1"))]
            named = said.nth(b"x-forwarded-prefix", hops).rstrip("/")
            if named and is_root_path(named):
                prefix = named
        if prefix:
            changed["root_path"], changed["path"] = prefix, self._below(prefix, scope["path"])
        return cast("HTTPScope", {**scope, **changed}) if changed else scope

    def trusts(self, address: Address) -> bool:
        """Tell whether what this address says of others is believed."""
        return any(address.version == network.version and address in network for network in self._trusted)

    def _trace(self, chain: list[str], peer: Address) -> tuple[int, Address]:
        """Return how many trusted proxies the request came through, and the address in front of the first of them."""
        hops, nearest = 0, peer
        while self.trusts(nearest) and hops < min(len(chain), MOST_HOPS):
            before = parse(chain[-1 - hops])
            if before is None:
                break
            hops, nearest = hops + 1, before
        return max(hops, 1), nearest

    def _below(self, prefix: str, path: str) -> str:
        """Return a path without the prefix, if it has one: some proxies take it away, others do not.

        A prefix that begins as a path of this program does is not looked for: nobody could tell one from the other.
        """
        if prefix.split("/", 2)[1] in self._own:
            return path
        if path == prefix:
            return "/"
        return path.removeprefix(prefix) if path.startswith(prefix + "/") else path


class _Said:
    """The forwarding headers of one request."""

    def __init__(self, scope: HTTPScope) -> None:
        self._headers: dict[bytes, list[bytes]] = {}
        for name, value in scope["headers"]:
            if name.startswith(b"x-forwarded-"):
                self._headers.setdefault(name, []).append(value)

    def values(self, name: bytes) -> list[str]:
        """Return the last values of a header, whether it came as one line or as several."""
        text = b",".join(self._headers.get(name, ())).decode("latin-1")
        return [part.strip() for part in text.rsplit(",", MOST_HOPS)[-MOST_HOPS:]] if text else []

    def nth(self, name: bytes, hops: int) -> str:
        """Return what the proxy so many hops away said; one that does not add to the others' says it for all."""
        values = self.values(name)
        return values[-min(hops, len(values))] if values else ""


@lru_cache(4096)  # the same few come all the time
def parse(text: str) -> Address | None:
    """Read an address, which may have a port; an IPv4 address is one however it is written. None: it is none."""
    text = text.strip()
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return mapped or address


def counted(address: Address | None) -> str:
    """Return by what a client is counted: its address, of IPv6 its /64, for one machine has all of that."""
    if isinstance(address, ipaddress.IPv6Address) and not address.is_loopback:
        return str(ipaddress.ip_network((address, 64), strict=False))
    return str(address or "unknown")
