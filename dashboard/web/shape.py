"""What is relied on of Hypercorn and Quart beyond what they promise.

Where that is not there a program starts all the same, leaves Hypercorn as it is, and writes streams the portable way.
"""

from __future__ import annotations

from functools import cache
from importlib import import_module
from importlib.metadata import version
from operator import attrgetter
from typing import TYPE_CHECKING, Any

RELIED_ON = {
    "hypercorn.asyncio.run:TCPServer": (),
    "hypercorn.asyncio.tcp_server:TCPServer.__init__": ("reader", "writer", "state", "config", "idle_task"),
    "hypercorn.asyncio.tcp_server:TCPServer.run": ("protocol", "protocol_send", "_read_data", "_close"),
    "hypercorn.asyncio.tcp_server:TCPServer._read_data": ("reader", "protocol"),
    "hypercorn.asyncio.tcp_server:TCPServer._close": ("idle_task", "stop"),
    "hypercorn.asyncio.tcp_server:TCPServer.protocol_send": ("writer", "protocol", "send_lock"),
    "hypercorn.events:RawData": (),
    "hypercorn.protocol:H11Protocol": (),
    "hypercorn.protocol:ProtocolWrapper.__init__": ("H11Protocol",),
    "hypercorn.protocol.h11:H11Protocol._handle_events": ("_check_protocol", "_create_stream"),
    "quart.asgi:ASGIHTTPConnection.handle_request": ("_send_response",),
}
"""`module:name`, and which names the code there uses, that are overridden or read here."""


@cache
def lacking() -> str:
    """Return in words what is not as it is relied on; "" when all is."""
    for place, names in RELIED_ON.items():
        module, _, name = place.partition(":")
        package = module.partition(".")[0]
        try:
            found = attrgetter(name)(import_module(module))
            used = found.__code__.co_names if names else ()
        except (ImportError, AttributeError):
            return f"{package} {version(package)} has no {place}"
        for missing in names:
            if missing not in used:
                return f"{place} of {package} {version(package)} does not use {missing}"
    return ""


def replace(server: object, protocol: object) -> None:
    """Have Hypercorn make what it calls with the arguments of `TCPServer` and `H11Protocol` by these. Nothing lacks."""
    vars(import_module("hypercorn.asyncio.run"))["TCPServer"] = server
    vars(import_module("hypercorn.protocol"))["H11Protocol"] = protocol


def _base(module: str, name: str) -> Any:
    """Return a class; where there is none `object`, for what is made of it is then not used."""
    try:
        return getattr(import_module(module), name, object)
    except ImportError:
        return object


if TYPE_CHECKING:
    from hypercorn.asyncio.tcp_server import TCPServer as TCPServer
    from hypercorn.events import RawData as RawData
    from hypercorn.protocol.h11 import H11Protocol as H11Protocol
    from quart.asgi import ASGIHTTPConnection as ASGIHTTPConnection
else:
    TCPServer = _base("hypercorn.asyncio.tcp_server", "TCPServer")
    RawData = _base("hypercorn.events", "RawData")
    H11Protocol = _base("hypercorn.protocol.h11", "H11Protocol")
    ASGIHTTPConnection = _base("quart.asgi", "ASGIHTTPConnection")
