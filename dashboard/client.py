"""What commands say to a running server, by HTTP."""

from __future__ import annotations

from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

import httpx

from dashboard.errors import ConfigError, RequestRefused, ServerUnreachable


class Client:
    """A server at an address; use as a context manager."""

    def __init__(self, url: str, *, timeout: float = 5.0) -> None:
        """Raise ConfigError when `url` is no address of a server; it may have a path, under which the server is."""
        if not _is_address(url):
            raise ConfigError(f"{url[:200]!r} is no address of a server, such as http://127.0.0.1:8000")
        self.url = url.rstrip("/")
        self._client = httpx.Client(timeout=timeout)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._client.close()

    def send(self, method: str, path: str, body: object) -> None:
        """Send one item; raise RequestRefused when it was not taken, ServerUnreachable when nobody can tell."""
        try:
            answer = self._client.request(method, f"{self.url}/api/v1/{path}", json=body)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise ServerUnreachable(self.url, str(error) or type(error).__name__) from error
        if answer.status_code == 200:
            return
        reason = _reason(answer)
        if answer.status_code in (408, 429) or answer.status_code >= 500:
            raise ServerUnreachable(self.url, reason)
        raise RequestRefused(self.url, reason)


def _is_address(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False


def _reason(answer: httpx.Response) -> str:
    """Return why an item was not taken, by the forms that the server's answers have."""
    try:
        body = answer.json()
        first = body["error"] if "error" in body else body["rejected"][0]
        return str(first["message"])[:500]
    except (ValueError, KeyError, IndexError, TypeError):
        return f"it answers {answer.status_code}, which is not as a dashboard does"
