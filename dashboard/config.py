"""Settings: one table, filled from `dashboard.toml`, then `DASHBOARD_<KEY>`, then the command line's flags."""

from __future__ import annotations

import ipaddress
import json
import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta

from dashboard.errors import ConfigError
from dashboard.rules import RULES
from dashboard.settings_file import Faults, SettingsFile
from dashboard.table import Origin, expected, item_struct, item_type, kind_of, nearest, read_value, shown, unknown_key
from dashboard.toml_lines import KeyPath

PREFIX = "DASHBOARD_"
"""What a setting's name has in front in the environment."""

OTHER_TABLES = ("board",)
"""Tables of the settings file that are read elsewhere."""

OTHER_VARIABLES = ("DASHBOARD_CONFIG", "DASHBOARD_URL")
"""Variables that are no setting: the path of the settings file, and the server that commands talk to."""

_INJECTED = re.compile(
    r"DASHBOARD_(.+_)?(SERVICE_HOST|SERVICE_PORT(_.+)?|PORT|PORT_[0-9]+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)"
)
_TOO_DEEP = "is nested too deeply"
_BOOLEANS = {"1": True, "true": True, "yes": True, "on": True, "0": False, "false": False, "no": False, "off": False}


class CollectorSetting(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One `[[collector]]`: how often one collector samples, or that it does not."""

    name: Annotated[str, Meta(min_length=1, description="Which collector: its file's name without `.py`.")]
    interval: (
        Annotated[
            float, Meta(ge=0.1, le=3600, description="Seconds between two samples (default: its own, else `interval`).")
        ]
        | None
    ) = None
    enabled: Annotated[bool, Meta(description="False leaves the collector out.")] = True


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Every plain setting, with its default and help text."""

    host: Annotated[str, Meta(description="Address to listen on.")] = "127.0.0.1"
    port: Annotated[int, Meta(ge=0, le=65535, description="Port to listen on; 0 takes a free one.")] = 8000
    insecure: Annotated[
        bool, Meta(description="Listen beyond loopback without sign-in: everyone who reaches the port is an admin.")
    ] = False
    allowed_hosts: Annotated[
        tuple[str, ...],
        Meta(description="Names by which browsers may address this server besides IPs, localhost and its own name."),
    ] = ()
    root_path: Annotated[str, Meta(description="Path prefix under which a proxy serves this program.")] = ""
    trusted_proxies: Annotated[
        tuple[str, ...],
        Meta(description="Addresses or networks of proxies whose headers X-Forwarded-… are believed."),
    ] = ()
    certfile: Annotated[
        Path | None, Meta(description="File of the certificate chain (PEM), for HTTPS by the program itself.")
    ] = None
    keyfile: Annotated[Path | None, Meta(description="File of the private key (PEM) that belongs to `certfile`.")] = (
        None
    )
    public_url: Annotated[str, Meta(description="What links in notifications and embeds begin with.")] = ""
    data_dir: Annotated[
        Path | None, Meta(description="Folder of what must survive a restart (default: in the user's data folder).")
    ] = None
    instance: Annotated[
        str, Meta(description="The `instance` label of this machine's series (default: its host name at first start).")
    ] = ""
    interval: Annotated[
        float, Meta(ge=0.1, le=3600, description="Seconds between two samples of a collector that has no own setting.")
    ] = 1.0
    heartbeat_interval: Annotated[
        float, Meta(ge=0.5, le=60, description="Seconds between two heartbeats of a stream.")
    ] = 5.0
    flush_interval: Annotated[
        float, Meta(ge=0.001, le=1, description="Seconds that an event waits at most to share a write with others.")
    ] = 0.05
    fast_writer: Annotated[
        bool, Meta(description="Write to all streams in one loop over their sockets; else each by a task of its own.")
    ] = True
    stall_timeout: Annotated[
        float, Meta(ge=1, le=3600, description="Seconds after which a stream that takes no bytes is cut off.")
    ] = 30.0
    max_streams: Annotated[
        int,
        Meta(ge=1, le=1_000_000, description="Streams open at once at most; further ones are sent away for a while."),
    ] = 20_000
    max_streams_per_address: Annotated[
        int,
        Meta(ge=1, le=1_000_000, description="Streams that one address may have open, of IPv6 one /64; not loopback."),
    ] = 500
    max_streams_per_principal: Annotated[
        int, Meta(ge=1, le=1_000_000, description="Streams that one principal other than `local` may have open.")
    ] = 50
    max_attempts_per_minute: Annotated[
        int, Meta(ge=1, le=1_000_000, description="Streams that one address may ask for within any 60 s; not loopback.")
    ] = 1200
    log_events: Annotated[
        int, Meta(ge=16, le=10_000_000, description="Events that the log holds for viewers that come back.")
    ] = 8192
    log_age: Annotated[float, Meta(ge=1, le=86400, description="Seconds that an event stays in the log.")] = 120.0
    keep_log_bytes: Annotated[
        int, Meta(ge=1_000_000, le=10**15, description="Bytes of log lines that are kept on disk.")
    ] = 256_000_000
    keep_log_age: Annotated[float, Meta(ge=60, le=10**9, description="Seconds that a log line is kept on disk.")] = (
        1_209_600.0
    )
    keep_events: Annotated[
        int,
        Meta(
            ge=10, le=10_000_000, description="Notifications that are kept on disk; tasks and system events likewise."
        ),
    ] = 10_000
    keep_events_age: Annotated[
        float, Meta(ge=60, le=10**9, description="Seconds that a notification, task or system event is kept on disk.")
    ] = 7_776_000.0
    keep_raw_age: Annotated[
        float, Meta(ge=900, le=10**9, description="Seconds that every sample is kept on disk as it was collected.")
    ] = 21_600.0
    keep_10s_age: Annotated[
        float, Meta(ge=3600, le=10**9, description="Seconds that points of 10 s are kept on disk.")
    ] = 172_800.0
    keep_1m_age: Annotated[
        float, Meta(ge=3600, le=10**9, description="Seconds that points of a minute are kept on disk.")
    ] = 2_592_000.0
    keep_15m_age: Annotated[
        float, Meta(ge=3600, le=10**9, description="Seconds that points of a quarter of an hour are kept on disk.")
    ] = 63_072_000.0
    keep_history_bytes: Annotated[
        int, Meta(ge=10_000_000, le=10**15, description="Bytes of all points that are kept on disk.")
    ] = 1_073_741_824
    window: Annotated[
        float, Meta(ge=60, le=86400, description="Seconds of every series that are kept in memory for charts.")
    ] = 900.0
    max_series: Annotated[
        int, Meta(ge=100, le=10_000_000, description="Series held at most; samples of further ones are refused.")
    ] = 20_000
    collectors_dir: Annotated[
        Path | None, Meta(description="Folder whose Python files are loaded as further collectors.")
    ] = None
    show_command_lines: Annotated[
        bool, Meta(description="Show the arguments of processes, which may hold secrets, not their names alone.")
    ] = False
    ignore_filesystems: Annotated[
        str, Meta(description="Regular expression of file system types that are left out.")
    ] = (
        "tmpfs|devtmpfs|squashfs|overlay|nsfs|autofs|ramfs|iso9660|fuse\\..*"
        "|proc|sysfs|cgroup2?|.*tracefs|debugfs|mqueue"
    )
    ignore_mounts: Annotated[str, Meta(description="Regular expression of mount points that are left out.")] = (
        "/snap/.*|/var/lib/(docker|containers|kubelet)/.*|/run/.*|/dev/.*|/proc/.*|/sys/.*"
        "|/etc/(hosts|hostname|resolv.conf)"
    )
    ignore_disks: Annotated[str, Meta(description="Regular expression of block devices that are left out.")] = (
        "(loop|ram|zram|fd|sr)[0-9]+"
    )
    ignore_networks: Annotated[str, Meta(description="Regular expression of network devices that are left out.")] = (
        "lo|veth.*|docker[0-9]*|br-.*|virbr.*|cali.*|flannel.*|cni.*|tap.*|tunl.*|sit[0-9]+|dummy.*"
    )
    collector: Annotated[
        tuple[CollectorSetting, ...], Meta(description="Single collectors that differ, each a `[[collector]]`.")
    ] = ()


class Loaded(msgspec.Struct, frozen=True):
    """The settings in effect, where each that is no default came from (`file:3`, a variable, a flag), and warnings."""

    settings: Settings
    sources: dict[str, str]
    warnings: tuple[str, ...] = ()


def load(
    file: SettingsFile | None, environ: Mapping[str, str], flags: Mapping[str, object | None] | None = None
) -> Loaded:
    """Merge file, environment and flags, the later winning; a flag that is None was not given.

    Raises ConfigError (in the file: ConfigFileError) at the first key or value that cannot be used.
    """
    kinds = {field.name: field.type for field in msgspec.structs.fields(Settings)}
    values: dict[str, object] = {}
    sources: dict[str, str] = {}
    if file is not None:
        faults = Faults()
        for key, value in file.data.items():
            if key in OTHER_TABLES:
                continue
            with faults.gathered():
                if key not in kinds:
                    raise file.error((key,), _unknown_in_file(key, value, kinds))
                value = _checked(file, key, (key,), value, kinds[key], top_level())
                values[key] = _below(file.path.parent, value)
                sources[key] = f"{file.path}:{file.line((key,))}"
        faults.raise_first()
    for key, text in _given(environ, kinds):
        variable = _Named(_variable(key))
        values[key] = _checked(variable, key, (), _from_text(variable, text, kinds[key]), kinds[key])
        sources[key] = variable.name
    for key, flag in (flags or {}).items():
        if flag is not None:
            option = _Named("--" + key.replace("_", "-"))
            values[key] = _checked(option, key, (), flag, kinds[key])
            sources[key] = option.name
    settings = msgspec.structs.replace(Settings(), **values)
    return Loaded(settings, sources, (*_warnings(environ, kinds), *_upside_down(settings)))


def top_level() -> dict[str, str]:
    """Return, for each plain setting, where it belongs: for whoever writes one below a `[[table]]`."""
    place = "the top of the file, above the first [[table]]"
    return {field.name: place for field in msgspec.structs.fields(Settings) if item_struct(field.type) is None}


def refuse_exposure(settings: Settings) -> None:
    """Raise ConfigError when others could reach the port and nothing would keep them from being an admin."""
    if not settings.insecure and not is_loopback(settings.host):
        raise ConfigError(
            f"{settings.host} can be reached from other machines and there is no sign-in: listen on 127.0.0.1, "
            f"or say --insecure (DASHBOARD_INSECURE=1), which makes everyone who reaches port {settings.port} an admin"
        )


@lru_cache(1024)
def is_loopback(host: str) -> bool:
    """Tell whether only this machine reaches `host`; names other than localhost count as reachable."""
    if host.lower() == "localhost":
        return True
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None)
    return bool((mapped or address).is_loopback)


class _Named(msgspec.Struct, frozen=True):
    """A variable or a flag, as the origin of a value."""

    name: str

    def error(self, keys: KeyPath, message: str) -> ConfigError:
        way = "".join(f"[{key}]" if isinstance(key, int) else f".{key}" for key in keys)
        return ConfigError(f"{self.name}{way}: {message}")


def _variable(key: str) -> str:
    return PREFIX + key.upper()


def _given(environ: Mapping[str, str], keys: Mapping[str, object]) -> list[tuple[str, str]]:
    """Return the settings that the environment gives; compose files pass on empty what is not set."""
    texts = ((key, environ.get(_variable(key), "")) for key in keys)
    return [(key, text) for key, text in texts if text and not (key == "port" and "://" in text)]


def _from_text(origin: Origin, text: str, kind: object) -> object:
    """Make of a variable's text what a file would hold; what cannot be made stays a text, for the error to show."""
    item = item_type(kind)
    if item is not None and (item_struct(item) is not None or text.lstrip().startswith("[")):
        try:
            return json.loads(text)
        except RecursionError:
            raise origin.error((), _TOO_DEEP) from None
        except ValueError as error:
            raise origin.error((), f"must be {expected(kind)} as JSON: {error}") from None
    if item is not None:
        return [part.strip() for part in text.split(",") if part.strip()]
    if kind_of(kind) is bool:
        return _BOOLEANS.get(text.strip().lower(), text)
    for number in (int, float) if kind_of(kind) in (int, float) else ():
        try:
            return number(text)
        except ValueError:
            continue
    return text


def _checked(
    origin: Origin,
    key: str,
    keys: KeyPath,
    value: object,
    kind: object,
    elsewhere: Mapping[str, str] | None = None,
) -> object:
    """Convert a value and hold it against the rules of its key that a type cannot tell."""
    try:
        result = read_value(origin, keys, value, kind, elsewhere)
    except RecursionError:
        raise origin.error(keys, _TOO_DEEP) from None
    except RuntimeError:
        raise origin.error(keys, f"begins with the home folder of a user who has none: {shown(value)}") from None
    if isinstance(result, Path) and "\0" in str(result):
        raise origin.error(keys, f"must be a path without a NUL in it, not {shown(value)}")
    rule = RULES.get(key)
    fault = rule(result) if rule else None
    if fault is not None:
        raise origin.error((*keys, *fault[0]), fault[1])
    return result


def _below(folder: Path, value: object) -> object:
    """Let a path in a file begin at the file, wherever the program was started."""
    return folder / value if isinstance(value, Path) else value


def _unknown_in_file(key: str, value: object, kinds: Mapping[str, object]) -> str:
    valid = (*kinds, *OTHER_TABLES)
    if isinstance(value, dict) and any(name in kinds for name in value):
        return "unknown table; plain settings stand at the top of the file, outside of any [table]"
    return unknown_key(key, valid, {})


def _warnings(environ: Mapping[str, str], kinds: Mapping[str, object]) -> tuple[str, ...]:
    """Return a line for each variable that means nothing, and one for all that an orchestrator put there."""
    known = {_variable(key) for key in kinds} | set(OTHER_VARIABLES)
    lines: list[str] = []
    injected: list[str] = []
    for name in sorted(name for name in environ if name.startswith(PREFIX)):
        if _INJECTED.fullmatch(name) and (name not in known or "://" in environ[name]):
            injected.append(name)
        elif name not in known:
            like = nearest(name.removeprefix(PREFIX), [one.removeprefix(PREFIX).lower() for one in sorted(known)])
            lines.append(f"{name}: no such setting; the nearest is {_variable(like)}")
    if injected:
        lines.append(f"ignored, as a container orchestrator put it there: {', '.join(injected)}")
    return tuple(lines)


def _upside_down(settings: Settings) -> Iterator[str]:
    """Yield a line for each coarser tier of the history that is kept for a shorter time than a finer one."""
    for finer, coarser in pairwise(("keep_raw_age", "keep_10s_age", "keep_1m_age", "keep_15m_age")):
        longer, shorter = getattr(settings, finer), getattr(settings, coarser)
        if shorter < longer:
            yield f"{coarser} = {shorter:g} is less than {finer} = {longer:g}: coarser points are to be kept longer"
