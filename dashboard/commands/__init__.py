"""Commands: each file of this folder is one, named as the file, and is `command` in it.

A file is loaded when its command runs or is listed; what only the running command needs is imported inside of it.
"""

from __future__ import annotations

import pkgutil
from importlib import import_module

import click

from dashboard.errors import ConfigError, DashboardError
from dashboard.terminal import say


class Commands(click.Group):
    """The commands of this folder; expected failures end in one line, without a traceback."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of all commands."""
        return sorted(module.name.replace("_", "-") for module in pkgutil.iter_modules(__path__))

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Load a command; return None when there is none of this name."""
        if cmd_name not in self.list_commands(ctx):
            return None
        command: click.Command = import_module(f"{__name__}.{cmd_name.replace('-', '_')}").command
        return command

    def invoke(self, ctx: click.Context) -> object:
        """Run the command that was named; exit with 2 for settings that cannot be used, with 1 for other failures."""
        try:
            return super().invoke(ctx)
        except DashboardError as error:
            say(str(error))
            ctx.exit(2 if isinstance(error, ConfigError) else 1)
