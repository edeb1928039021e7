"""What every request passes: the right Host, a principal, a role that is enough, no write from another site."""

from __future__ import annotations

import ipaddress
import re
from functools import lru_cache
from urllib.parse import urlsplit

from quart.wrappers import Request

from dashboard.errors import Forbidden, ForeignHost, ForeignOrigin
from dashboard.model import LOCAL, Principal, Role

_HOST = re.compile(r"(?:\[([0-9A-Fa-f:.]+(?:%[^\[\]]+)?)\]|([^:\[\]]*))(?::[0-9]*)?")
_DEFAULT_PORTS = {"http": ":80", "https": ":443"}
_READING = ("GET", "HEAD", "OPTIONS")

HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
        "connect-src 'self'; worker-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'self'; "
        "frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
"""Headers of every answer. No inline script or style is allowed anywhere."""

PART_HEADERS = {name: HEADERS[name] for name in ("X-Content-Type-Options", "Cross-Origin-Resource-Policy")}
"""Headers of scripts and styles, which are never a document: it is the document's policies that bind them."""


class Guard:
    """Decides who a request is from and whether it may go on."""

    def __init__(self, own_names: frozenset[str], allowed_hosts: tuple[str, ...]) -> None:
        """`own_names` are the names of this machine; `allowed_hosts` those that the setting adds."""
        self._names = frozenset(name.lower().rstrip(".") for name in (*own_names, *allowed_hosts, "localhost"))

    def admit(self, request: Request, role: Role) -> Principal:
        """Return the principal; raise ForeignHost, ForeignOrigin or Forbidden."""
        self._check_host(request.headers.get("Host", ""))
        if request.method not in _READING:
            self._check_origin(request)
        principal = self._principal(request)
        if not principal.role.allows(role):
            raise Forbidden(f"this needs the role {role}; you are {principal.name}, {principal.role}")
        return principal

    def _principal(self, request: Request) -> Principal:
        # Without sign-in the program listens on loopback only, or was told --insecure: whoever gets here is local.
        return Principal(LOCAL, Role.ADMIN)

    def knows(self, header: str) -> bool:
        """Tell whether a Host header is an address or a name of this server.

        A page of another site can point its own name at this address (DNS rebinding); its Host gives it away.
        """
        host = _host_of(header)
        return host is not None and (not host or _is_address(host) or host in self._names)

    def _check_host(self, header: str) -> None:
        if not self.knows(header):
            raise ForeignHost(
                f"this server does not answer to the name {(_host_of(header) or header)[:253]!r}; "
                "if it should, add it to the setting allowed_hosts"
            )

    def _check_origin(self, request: Request) -> None:
        origin, host = request.headers.get("Origin"), request.headers.get("Host", "")
        foreign = origin is not None and not _is_of(origin, request.scheme, host)
        if foreign or request.headers.get("Sec-Fetch-Site") == "cross-site":
            raise ForeignOrigin("writes are taken from this server's own pages and from programs, not from other sites")


def _host_of(header: str) -> str | None:
    """Return the host of a Host header, which may have a port; None when it is none."""
    match = _HOST.fullmatch(header)
    return (match[1] or match[2]).lower().rstrip(".") if match else None


def _is_of(origin: str, scheme: str, host: str) -> bool:
    """Tell whether an origin is this server as the browser addressed it.

    Of plain http the scheme is not compared: a proxy that is not trusted may speak https with the browser.
    """
    try:
        site = urlsplit(origin)
    except ValueError:
        return False
    default = _DEFAULT_PORTS.get(site.scheme, "")
    same = site.netloc.lower().removesuffix(default) == host.lower().removesuffix(default)
    return bool(site.netloc) and same and (site.scheme == scheme or scheme == "http")


@lru_cache(1024)
def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
