"""What every archive does, be it in memory or on disk: what was committed is what is read, in order, or told gone."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dashboard.archive import Archive, MemoryArchive
from dashboard.errors import StorageError
from dashboard.eventlog import Entry, EventId
from dashboard.events import KEPT, Event, Metrics
from dashboard.shelf import Bound
from tests.archives import ALL, MS, PATIENCE, all_of, disk_archive, entries, entry, event_of, id_of, stored

KINDS: dict[str, Callable[[Path], Archive]] = {"memory": lambda _: MemoryArchive(), "disk": disk_archive}
SMALL: dict[str, Callable[[Path], Archive]] = {
    "small memory": lambda _: MemoryArchive(max_events=100),
    "small disk": lambda folder: disk_archive(folder, bounds=dict.fromkeys(KEPT, Bound(count=100))),
}


@pytest.fixture(params=KINDS)
def archive(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Archive]:
    with closing((KINDS | SMALL)[request.param](tmp_path)) as made:
        yield made


def commit(archive: Archive, *those: Entry) -> None:
    archive.commit(those).result(PATIENCE)


def test_events_come_back_in_the_order_of_their_ids_whatever_keeps_them(archive: Archive) -> None:
    those = [entry(number, event_of(type, task=str(number))) for number, type in enumerate(sorted(KEPT) * 3, 1)]
    commit(archive, *those)
    assert [(row.id, row.type, row.data) for row in all_of(archive)] == [(one.id, one.type, one.data) for one in those]


def test_bounds_are_exclusive_and_inclusive_and_pieces_go_on_from_each_other(archive: Archive) -> None:
    commit(archive, *entries("log", range(1, 8)), *entries("system", range(8, 10)))
    assert stored(archive, 2, 8) == [id_of(number) for number in range(3, 9)]
    piece = archive.read(id_of(2), id_of(8), ALL, 4)
    assert [row.id for row in piece] == [id_of(number) for number in range(3, 7)]
    assert archive.read(id_of(9), id_of(9), ALL, 10) == archive.read(id_of(0), id_of(9), (), 10) == []
    assert archive.read(id_of(0), id_of(9), ["metrics", "system"], 10) == all_of(archive, types=frozenset({"system"}))


def test_a_task_is_its_latest_state_under_the_id_of_that(archive: Archive) -> None:
    first, other, last = (entry(n, event_of("task", str(n), task=name)) for n, name in ((1, "x"), (2, "y"), (3, "x")))
    commit(archive, first, other)
    commit(archive, last)
    assert [(row.id, row.data) for row in all_of(archive)] == [(other.id, other.data), (last.id, last.data)]
    commit(archive, *(entry(n, event_of("task", str(n), task="y")) for n in (4, 5)))
    assert stored(archive) == [id_of(3), id_of(5)]
    assert stored(archive, 0, 4) == [id_of(3)]


def test_what_is_for_one_says_for_whom(archive: Archive) -> None:
    commit(archive, entry(1, event_of("notification", to="ana")), entry(2, event_of("notification")))
    assert [row.to for row in all_of(archive)] == ["ana", None]


def test_what_is_not_kept_is_left_out(archive: Archive) -> None:
    metrics = Metrics(timestamp=1.0, source="a/b", interval=1.0, resource={}, samples={"x": 1.0})
    archive.commit([]).result(PATIENCE)
    commit(archive, entry(1, metrics))
    commit(archive, entry(2, metrics), *entries("log", [3]))
    assert stored(archive) == [id_of(3)]


def test_ids_of_a_later_run_begin_above_all_that_was_given(archive: Archive) -> None:
    commit(archive, *entries("log", range(1, 9)))
    assert id_of(8) <= archive.newest() and archive.newest().ms <= MS + 2
    archive.mark(MS + 15_000)
    archive.mark(MS + 10_000)
    assert archive.newest() == EventId(MS + 15_000, 0)


def test_every_kept_type_has_a_floor(archive: Archive) -> None:
    assert archive.floors().keys() == KEPT.keys()
    assert all(floor <= id_of(0) for floor in archive.floors().values())


@pytest.mark.parametrize("archive", SMALL, indirect=True)
def test_what_is_trimmed_away_is_below_the_floor_of_its_type(archive: Archive) -> None:
    for number in range(1, 200):
        commit(archive, *entries("log", [number]))
    commit(archive, *entries("system", [200]))
    floor = archive.floors()["log"]
    left = stored(archive)
    assert 90 <= len(left) <= 101
    assert left[0] > floor and left[-2:] == [id_of(199), id_of(200)]
    assert left[:-1] == [id_of(number) for number in range(200 - len(left) + 1, 200)]
    assert archive.floors()["system"] <= id_of(0)


def test_the_twin_in_memory_fails_and_waits_when_it_is_told_to() -> None:
    archive = MemoryArchive()
    archive.fault = StorageError("no")
    with pytest.raises(StorageError):
        commit(archive, *entries("log", [1]))
    with pytest.raises(StorageError):
        stored(archive)
    archive.fault = None
    archive.hold()
    future = archive.commit(entries("log", [2]))
    assert not future.done() and stored(archive) == []
    archive.release()
    assert future.done() and stored(archive) == [id_of(2)]


EVENTS = st.lists(
    st.builds(
        event_of,
        st.sampled_from(sorted(KEPT)),
        st.text(max_size=20),
        task=st.sampled_from(["a", "b", "c"]),
        to=st.none() | st.text(max_size=3),
    ),
    max_size=12,
)
READS = st.tuples(st.integers(0, 40), st.integers(0, 40), st.sets(st.sampled_from(sorted(KEPT))), st.integers(1, 10))


@pytest.mark.parametrize("kind", ["memory", "disk"])
@settings(max_examples=30)
@given(groups=st.lists(EVENTS, max_size=4), reads=st.lists(READS, min_size=1, max_size=5))
def test_what_was_committed_is_what_is_read(
    kind: str, groups: list[list[Event]], reads: list[tuple[int, int, set[str], int]]
) -> None:
    """The model is the list of all that was committed, without the states of tasks that were followed by another."""
    with TemporaryDirectory() as name, closing(KINDS[kind](Path(name))) as archive:
        model: list[Entry] = []
        number = 0
        for group in groups:
            those = [entry(number := number + 1, event) for event in group]
            archive.commit(those).result(PATIENCE)
            model += those
        latest = {getattr(one.event, "task", one.id): one for one in model}
        model = [one for one in model if one in latest.values()]
        for after, upto, types, limit in reads:
            chosen = [one for one in model if id_of(after) < one.id <= id_of(upto) and one.type in types]
            found = archive.read(id_of(after), id_of(upto), types, limit)
            assert [tuple(row) for row in found] == [(one.id, one.type, one.to, one.data) for one in chosen[:limit]]
