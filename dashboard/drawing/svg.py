"""A pen for SVG: shapes and texts by attributes alone, no script, no style, nothing from elsewhere.

Whatever comes from users goes through `escaped`, so that no name can end a text or an attribute.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from dashboard.drawing.colour import grey

FAMILY = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Noto Sans', sans-serif"
"""Fonts of all texts, the pages' own."""

# What XML does not take at all, and what turns the direction of writing around.
_FOREIGN = re.compile(
    "[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]|[\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]"
)
_SPECIAL = {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;", "\n": " ", "\t": " ", "\r": " "}
_COLOUR = re.compile("#[0-9a-f]{6}")
_MARKUP = re.compile("[&<>\"'\n\t\r]")

Points = Sequence[tuple[float, float]]


def escaped(text: str) -> str:
    """Return a text that is nothing but text wherever it stands in a document."""
    return _MARKUP.sub(lambda found: _SPECIAL[found[0]], _FOREIGN.sub("\ufffd", text))


def figure(value: float) -> str:
    """Write a coordinate, to a twentieth of a pixel."""
    text = f"{value:.2f}".rstrip("0").rstrip(".")
    return "0" if text in ("-0", "") else text


class Pen:
    """Writes one document; `text` gives it whole. Coordinates are pixels."""

    def __init__(self, width: int, height: int, title: str, about: str) -> None:
        self.width, self.height = width, height
        self._definitions: list[str] = []
        self._parts: list[str] = []
        self._ink: str | None = None
        self._head = (
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
            f'viewBox="0 0 {width} {height}" role="img" font-family="{escaped(FAMILY)}" font-size="12">'
            f"<title>{escaped(title)}</title><desc>{escaped(about)}</desc>"
        )

    @property
    def text(self) -> str:
        """Return the document."""
        definitions = f"<defs>{''.join(self._definitions)}</defs>" if self._definitions else ""
        return f"{self._head}{definitions}{''.join(self._parts)}</svg>\n"

    def rect(
        self, x: float, y: float, width: float, height: float, fill: str, *, round: float = 0, **more: object
    ) -> None:
        """Fill a rectangle; `more` are further attributes."""
        if width > 0 and height > 0:
            corner = {"rx": round} if round else {}
            self._element("rect", {"x": x, "y": y, "width": width, "height": height, **corner, "fill": fill, **more})

    def path(self, data: str, **more: object) -> None:
        """Draw a path."""
        if data:
            self._element("path", {"d": data, **more})

    def circle(self, x: float, y: float, radius: float, fill: str, **more: object) -> None:
        """Fill a circle."""
        self._element("circle", {"cx": x, "cy": y, "r": radius, "fill": fill, **more})

    def write(
        self,
        x: float,
        y: float,
        text: str,
        fill: str,
        *,
        size: float = 12,
        weight: int = 400,
        anchor: str = "start",
    ) -> None:
        """Write a text whose line's middle is at `y`."""
        more = {
            **({"font-size": size} if size != 12 else {}),
            **({"font-weight": weight} if weight != 400 else {}),
            **({"text-anchor": anchor} if anchor != "start" else {}),
        }
        self._element("text", {"x": x, "y": y + 0.35 * size, "fill": self._ink or fill, **more}, escaped(text))

    def pair(
        self, x: float, y: float, number: str, unit: str, inks: tuple[str, str], size: float, name: str = ""
    ) -> None:
        """Write a large number with its small unit and a name beside it, in whatever font that is."""
        ink, muted = (self._ink, self._ink) if self._ink else inks
        words = escaped("\u00a0\u00a0".join(filter(None, [unit, name])))
        small = f' <tspan fill="{muted}" font-size="14" font-weight="400" dx="-2">{words}</tspan>'
        attributes = {"x": x, "y": y + 0.35 * size, "fill": ink, "font-size": size, "font-weight": 600}
        self._element("text", attributes, escaped(number) + (small if words else ""))

    def hatch(self, name: str, colour: str, tile: float, width: float) -> str:
        """Define stripes that rise to the right; return what fills with them."""
        line = " ".join(
            f"M{figure(shift - 1)} {figure(tile + 1)}L{figure(shift + tile + 1)} -1" for shift in (-tile, 0, tile)
        )
        self._definitions.append(
            f'<pattern id="{name}" width="{figure(tile)}" height="{figure(tile)}" patternUnits="userSpaceOnUse">'
            f'<path d="{line}" stroke="{colour}" stroke-width="{figure(width)}"/></pattern>'
        )
        return f"url(#{name})"

    @contextmanager
    def within(self, name: str, boxes: Sequence[tuple[float, float, float, float]]) -> Iterator[None]:
        """Let what is drawn meanwhile show only within boxes `(x, y, width, height)`."""
        data = "".join(f"M{figure(x)} {figure(y)}h{figure(w)}v{figure(h)}h{figure(-w)}z" for x, y, w, h in boxes)
        self._definitions.append(f'<clipPath id="{name}"><path d="{data or "M0 0"}"/></clipPath>')
        self._parts.append(f'<g clip-path="url(#{name})">')
        yield
        self._parts.append("</g>")

    @contextmanager
    def faded(self, ink: str) -> Iterator[None]:
        """Take the colour out of what is drawn meanwhile, and write it in this ink."""
        self._ink = ink
        yield
        self._ink = None

    def _element(self, name: str, attributes: dict[str, object], content: str | None = None) -> None:
        if self._ink is not None:
            attributes = {key: _faded(value) for key, value in attributes.items()}
        written = "".join(f' {key.replace("_", "-")}="{_value(value)}"' for key, value in attributes.items())
        self._parts.append(f"<{name}{written}/>" if content is None else f"<{name}{written}>{content}</{name}>")


def line(points: Points) -> str:
    """Return the path through points, broken where one is NaN."""
    return "".join(_run(run) for run in unbroken(points))


def area(points: Points, ground: float) -> str:
    """Return the path of what lies between points and the ground, each unbroken run for itself."""
    return "".join(
        f"{_run(run)}L{figure(run[-1][0])} {figure(ground)}L{figure(run[0][0])} {figure(ground)}z"
        for run in unbroken(points)
    )


def unbroken(points: Points) -> Iterator[list[tuple[float, float]]]:
    """Yield the runs of points between those that are NaN."""
    run: list[tuple[float, float]] = []
    for x, y in points:
        if y == y:
            run.append((x, y))
        elif run:
            yield run
            run = []
    if run:
        yield run


def _run(run: Points) -> str:
    return "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in run)


def _faded(value: object) -> object:
    return grey(value) if isinstance(value, str) and _COLOUR.fullmatch(value) else value


def _value(value: object) -> str:
    return escaped(value) if isinstance(value, str) else figure(float(str(value)))
