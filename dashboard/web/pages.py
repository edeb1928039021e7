"""The pages."""

from __future__ import annotations

from pathlib import Path
from shlex import quote
from typing import get_args

import msgspec
from quart import Response, render_template
from werkzeug.exceptions import NotFound

from dashboard import __version__
from dashboard.boards import Board, Kind
from dashboard.model import Role
from dashboard.selector import Selector
from dashboard.web.history import Question, first_question
from dashboard.web.routing import Context, Route

_HTML = "text/html; charset=utf-8"


async def home(context: Context) -> Response:
    """Show the overview."""
    return await _board_page(context, "overview")


async def board(context: Context, name: str) -> Response:
    """Show a board."""
    return await _board_page(context, name)


async def board_toml(context: Context, name: str) -> Response:
    """Give a board's TOML, ready to go into a settings file; with `panel` that of this panel alone."""
    shown, panel = _find(context, name), context.arg("panel")
    found = [one for one in shown.panels if one.id == panel]
    if panel is not None and not found:
        raise NotFound
    text = found[0].to_toml() if found else shown.to_toml()
    return Response(text, 200, {"Cache-Control": "no-cache"}, content_type="application/toml")


async def add(context: Context) -> Response:
    """Tell how to add a metric, a collector, a board: each by one command that names this server's places."""
    settings, file = context.runtime.settings, (context.runtime.path or Path("dashboard.toml")).absolute()
    folder = (settings.collectors_dir or file.with_name("collectors")).absolute()
    return await rendered(
        context,
        "add.html",
        page="add",
        base_url=context.request.host_url.rstrip("/"),
        file=file,
        folder=folder,
        folder_is_set=settings.collectors_dir is not None,
        kinds=get_args(Kind),
        quoted=lambda path: quote(str(path)),
    )


def _find(context: Context, name: str) -> Board:
    found = context.runtime.boards.get(name)
    if found is None:
        raise NotFound
    return found


async def _board_page(context: Context, name: str) -> Response:
    shown = _find(context, name)
    history = await first_question(context, shown)
    return await rendered(
        context,
        "board.html",
        page="board",
        board=shown,
        board_json=board_json(context, shown, history),
        history=history,
        present=_present(context, shown),
    )


def _present(context: Context, board: Board) -> set[str]:
    """Return the optional panels that have something to show now, so that the page is laid out right at once."""
    window = context.runtime.window
    return {
        panel.id
        for panel in board.panels
        if panel.optional and any(True for _ in window.select([Selector.parse(text) for text in panel.series]))
    }


async def rendered(context: Context, template: str, **values: object) -> Response:
    """Return a page made of a template, which is told which boards there are and who looks."""
    html = await render_template(
        template, boards=list(context.runtime.boards.values()), principal=context.principal, **values
    )
    return Response(html, 200, {"Cache-Control": "no-cache"}, content_type=_HTML)


def board_json(context: Context, board: Board, history: Question) -> str:
    """Return a board as the page's data block has it; `<` is written so that no text can end the block."""
    runtime = context.runtime
    value = {
        **msgspec.to_builtins(board),
        "fault": runtime.board_fault,
        "history": msgspec.to_builtins(history),
        "instance": runtime.instance,
        "version": __version__,
        "root_path": context.request.root_path,
    }
    return msgspec.json.encode(value).decode().replace("<", "\\u003c")


ROUTES = (
    Route("/", Role.VIEWER, home),
    Route("/boards/<name>", Role.VIEWER, board),
    Route("/boards/<name>.toml", Role.VIEWER, board_toml),
    Route("/add", Role.VIEWER, add),
)
