"""What programs tell of long work: merged, reckoned, bounded; silence is noticed, and no body does harm."""

from __future__ import annotations

import json
import math
from itertools import pairwise
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboard.errors import InvalidInput
from dashboard.events import Task
from dashboard.ingest.tasklist import CALM, INTERVAL, TaskList
from dashboard.ingest.tasks import MAX_MESSAGE, MAX_OUTPUT_LINE, MAX_OUTPUT_LINES, read
from tests.clocks import START, HandClock
from tests.ingest.bodies import JSON, NASTY


class Work:
    """A task list and its clock."""

    def __init__(self, max_tasks: int = 1_000) -> None:
        self.clock = HandClock()
        self.list = TaskList(self.clock, max_tasks=max_tasks)

    def put(self, name: str = "job", **told: object) -> Task | None:
        body = json.dumps(told).encode()
        return self.list.put(read(name, body, instance="sender", now=self.clock.wall()))

    def latest(self, name: str = "job", **told: object) -> Task:
        """Tell, and return what is known then, be it published or not."""
        self.put(name, **told)
        return self.list.tasks()[0]

    def pass_time(self, seconds: float) -> list[Task]:
        """Let time pass as a server does that looks every half second; return what it publishes."""
        found = []
        for _ in range(round(seconds * 2)):
            self.clock.move(0.5)
            found += self.list.tick()
        return found


@pytest.fixture
def work() -> Work:
    return Work()


def test_the_first_word_begins_a_task(work: Work) -> None:
    assert work.put(title="Backup") == Task(
        timestamp=START,
        source="sender/push",
        resource={"instance": "sender"},
        task="job",
        state="running",
        title="Backup",
        interval=INTERVAL,
        started_at=START,
    )


def test_what_is_not_told_stays_and_null_is_forgotten(work: Work) -> None:
    work.put(title="Backup", message="photos", done=1, total=4, unit="files", source="backup")
    task = work.latest(message=None, done=2)
    assert (task.title, task.message, task.progress, task.unit) == ("Backup", "", 0.5, "files")
    assert task.source == "sender/backup"
    assert work.latest(total=None).progress is None


@pytest.mark.parametrize(
    ("told", "progress"),
    [
        ({"done": 3, "total": 4}, 0.75),
        ({"done": 3}, None),
        ({"total": 4}, None),
        ({"done": 0, "total": 0}, None),
        ({"done": 5, "total": 4}, None),
        ({"done": 3, "total": 4, "progress": 0.1}, 0.1),
        ({"progress": 1}, 1.0),
    ],
)
def test_progress_is_what_is_told_or_the_share_that_is_done(
    work: Work, told: dict[str, Any], progress: float | None
) -> None:
    assert work.latest(**told).progress == progress


def test_the_rate_is_that_of_the_work_and_follows_it(work: Work) -> None:
    assert work.latest(done=0).rate is None
    rates = []
    for second in range(1, 11):
        work.clock.move(1)
        rates.append(work.latest(done=second * 20).rate)
    assert rates == [20.0] * 10
    for second in range(1, 61):
        work.clock.move(1)
        rates.append(work.latest(done=200 + second * 5).rate)
    assert all(earlier >= later for earlier, later in pairwise(rates) if earlier and later)
    assert rates[-1] == pytest.approx(5, rel=0.05)


def test_the_same_done_again_and_again_is_no_speed(work: Work) -> None:
    work.put(done=0)
    work.clock.move(10)
    assert work.latest(done=100).rate == 10.0
    for _ in range(100):
        work.clock.move(1)
        work.put()
    assert work.latest().rate == pytest.approx(0, abs=0.1)


def test_a_done_that_falls_begins_the_rate_again(work: Work) -> None:
    work.put(done=50)
    work.clock.move(1)
    work.put(done=60)
    work.clock.move(1)
    assert work.latest(done=5).rate is None
    work.clock.move(1)
    assert work.latest(done=8).rate == 3.0


def test_an_end_is_told_once_and_stays_as_it_was(work: Work) -> None:
    work.put()
    work.clock.move(5)
    ended = work.put(state="failed", message="disk full", exit_code=3)
    assert ended is not None and (ended.state, ended.ended_at, ended.exit_code) == ("failed", START + 5, 3)
    work.clock.move(5)
    assert work.put(state="failed", message="disk full", exit_code=3) is None
    assert work.list.tasks() == [ended] and work.pass_time(200) == []


def test_running_after_an_end_is_a_new_run(work: Work) -> None:
    work.put(title="Backup", done=4, total=4)
    work.put(state="completed", output="done\n")
    work.clock.move(60)
    again = work.put(state="running")
    assert again is not None and again.started_at == START + 60
    assert (again.title, again.done, again.progress, again.ended_at, again.output) == ("", None, None, None, ())


def test_a_word_without_a_state_does_not_undo_an_end(work: Work) -> None:
    work.put(state="completed")
    assert work.latest(message="all well").state == "completed"


def test_a_program_may_know_better_when_it_began_and_ended(work: Work) -> None:
    task = work.latest(state="completed", started_at=START - 100, ended_at=START - 40)
    assert (task.started_at, task.ended_at) == (START - 100, START - 40)


def test_three_intervals_of_silence_make_a_task_lost_once(work: Work) -> None:
    work.put(interval=10, message="photos")
    assert work.pass_time(30) == []
    (lost,) = work.pass_time(60)
    assert (lost.state, lost.message, lost.timestamp) == ("lost", "photos", START + 30.5)


def test_a_word_brings_a_lost_task_back(work: Work) -> None:
    work.put(interval=10, done=1)
    work.pass_time(60)
    back = work.put(done=2)
    assert back is not None and (back.state, back.started_at) == ("running", START)


def test_a_server_that_did_not_listen_does_not_call_tasks_lost(work: Work) -> None:
    work.put(interval=10)
    work.clock.move(3_600)
    assert work.list.tick() == [] and work.pass_time(29) == []
    assert [task.state for task in work.pass_time(2)] == ["lost"]


def test_many_words_are_few_events_and_the_last_is_among_them(work: Work) -> None:
    published = []
    for number in range(1_000):
        published.append(work.put(done=number, total=1_000))
        work.clock.move(0.001)
    published += work.pass_time(CALM)
    events = [task for task in published if task is not None]
    assert len(events) <= 1.0 / CALM + 2 and events[-1].done == 999


def test_a_change_of_state_does_not_wait(work: Work) -> None:
    work.put()
    assert work.put(message="x") is None
    assert work.put(state="completed") is not None
    assert work.pass_time(10) == []


def test_tasks_of_two_machines_are_two(work: Work) -> None:
    work.put(instance="a")
    work.put(instance="b")
    assert {task.source for task in work.list.tasks()} == {"a/push", "b/push"}


def test_a_finished_task_makes_room_and_running_ones_do_not() -> None:
    work = Work(max_tasks=3)
    for name, state in (("a", "running"), ("b", "completed"), ("c", "running"), ("d", "running")):
        work.put(name, state=state)
    assert [task.task for task in work.list.tasks()] == ["d", "c", "a"]
    with pytest.raises(InvalidInput, match="3 tasks are running") as caught:
        work.put("e")
    assert caught.value.code == "too_many_tasks" and work.put("a", state="completed") is not None
    assert work.put("e") is not None


def test_a_later_run_knows_the_tasks_again_and_waits_three_intervals_for_them(work: Work) -> None:
    work.put("a", interval=10)
    work.put("b", state="failed")
    again = Work()
    again.clock.move(3_600)
    again.list.restore(reversed(work.list.tasks()))
    assert [task.task for task in again.list.tasks()] == ["b", "a"]
    assert again.pass_time(30) == []
    assert [(task.task, task.state) for task in again.pass_time(1)] == [("a", "lost")]


def test_of_too_many_the_running_and_the_newest_are_known_again() -> None:
    work = Work()
    for name, state in (("a", "running"), ("b", "failed"), ("c", "completed"), ("d", "failed")):
        work.put(name, state=state)
    again = Work(max_tasks=4)
    again.put("new")
    again.put("d", state="completed")
    again.list.restore(reversed(work.list.tasks()))
    assert [(task.task, task.state) for task in again.list.tasks()] == [
        ("d", "completed"),
        ("new", "running"),
        ("c", "completed"),
        ("a", "running"),
    ]


@pytest.mark.parametrize(
    ("body", "code", "said"),
    [
        (b"", "invalid_task", "progress"),
        (b"[]", "invalid_task", "object"),
        (b'{"progress":1.1}', "invalid_task", "progress"),
        (b'{"progress":-0.1}', "invalid_task", "progress"),
        (b'{"progress":"half"}', "invalid_task", "progress"),
        (b'{"done":1e999}', "invalid_task", "JSON"),
        (b'{"done":NaN}', "invalid_task", "JSON: done: must be a finite number, not NaN"),
        (b'{"title":"\\ud800"}', "invalid_task", "JSON: title: holds half a character"),
        (b'{"title":' + b"[" * 100_000, "invalid_task", "JSON: title: text or null is wanted, this is a list"),
        (b'{"colour":' + b"[" * 100_000, "invalid_task", "JSON: colour: there is no such field"),
        (b'{"done":"1"}', "invalid_task", "JSON: done: a number or null is wanted, this is text"),
        (b'{"done":-1}', "invalid_task", "done"),
        (b'{"state":"lost"}', "invalid_task", "lost"),
        (b'{"interval":0}', "invalid_task", "interval"),
        (b'{"interval":null}', "invalid_task", "interval"),
        (b'{"exit_code":99999999999}', "invalid_task", "exit_code"),
        (b'{"colour":1}', "invalid_task", "colour"),
        (b'{"started_at":1700000061}', "in_the_future", "started_at: over 60 s"),
        (b'{"started_at":10,"ended_at":9}', "invalid_task", "ended_at"),
    ],
)
def test_a_refusal_says_why(body: bytes, code: str, said: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        read("job", body, instance="sender", now=START)
    assert caught.value.code == code and said in str(caught.value)


@pytest.mark.parametrize("name", ["", " a", "a\n", "a\x00b", "x" * 201, "\u202e", "\x1b[0m"])
def test_a_name_that_is_not_printable_is_refused(name: str) -> None:
    with pytest.raises(InvalidInput, match="name in the address"):
        read(name, b"{}", instance="sender", now=START)


def test_texts_are_cut(work: Work) -> None:
    task = work.latest(title="x" * 10_000, message="y" * 10_000, output="\n".join(["z" * 10_000] * 50))
    assert len(task.message) == MAX_MESSAGE and len(task.output) <= MAX_OUTPUT_LINES
    assert max(map(len, task.output)) <= MAX_OUTPUT_LINE and len(task.encode()) < 20_000


FIELDS = [field.encode_name for field in msgspec.structs.fields(Task)] + ["instance", "source"]
TELLING = st.dictionaries(st.sampled_from(FIELDS), NASTY | JSON | st.floats(0, 100) | st.lists(NASTY), max_size=5)


@given(NASTY | st.text(max_size=8), st.lists(st.binary(max_size=40) | JSON | TELLING, max_size=6))
def test_no_request_does_more_than_be_refused(name: str, bodies: list[object]) -> None:
    work = Work()
    for body in bodies:
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        try:
            work.list.put(read(name, raw, instance="sender", now=work.clock.wall()))
        except InvalidInput:
            continue
        work.clock.move(0.3)
    for task in work.list.tasks():
        assert msgspec.json.decode(task.encode(), type=Task) == task
        assert task.progress is None or 0 <= task.progress <= 1
        assert task.rate is None or math.isfinite(task.rate)
        assert task.ended_at is None or task.ended_at >= task.started_at
        assert b"\n" not in task.encode() and b"\r" not in task.encode()
