"""The exception tree.

::

    DashboardError                 everything this program raises on purpose; str() tells people what to do
    ├── ConfigError                settings that cannot be used
    │   ├── ConfigFileError          … in a file, with path, line and key
    │   └── PortTaken                … now, for another program listens there
    ├── InvalidInput               something that a client sent (HTTP 400)
    │   ├── SeriesSyntaxError        not a series
    │   ├── SelectorSyntaxError      not a selector
    │   ├── UnknownChart             no panel of a board is called so (HTTP 404)
    │   ├── NoImage                  a panel of a kind that has no image (HTTP 404)
    │   └── InvalidParameter         a query parameter that cannot be used
    │       ├── TooManyPoints          … for the answer would be too large
    │       ├── TotalsGone             … for only rates are left of a counter so far back
    │       └── UnknownSeries          … for nothing of the kind was ever stored (HTTP 404)
    ├── Forbidden                  the principal's role is not enough (HTTP 403)
    ├── ForeignOrigin              a write from another site (HTTP 403)
    ├── ForeignHost                a Host header that is not ours (HTTP 421)
    ├── Busy                       too much at once; `retry_after` says when to ask again (HTTP 503)
    │   └── TooManyStreams           … of one address or principal (HTTP 429)
    ├── StorageError               something that the disk does not take or give (HTTP 503)
    ├── RasterError                a picture that cannot be made of a drawing (HTTP 503)
    ├── ServerError                a server elsewhere that did not take what a command sent
    │   ├── ServerUnreachable        … for it did not answer; worth a retry
    │   └── RequestRefused           … for it does not want it
    └── CollectorError             a collector that cannot be loaded or failed
        └── CollectorTimeout         … that did not return in time
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path


class DashboardError(Exception):
    """Root of the tree. `code` is the word that the JSON error carries, `status` its HTTP status."""

    code = "internal"
    status = 500


class ConfigError(DashboardError):
    """Settings that cannot be used; the start ends with exit code 2."""

    code = "config"


class ConfigFileError(ConfigError):
    """A fault in a settings file, told as `file:line: key: what to do`."""

    def __init__(self, path: Path, line: int | None, key: str, message: str) -> None:
        self.path, self.line, self.key, self.message = path, line, key, message
        where = f"{path}:{line}" if line is not None else str(path)
        super().__init__(f"{where}: {key}: {message}" if key else f"{where}: {message}")


class PortTaken(ConfigError):
    """A port on which another program listens, which may be this very one."""


class InvalidInput(DashboardError):
    """Something that a client sent and that cannot be taken."""

    code = "invalid"
    status = 400


class SeriesSyntaxError(InvalidInput):
    """A text that is not `name{label="value",…}`."""

    code = "invalid_series"

    def __init__(self, text: str, position: int, reason: str) -> None:
        self.text, self.position, self.reason = text, position, reason
        super().__init__(f"not a series, at character {position + 1} of {text[:200]!r}: {reason}")


class SelectorSyntaxError(InvalidInput):
    """A text that is not a selector such as `system_cpu_*{cpu!="0"}`."""

    code = "invalid_selector"

    def __init__(self, text: str, position: int, reason: str) -> None:
        self.text, self.position, self.reason = text, position, reason
        super().__init__(f"not a selector, at character {position + 1} of {text[:200]!r}: {reason}")


class UnknownChart(InvalidInput):
    """No panel of a board is called so."""

    code = "unknown_chart"
    status = 404


class NoImage(InvalidInput):
    """A panel of a kind that has no image."""

    code = "no_image"
    status = 404


class InvalidParameter(InvalidInput):
    """A query parameter that cannot be used."""

    code = "invalid_parameter"

    def __init__(self, parameter: str, reason: str) -> None:
        self.parameter, self.reason = parameter, reason
        super().__init__(f"{parameter}: {reason}")


class TooManyPoints(InvalidParameter):
    """A question whose answer would be too large; `max_series` of as many points each would do."""

    def __init__(self, reason: str, series: int, max_series: int, parameter: str = "step") -> None:
        self.series, self.max_series = series, max_series
        super().__init__(parameter, reason)


class TotalsGone(InvalidParameter):
    """A question for a counter's totals of a time of which only rates are left; `since` (Unix seconds) has them."""

    def __init__(self, since: float) -> None:
        self.since = since
        begin = datetime.fromtimestamp(since, UTC).isoformat().replace("+00:00", "Z")
        super().__init__(
            "raw", f"totals of counters are kept from {begin} on, before it only rates: begin there, or leave raw=1 out"
        )


class UnknownSeries(InvalidParameter):
    """Selectors that choose no series, of those that are stored as little as of those that are live."""

    code = "unknown_series"
    status = 404


class Forbidden(DashboardError):
    """The principal's role is not enough."""

    code = "forbidden"
    status = 403


class ForeignOrigin(DashboardError):
    """A write that a page of another site started."""

    code = "foreign_origin"
    status = 403


class ForeignHost(DashboardError):
    """A Host header that is neither an address, the own name, nor in `allowed_hosts`."""

    code = "foreign_host"
    status = 421


class StorageError(DashboardError):
    """Something that the disk does not take or give; it is tried anew each time, so it may mend without a restart.

    `types` are the types of events that were not stored.
    """

    code = "storage"
    status = 503

    def __init__(self, message: str, types: frozenset[str] = frozenset()) -> None:
        self.types = types
        super().__init__(message)


class Busy(DashboardError):
    """There are as many streams as the settings allow, or lines as the disk takes; ask again after `retry_after` s."""

    code = "busy"
    status = 503

    def __init__(self, message: str, retry_after: int) -> None:
        self.retry_after = retry_after
        super().__init__(message)


class TooManyStreams(Busy):
    """One address or principal has, or asks for, too many streams."""

    code = "too_many_streams"
    status = 429


class RasterError(DashboardError):
    """A picture that cannot be made of a drawing."""

    code = "no_picture"
    status = 503


class ServerError(DashboardError):
    """A server that did not take what a command of this program sent it."""

    code = "server"


class ServerUnreachable(ServerError):
    """No answer came, or one that says to try again."""

    def __init__(self, url: str, reason: str) -> None:
        self.url, self.reason = url, reason
        super().__init__(
            f"no dashboard answers at {url} ({reason}): start one with `dashboard serve`, "
            "or name another by --url or DASHBOARD_URL"
        )


class RequestRefused(ServerError):
    """The server answered, and does not take it."""

    def __init__(self, url: str, reason: str) -> None:
        self.url, self.reason = url, reason
        super().__init__(f"the dashboard at {url} does not take this: {reason}")


class CollectorError(DashboardError):
    """A collector that cannot be loaded, or whose `collect` failed."""

    code = "collector"


class CollectorTimeout(CollectorError):
    """A collector that did not return in time; its thread is left behind."""

    code = "collector_timeout"
