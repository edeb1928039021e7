"""Images of charts: the same account as the page's, nothing but text of what users name, and true about what is old."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping, Sequence
from datetime import UTC
from pathlib import Path
from typing import Any
from xml.etree import ElementTree
from zoneinfo import ZoneInfo

import msgspec
import pytest

from dashboard.boards import Panel, Threshold
from dashboard.drawing import DRAWN, Line, Scene, draw, print_out
from dashboard.drawing.colour import PALETTES, counted, mix, slots
from dashboard.drawing.coverage import Span
from dashboard.drawing.heat import cells_of, heat_ends
from dashboard.drawing.name import fit, tell_apart, width_of
from dashboard.drawing.number import age, exponent, tick, unit_of, written
from dashboard.drawing.panel import Box
from dashboard.drawing.plot import Plot
from dashboard.drawing.printed import printed
from dashboard.drawing.scale import offset_of, round_up, time_text, time_ticks, top_of, value_ticks
from dashboard.drawing.scene import Note
from dashboard.drawing.trace import peaks, trace
from dashboard.model import Series
from dashboard.points import Point

ROOT = Path(__file__).parent.parent
CASES = json.loads((ROOT / "tests/cases/drawing.json").read_text("utf-8"))
FORMATS = json.loads((ROOT / "tests/cases/format.json").read_text("utf-8"))
SVG = "{http://www.w3.org/2000/svg}"
END = 1_763_800_000.0
EVIL = "<script>alert(1)</script>\"' onload=alert(1) &lt;]]>\x00\x1b\u202e\ud800\ufffe"


def panel(kind: str = "line", **values: Any) -> Panel:
    """Return a panel of a kind."""
    return Panel(**{"id": "x", "title": "Title", "kind": kind, "series": ("a_ratio",), **values})


def line(
    text: str = 'a_ratio{instance="h"}',
    values: Sequence[float | None] = (0.5,) * 60,
    *,
    end: float = END,
    step: float = 1.0,
    interval: float | None = 1.0,
    spread: float = 0.0,
) -> Line:
    """Return a series whose points end at a time."""
    first = end - len(values) * step
    points: list[Point] = [
        (first + at * step, value, None if value is None else value - spread, None if value is None else value + spread)
        for at, value in enumerate(values)
    ]
    newest = next(((time + step, mean) for time, mean, _, _ in reversed(points) if mean is not None), None)
    return Line(Series.parse(text), points, step, last=newest, interval=interval, source="h/a")


def scene(lines: Sequence[Line], chart: Panel | None = None, **values: Any) -> Scene:
    """Return a scene of a minute that ends now."""
    given = {"start": END - 60, "end": END, "now": END + 0.3, "step": 1.0, "zone": UTC, "width": 640, "height": 280}
    own = slots((one.key, one.series) for one in lines)
    return Scene(**{"panel": chart or panel(), "lines": lines, "slots": own, **given, **values})


def of_case(case: Mapping[str, Any]) -> Scene:
    """Return the scene of a shared case."""
    chart = {**case["panel"], "thresholds": tuple(Threshold(**one) for one in case["panel"].get("thresholds", ()))}
    chart["series"] = tuple(chart["series"])
    lines = []
    for told in case["result"]:
        series = Series.parse(told["series"])
        lines.append(
            Line(
                series,
                [tuple(point) for point in told["points"]],
                case["step"],
                last=tuple(told["last"]),
                counter=told["type"] == "counter",
                interval=told["interval"],
                source=told["source"],
                afar=series.label("instance") != case["home"],
            )
        )
    lines.sort(key=lambda one: counted(one.key))
    keys = ("start", "end", "now", "step", "theme")
    blind = [Span(*one) for one in case["blind"]]
    return scene(lines, Panel(id="x", **chart), blind=blind, **{key: case[key] for key in keys})


def texts(svg: str) -> list[str]:
    """Return every text of an image, in its order; raises where it is not well formed."""
    return ["".join(one.itertext()).replace("\xa0", " ") for one in ElementTree.fromstring(svg).iter(SVG + "text")]


def approximate(value: Any) -> Any:
    """Return what compares numbers without their last figures, however deep they are."""
    if isinstance(value, dict):
        return {key: approximate(one) for key, one in value.items()}
    if isinstance(value, list):
        return [approximate(one) for one in value]
    return pytest.approx(value, rel=1e-9) if isinstance(value, float) else value


def told_of_other_kinds(subject: Scene, case: Mapping[str, Any]) -> None:
    """Hold a heat map or a tile to its case: the account, and the shades of each line on whole pixels."""
    subject = msgspec.structs.replace(subject, width=case["width"] + 90)  # the axes, and the frame
    assert msgspec.json.decode(msgspec.json.encode(print_out(subject))) == approximate(case["drawing"])
    if subject.panel.kind == "heat":
        plot, ends = Plot(subject, Box(0, 0, case["width"], 100)), heat_ends(subject)
        cells = {line.key: list(map(list, cells_of(line, plot, ends[line.unit]))) for line in subject.lines}
        assert cells == case["cells"]


@pytest.mark.parametrize("case", [pytest.param(case, id=case["name"]) for case in CASES])
def test_the_account_is_the_one_that_the_page_prints(case: dict[str, Any]) -> None:
    """The page's chart prints the same of the same points, as the JavaScript tests of these cases show."""
    subject = of_case(case)
    if subject.panel.kind not in ("line", "area"):
        told_of_other_kinds(subject, case)
        return
    account = printed(subject, trace(subject), case["width"], case["height"])
    assert msgspec.json.decode(msgspec.json.encode(account)) == approximate(case["drawing"])
    marks: dict[str, list[list[float]]] = {}
    for colour, peak in peaks(subject, trace(subject), case["width"]):
        marks.setdefault(colour, []).append(list(peak))
    assert marks == approximate(case["marks"])


def test_numbers_are_written_as_the_shared_cases_say() -> None:
    wrong = [case for case in FORMATS if written(case["value"], case["unit"]).text.replace("\xa0", " ") != case["text"]]
    assert wrong == []
    assert [tick(0.5, "ratio"), tick(2.5 * 1024**3, "bytes"), tick(100, "")] == ["50\xa0%", "2.5\xa0GiB", "100"]
    assert [age(7.9), age(61), age(-3), age(90_000)] == ["7\xa0s", "1\xa0min 1\xa0s", "0\xa0s", "1\xa0d 1\xa0h"]
    assert [unit_of("io_bytes_total", True), unit_of("io_time_seconds_total", True), unit_of("load_1m", False)] == [
        *("bytes/s", "ratio", "")
    ]


def test_colours_are_those_of_the_style_sheet() -> None:
    css = (ROOT / "static/css/base.css").read_text("utf-8")
    for theme, head in (("light", ":root {"), ("dark", ':root[data-theme="dark"] {')):
        block = css.split(head, 1)[1].split("}", 1)[0]
        sheet = dict(re.findall(r"--([\w-]+):\s*(#[0-9a-f]{6});", block))
        palette = msgspec.structs.asdict(PALETTES[theme])  # type: ignore[index]
        data, heat, neutral = palette.pop("data"), palette.pop("heat"), palette.pop("neutral")
        assert palette == {name: sheet[name] for name in palette}
        assert data == tuple(sheet[f"data-{at}"] for at in range(1, 9))
        assert (*heat, neutral) == (sheet["heat-low"], sheet["heat-high"], sheet["data-neutral"])


@pytest.mark.parametrize("kind", DRAWN)
@pytest.mark.parametrize("size", [(160, 72), (640, 280), (2400, 1600)])
def test_whatever_users_name_is_text_in_an_image(kind: str, size: tuple[int, int]) -> None:
    """Names, titles and reasons of every kind of image end no text: it holds no element or attribute of theirs."""
    lines = [line(str(Series("a_ratio", (("n", f"{EVIL}{at}"),))), [0.3, None, 0.9] * 20) for at in range(3)]
    lines[0] = line(lines[0].key, end=END - 30)
    chart = panel(
        kind, title=EVIL, legend="{n}", unit=EVIL[:24], thresholds=(Threshold(above=0.4, severity="critical"),)
    )
    width, height = size
    svg = draw(scene(lines, chart, width=width, height=height, reasons={"h/a": EVIL}, theme="dark"))
    root = ElementTree.fromstring(svg)
    drawn = {"rect", "path", "circle", "text", "tspan", "g", "defs", "pattern", "clipPath", "title", "desc", "svg"}
    assert {one.tag.removeprefix(SVG) for one in root.iter()} <= drawn
    assert not [name for one in root.iter() for name in one.attrib if name.startswith("on") or "href" in name]
    assert "alert(1)" in "".join(root.itertext()) and "\u202e" not in svg and "\x1b" not in svg
    svg.encode()


@pytest.mark.parametrize("kind", DRAWN)
@pytest.mark.parametrize("values", [[1.7e308, -1.7e308, 5e-324], [0.0], [math.nan], [None], []], ids=str)
def test_any_values_make_an_image(kind: str, values: list[float | None]) -> None:
    """Limits of a double, nothing but zero, and nothing at all are drawn with finite coordinates."""
    finite = [None if value is not None and math.isnan(value) else value for value in values]
    subject = scene([line(values=finite)], panel(kind, series=("a",)))
    svg = draw(subject)
    ElementTree.fromstring(svg)
    assert not re.search(r"[ \"](?:-?inf|nan)", svg)
    msgspec.json.encode(print_out(subject))


def test_a_tile_is_hatched_where_its_line_has_a_hole() -> None:
    whole, holed = (draw(scene([line(values=values)], panel("stat"))) for values in ([0.5] * 60, [0.5, None] * 30))
    assert ("unwatched" in whole, "unwatched" in holed) == (False, True)


def test_lengths_of_time_have_ticks_that_a_clock_has() -> None:
    """The same are held in `tests/js/scale.test.js`."""
    told = {}
    for top in (90, 150, 420, 2700, 42e6):
        told[top] = [tick(value, "seconds").replace("\xa0", " ") for value in value_ticks(0, top, "seconds", 4)]
    assert told == {
        90: ["0 s", "50 s"],
        150: ["0 s", "1 min", "2 min"],
        420: ["0 s", "2 min 30 s", "5 min"],
        2700: ["0 s", "20 min", "40 min"],
        42e6: ["0 s", "200 d", "400 d"],
    }


@pytest.mark.parametrize("height", [100, 160, 280])
@pytest.mark.parametrize("values", [[-3.0, 7.0], [1e308] * 3, [-1e308, 1e308], [1e-320] * 3], ids=str)
def test_an_axis_names_two_values_at_least_within_its_gutter(values: list[float], height: int) -> None:
    """However high the image is and whatever is drawn; a long label is written smaller."""
    subject = scene([line("a_bytes", values)], panel(unit="bytes/s"), height=height)
    account = print_out(subject)
    assert account.y is not None and len(account.y.ticks) > 1
    labels = {text.replace("\xa0", " ") for _, text in account.y.ticks}
    for one in ElementTree.fromstring(draw(subject)).iter(SVG + "text"):
        text = "".join(one.itertext()).replace("\xa0", " ")
        if text in labels and one.get("text-anchor") == "end":
            labels.remove(text)
            assert float(one.get("x", 0)) - width_of(text, float(one.get("font-size", 12))) > 0
    assert not labels


def test_a_unit_that_is_too_long_for_an_axis_is_left_out_there() -> None:
    """The legend has it, and the axis its numbers, of which none is cut or too small to be read."""
    said = texts(draw(scene([line()], panel(unit="orders per fortnight"))))
    assert "0.500 orders per fortnight" in said and {"0", "0.5"} <= set(said)


def test_since_when_there_is_a_record_never_covers_a_line() -> None:
    """It stands left of where the record begins, and nowhere where that is too narrow."""
    begins = draw(scene([line(values=[0.5] * 30)]))
    (words,) = (one for one in ElementTree.fromstring(begins).iter(SVG + "text") if "since" in (one.text or ""))
    assert words.text == "recorded since 08:26:10" and words.get("text-anchor") == "end"
    assert not [text for text in texts(draw(scene([line(values=[0.5] * 52)]))) if "since" in text]


def test_an_image_says_of_when_its_data_are_in_a_named_zone() -> None:
    """The newest sample's time stands in the head, the zone beside the times of the axis."""
    said = texts(draw(scene([line()])))
    assert "22 Nov 2025, 08:26:40 UTC" in said and "UTC" in said and "08:26:15" in said
    berlin = texts(draw(scene([line()], zone=ZoneInfo("Europe/Berlin"))))
    assert "22 Nov 2025, 09:26:40 CET" in berlin and "09:26:15" in berlin
    sizes = {200: "22 Nov 08:26:40 UTC", 160: "08:26:40 UTC"}
    for width, stamp in sizes.items():
        assert stamp in texts(draw(scene([line()], panel("stat"), width=width, height=88)))


def test_an_image_of_old_data_is_marked_stale_with_the_reason() -> None:
    """Colour is taken out of it, too; of several lines those that are old are counted in the head."""
    cause = "collector a: /srv/plugins/a.py:12: OSError: no such device"
    old = scene([line(end=END - 200)], reasons={"h/a": cause})
    svg = draw(old)
    assert {"STALE 3 min 20 s", "OSError: no such device · collector a, line 12"} <= set(texts(svg))
    assert PALETTES["light"].data[0] not in svg and print_out(old).lines[0].stale
    unknown = texts(draw(scene([line(end=END - 200)])))
    assert "source h/a: stopped sending" in unknown
    some = texts(draw(scene([line(), line('a_ratio{instance="h",n="2"}', end=END - 20)])))
    assert any(text.startswith("1 of 2 STALE 20 s") for text in some)
    assert not any("STALE" in text for text in texts(draw(scene([line()]))))


def test_a_device_that_vanished_is_told_apart_from_a_source_that_is_silent() -> None:
    gone = line(end=END - 20)
    said = texts(draw(scene([gone], gone=frozenset({gone.key}))))
    assert "gone for 20 s" in said and "h/a goes on without it" in said


def test_a_past_is_never_stale_and_ends_where_its_data_do() -> None:
    """What was the newest then was true then; a line that had ended before has no value."""
    lines = [line(end=END - 3600), line('a_ratio{instance="h",n="2"}', [0.25] * 20, end=END - 3640)]
    past = scene(lines, start=END - 3660, end=END - 3600, now=END - 3600, past=True)
    said = texts(draw(past))
    assert "50.0 %" in said and "–" in said and not any("STALE" in text for text in said)
    assert not any(one.stale for one in print_out(past).lines)


def test_holes_blind_times_thresholds_and_spikes_are_drawn() -> None:
    """A hole is hatched and no line crosses it; a blind time has a name; a spike is in the band and in the axis."""
    values = [0.2] * 20 + [None] * 10 + [0.2] * 30
    chart = panel(thresholds=(Threshold(above=0.3, severity="warning"), Threshold(above=9.0, severity="critical")))
    spiked = line(values=values, spread=0.15)
    subject = scene([spiked], chart, blind=[Span(END - 20, END - 1)])
    svg = draw(subject)
    account = print_out(subject)
    assert account.holes == [Span(END - 40, END - 30)] and account.blind == [Span(END - 20, END - 1)]
    assert account.y is not None and account.y.max > 0.35
    stroke = next(path for path in re.findall(r'<path d="([^"]+)" fill="none" stroke="#0b6bcb"', svg))
    assert stroke.count("M") == 2
    assert svg.count('fill="url(#unknown)"') == 2 and "blind 08:26:20–08:26:39" in texts(svg)
    assert svg.count(PALETTES["light"].warning) == 1 and PALETTES["light"].critical not in svg


def test_a_second_is_seen_in_a_week_in_every_kind_of_chart() -> None:
    """A heat map is as dark as its peak, also where pixels hold several points; a tile and a sum rise to it."""
    week, step = 7 * 86_400, 1800.0
    quiet = [(END // step * step - (336 - at) * step, 0.02, 0.02, 1.0 if at == 200 else 0.02) for at in range(336)]
    calm = [(time, 0.02, 0.02, 0.02) for time, *_ in quiet]
    lines = [
        Line(Series.parse(f'a_ratio{{instance="h",n="{at}"}}'), points, step, last=(END, 0.02), interval=1.0)
        for at, points in enumerate((quiet, calm))
    ]
    of_week = {"start": END - week, "step": step}
    for width in (640, 200, 160):
        svg = draw(scene(lines, panel("heat"), **of_week, width=width))
        assert svg.count(PALETTES["light"].heat[1]) == 1, width
    assert "darkest: 100 % · peak of each 30 min" in texts(draw(scene(lines, panel("heat"), **of_week)))
    for shown in (lines[:1], lines):
        tile = scene(shown, panel("stat", legend="all", unit="cores"), **of_week, width=300, height=88)
        ends = print_out(tile).y
        (stroke,) = re.findall(r'<path d="M\S+ ([\d.]+)V([\d.]+)" fill="none"', draw(tile))
        assert ends is not None and ends.max > 1 and float(stroke[0]) - float(stroke[1]) > 30


def test_annotations_stand_where_they_belong() -> None:
    """Their first lines are written without covering one another; one out of the time that is shown is left out."""
    notes = [
        Note(END - 900, None, "long ago"),
        Note(END - 50, END - 40, "a time\nwith more to say"),
        Note(END - 48, None, "a moment in it"),
        Note(END - 5, None, "just now"),
    ]
    for kind in ("line", "heat"):
        svg = draw(scene([line()], panel(kind), notes=notes))
        assert {"a time", "a moment in it", "just now"} <= set(texts(svg)) and "long ago" not in texts(svg)
        places = {text: re.search(rf'y="([\d.]+)"[^>]*>{text}<', svg) for text in ("a time", "a moment in it")}
        assert len({place and place[1] for place in places.values()}) == 2
        assert svg.count('fill-opacity="0.5"') == 4


def test_an_image_without_data_says_so() -> None:
    said = texts(draw(scene([], absence="No data: nothing has sent this.")))
    assert {"No data: nothing has sent this.", "22 Nov 2025, 08:26:40 UTC"} <= set(said)
    assert print_out(scene([])).lines == []


def test_bars_and_figures_stand_for_groups_of_lines() -> None:
    """Of a bar its sizes are told; amounts add up to one figure, of shares the largest stands for all."""
    names = [f'disk_{what}{{instance="h",m="/"{state}}}' for what, state in (("ratio", ""), ("bytes", ',state="used"'))]
    both = [line(names[0], [0.25] * 3), line(names[1], [1024.0] * 3)]
    said = texts(draw(scene(both, panel("bar", series=("disk_ratio", "disk_bytes"), legend="{m}", max=1))))
    assert {"/", "25.0 %", "1.00 KiB used, – free"} <= set(said)
    ratio = [line(f'a_ratio{{instance="h",n="{at}"}}', [at / 10] * 3) for at in range(3)]
    figure = print_out(scene(ratio, panel("stat", legend="all"))).lines
    assert [(one.name, one.text) for one in figure] == [("all", "20.0\xa0%")]
    amount = [line(f'a_bytes{{instance="h",n="{at}"}}', [512.0] * 3) for at in range(3)]
    assert print_out(scene(amount, panel("stat", legend="all"))).lines[0].text == "1.50\xa0KiB"
    gauge = draw(
        scene([line(values=[0.97] * 3)], panel("gauge", thresholds=(Threshold(above=0.9, severity="critical"),)))
    )
    assert "critical" in texts(gauge) and gauge.count(PALETTES["light"].critical) >= 3


def test_axes_are_told_by_the_data_alone() -> None:
    """Their ends are round enough to stay while data change little, and their ticks are round on the clock shown."""
    assert [top_of(value, 1.15) for value in (0, 1, 0.0071, 87, 1e-305)] == pytest.approx([1, 1.2, 0.0085, 110, 1])
    assert [round_up(value, "") for value in (16, 20, 21, 0.07)] == pytest.approx([20, 20, 30, 0.08])
    assert [round_up(value, "bytes") for value in (600, 1024, 5e9)] == [768, 1024, 6 * 2**30]
    assert [exponent(value) for value in (1, 9.999999999999998, 1000, 5e-324)] == [0, 0, 3, -324]
    zone = ZoneInfo("Europe/Berlin")
    march = 1_774_738_800.0  # 2026-03-29 00:00 in Berlin, on which clocks are set forward
    ticks = time_ticks(march - 43_200, march + 86_400, 700, 96, offset_of(zone))
    assert [time_text(time, zone) for time in ticks] == ["18:00", "29 Mar", "06:00", "12:00", "18:00"]


def test_names_are_shortened_where_they_are_alike() -> None:
    names = [f"the-name-of-a-queue-{zone}-mail-{at}" for zone in ("eu", "us") for at in (1, 2)]
    parts = tell_apart(names)
    assert len({fit(one, 90, lambda text: width_of(text, 12)) for one in parts}) == 4
    assert fit(["alone-and-long"], 6, len) == "alone…"
    measured: list[str] = []

    def width(text: str) -> int:
        measured.append(text)
        return len(text)

    assert fit(["n" * 4_000, "-1"], 9, width) == "nnnnnn…-1"
    assert len(measured) < 20, "a label may have thousands of characters"
    assert mix("#ffffff", "#000000", 0.5) == "#808080"
