"""What a setting's value must be besides its type: one rule a setting, each the first fault of a value; and what two
settings must be to each other.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple, Protocol, cast

import re2

from dashboard.table import shown
from dashboard.toml_lines import KeyPath

_HOST_NAME = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9_.-]*[A-Za-z0-9_])?\.?")
_URL = re.compile(
    r"https?://(?P<host>\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(?::(?P<port>[0-9]{1,5}))?"
    r"(?:/(?:[A-Za-z0-9._~!$&'()*+,;=:@/-]|%[0-9A-Fa-f]{2})*)?"
)
"""An address of RFC 3986, without user, query and fragment."""
_ROOT_PATH = re.compile(r"(/[A-Za-z0-9._~-]+)*")


class _Named(Protocol):
    @property
    def name(self) -> str: ...


class _Timed(_Named, Protocol):
    @property
    def interval(self) -> float | None: ...
    @property
    def enabled(self) -> bool: ...


class _Times(Protocol):
    @property
    def interval(self) -> float: ...
    @property
    def window(self) -> float: ...
    @property
    def log_age(self) -> float: ...
    @property
    def heartbeat_interval(self) -> float: ...
    @property
    def stall_timeout(self) -> float: ...
    @property
    def collector(self) -> Sequence[_Timed]: ...


Fault = tuple[KeyPath, str]
"""Where in the value, and what about it."""


def _host(value: object) -> Fault | None:
    text = str(value)
    if _HOST_NAME.fullmatch(text) or _is_address(text):
        return None
    return (), f"must be an address or a name without scheme, port or brackets, not {shown(text)}"


def _hosts(value: object) -> Fault | None:
    for index, name in enumerate(cast("tuple[str, ...]", value)):
        if not _HOST_NAME.fullmatch(name) and not _is_address(name):
            return (index,), f"must be a name without scheme and port, such as dash.example.com, not {shown(name)}"
    return None


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def _networks(value: object) -> Fault | None:
    for index, text in enumerate(cast("tuple[str, ...]", value)):
        try:
            ipaddress.ip_network(text, strict=False)
        except ValueError:
            return (index,), f"must be an address or a network, such as 127.0.0.1 or 10.0.0.0/8, not {shown(text)}"
    return None


def is_root_path(text: str) -> bool:
    """Tell whether a text can be the prefix of every path."""
    return _ROOT_PATH.fullmatch(text) is not None and not {".", ".."} & set(text.split("/"))


def _root_path(value: object) -> Fault | None:
    if is_root_path(str(value)):
        return None
    return (), f"must begin with / and not end with it, such as /dashboard, not {shown(value)}"


def _public_url(value: object) -> Fault | None:
    if value == "" or _is_url(str(value)):
        return None
    return (), f"must be an address such as https://dash.example.com, not {shown(value)}"


def _is_url(text: str) -> bool:
    found = _URL.fullmatch(text)
    if found is None or not 0 < int(found["port"] or 80) < 65536:
        return False
    return _hosts((found["host"].strip("[]"),)) is None


def _instance(value: object) -> Fault | None:
    if str(value).isprintable() and len(str(value)) <= 200:
        return None
    return (), f"must be at most 200 printable characters, not {shown(value)}"


def _expression(value: object) -> Fault | None:
    options = re2.Options()
    options.log_errors = False
    try:
        re2.compile(str(value), options)
    except re2.error as error:
        reason = error.args[0] if error.args else error
        text = reason.decode(errors="replace") if isinstance(reason, bytes) else str(reason)
        return (), f"must be a regular expression, not {shown(value)}: {text}"
    return None


def _collectors(value: object) -> Fault | None:
    seen: set[str] = set()
    for index, setting in enumerate(cast("tuple[_Named, ...]", value)):
        if setting.name in seen:
            return (index, "name"), f"{shown(setting.name)} stands twice"
        seen.add(setting.name)
    return None


RULES: Mapping[str, Callable[[object], Fault | None]] = {
    "host": _host,
    "allowed_hosts": _hosts,
    "root_path": _root_path,
    "trusted_proxies": _networks,
    "public_url": _public_url,
    "instance": _instance,
    "collector": _collectors,
    "ignore_filesystems": _expression,
    "ignore_mounts": _expression,
    "ignore_disks": _expression,
    "ignore_networks": _expression,
}


class Clash(NamedTuple):
    """A setting that does not suit another: the place of its value, and what about both.

    `fatal` when they cannot work together at all.
    """

    keys: KeyPath
    message: str
    fatal: bool


def clashes(settings: _Times) -> Iterator[Clash]:
    """Yield the pairs of settings that are each right and do not suit each other."""
    intervals: list[tuple[KeyPath, float]] = [(("interval",), settings.interval)]
    for index, one in enumerate(settings.collector):
        if one.enabled and one.interval is not None:
            intervals.append((("collector", index, "interval"), one.interval))
    for keys, interval in intervals:
        message = outlasts(interval, settings.window)
        if message is not None:
            yield Clash(keys, message, fatal=True)
        elif 2 * interval > settings.window:
            message = f"{interval:g} s are over half of window ({settings.window:g} s): charts hold one or two points"
            yield Clash(keys, message, fatal=False)
    if settings.log_age < settings.heartbeat_interval:
        message = (
            f"{settings.log_age:g} s are less than heartbeat_interval ({settings.heartbeat_interval:g} s): "
            "who comes back after a break will have missed events"
        )
        yield Clash(("log_age",), message, fatal=False)
    if 2 * settings.heartbeat_interval > settings.stall_timeout:
        message = (
            f"{settings.heartbeat_interval:g} s are over half of stall_timeout ({settings.stall_timeout:g} s): "
            "one that vanished is found by a heartbeat it does not acknowledge, so it may be counted for "
            f"{settings.heartbeat_interval + settings.stall_timeout / 2:g} s"
        )
        yield Clash(("heartbeat_interval",), message, fatal=False)


def outlasts(interval: float, window: float) -> str | None:
    """Say what is wrong with a collector's interval that is longer than the window; None when it is not."""
    if interval <= window:
        return None
    return (
        f"must be at most window ({window:g} s), not {interval:g}: series without a sample for so long are forgotten; "
        "sample more often, or set a longer window"
    )
