"""`dashboard restore FILE`."""

from __future__ import annotations

import os
import time
from datetime import UTC, datetime
from pathlib import Path

import click

from dashboard.terminal import config_option, data_dir_option


@click.command
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@config_option
@data_dir_option
def command(file: Path, config: Path | None, data_dir: Path | None) -> None:
    """Bring history and state back from a backup FILE; the dashboard must not run.

    What is in their place is kept under another name.
    """
    from dashboard.config import load
    from dashboard.copies import restore
    from dashboard.datadir import DataDir, default_folder
    from dashboard.settings_file import chosen

    settings = load(chosen(config), os.environ, {"data_dir": data_dir}).settings
    folder = DataDir(settings.data_dir or default_folder())
    made, aside = restore(file, folder, time.time())
    click.echo(f"{folder.path}: as it was on {datetime.fromtimestamp(made.made_at, UTC):%Y-%m-%d %H:%M:%S} UTC")
    for path in aside:
        click.echo(f"what was there is kept as {path}, which may be deleted")
