"""`dashboard serve`."""

from __future__ import annotations

import logging
import os
import sys
from pathlib import Path

import click

from dashboard.terminal import config_option, data_dir_option


@click.command
@config_option
@click.option("--host", help="Address to listen on (default: 127.0.0.1).")
@click.option("--port", type=int, help="Port to listen on, 0 for a free one (default: 8000).")
@data_dir_option
@click.option(
    "--insecure", is_flag=True, default=None, help="Listen beyond loopback without sign-in: everyone is an admin."
)
def command(
    config: Path | None, host: str | None, port: int | None, data_dir: Path | None, insecure: bool | None
) -> None:
    """Collect metrics and serve the pages."""
    from dashboard.config import is_loopback
    from dashboard.settings_file import DEFAULT_FILE, chosen
    from dashboard.startup import read_settings
    from dashboard.terminal import warn

    file = chosen(config)
    flags = {"host": host, "port": port, "data_dir": data_dir, "insecure": insecure}
    loaded, boards = read_settings(file, os.environ, flags)
    settings = loaded.settings
    warn(loaded.warnings)
    if not is_loopback(settings.host):
        warn([f"no sign-in on {settings.host}: everyone who reaches port {settings.port} is an admin"])

    _log_to_stderr()

    from dashboard.web.server import serve

    sys.exit(serve(settings, boards, (config or DEFAULT_FILE).absolute()))


class _OneLine(logging.Formatter):
    """Lines of the log, in which no text from elsewhere can begin a line of its own."""

    def formatMessage(self, record: logging.LogRecord) -> str:
        record.message = "".join(char if char.isprintable() else repr(char)[1:-1] for char in record.message)
        return super().formatMessage(record)


def _log_to_stderr() -> None:
    out = logging.StreamHandler()
    out.setFormatter(_OneLine("%(asctime)s %(levelname)s %(message)s"))
    logging.basicConfig(level=logging.INFO, handlers=[out])
