"""`dashboard notify "…"`."""

from __future__ import annotations

import click

from dashboard.terminal import url_option


@click.command
@click.argument("title")
@click.option("--message", default="", help="What else there is to say.")
@click.option("--level", default="info", help="debug, info, warning, error or critical (default: info).")
@click.option("--to", help="The only principal to tell (default: everyone).")
@click.option("--annotate", is_flag=True, help="Put it on all charts, too, as a mark at this moment.")
@url_option
def command(title: str, message: str, level: str, to: str | None, annotate: bool, url: str) -> None:
    """Tell everyone who looks at the dashboard, or one of them."""
    from dashboard.client import Client

    body: dict[str, object] = {"title": title, "message": message, "level": level}
    body |= ({"to": to} if to is not None else {}) | ({"annotate": True} if annotate else {})
    with Client(url) as client:
        client.send("POST", "notifications", body)
