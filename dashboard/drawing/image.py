"""The image of a scene, whatever its kind, and its account."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from dashboard.drawing.bars import draw_bars, print_bars
from dashboard.drawing.chart import draw_chart, print_chart
from dashboard.drawing.heat import draw_heat, print_heat
from dashboard.drawing.panel import framed
from dashboard.drawing.printed import Printed, account
from dashboard.drawing.scene import Scene
from dashboard.drawing.standing import stamps, standing
from dashboard.drawing.svg import Pen
from dashboard.drawing.table import draw_table, print_table
from dashboard.drawing.tile import draw_tile, print_tile

Draw = Callable[[Pen, Scene], None]
Print = Callable[..., Printed]

DRAWN: Mapping[str, tuple[Draw, Print]] = {
    "line": (draw_chart, print_chart),
    "area": (draw_chart, print_chart),
    "stat": (draw_tile, print_tile),
    "gauge": (draw_tile, print_tile),
    "heat": (draw_heat, print_heat),
    "bar": (draw_bars, print_bars),
    "table": (draw_table, print_table),
}
"""The kinds of panels that have an image."""


def draw(scene: Scene) -> str:
    """Return the image of a scene as SVG."""
    stand = standing(scene)
    told = ", ".join(filter(None, [stand.words, stand.reason, *stamps(scene)[:1]]))
    pen = Pen(scene.width, scene.height, scene.panel.title, told)
    with framed(pen, scene, stand) as content:
        if content is not None:
            DRAWN[scene.panel.kind][0](pen, scene)
    return pen.text


def print_out(scene: Scene) -> Printed:
    """Return the account of a scene's image."""
    return DRAWN[scene.panel.kind][1](scene) if scene.known else account(scene, scene.panel.unit, [])
