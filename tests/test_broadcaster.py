"""One log, many cursors: what each viewer is given, when it wakes, and what it is told of what it missed."""

from __future__ import annotations

import asyncio
import tracemalloc

import pytest

from dashboard.archive import MemoryArchive
from dashboard.broadcaster import Broadcaster, Cursor
from dashboard.errors import InvalidParameter
from dashboard.eventlog import EventId, MemoryLog
from dashboard.filters import Filter
from tests.clocks import START, HandClock
from tests.occurrences import metrics, seen, system
from tests.stages import EVERYTHING, Stage, given, said, types


@pytest.fixture
async def stage() -> Stage:
    return Stage()


async def test_a_fresh_viewer_gets_hello_first_and_then_only_what_is_new(stage: Stage) -> None:
    stage.say("old")
    with stage.join() as cursor:
        stage.say("new", "newer")
        events = seen(cursor.read())
    assert types(events) == ["hello", "metrics", "metrics"] and said(events) == ["new", "newer"]
    hello = events[0]
    assert hello.id == "" and "id" not in hello.data
    assert hello.data["resume"] == "fresh" and hello.data["version"] == "1.2.3"
    assert hello.data["server_time"] == START and hello.data["heartbeat_interval"] == 5.0
    assert EventId.parse(str(hello.data["oldest"])) < EventId.parse(str(hello.data["newest"]))


async def test_reading_again_gives_nothing_twice(stage: Stage) -> None:
    with stage.join() as cursor:
        stage.say("a")
        cursor.read()
        assert cursor.read() == b""
        stage.say("b")
        assert said(seen(cursor.read())) == ["b"]


async def test_what_was_published_but_not_flushed_before_a_viewer_came_is_not_new_to_it(stage: Stage) -> None:
    stage.broadcaster.publish(metrics(a=1.0))
    with stage.join() as cursor:
        assert types(seen(cursor.read())) == ["hello"]


async def test_a_flush_comes_by_itself_and_an_urgent_event_takes_the_others_along(stage: Stage) -> None:
    with stage.join() as cursor:
        cursor.read()
        stage.broadcaster.publish(metrics(a=1.0))
        assert cursor.read() == b""
        await cursor.changed()
        assert said(seen(cursor.read())) == ["a"]
        stage.broadcaster.publish(metrics(b=1.0))
        stage.broadcaster.publish(system(), urgent=True)
        assert types(seen(cursor.read())) == ["metrics", "system"]


async def test_one_flush_wakes_each_viewer_once_whatever_it_holds(stage: Stage) -> None:
    wakes = 0

    async def look(cursor: Cursor) -> None:
        nonlocal wakes
        with cursor:
            while True:
                await cursor.changed()
                wakes += 1
                cursor.read()

    async with asyncio.TaskGroup() as tasks:
        viewers = [tasks.create_task(look(stage.join())) for _ in range(100)]
        await asyncio.sleep(0)
        watcher = stage.join()
        for number in range(20):
            stage.broadcaster.publish(metrics(**{f"a{number}": 1.0}))
        await watcher.changed()
        await asyncio.sleep(0)
        for viewer in viewers:
            viewer.cancel()
    assert wakes == 100


async def test_a_thousand_viewers_share_the_bytes_of_a_filter(stage: Stage) -> None:
    viewers = [stage.join(Filter.parse("metrics", ["a*"])) for _ in range(1000)]
    for cursor in viewers:
        cursor.__enter__()
        cursor.read()
    stage.say("a1", "b", "a2")
    chunks = [cursor.read() for cursor in viewers]
    assert said(seen(chunks[0])) == ["a1", "a2"]
    assert all(chunk is chunks[0] for chunk in chunks)
    assert len(stage.broadcaster.cursors) == 1000
    for cursor in viewers:
        cursor.__exit__(None, None, None)
    assert not stage.broadcaster.cursors and not stage.broadcaster._filters and not stage.broadcaster._uses


async def test_a_thousand_viewers_that_do_not_read_cost_their_cursors_only() -> None:
    stage = Stage(max_events=100)
    viewers = [stage.join().__enter__() for _ in range(1000)]
    stage.say("first")
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    for number in range(1000):
        stage.say(f"a{number}")
    grown = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()
    assert grown < 500_000
    assert {cursor.lag for cursor in viewers} == {1001}


async def test_a_viewer_resumes_exactly_behind_its_last_id(stage: Stage) -> None:
    with stage.join() as cursor:
        stage.say("a", "b", "c")
        ids = [event.id for event in seen(cursor.read()) if event.id]
    stage.say("d")
    for at, rest in enumerate([["b", "c", "d"], ["c", "d"], ["d"]]):
        with stage.join(after=ids[at]) as by_after, stage.join(header=ids[at]) as by_header:
            events = seen(by_after.read())
            assert events[0].data["resume"] == "resumed" and said(events) == rest
            assert said(seen(by_header.read())) == rest


async def test_the_header_wins_over_after_unless_it_is_empty(stage: Stage) -> None:
    stage.say("a")
    first = stage.newest
    stage.say("b")
    second = stage.newest
    stage.say("c")
    assert said(seen(stage.join(after=first, header=second).read())) == ["c"]
    assert said(seen(stage.join(after="nonsense", header=second).read())) == ["c"]
    assert said(seen(stage.join(after=first, header="").read())) == ["b", "c"]


async def test_one_that_is_gone_before_it_was_given_anything_is_not_counted(stage: Stage) -> None:
    with stage.join(header="nonsense"):
        pass
    assert (stage.broadcaster.resumes, stage.broadcaster.gaps.total()) == (0, 0)
    with stage.join(header="nonsense") as cursor:
        assert types(seen(cursor.read() + cursor.read())) == ["hello", "gap"]
    assert (stage.broadcaster.resumes, stage.broadcaster.gaps) == (1, {"unknown_id": 1})


async def test_a_malformed_after_is_refused_and_a_malformed_header_is_a_gap(stage: Stage) -> None:
    stage.say("a")
    with pytest.raises(InvalidParameter, match="after"):
        stage.join(after="nonsense")
    events = seen(stage.join(header="nonsense").read())
    assert types(events) == ["hello", "gap"]
    assert events[0].data["resume"] == "gap"
    assert events[1].data["reason"] == "unknown_id" and events[1].id == ""


async def test_a_resume_at_the_newest_is_complete_also_in_an_empty_log(stage: Stage) -> None:
    assert types(seen(stage.join(after=stage.newest).read())) == ["hello"]
    stage.say("a")
    assert types(seen(stage.join(after=stage.newest).read())) == ["hello"]


async def test_an_id_too_old_is_a_gap_up_to_the_oldest_that_is_held() -> None:
    stage = Stage(max_events=2)
    stage.say("a")
    old = EventId.parse(stage.newest)
    stage.clock.move(10)
    stage.say("b", "c", "d")
    events = await given(stage.join(after=str(old)))
    assert types(events) == ["hello", "gap", "metrics", "metrics"] and said(events) == ["c", "d"]
    gap = events[1].data
    assert (gap["reason"], gap["after"], gap["before"]) == ("retention", str(old), events[2].id)
    assert (gap["from"], gap["to"]) == (START, START + 10)
    assert gap["types"] == ["metrics", "processes"]


async def test_the_last_that_left_the_log_can_still_be_gone_on_from() -> None:
    stage = Stage(max_events=2)
    stage.say("a")
    left = stage.newest
    stage.say("b", "c")
    events = seen(stage.join(after=left).read())
    assert types(events) == ["hello", "metrics", "metrics"]


async def test_an_id_of_an_earlier_run_is_a_gap_by_restart(stage: Stage) -> None:
    stage.clock.move(5)
    stage.say("a")
    earlier = EventId(int(START * 1000) - 60_000, 3)
    events = await given(stage.join(header=str(earlier)))
    gap = events[1].data
    assert (gap["reason"], gap["after"], gap["before"]) == ("restart", str(earlier), events[2].id)
    assert gap["from"] == START - 60 and said(events) == ["a"]


async def test_an_id_of_an_earlier_run_before_anything_was_said_is_a_gap_to_whatever_comes(stage: Stage) -> None:
    events_gap = seen(stage.join(header=str(EventId(1000, 0))).read())[1].data
    stage.clock.move(1)
    stage.say("a")
    assert EventId.parse(str(events_gap["before"])) <= EventId.parse(stage.newest)


@pytest.mark.parametrize("ahead", [1, 10**9])
async def test_an_id_of_the_future_is_a_gap_and_the_stream_goes_on_behind_the_newest(stage: Stage, ahead: int) -> None:
    stage.say("a")
    newest = EventId.parse(stage.newest)
    with stage.join(header=str(EventId(newest.ms + ahead, 0))) as cursor:
        events = seen(cursor.read())
        assert types(events) == ["hello", "gap"] and events[1].data["reason"] == "unknown_id"
        assert EventId.parse(str(events[1].data["before"])) > newest
        stage.clock.move(1)
        stage.say("b")
        assert said(seen(cursor.read())) == ["b"]


async def test_an_id_between_two_that_were_given_is_gone_on_from_without_a_gap(stage: Stage) -> None:
    stage.say("a")
    newest = EventId.parse(stage.newest)
    stage.clock.move(1)
    stage.say("b")
    with stage.join(after=str(EventId(newest.ms, newest.seq + 5))) as cursor:
        events = seen(cursor.read())
    assert events[0].data["resume"] == "resumed" and said(events) == ["b"]


async def test_an_id_above_the_newest_is_a_gap(stage: Stage) -> None:
    stage.say("a")
    newest = EventId.parse(stage.newest)
    events = seen(stage.join(after=str(EventId(newest.ms, newest.seq + 1))).read())
    assert types(events)[:2] == ["hello", "gap"] and events[1].data["reason"] == "unknown_id"


async def test_a_viewer_that_falls_out_of_the_log_is_told_so_before_it_goes_on() -> None:
    stage = Stage(max_events=3)
    with stage.join() as cursor:
        stage.say("a")
        last = seen(cursor.read())[-1].id
        for name in "bcdefg":
            stage.clock.move(1)
            stage.say(name)
        events = await given(cursor)
        assert [kind for kind in types(events) if kind != "heartbeat"] == ["gap", "metrics", "metrics", "metrics"]
        assert said(events) == ["e", "f", "g"]
        gap = next(event for event in events if event.type == "gap").data
        assert (gap["reason"], gap["skipped"], gap["after"]) == ("slow", 3, last)
        assert gap["before"] == next(event.id for event in events if event.type == "metrics")
        assert (gap["from"], gap["to"]) == (START, START + 4)
        stage.say("h")
        assert types(seen(cursor.read())) == ["metrics"]


async def test_what_the_disk_gives_back_is_not_counted_as_skipped() -> None:
    stage = Stage(max_events=2)
    with stage.join() as cursor:
        cursor.read()
        for told in (system(), metrics(), system(), metrics(), metrics(), system()):
            stage.broadcaster.publish(told, urgent=True)
        events = await given(cursor)
        assert types(events) == ["gap", "system", "system", "metrics", "system"] and events[0].data["skipped"] == 2
        for _ in range(3):
            stage.broadcaster.publish(system(), urgent=True)
        assert types(await given(cursor)) == ["system"] * 3


@pytest.mark.parametrize("header", ["1-0", "nonsense", "999999999999999-0"])
async def test_a_filter_without_metrics_never_gets_a_gap(header: str) -> None:
    stage = Stage(max_events=3)
    stage.say("a")
    for chosen in ("system", "processes", "processes,system"):
        with stage.join(Filter.parse(chosen, []), header=header) as cursor:
            events = seen(cursor.read())
            assert events[0].data["resume"] == ("resumed" if header == "1-0" else "fresh")
            assert "gap" not in types(events)
            for number in range(8):
                stage.say(f"a{number}")
            stage.broadcaster.publish(system("still here"), urgent=True)
            assert "gap" not in types(seen(cursor.read()))


async def test_how_many_were_skipped_is_said_only_where_it_is_known() -> None:
    stage = Stage(max_events=3)
    with stage.join(Filter.parse("metrics", ["a*"])) as cursor:
        cursor.read()
        for number in range(8):
            stage.say(f"a{number}")
        gap = next(event for event in seen(cursor.read()) if event.type == "gap")
        assert "skipped" not in gap.data and gap.data["types"] == ["metrics"]


async def test_a_heartbeat_that_is_due_rides_in_front_of_the_next_flush(stage: Stage) -> None:
    with stage.join() as cursor:
        cursor.read()
        stage.clock.move(4.0)
        stage.say("a")
        assert types(seen(cursor.read())) == ["metrics"]
        stage.clock.move(0.9)
        stage.say("b")
        events = seen(cursor.read())
        assert types(events) == ["heartbeat", "metrics"]
        assert events[0].data["server_time"] == START + 4.9 and events[0].id == ""
        stage.clock.move(4.0)
        stage.say("c")
        assert types(seen(cursor.read())) == ["metrics"]


async def test_a_beat_of_ones_own_comes_when_nothing_else_does() -> None:
    clock = HandClock()
    log = MemoryLog(clock, max_events=10, max_age=60)
    broadcaster = Broadcaster(
        log, clock, MemoryArchive(), version="", source="web-1/dashboard", heartbeat_interval=5.0, flush_interval=0.01
    )
    with broadcaster.subscribe(EVERYTHING) as cursor:
        cursor.read()
        clock.move(5.25)
        beating = asyncio.create_task(broadcaster.run())
        await cursor.changed()
        assert types(seen(cursor.read())) == ["heartbeat"]
        beating.cancel()


async def test_a_slow_viewer_gets_the_newest_heartbeat_only(stage: Stage) -> None:
    with stage.join() as cursor:
        cursor.read()
        for _ in range(3):
            stage.clock.move(5)
            stage.broadcaster.beat()
        events = seen(cursor.read())
        assert [event.data["server_time"] for event in events] == [START + 15]


async def test_a_close_ends_every_stream_by_bye_behind_what_was_left(stage: Stage) -> None:
    with stage.join() as cursor:
        cursor.read()
        stage.broadcaster.publish(metrics(a=1.0))
        woken = asyncio.ensure_future(cursor.changed())
        await asyncio.sleep(0)
        stage.broadcaster.close()
        await woken
        events = seen(cursor.read())
        assert types(events) == ["metrics", "bye"] and cursor.ended
        assert events[1].data["reason"] == "shutdown" and events[1].id == ""
        assert events[1].retry == pytest.approx(float(str(events[1].data["retry_after"])) * 1000, abs=1)


async def test_a_stream_opened_after_the_close_gets_hello_and_bye(stage: Stage) -> None:
    stage.broadcaster.close()
    with stage.join() as cursor:
        assert types(seen(cursor.read())) == ["hello", "bye"] and cursor.ended


async def test_viewers_come_back_at_different_times(stage: Stage) -> None:
    hellos = {seen(stage.join().read())[0].retry for _ in range(50)}
    stage.broadcaster.close()
    byes = {seen(stage.join().read())[-1].retry for _ in range(50)}
    assert len(hellos) > 25 and len(byes) > 25
    assert all(retry is not None and 0 < retry <= 5000 for retry in hellos | byes)


async def test_a_waiting_viewer_that_leaves_leaves_nothing_behind(stage: Stage) -> None:
    """Not beyond the next beat, which all that come later wait for, too."""
    for one in [stage.broadcaster.changed() for _ in range(10)]:
        one.cancel()
    stage.broadcaster.beat()
    assert not stage.broadcaster._waiters


async def test_a_viewer_far_behind_is_given_the_rest_in_pieces_of_bounded_size() -> None:
    """Were it one piece, a thousand viewers that come back would each hold the whole log in memory."""
    stage = Stage(max_events=5_000)
    begin = stage.newest
    for number in range(4_000):
        stage.broadcaster.publish(metrics(**{f"a{number}_{label}": 1.0 for label in range(8)}))
    stage.broadcaster.flush()
    with stage.join(after=begin) as cursor:
        pieces = [cursor.read()]
        while pieces[-1]:
            pieces.append(cursor.read())
    ids = [event.id for event in seen(b"".join(pieces)) if event.id]
    assert len(ids) == 4_000 and ids == sorted(ids, key=EventId.parse)
    assert max(map(len, pieces)) < 200_000
