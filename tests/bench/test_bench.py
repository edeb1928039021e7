"""Each command of `python -m bench` runs for a moment with little load and prints its table; no number is judged."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from bench import history, prometheus, recording, replay, resume, returning

ROOT = Path(__file__).parents[2]


def bench(*arguments: str) -> tuple[list[dict[str, str]], str]:
    """Run `python -m bench ARGUMENTS`; return its table's rows by column, and all that it printed."""
    text = printed(*arguments)
    columns, _, *rows = cells(text)
    return [dict(zip(columns, row, strict=True)) for row in rows], text


def printed(*arguments: str) -> str:
    """Run `python -m bench ARGUMENTS`; return what it printed."""
    command = [sys.executable, "-m", "bench", *arguments]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    return done.stdout


def cells(text: str) -> list[list[str]]:
    """Return the cells of all rows of tables."""
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in text.splitlines() if line[:1] == "|"]


@pytest.mark.long
@pytest.mark.parametrize(("feed", "seconds"), [("fixed", "3"), ("overview", "1")])
def test_fanout_tells_what_a_delivered_event_costs(feed: str, seconds: str) -> None:
    """One row for each feed and number of viewers; every viewer was sent something and nothing was lost."""
    rows, text = bench("fanout", "--feed", feed, "--n", "3", "--seconds", seconds)
    assert [(row["feed"], row["viewers"]) for row in rows] == [(feed, "3")]
    assert float(rows[0]["events"]) > 0 and float(rows[0]["writes"]) > 0
    assert rows[0]["lost"] == "0"
    assert f"Command: `python -m bench fanout --feed {feed} --n 3 --seconds {seconds}`" in text
    if feed == "fixed":  # what makes the rows of different versions comparable stays what it says it is
        assert 0.6 <= float(rows[0]["events"]) <= 1.4
        assert 1400 <= float(rows[0]["bytes / event"].replace(",", "")) <= 1650


@pytest.mark.long
@pytest.mark.parametrize("feed", ["overview", "fixed"])
def test_fanout_shows_peers_beside_us(feed: str) -> None:
    """Each peer that this machine has sent the feed's events to every viewer; who is missing is named."""
    rows, text = bench("fanout", "--peers", "--feed", feed, "--n", "3", "--seconds", "1", "--rounds", "1")
    assert {"dashboard", "dashboard, fast_writer = false", "bare asyncio"} <= {row["server"] for row in rows}
    assert {row["feed"] for row in rows} == {feed}
    assert len(rows) + text.count("Missing: ") == 6
    assert all(row["delivered"] == "100.00 %" for row in rows)
    assert all((float(row["events"]) > 2) == (feed == "overview") for row in rows)


def test_a_feed_is_sent_again_at_its_times_with_ids_of_the_moment(tmp_path: Path) -> None:
    """Each round of it as the first; what nobody could send in time is left out."""
    frame = f'id: {replay.MOMENT}-0\ndata: {{"id":"{replay.MOMENT}-0"}}\n\n'
    replay.save(tmp_path / "feed", 2, [(50, [frame]), (1_250, ["event: heartbeat\ndata: {}\n\n", frame])])
    now, begin = 1_000.5, 1_001.0
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(time, "time", lambda: now)
        writes = replay.writes(tmp_path / "feed")
        sent = [next(writes) for _ in range(3)]
        now = begin + 5.4
        sent.append(next(writes))
    assert [due - begin for due, _ in sent] == pytest.approx([0.05, 1.25, 2.05, 5.25])
    assert [len(frames) for _, frames in sent] == [1, 2, 1, 2]
    assert [frames[-1] for _, frames in sent] == [
        frame.replace(replay.MOMENT, moment) for moment in ("1001050", "1002250", "1003050", "1006250")
    ]


@pytest.mark.long
@pytest.mark.fault
def test_resume_tells_how_soon_all_are_back_and_what_they_lost() -> None:
    """After either end of the server every viewer has every notification, once and in order."""
    rows, _ = bench("resume", "--n", "3")
    assert [(row["end"], row["lost"], row["out of order or twice"]) for row in rows] == [
        ("SIGTERM", "0", "0"),
        ("kill -9", "0", "0"),
    ]
    assert [row["gaps in notifications"] for row in rows] == ["0", "0"]
    assert all(int(row["notifications sent"]) > resume.BEFORE for row in rows)


DEAF = """\
import sys

sys.path.insert(0, {folder!r})
import returning

class Deaf(returning.Viewer):
    def take(self, received):
        super().take(received)
        self.kept = [number for number in self.kept if number != {number}]

returning.Viewer, returning.PATIENCE = Deaf, 0.5
returning.main(sys.argv[1:])
"""


@pytest.mark.long
def test_what_no_viewer_was_sent_is_lost_to_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """They are held against what was posted, not against one another: here none of them takes one of the notices."""
    client = tmp_path / "deaf.py"
    client.write_text(DEAF.format(folder=str(resume.CLIENT.parent), number=resume.BEFORE - 1))
    monkeypatch.setattr(resume, "CLIENT", client)
    row = dict(zip(resume.COLUMNS[2:], resume.storm(3, signal.SIGTERM), strict=True))
    assert (row["lost"], row["out of order or twice"]) == ("3", "0")


def test_lost_misplaced_and_covered_notices_are_told_apart() -> None:
    """Four viewers of three notices: one has all, one lacks one, one has one twice, one has two in the wrong order."""
    told = [[1, 2, 3], [1, 3], [1, 2, 2, 3], [1, 3, 2]]
    viewers = [returning.Viewer() for _ in told]
    for viewer, numbers in zip(viewers, told, strict=True):
        frames = [f'id: 1-{n}\nevent: notification\ndata: {{"title":"Notice {n}"}}\n\n' for n in numbers]
        viewer.take("".join(frames).encode())
    viewers[1].take(b'event: gap\ndata: {"types":["metrics","notification"]}\n\n')
    viewers[2].take(b'event: gap\ndata: {"types":["metrics"]}\n\n')
    assert returning.report(viewers, {1, 2, 3}) == {"lost": 1, "misplaced": 2, "gaps": 2, "gaps_kept": 1}
    assert returning.report(viewers, {1, 2, 3, 4})["lost"] == 5


@pytest.mark.long
def test_collect_shows_the_dashboard_beside_an_idle_netdata(need: Callable[[str], Path]) -> None:
    """Two programs over the same window, and the ratio of the two."""
    need("netdata")
    rows, text = bench("collect", "--viewers", "2", "--seconds", "1", "--windows", "1")
    assert [row["program"].split()[0] for row in rows] == ["dashboard,", "Netdata", "ratio,"]
    assert all(float(row["RSS MB"]) > 0 for row in rows)
    assert "cores" in text and "Python" in text


@pytest.mark.long
@pytest.mark.parametrize("canvas", ["software", "gpu"])
def test_charts_tells_what_live_charts_cost_the_main_thread(canvas: str, need: Callable[[str], Path]) -> None:
    """A few charts in a real Chromium: all of them move."""
    need("chromium")
    rows, _ = bench("charts", "--charts", "3", "--lines", "2", "--seconds", "1", "--canvas", canvas)
    assert [(row["canvas by"], row["charts that moved"]) for row in rows] == [(canvas, "3 of 3")]
    assert all(row["main thread, % of a core"].endswith(" %") for row in rows)


def test_a_recording_goes_on_for_ever_without_a_total_that_falls() -> None:
    """Two hundred series of their own, of which nearly all move; within an hour no two minutes are alike."""
    lines = recording.load(200)
    assert len({line.series.text for line in lines}) == 200 and sum(line.moves for line in lines) > 150
    for line in lines[::3]:
        values = [line.at(second) for second in range(0, 3 * 3_600, 7)]
        assert len(set(values)) > 1 or not line.moves
        if line.series.counter:
            assert values == sorted(values)
    (busy,) = (line for line in lines if line.series.name == history.LOUD)
    minutes = {tuple(busy.at(60 * minute + second) for second in range(60)) for minute in range(59)}
    assert len(minutes) == 59


def test_what_proc_says_becomes_series() -> None:
    """Counters and gauges of several kinds of file."""
    read = {name: value for file, text in PROC.items() for name, value in recording.read(file, text)}
    assert read == {
        "node_memory_MemFree_bytes": 2_048,
        "node_memory_Active_anon_bytes": 1_024,
        "node_vmstat_nr_dirty": 5,
        "node_vmstat_pgfault_total": 9,
        "node_netstat_Tcp_CurrEstab": 3,
        "node_netstat_Tcp_InSegs_total": 7,
        'node_softirqs_total{cpu="0",type="NET_RX"}': 1,
        'node_softirqs_total{cpu="1",type="NET_RX"}': 2,
    }


PROC = {
    "meminfo": "MemFree:        2 kB\nActive(anon):      1 kB\n",
    "vmstat": "nr_dirty 5\npgfault 9\n",
    "net/snmp": "Tcp: CurrEstab InSegs\nTcp: 3 7\n",
    "softirqs": "      CPU0  CPU1\nNET_RX:  1  2\n",
}


def test_a_remote_write_is_protobuf_in_snappy() -> None:
    """As its specification shows it: a series of one label with one sample, all in one literal."""
    packed = prometheus.packed({"__name__": "up"})
    assert packed == b"\x0a\x0e\x0a\x08__name__\x12\x02up"
    body = prometheus.body([packed], [1_000], [[1.0]])
    sample = b"\x12\x0c\x09\0\0\0\0\0\0\xf0\x3f\x10\xe8\x07"
    message = b"\x0a\x1e" + packed + sample
    assert body == b"\x20" + b"\xf4\x1f\x00" + message


@pytest.mark.long
def test_history_shows_stored_samples_and_questions_beside_prometheus(need: Callable[[str], Path]) -> None:
    """Each program takes both feeds, and answers each question for one series and for all."""
    need("promtool")
    rows = cells(printed("history", "--days", "0.05", "--hours", "0.05", "--series", "20", "--rounds", "1"))
    stored = [row[1] for row in rows if row[0] in ("1 s", "1 min")]
    assert stored == ["dashboard", "Prometheus", "ratio, ours ÷ theirs"] * 2
    asked = [(row[1], row[2], row[4]) for row in rows if row[0].endswith(" h")]
    assert asked == [(feed, of, form) for feed in ("1 s", "1 min") for of in ("1", "20") for form in ("plain", "gzip")]
