"""`dashboard notify "…"`."""

from __future__ import annotations

import click

from dashboard.terminal import url_option


@click.command
@click.argument("title")
@click.option("--message", default="", help="What else there is to say.")
@click.option("--level", default="info", help="debug, info, warning, error or critical (default: info).")
@click.option("--to", help="The only principal to tell (default: everyone).")
@url_option
def command(title: str, message: str, level: str, to: str | None, url: str) -> None:
    """Tell everyone who looks at the dashboard, or one of them."""
    from dashboard.client import Client

    body = {"title": title, "message": message, "level": level, **({"to": to} if to is not None else {})}
    with Client(url) as client:
        client.send("POST", "notifications", body)
