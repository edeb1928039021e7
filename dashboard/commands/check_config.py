"""`dashboard check-config FILE`."""

from __future__ import annotations

import os
from pathlib import Path

import click


@click.command
@click.argument("file", type=click.Path(path_type=Path))
def command(file: Path) -> None:
    """Read a settings FILE and print the settings in effect, where they come from, and all boards.

    Ends with 2 and the reason when `serve` would not start with it, or could not read the folder of collectors.
    """
    from dashboard.errors import DashboardError, PortTaken
    from dashboard.settings_file import SettingsFile
    from dashboard.startup import board_lines, folder_fault, read_settings, setting_lines
    from dashboard.terminal import warn
    from dashboard.web.connections import listen

    source = SettingsFile.read(file)
    loaded, boards = read_settings(source, os.environ)
    warn(loaded.warnings)
    fault = folder_fault(source, loaded)
    if fault is not None:
        raise fault
    try:
        listen(loaded.settings).close()
    except PortTaken as error:
        warn([str(error)])  # most likely by the very program whose settings these are
    try:
        click.echo("\n".join([*setting_lines(loaded), "", *board_lines(boards)]))
    except BrokenPipeError:
        raise  # whoever read it has seen enough, as click knows
    except OSError as error:
        raise DashboardError(f"stdout cannot be written: {error.strerror}") from None
