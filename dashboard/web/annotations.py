"""Annotations: marks that people and programs put on all charts, at a moment or over a time."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence

import msgspec
from quart import Response
from werkzeug.exceptions import NotFound

from dashboard import plain
from dashboard.annotations import MAX_TAG, MAX_TAGS, MAX_TEXT, Annotation
from dashboard.errors import InvalidInput, InvalidParameter, StorageError
from dashboard.events import Notification
from dashboard.ingest.items import NO_JSON, reason
from dashboard.model import Role
from dashboard.runtime import Runtime
from dashboard.web.pushing import json_body, limit
from dashboard.web.routing import Context, Route, json_response
from dashboard.web.times import EARLIEST, LATEST, iso, moment

log = logging.getLogger("dashboard.web")

MOST = 1_000
"""Annotations of one answer at most."""


class PushedAnnotation(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One annotation as it is sent; times are Unix seconds, or ISO 8601 with an offset."""

    text: str
    start: float | str | None = None
    end: float | str | None = None
    tags: tuple[str, ...] = ()


async def between(context: Context) -> Response:
    """Give those that touch the time from `start` to `end`, the newest `limit`: all with `tag`, if there is one."""
    runtime = context.runtime
    end = moment("end", text) if (text := context.arg("end")) else LATEST
    start = moment("start", text) if (text := context.arg("start")) else EARLIEST
    if start > end:
        raise InvalidParameter("start", "must not be after end")
    tags, most, form = frozenset(context.args("tag")), limit(context, MOST, MOST), context.arg("format") or "json"
    if form not in ("json", "rows"):
        raise InvalidParameter("format", "must be one of json, rows")
    found = await asyncio.to_thread(runtime.annotations.between, start, end, most)
    chosen = [one for one in found if tags <= frozenset(one.tags)]
    if form == "rows":
        return json_response([_row(one) for one in chosen])
    return json_response({"server_time": runtime.clock.wall(), "result": chosen})


async def add(context: Context) -> Response:
    """Take one annotation, and answer it with its id."""
    runtime = context.runtime
    now = runtime.clock.wall()
    pushed = _read(await json_body(context))
    start = now if pushed.start is None else _time("start", pushed.start)
    end = None if pushed.end is None else _time("end", pushed.end)
    if end is not None and end < start:
        raise InvalidInput("end: must not be before start")
    text, tags = plain.text(pushed.text, MAX_TEXT).strip(), _tags(pushed.tags)
    if not text:
        raise InvalidInput("text: must not be empty")
    author = context.principal.name
    added = await asyncio.to_thread(runtime.annotations.add, start=start, end=end, text=text, tags=tags, author=author)
    runtime.system("changed", what="annotations")
    return json_response(added, 201)


async def remove(context: Context, id: str) -> Response:
    """Delete the annotation of this id."""
    runtime = context.runtime
    known = id.isascii() and id.isdigit() and len(id) < 19
    if not (known and await asyncio.to_thread(runtime.annotations.remove, int(id))):
        raise NotFound
    runtime.system("changed", what="annotations")
    return json_response({"removed": int(id)})


async def annotate(runtime: Runtime, notices: Sequence[Notification], author: str) -> None:
    """Put notices on the charts, too, each as an annotation of its time. A disk that takes none is told in the log."""
    for notice in notices:
        text = f"{notice.title}\n{notice.message}" if notice.message else notice.title
        tags = ("notification", notice.level)
        try:
            await asyncio.to_thread(
                runtime.annotations.add,
                start=notice.timestamp,
                text=plain.text(text, MAX_TEXT),
                tags=tags,
                author=author,
            )
        except StorageError as error:  # the notice itself is out already
            log.error("the notice %r is not on the charts: %s", notice.title, error)
            return
    if notices:
        runtime.system("changed", what="annotations")


def _read(body: bytes) -> PushedAnnotation:
    try:
        return msgspec.json.decode(body, type=PushedAnnotation)
    except NO_JSON as error:
        raise InvalidInput(f'expected {{"text": …, "start"?, "end"?, "tags"?}}: {reason(body, error)}') from error


def _time(name: str, given: float | str) -> float:
    """Read a time as it would be read of a query."""
    try:
        return moment(name, repr(given) if isinstance(given, float | int) else given)
    except InvalidParameter as error:
        raise InvalidInput(str(error)) from error


def _tags(given: Sequence[str]) -> tuple[str, ...]:
    tags = tuple(dict.fromkeys(tag for each in given if (tag := plain.line(each, MAX_TAG).strip())))
    if len(tags) > MAX_TAGS:
        raise InvalidInput(f"tags: {len(tags)} are given; at most {MAX_TAGS} are taken")
    return tags


def _row(one: Annotation) -> dict[str, str | None]:
    """Return what Grafana's annotations are made of: its names, times as ISO 8601, tags as one text."""
    title, _, rest = one.text.partition("\n")
    return {
        "time": iso(one.start),
        "timeEnd": iso(one.end) if one.end is not None else None,
        "title": title,
        "text": rest or title,
        "tags": ",".join(one.tags),
    }


ROUTES = (
    Route("/api/v1/annotations", Role.VIEWER, between),
    Route("/api/v1/annotations", Role.OPERATOR, add, ("POST",)),
    Route("/api/v1/annotations/<id>", Role.OPERATOR, remove, ("DELETE",)),
)
