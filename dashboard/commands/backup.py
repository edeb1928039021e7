"""`dashboard backup FILE`."""

from __future__ import annotations

import os
import time
from pathlib import Path

import click

from dashboard.terminal import config_option, data_dir_option


@click.command
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@config_option
@data_dir_option
def command(file: Path, config: Path | None, data_dir: Path | None) -> None:
    """Copy history and state into one FILE, while the dashboard runs or not."""
    from dashboard.config import load
    from dashboard.copies import back_up
    from dashboard.datadir import default_folder
    from dashboard.settings_file import chosen

    settings = load(chosen(config), os.environ, {"data_dir": data_dir}).settings
    made = back_up(settings.data_dir or default_folder(), file, time.time())
    parts = ", ".join(f"{name} {size / 1e6:,.1f} MB" for name, size in made.sizes.items())
    click.echo(f"{file}: {parts}")
