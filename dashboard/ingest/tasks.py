"""What programs tell of their long work, as JSON: read field by field; what is left out stays as it was."""

from __future__ import annotations

import math
from typing import Annotated, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from dashboard import plain
from dashboard.errors import InvalidInput
from dashboard.ingest.items import NO_JSON, moment, reason, refusal
from dashboard.ingest.logs import MAX_NAME

MAX_TITLE = 200
MAX_MESSAGE = 2_048
MAX_OUTPUT_LINES = 20
"""Last lines of a command's output that are kept."""
MAX_OUTPUT_LINE = 500

Text = Annotated[str, Meta(max_length=MAX_NAME)]
Amount = Annotated[float, Meta(ge=0, le=1e15)]
Moment = Annotated[float, Meta(ge=0)]


class PushedTask(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How far a task is, as a program sends it: what is absent stays as it was, what is null is forgotten.

    `done` of `total` are in `unit`; `interval` is the seconds until the program tells again, `source` its name.
    """

    state: Literal["running", "completed", "failed"] | UnsetType = UNSET
    title: str | UnsetType | None = UNSET
    message: str | UnsetType | None = UNSET
    progress: Annotated[float, Meta(ge=0, le=1)] | UnsetType | None = UNSET
    done: Amount | UnsetType | None = UNSET
    total: Amount | UnsetType | None = UNSET
    unit: Text | UnsetType | None = UNSET
    interval: Annotated[float, Meta(ge=0.1, le=86_400)] | UnsetType = UNSET
    exit_code: Annotated[int, Meta(ge=-(2**31), lt=2**32)] | UnsetType | None = UNSET
    output: str | list[str] | UnsetType | None = UNSET
    started_at: Moment | UnsetType = UNSET
    ended_at: Moment | UnsetType = UNSET
    instance: Text | None = None
    source: Text | None = None


class Telling(msgspec.Struct, frozen=True):
    """A read request: whose task, its name, which program tells (empty: not said), and what."""

    instance: str
    task: str
    source: str
    pushed: PushedTask


def read(task: str, body: bytes, *, instance: str, now: float) -> Telling:
    """Read a request's body for the task of this name. `instance` is the sender's.

    Raises InvalidInput, its code being that of the refusal, when anything in it cannot be taken.
    """
    if not task or len(task) > MAX_NAME or plain.line(task, MAX_NAME) != task:
        raise refusal("invalid_task", f"the task's name in the address: 1 to {MAX_NAME} printable characters")
    try:
        pushed = msgspec.json.decode(body, type=PushedTask)
    except NO_JSON as error:
        said = reason(body, error)
        raise refusal("invalid_task", f'expected an object such as {{"progress": 0.4}} as JSON: {said}') from error
    for name in ("progress", "done", "total", "interval"):
        value = getattr(pushed, name)
        if isinstance(value, float) and not math.isfinite(value):
            raise refusal("invalid_task", f"{name}: must be a finite number")
    _check_times(pushed, now)
    home = plain.line(pushed.instance or "", MAX_NAME) or instance
    return Telling(home, task, plain.line(pushed.source or "", MAX_NAME), _cleaned(pushed))


def _check_times(pushed: PushedTask, now: float) -> None:
    for name in ("started_at", "ended_at"):
        value = getattr(pushed, name)
        if isinstance(value, float):
            try:
                moment(value, now)
            except InvalidInput as error:
                raise refusal(error.code, str(error).replace("timestamp", name, 1)) from error
    started, ended = pushed.started_at, pushed.ended_at
    if isinstance(started, float) and isinstance(ended, float) and ended < started:
        raise refusal("invalid_task", "ended_at: must not be before started_at")


def _cleaned(pushed: PushedTask) -> PushedTask:
    cleaned: dict[str, object] = {}
    for name, limit in (("title", MAX_TITLE), ("unit", MAX_NAME)):
        if isinstance(value := getattr(pushed, name), str):
            cleaned[name] = plain.line(value, limit)
    if isinstance(pushed.message, str):
        cleaned["message"] = plain.text(pushed.message, MAX_MESSAGE).strip()
    return msgspec.structs.replace(pushed, **cleaned)


def last_lines(output: str | list[str]) -> list[str]:
    """Return the last lines of an output, harmless and cut."""
    if isinstance(output, str):
        output = output[-4 * MAX_OUTPUT_LINES * MAX_OUTPUT_LINE :].splitlines()
    return [plain.text(one, MAX_OUTPUT_LINE).replace("\n", " ") for one in output[-MAX_OUTPUT_LINES:]]
