"""The page that shows any series: which ones, and how, stands in its address, so that it can be shared."""

from __future__ import annotations

from quart import Response

from dashboard.boards import Board, Panel, slug
from dashboard.errors import InvalidParameter, SelectorSyntaxError
from dashboard.model import Role
from dashboard.selector import Selector
from dashboard.web.history import first_question
from dashboard.web.pages import board_json, rendered
from dashboard.web.routing import Context, Route

CHARTS = 4
"""Charts of the page: each shows what has one unit."""

MOST = 40
"""Selectors of one address at most; `static/js/choice.js` keeps to it."""

_RANGE = 900.0
_LONGEST = 200


async def explore(context: Context) -> Response:
    """Show the series that `match` chooses; one that is no selector is named on the page, and the others are shown."""
    good, bad = _read(context)
    first = Panel(id="chart-1", title="Chart 1", kind="area" if _is_area(context) else "line", series=good, width=12)
    others = (Panel(id=f"chart-{at}", title=f"Chart {at}", kind="line", width=12) for at in range(2, CHARTS + 1))
    values = Panel(id="values", title="Values", kind="table", series=good, width=12)
    shown = Board(name="explore", title="Explore", range=_RANGE, panels=(first, *others, values))
    history = await first_question(context, shown)
    return await rendered(
        context,
        "explore.html",
        page="explore",
        board=shown,
        board_json=board_json(context, shown, history),
        history=history,
        chosen=good,
        refused=bad,
    )


async def panel_toml(context: Context) -> Response:
    """Give a panel as TOML, ready to go below a `[[board]]`: `match`, `title`, `kind` (line or area), `stack=1`."""
    series = tuple(Selector.parse(text).text for text in context.args("match")[:MOST])
    if not series:
        raise InvalidParameter("match", "name at least one selector, such as match=system_load_1m")
    title = (context.arg("title") or series[0])[:_LONGEST]
    panel = Panel(
        id="" if slug(title) else "chart",
        title=title,
        kind="area" if _is_area(context) else "line",
        series=series,
        stack=context.arg("stack") == "1",
    )
    return Response(panel.to_toml(), 200, {"Cache-Control": "no-cache"}, content_type="application/toml")


def _read(context: Context) -> tuple[tuple[str, ...], list[SelectorSyntaxError]]:
    good: list[str] = []
    bad: list[SelectorSyntaxError] = []
    for text in list(dict.fromkeys(context.args("match")))[:MOST]:
        try:
            good.append(Selector.parse(text).text)
        except SelectorSyntaxError as error:
            bad.append(error)
    return tuple(good), bad


def _is_area(context: Context) -> bool:
    return context.arg("kind") == "area" or context.arg("stack") == "1"


ROUTES = (
    Route("/explore", Role.VIEWER, explore),
    Route("/explore.toml", Role.VIEWER, panel_toml),
)
