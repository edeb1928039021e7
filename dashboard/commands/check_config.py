"""`dashboard check-config FILE`."""

from __future__ import annotations

import os
from pathlib import Path

import click


@click.command
@click.argument("file", type=click.Path(path_type=Path))
def command(file: Path) -> None:
    """Read a settings FILE and print the settings in effect, where they come from, and all boards."""
    from dashboard.config import refuse_exposure
    from dashboard.errors import ConfigError
    from dashboard.settings_file import SettingsFile
    from dashboard.startup import board_lines, read_settings, setting_lines
    from dashboard.terminal import warn

    loaded, boards = read_settings(SettingsFile.read(file), os.environ)
    warn(loaded.warnings)
    try:
        refuse_exposure(loaded.settings)
    except ConfigError as error:
        warn([str(error)])  # no fault of the file, for a flag may still say it
    click.echo("\n".join([*setting_lines(loaded), "", *board_lines(boards)]))
