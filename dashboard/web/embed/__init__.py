"""Images of charts for other pages: SVG, PNG, and the account of what they show."""

from __future__ import annotations

import hashlib

from quart import Response

from dashboard.model import Role
from dashboard.web.routing import JSON, Context, Route

SVG, PNG = "image/svg+xml; charset=utf-8", "image/png"

# Drawing has a dozen modules, time zones and a process besides: loaded with the first image, for most starts need none.


async def svg(context: Context, chart: str) -> Response:
    """Give the image of a chart as SVG."""
    from dashboard.web.embed.subject import drawn

    body = (await drawn(context, chart)).svg.encode()
    return _conditional(context, _tag(body), SVG) or _image(body, _tag(body), SVG)


async def png(context: Context, chart: str) -> Response:
    """Give the image of a chart as PNG, `scale` times as large."""
    from dashboard.web.embed.asked import scale_of
    from dashboard.web.embed.subject import drawn

    drawing, width, height = await drawn(context, chart)
    scale = scale_of(context, width, height)
    tag = _tag(drawing.encode(), f"png {scale:g} ")
    known = _conditional(context, tag, PNG)
    if known is not None:
        return known
    body = b"" if context.request.method == "HEAD" else await context.runtime.raster.png(drawing, scale)
    return _image(body, tag, PNG)


async def account(context: Context, chart: str) -> Response:
    """Give what the image of a chart shows: ends and ticks of its axes, colours, newest values."""
    from dashboard.web.embed.subject import printed

    return Response(await printed(context, chart), 200, {"Cache-Control": "no-store"}, content_type=JSON)


def _tag(body: bytes, variant: str = "") -> str:
    """Return the ETag of an image: a weak one, for what is sent may be compressed."""
    return f'W/"{hashlib.sha256(variant.encode() + body).hexdigest()[:32]}"'


def _conditional(context: Context, tag: str, kind: str) -> Response | None:
    """Return the answer to whoever has this very image already."""
    if not context.request.if_none_match.contains_weak(tag[3:-1]):
        return None
    return _image(b"", tag, kind, 304)


def _image(body: bytes, tag: str, kind: str, status: int = 200) -> Response:
    headers = {
        "ETag": tag,
        # Whoever shows it asks each time whether there is a newer one: what is on a page is true, or was just found so.
        "Cache-Control": "private, no-cache",
        # Pages of other origins may show it; what it shows they cannot read.
        "Cross-Origin-Resource-Policy": "cross-origin",
    }
    return Response(body, status, headers, content_type=kind)


ROUTES = (
    Route("/embed/<chart>.svg", Role.VIEWER, svg),
    Route("/embed/<chart>.png", Role.VIEWER, png),
    Route("/embed/<chart>.json", Role.VIEWER, account),
)
