"""Pages and the API: the only floor that knows Quart and Hypercorn."""

from __future__ import annotations

import sys
from types import ModuleType
from typing import NoReturn

_UNSPOKEN = {
    "h2": (),
    "h2.events": (),
    "hypercorn.protocol.h2": ("H2Protocol",),
    "hypercorn.protocol.ws_stream": ("WSStream",),
}
"""Modules of HTTP/2 and of websockets, neither of which is spoken here, and what Hypercorn takes from them."""


class _Unspoken:
    def __init__(self, *_: object, **__: object) -> NoReturn:
        raise ConnectionAbortedError("neither HTTP/2 nor websockets are spoken here")


def _load_hypercorn() -> None:
    """Load the server without what it would speak besides HTTP/1.1, which is two megabytes of memory."""
    if "hypercorn" in sys.modules or "h2" in sys.modules:
        return
    for name, wanted in _UNSPOKEN.items():
        module = sys.modules[name] = ModuleType(name)
        module.__dict__.update(dict.fromkeys(wanted, _Unspoken))
    sys.modules["h2"].__dict__["events"] = sys.modules["h2.events"]
    try:
        import hypercorn.asyncio  # noqa: F401
    except Exception:  # another Hypercorn, which asks for more: it is loaded whole, where it is needed
        for name in [name for name in sys.modules if name.partition(".")[0] == "hypercorn"]:
            del sys.modules[name]
    for name in ("h2", "h2.events"):  # others may want the real ones
        del sys.modules[name]


_load_hypercorn()
