"""Loading: every file by its place, a bad one told with file and line, and no one else harmed."""

from __future__ import annotations

import re
import time
from collections.abc import Sequence
from pathlib import Path

import msgspec
import pytest

from dashboard.collectors import Collector
from dashboard.collectors.__main__ import table
from dashboard.collectors.load import IMPORT_PATIENCE, LoadFault, load, unknown
from dashboard.config import CollectorSetting, Settings
from tests.collectors.stage import running

DOCS = Path(__file__).parents[2] / "docs/collectors.md"

GOOD = """
from dashboard.collectors import Family, Sample
families = [Family("good", "gauge", "", "Good.")]
def collect():
    yield Sample("good", 1)
"""


def put(folder: Path, **files: str) -> Settings:
    for name, text in files.items():
        (folder / f"{name}.py").write_text(text)
    return Settings(collectors_dir=folder)


def named(collectors: Sequence[Collector], name: str) -> Collector:
    return next(collector for collector in collectors if collector.name == name)


def only(faults: list[LoadFault]) -> LoadFault:
    assert len(faults) == 1, faults
    return faults[0]


def test_built_in_collectors_are_found_by_their_place() -> None:
    collectors, faults = load(Settings())
    assert faults == []
    names = [collector.name for collector in collectors]
    assert {"cpu", "memory", "loadavg", "filesystems", "networks", "processes"} <= set(names)
    assert len(names) == len(set(names))


def test_documented_table_is_the_true_one() -> None:
    """`python -m dashboard.collectors` prints what has to stand there."""
    assert table() in DOCS.read_text()


async def test_documented_example_of_ten_lines_works(tmp_path: Path) -> None:
    [example] = re.findall(r"```python\n(.*?)```", DOCS.read_text(), re.DOTALL)
    assert len([line for line in example.splitlines() if line]) <= 10
    collectors, faults = load(put(tmp_path, spool=example.replace("/var/spool", str(tmp_path))))
    assert faults == []
    spool = named(collectors, "spool")
    assert (spool.interval, spool.families[0].unit) == (5, "files")
    async with running(spool) as stage:
        await stage.tick("spool")
        samples = stage.batches[0].samples
        assert samples[f'spool_files{{folder="{tmp_path}"}}'] == 1
        assert len(samples) == 2


def test_object_from_create_is_a_collector(tmp_path: Path) -> None:
    made = (
        GOOD
        + "class Thing:\n    families, interval, may_block = families, 7, True\n    collect = staticmethod(collect)\n"
    )
    settings = put(tmp_path, thing=made + "def create(settings):\n    return Thing()\n")
    thing = named(load(settings)[0], "thing")
    assert (thing.name, thing.interval, getattr(thing, "may_block", None)) == ("thing", 7, True)


def test_collector_that_does_not_suit_this_machine_is_silently_absent(tmp_path: Path) -> None:
    collectors, faults = load(put(tmp_path, absent="def create(settings):\n    return None\n"))
    assert faults == []
    assert "absent" not in [collector.name for collector in collectors]


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("families = [\n\ndef collect(:\n", 3, "SyntaxError"),
        ("\n\nraise ValueError('odd')\n", 3, "ValueError: odd"),
        ("import sys\nsys.exit(3)\n", 2, "SystemExit: 3"),
        ("\nraise KeyboardInterrupt\n", 2, "KeyboardInterrupt"),
        ("import no_such_module\n", 1, "ModuleNotFoundError: No module named 'no_such_module'"),
        ("def create(settings):\n    return 1 / 0\n", 2, "ZeroDivisionError"),
        ("def create(settings):\n    return 5\n", None, "has no collect()"),
        ("pass\n", None, "has neither collect() nor create(settings)"),
        ("def collect():\n    return []\n", None, "needs families = [Family(name, type, unit, help), …]"),
        (GOOD.replace('"good", "gauge"', '"not good", "gauge"'), None, "'not good' is not a metric's name"),
        (GOOD.replace('"Good."', "None"), None, "good: unit and help are texts"),
        ("raise ValueError('x' * 100_000)\n", 1, "x … (cut, of 100000 characters)"),
        (GOOD.replace("gauge", "guage"), None, "type 'guage' is neither gauge, counter nor histogram"),
        (GOOD + "interval = 1800\n", None, "interval must be at most window (900 s), not 1800"),
        (GOOD + "interval = 'often'\n", None, "interval must be from 0.1 to 3600 seconds, not 'often'"),
        (GOOD.replace('"good", "gauge"', '"system_load_1m", "counter"'), None, "by the collector 'loadavg'"),
    ],
)
def test_bad_file_is_told_and_harms_no_other(tmp_path: Path, text: str, line: int | None, message: str) -> None:
    collectors, faults = load(put(tmp_path, bad=text, good=GOOD))
    fault = only(faults)
    assert (fault.name, fault.path, fault.line) == ("bad", str(tmp_path / "bad.py"), line)
    assert message in fault.message
    assert {"good", "cpu"} <= {collector.name for collector in collectors}


@pytest.mark.parametrize("text", ["\nraise ValueError\n", "import sys\nsys.exit(3)\n", "\nexit()\n"])
def test_a_fault_has_its_line_also_where_the_folder_is_relative(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "own").mkdir()
    fault = only(load(put(Path("own"), bad=text))[1])
    assert (fault.path, fault.line) == (str(tmp_path / "own/bad.py"), 2)


def test_fault_is_the_state_of_a_failed_collector(tmp_path: Path) -> None:
    state = only(load(put(tmp_path, bad="\nnonsense\n"))[1]).state("web-1", since=5.0)
    assert state.interval is None
    assert (state.name, state.source, state.state, state.since) == ("bad", "web-1/bad", "failed", 5.0)
    assert state.error == f"{tmp_path / 'bad.py'}:2: NameError: name 'nonsense' is not defined"


def test_files_that_do_not_end_are_left_behind_together(tmp_path: Path) -> None:
    """Three of them take no longer than two would one after the other, and all others are there."""
    endless = "import threading\nthreading.Event().wait()\n"
    began = time.monotonic()
    collectors, faults = load(put(tmp_path, a=endless, b=endless, c=endless, good=GOOD, odd="nonsense"))
    assert time.monotonic() - began < 2 * IMPORT_PATIENCE
    assert [fault.name for fault in faults] == ["a", "b", "c", "odd"]
    assert "was not imported within 5 s" in faults[0].message and "NameError" in faults[3].message
    assert named(collectors, "good")


def test_files_that_take_their_time_do_so_side_by_side(tmp_path: Path) -> None:
    """Each ends only when the other has begun."""
    meeting = """
import time
from pathlib import Path
here = Path(__file__)
here.with_suffix(".begun").touch()
while not (here.parent / "{other}.begun").exists():
    time.sleep(0.01)
"""
    texts = {one: meeting.format(other=other) + GOOD for one, other in (("first", "second"), ("second", "first"))}
    collectors, faults = load(put(tmp_path, **texts))
    assert faults == [] and named(collectors, "first") and named(collectors, "second")


@pytest.mark.parametrize("name", ["cpu", "dashboard"])
def test_name_that_is_taken_is_refused(tmp_path: Path, name: str) -> None:
    collectors, faults = load(put(tmp_path, **{name: GOOD}))
    assert only(faults).name == f"{name}.py"
    assert "rename the file" in only(faults).message
    assert len([collector for collector in collectors if collector.name == "cpu"]) == 1


def test_settings_slow_one_down_and_leave_one_out(tmp_path: Path) -> None:
    """One that is left out is not even imported."""
    chosen = (
        CollectorSetting(name="good", interval=30),
        CollectorSetting(name="bad", enabled=False),
        CollectorSetting(name="processes", enabled=False),
    )
    put(tmp_path, good=GOOD, bad="nonsense")
    collectors, faults = load(Settings(collectors_dir=tmp_path, collector=chosen))
    assert faults == []
    assert named(collectors, "good").interval == 30
    assert not {"bad", "processes"} & {collector.name for collector in collectors}


def test_what_a_collector_may_give_is_bounded_by_the_setting(tmp_path: Path) -> None:
    settings = msgspec.structs.replace(put(tmp_path, good=GOOD), max_series=123)
    assert {getattr(collector, "max_series", None) for collector in load(settings)[0]} == {123}


def test_setting_for_no_collector_names_the_nearest(tmp_path: Path) -> None:
    """Those of the folder and the program's own count, too; modules that are no collectors do not."""
    put(tmp_path, good=GOOD)
    right = tuple(CollectorSetting(name=name) for name in ("good", "dashboard", "cpu"))
    assert unknown(Settings(collectors_dir=tmp_path, collector=right)) is None
    wrong = (*right, CollectorSetting(name="proceses"))
    assert unknown(Settings(collectors_dir=tmp_path, collector=wrong)) == (
        3,
        'there is no collector "proceses"; the nearest is "processes"',
    )
    assert unknown(Settings(collector=(CollectorSetting(name="lane"),))) is not None


def test_folder_that_is_not_there_is_told(tmp_path: Path) -> None:
    faults = load(Settings(collectors_dir=tmp_path / "gone"))[1]
    assert str(only(faults)) == f"{tmp_path / 'gone'}: cannot be read: No such file or directory"


def test_hidden_files_are_no_collectors(tmp_path: Path) -> None:
    collectors, faults = load(put(tmp_path, **{"_part": "nonsense", ".odd": "nonsense"}))
    assert faults == []
    assert collectors
