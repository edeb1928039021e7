"""The certificate that the program serves HTTPS with by itself: read, checked, and taken anew when its files change."""

from __future__ import annotations

import asyncio
import logging
import ssl
from pathlib import Path
from typing import Literal

from dashboard.config import Settings
from dashboard.settings_file import read_regular

log = logging.getLogger("dashboard")

LOOK_EVERY = 10.0
"""Seconds between two looks at the files: whoever renews a certificate saves them again."""

Fault = tuple[Literal["certfile", "keyfile"], str]
"""The setting that is at fault, and what about it."""


class Certificate:
    """A certificate with its key, as `context` for new connections. Those that are open keep what they began with."""

    def __init__(self, certfile: Path, keyfile: Path) -> None:
        """Read both files; raises OSError or ssl.SSLError when they cannot be used."""
        self._certfile, self._keyfile = certfile, keyfile
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.set_alpn_protocols(["http/1.1"])
        self._read = self._stamp()
        _load(self.context, certfile, keyfile)

    @classmethod
    def of(cls, settings: Settings) -> Certificate | None:
        """Return the one that the settings name, which `fault` has found to be good; None without one."""
        if settings.certfile is None or settings.keyfile is None:
            return None
        return cls(settings.certfile, settings.keyfile)

    async def renew(self) -> None:
        """Take the files anew whenever they were saved, until cancelled; what cannot be used changes nothing."""
        while True:
            await asyncio.sleep(LOOK_EVERY)
            await asyncio.to_thread(self.look)  # a disk may hang

    def look(self) -> None:
        """Take the files anew if they were saved since."""
        stamp = self._stamp()
        if stamp == self._read:
            return
        self._read = stamp
        found = _fault(self._certfile, self._keyfile)
        if found is None:
            _load(self.context, self._certfile, self._keyfile)
            log.info("the certificate in %s is taken for new connections", self._certfile)
        else:
            log.error("%s %s; the certificate from before stays in use", *found)

    def _stamp(self) -> tuple[tuple[int, int] | None, ...]:
        return tuple(_saved(file) for file in (self._certfile, self._keyfile))


def fault(settings: Settings) -> Fault | None:
    """Return what keeps certificate and key from being used; None when they can be, or when there are none."""
    if settings.certfile is None and settings.keyfile is None:
        return None
    if settings.keyfile is None:
        return "certfile", "needs the setting keyfile beside it, the file of the private key"
    if settings.certfile is None:
        return "keyfile", "needs the setting certfile beside it, the file of the certificate"
    return _fault(settings.certfile, settings.keyfile)


def _fault(certfile: Path, keyfile: Path) -> Fault | None:
    try:
        read_regular(certfile)
    except OSError as error:
        return "certfile", f"{certfile} cannot be read: {error.strerror}"
    try:
        read_regular(keyfile)
    except OSError as error:
        return "keyfile", f"{keyfile} cannot be read: {error.strerror}"
    try:
        ssl.create_default_context(cafile=certfile)
    except ssl.SSLError:
        return "certfile", f"{certfile} holds no certificate in PEM form (-----BEGIN CERTIFICATE-----)"
    try:
        _load(ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), certfile, keyfile)
    except _Encrypted:
        return "keyfile", f"{keyfile} is locked with a password: give a key without one, readable by this user alone"
    except ssl.SSLError as error:
        if error.reason == "KEY_VALUES_MISMATCH":
            return "keyfile", f"{keyfile} is not the key of the certificate in {certfile}"
        return "keyfile", f"{keyfile} holds no private key in PEM form that can be used ({error.reason or error})"
    return None


class _Encrypted(Exception):
    """A key wants a password, for which OpenSSL would ask at the terminal."""


def _load(context: ssl.SSLContext, certfile: Path, keyfile: Path) -> None:
    def password() -> str:
        raise _Encrypted

    context.load_cert_chain(certfile, keyfile, password)


def _saved(file: Path) -> tuple[int, int] | None:
    try:
        found = file.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_ino
