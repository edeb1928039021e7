"""Viewers and what a disk keeps: replay, gaps, notices to one, slow viewers, disks that hang and fail."""

from __future__ import annotations

import asyncio

import pytest

from dashboard.archive import NONE, MemoryArchive
from dashboard.broadcaster import admission, core
from dashboard.errors import Busy, StorageError
from dashboard.eventlog import EventId
from dashboard.filters import Filter
from tests.clocks import START
from tests.occurrences import line, metrics, notice, seen, system, task
from tests.stages import Stage, given, types


@pytest.fixture
async def stage() -> Stage:
    return Stage()


async def test_what_a_disk_keeps_is_given_also_when_it_has_left_the_log_and_the_program_was_restarted(
    stage: Stage,
) -> None:
    begin = stage.newest
    stage.broadcaster.publish(line("before"))
    stage.broadcaster.publish(task("backup", 0.1))
    stage.broadcaster.publish(task("backup", 0.2))
    stage.say("a")
    stage.clock.move(60)
    later = Stage(archive=stage.archive, begin_above=EventId.parse(stage.newest).ms + 1)
    later.broadcaster.publish(line("after"))
    later.say("b")
    events = await given(later.join(after=begin))
    assert types(events) == ["hello", "gap", "log", "task", "log", "metrics"]
    assert events[0].data["resume"] == "gap"
    assert (events[1].data["reason"], events[1].data["types"]) == ("restart", ["metrics", "processes"])
    assert [event.data["message"] for event in events if event.type == "log"] == ["before", "after"]
    assert next(event for event in events if event.type == "task").data["progress"] == 0.2
    assert all(event.data["id"] == event.id for event in events if event.id)
    only = await given(later.join(Filter.parse("log,task", []), after=begin))
    assert only[0].data["resume"] == "resumed" and types(only) == ["hello", "log", "task", "log"]


async def test_what_the_disk_has_let_go_is_a_gap_by_retention() -> None:
    stage = Stage(max_events=1, archive=MemoryArchive(max_events=2))
    begin = stage.newest
    for number in range(5):
        stage.broadcaster.publish(line(str(number)), urgent=True)
    events = await given(stage.join(Filter.parse("log", []), after=begin))
    assert types(events) == ["hello", "gap", "log", "log"]
    assert (events[1].data["reason"], events[1].data["types"]) == ("retention", ["log"])
    assert [event.data["message"] for event in events[2:]] == ["3", "4"]


async def test_a_notice_to_one_reaches_that_one_alone_and_in_its_place(stage: Stage) -> None:
    names = ("ann", "bob", "")
    with stage.join(to="ann") as ann, stage.join(to="bob") as bob, stage.join() as nobody:
        viewers = dict(zip(names, (ann, bob, nobody), strict=True))
        begin = stage.newest
        for cursor in viewers.values():
            cursor.read()
        stage.say("a")
        stage.broadcaster.publish(notice("for ann", to="ann"))
        stage.broadcaster.publish(notice("for bob", to="bob"))
        stage.say("b")
        got = {name: await given(cursor) for name, cursor in viewers.items()}
    assert types(got["ann"]) == types(got["bob"]) == ["metrics", "notification", "metrics"]
    assert types(got[""]) == ["metrics", "metrics"]
    assert got["ann"][1].data["title"] == "for ann" and got["bob"][1].data["title"] == "for bob"
    later = Stage(archive=stage.archive, begin_above=EventId.parse(stage.newest).ms + 1)
    back = await given(later.join(after=begin, to="bob"))
    assert [event.data["title"] for event in back if event.type == "notification"] == ["for bob"]


async def test_a_viewer_that_is_blocked_and_behind_is_given_the_newest_of_each_source(stage: Stage) -> None:
    chosen = Filter.parse("metrics,log", ["a", "b"])
    with stage.join(chosen) as cursor:
        cursor.read()
        stage.say("a")
        last = seen(cursor.read())[-1].id
        for number in range(4):
            stage.clock.move(1)
            stage.broadcaster.publish(metrics(stage.clock.wall(), source="web-1/cpu", a=float(number), other=1.0))
            stage.broadcaster.publish(metrics(stage.clock.wall(), source="web-1/disk", b=float(number)))
            stage.broadcaster.publish(line(str(number)))
            stage.broadcaster.flush()
        skipped = [str(entry.id) for entry in stage.log.read(cursor.position) if entry.type == "metrics"][:6]
        events = [event for event in seen(cursor.read(blocked=True)) if event.type != "heartbeat"]
        assert types(events) == ["gap", "log", "log", "log", "metrics", "metrics", "log"]
        gap = events[0].data
        assert (gap["reason"], gap["types"], gap["skipped"]) == ("slow", ["metrics"], 6)
        assert gap["after"] == last and EventId.parse(str(gap["before"])) > EventId.parse(skipped[-1])
        assert (gap["from"], gap["to"]) == (START + 1, START + 3)
        assert [event.data["samples"] for event in events if event.type == "metrics"] == [{"a": 3.0}, {"b": 3.0}]
        assert stage.broadcaster.conflated == 6 and stage.broadcaster.gaps["slow"] == 1
        assert cursor.read(blocked=True) == b""


async def test_an_event_of_metrics_is_left_out_only_where_a_later_one_has_all_its_series(stage: Stage) -> None:
    with stage.join() as cursor:
        cursor.read()
        for samples in ({"a": 1.0, "b": 1.0}, {"a": 2.0}, {"b": 3.0}, {"a": 4.0}):
            stage.clock.move(1)
            stage.broadcaster.publish(metrics(**samples))
            stage.broadcaster.flush()
        events = [event for event in seen(cursor.read(blocked=True)) if event.type == "metrics"]
        assert [event.data["samples"] for event in events] == [{"a": 1.0, "b": 1.0}, {"b": 3.0}, {"a": 4.0}]


async def test_a_viewer_that_is_blocked_but_hardly_behind_misses_nothing(stage: Stage) -> None:
    with stage.join() as cursor:
        cursor.read()
        for _ in range(3):
            stage.clock.move(0.5)
            stage.say("a")
        assert types(seen(cursor.read(blocked=True))) == ["metrics"] * 3


async def test_nothing_is_read_before_it_is_on_disk_and_nothing_overtakes(stage: Stage) -> None:
    with stage.join() as cursor:
        cursor.read()
        stage.archive.hold()
        stage.broadcaster.publish(line("kept"), urgent=True)
        stage.say("a")
        assert cursor.read() == b""
        stage.archive.release()
        await cursor.changed()
        assert types(seen(cursor.read())) == ["log", "metrics"]


async def test_whoever_has_to_answer_can_wait_until_the_disk_has_what_was_published(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(admission, "PATIENCE", 600.0)  # a machine that stands still for a second is no such disk
    stage.archive.hold()
    stage.broadcaster.publish(line("kept"))
    waiting = asyncio.create_task(stage.broadcaster.settled())
    stage.broadcaster.flush()
    await asyncio.sleep(0)
    assert not waiting.done()
    stage.archive.release()
    await waiting
    assert [entry.type for entry in stage.log.read(0)] == ["log"]
    await stage.broadcaster.settled()


async def test_however_much_comes_in_one_flush_a_disk_that_is_idle_is_given_all_of_it(stage: Stage) -> None:
    stage.archive.hold()
    for number in range(admission.MOST + 1):
        stage.broadcaster.publish(line(str(number)))
    stage.broadcaster.flush()
    stage.broadcaster.publish(line("the next"), urgent=True)
    stage.archive.release()
    await stage.broadcaster.settled()
    stored = stage.archive.read(NONE, stage.log.stamped, {"log"}, 10_000)
    assert len(stored) == admission.MOST + 2 and not stage.broadcaster.unstored


async def test_whoever_pushes_waits_while_the_disk_has_enough_to_do(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(admission, "PATIENCE", 600.0)
    monkeypatch.setattr(core, "ROOM", 600.0)
    stage.archive.hold()
    await stage.broadcaster.room()
    for number in range(admission.MOST):
        stage.broadcaster.publish(line(str(number)))
    waiting = asyncio.create_task(stage.broadcaster.room())
    await asyncio.sleep(0)
    assert not waiting.done()
    stage.broadcaster.flush()
    await asyncio.sleep(0)
    assert not waiting.done()
    monkeypatch.setattr(core, "ROOM", 0.01)
    with pytest.raises(Busy, match="later"):
        await stage.broadcaster.room()
    stage.archive.release()
    await waiting


async def test_for_a_disk_that_hangs_no_push_waits(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(admission, "PATIENCE", 0.01)
    monkeypatch.setattr(core, "ROOM", 600.0)
    stage.archive.hold()
    for number in range(2 * admission.MOST):
        stage.broadcaster.publish(line(str(number)))
    await stage.broadcaster.room()
    assert len(stage.broadcaster.unstored) == 2 * admission.MOST
    stage.broadcaster.publish(line("one too many"), urgent=True)
    await stage.broadcaster.settled()
    stage.archive.release()
    assert len(stage.archive.read(NONE, stage.log.stamped, {"log"}, 20_000)) == 2 * admission.MOST


async def test_a_disk_that_hangs_at_the_end_leaves_every_stream_time_for_its_bye(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Streams are cut off a second after the end was asked for: what waits for the disk may not wait as long."""
    monkeypatch.setattr(admission, "PATIENCE", 600.0)
    with stage.join() as cursor:
        cursor.read()
        stage.archive.hold()
        stage.broadcaster.publish(line("on its way"), urgent=True)
        stage.broadcaster.publish(line("stop"))
        began = asyncio.get_running_loop().time()
        stage.broadcaster.close()
        events = []
        while not cursor.ended:
            await cursor.changed()
            events += seen(cursor.read())
        assert types(events) == ["log", "log", "system", "bye"] and events[2].data["event"] == "not_stored"
        assert asyncio.get_running_loop().time() - began >= admission.AT_THE_END


async def test_a_disk_that_hangs_holds_events_up_for_a_second_once_and_they_are_named() -> None:
    stage = Stage()
    with stage.join() as cursor:
        cursor.read()
        stage.archive.hold()
        stage.broadcaster.publish(line("kept"), urgent=True)
        kept = str(stage.log.stamped)
        stage.say("a")
        began = asyncio.get_running_loop().time()
        await cursor.changed()
        assert 0.8 < asyncio.get_running_loop().time() - began < 5
        events = seen(cursor.read())
        assert types(events) == ["log", "metrics", "system"]
        assert events[2].data["event"] == "not_stored" and events[2].data["ids"] == [kept]
        stage.broadcaster.publish(line("next"), urgent=True)
        assert types(seen(cursor.read())) == ["log"], "the disk is known to hang: nothing waits for it any more"
        stage.archive.release()


async def test_a_disk_that_fails_holds_nothing_up_and_what_it_did_not_take_is_a_gap_after_a_restart(
    stage: Stage,
) -> None:
    begin = stage.newest
    stage.archive.fault = StorageError("the disk is full")
    with stage.join() as cursor:
        cursor.read()
        stage.broadcaster.publish(line("lost"), urgent=True)
        lost = str(stage.log.stamped)
        assert types(seen(cursor.read())) == ["log"]
        await cursor.changed()
        (told,) = seen(cursor.read())
        assert told.data["ids"] == [lost] and "the disk is full" in str(told.data["message"])
        stage.archive.fault = None
        stage.clock.move(6)
        beating = asyncio.create_task(stage.broadcaster.run())
        await cursor.changed()
        assert [event.data.get("ids") for event in seen(cursor.read()) if event.type == "system"] == [[lost]]
        beating.cancel()
    later = Stage(archive=stage.archive, begin_above=EventId.parse(stage.newest).ms + 1)
    await later.broadcaster.recall()
    events = await given(later.join(Filter.parse("log", []), after=begin))
    assert types(events) == ["hello", "gap"] and events[1].data["reason"] == "not_stored"
    assert (
        EventId.parse(str(events[1].data["after"])) < EventId.parse(lost) < EventId.parse(str(events[1].data["before"]))
    )


async def test_a_disk_that_takes_no_lines_for_days_pushes_out_nothing_else_and_all_of_it_is_a_gap_afterwards() -> None:
    """The latest notice takes the place of those before it, and tells the whole time that they told of."""
    stage = Stage(archive=MemoryArchive(max_events=10), max_events=5)
    stage.broadcaster.publish(system(), urgent=True)
    kept = begin = stage.newest
    stage.archive.fault = StorageError("the disk is full", frozenset({"log"}))
    lost = []
    for _ in range(200):
        for text in ("one", "another"):
            stage.broadcaster.publish(line(text), urgent=True)
            lost.append(str(stage.log.stamped))
        await asyncio.sleep(0)
        stage.clock.move(300)
    found = await stage.broadcaster.stored(EventId(0, 0), EventId.parse(stage.newest), {"system"}, 100)
    assert len(found) == 2 and str(found[0].id) == kept
    assert b'"message":"400 events could not be stored' in found[1].data
    stage.clock.move(601)
    stage.broadcaster.publish(line("after a while"), urgent=True)
    await asyncio.sleep(0)
    assert len(await stage.broadcaster.stored(EventId(0, 0), EventId.parse(stage.newest), {"system"}, 100)) == 3
    later = Stage(archive=stage.archive, begin_above=EventId.parse(stage.newest).ms + 1)
    await later.broadcaster.recall()
    events = await given(later.join(Filter.parse("log", []), after=begin))
    assert types(events) == ["hello", "gap"] and events[1].data["reason"] == "not_stored"
    after, before = (EventId.parse(str(events[1].data[name])) for name in ("after", "before"))
    assert after < EventId.parse(lost[0]) and EventId.parse(lost[-1]) < before
    (_, gap) = await given(later.join(Filter.parse("log", []), after=lost[-1]))
    assert EventId.parse(lost[-1]) <= EventId.parse(str(gap.data["after"])), "what was before is none of it"


async def test_what_a_disk_takes_beside_what_it_does_not_is_not_named() -> None:
    stage = Stage()
    stage.archive.fault = StorageError("the disk is full", frozenset({"log"}))
    for event in (line("lost"), notice("kept")):
        stage.broadcaster.publish(event)
    stage.broadcaster.flush()
    (lost, _) = (str(entry.id) for entry in stage.log.read(0))
    await asyncio.sleep(0)
    assert stage.log.read(0)[2].event.ids == (lost,)


async def test_a_disk_that_cannot_be_read_is_a_gap(stage: Stage) -> None:
    begin = stage.newest
    stage.broadcaster.publish(line("kept"), urgent=True)
    later = Stage(archive=stage.archive, begin_above=EventId.parse(stage.newest).ms + 1)
    later.archive.fault = StorageError("the disk is gone")
    events = await given(later.join(Filter.parse("log", []), after=begin))
    assert types(events) == ["hello", "gap"] and events[1].data["reason"] == "not_stored"


async def test_what_leaves_the_log_while_the_disk_is_read_is_read_from_it_too() -> None:
    stage = Stage(max_events=2)
    begin = stage.newest
    for number in range(4):
        stage.broadcaster.publish(line(str(number)), urgent=True)
    with stage.join(Filter.parse("log", []), after=begin) as viewer:
        events = seen(viewer.read())
        reading = asyncio.create_task(viewer.refill())
        await asyncio.sleep(0)
        for number in range(4, 8):
            stage.broadcaster.publish(line(str(number)), urgent=True)
        events += seen(viewer.read())
        await reading
        events += await given(viewer)
    assert types(events) == ["hello", *["log"] * 8]
    assert [event.data["message"] for event in events[1:]] == list("01234567")


async def test_what_leaves_the_log_while_the_disk_is_read_and_was_never_on_it_is_a_gap() -> None:
    """The notice that a line is not stored is not stored either."""
    stage = Stage(max_events=1)
    begin = stage.newest
    stage.archive.fault = StorageError("the disk is full")
    stage.broadcaster.publish(line("lost"), urgent=True)
    await asyncio.sleep(0)
    notice = stage.log.bounds().newest
    with stage.join(Filter.parse("log,system", []), after=begin) as viewer:
        events = seen(viewer.read())
        stage.archive.fault = None
        stage.say("a")
        events += await given(viewer)
    assert types(events) == ["hello", "gap", "gap"]
    assert [event.data["types"] for event in events[1:]] == [["log"], ["system"]]
    after, before = (EventId.parse(str(events[2].data[name])) for name in ("after", "before"))
    assert events[2].data["reason"] == "not_stored" and after < notice < before


async def test_what_leaves_the_log_and_the_disk_while_that_is_read_is_a_gap() -> None:
    stage = Stage(max_events=2, archive=MemoryArchive(max_events=1))
    begin = stage.newest
    for number in range(3):
        stage.broadcaster.publish(line(str(number)), urgent=True)
    second = stage.log.read(stage.log.start)[0].id
    with stage.join(Filter.parse("log", []), after=begin) as viewer:
        events = seen(viewer.read())
        stage.broadcaster.publish(line("3"), urgent=True)
        events += seen(viewer.read())
        events += await given(viewer)
    assert types(events) == ["hello", "gap", "gap", "log", "log"]
    assert EventId.parse(str(events[1].data["before"])) <= second < EventId.parse(str(events[2].data["before"]))


async def test_a_gap_of_a_slow_viewer_has_the_times_of_all_that_was_left_out(stage: Stage) -> None:
    """A collection that took long is published after others that are newer."""
    with stage.join() as cursor:
        cursor.read()
        for time in (0.0, -3.0, 1.0, 2.0):
            stage.broadcaster.publish(metrics(START + time), urgent=True)
            stage.clock.move(1)
        gap = next(event for event in seen(cursor.read(blocked=True)) if event.type == "gap")
        assert (gap.data["from"], gap.data["to"], gap.data["skipped"]) == (START - 3, START + 1, 3)
