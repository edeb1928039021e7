"""Pushed samples: each is taken or refused by itself, with its index and the reason; no body does harm."""

from __future__ import annotations

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboard.errors import InvalidInput
from dashboard.ingest.samples import MAX_LABELS, MAX_SAMPLES, Reading, read
from dashboard.model import Series

NOW = 1_700_000_000.0
KEEP = 900.0


def push(body: object) -> Reading:
    """Read a body: bytes as they are, anything else as JSON."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return read(raw, instance="sender", now=NOW, keep=KEEP)


def sample(series: str = "a", value: object = 1.0, **more: object) -> dict[str, object]:
    return {"series": series, "value": value, **more}


def refused(body: object) -> list[tuple[int, str]]:
    """Return index and code of every sample that was refused."""
    return [(rejection.index, rejection.code) for rejection in push(body).rejected]


def test_one_object_is_one_sample_of_the_sender_now() -> None:
    reading = push(sample('jobs{queue="mail"}', 7, interval=10))
    (batch,) = reading.batches
    assert (batch.source, batch.timestamp, batch.interval) == ("sender/push", NOW, 10.0)
    assert batch.resource == {"instance": "sender"} and batch.samples == {'jobs{queue="mail"}': 7.0}
    assert (reading.count, reading.rejected) == (1, [])


def test_a_thousand_samples_of_one_moment_are_one_batch() -> None:
    reading = push([sample(f"a{number}", number) for number in range(1_000)])
    assert [len(batch.samples) for batch in reading.batches] == [1_000] and not reading.rejected


def test_samples_of_several_moments_intervals_and_instances_are_as_many_batches() -> None:
    reading = push(
        [
            sample("a"),
            sample("a", timestamp=NOW - 1),
            sample("b", interval=5),
            sample('a{instance="other"}'),
            sample("b"),
        ]
    )
    assert [(batch.source, batch.timestamp, batch.interval, sorted(batch.samples)) for batch in reading.batches] == [
        ("sender/push", NOW, None, ["a", "b"]),
        ("sender/push", NOW - 1, None, ["a"]),
        ("sender/push", NOW, 5.0, ["b"]),
        ("other/push", NOW, None, ["a"]),
    ]


def test_an_instance_of_its_own_is_kept_and_an_empty_one_is_the_senders() -> None:
    own, empty = push([sample('a{instance="x",b="1"}'), sample('a{instance=""}')]).batches
    assert own.resource == {"instance": "x"} and own.samples == {'a{b="1"}': 1.0}
    assert empty.resource == {"instance": "sender"} and empty.samples == {"a": 1.0}


def test_keys_are_written_in_the_one_canonical_form() -> None:
    (batch,) = push(sample('a{ z = "1", b="x\\"y" }')).batches
    assert list(batch.samples) == ['a{b="x\\"y",z="1"}']


def test_bad_samples_are_refused_one_by_one_and_the_good_ones_kept() -> None:
    reading = push([sample("a"), sample("1a"), sample("b", "x"), sample("c"), {"value": 1}, 5, None, [], sample("d")])
    assert [(rejection.index, rejection.code) for rejection in reading.rejected] == [
        (1, "invalid_series"),
        (2, "invalid_sample"),
        (4, "invalid_sample"),
        (5, "invalid_sample"),
        (6, "invalid_sample"),
        (7, "invalid_sample"),
    ]
    assert all(rejection.message for rejection in reading.rejected)
    assert [sorted(batch.samples) for batch in reading.batches] == [["a", "c", "d"]]
    assert reading.count == 9


@pytest.mark.parametrize(
    ("bad", "code", "said"),
    [
        (sample(value=True), "invalid_sample", "value"),
        (sample(value="1"), "invalid_sample", "value"),
        (sample(value=None), "invalid_sample", "value"),
        (sample(value=[1]), "invalid_sample", "value"),
        ({"series": "a"}, "invalid_sample", "value"),
        ({"series": 1, "value": 1}, "invalid_sample", "series"),
        (sample(colour="red"), "invalid_sample", "colour"),
        (sample(interval=0), "invalid_sample", "interval"),
        (sample(interval=-1), "invalid_sample", "interval"),
        (sample(interval=1e9), "invalid_sample", "interval"),
        (sample(timestamp="now"), "invalid_sample", "timestamp"),
        (sample(timestamp=True), "invalid_sample", "timestamp"),
        (sample(timestamp=NOW + 61), "in_the_future", "60 s"),
        (sample(timestamp=NOW * 1000), "in_the_future", "seconds"),
        (sample(timestamp=NOW - KEEP - 1), "too_old", "900 s"),
        (sample(timestamp=0), "too_old", "900 s"),
        (sample(timestamp=-1e300), "too_old", "900 s"),
        (sample(""), "invalid_series", "name"),
        (sample("a b"), "invalid_series", "character 2"),
        (sample("a{b=1}"), "invalid_series", "character 3"),
        (sample('a{b="1",b="2"}'), "invalid_series", "twice"),
        (sample('a{__name__="b"}'), "invalid_series", "__name__"),
        (sample('a{b="C:\\x"}'), "invalid_series", r"\x is no escape: there are \\ "),
        (sample("a" * 5_000), "invalid_sample", "series"),
        (sample("a{" + ",".join(f'l{n}="1"' for n in range(MAX_LABELS + 1)) + "}"), "invalid_series", "at most 64"),
    ],
)
def test_a_refusal_says_why(bad: dict[str, object], code: str, said: str) -> None:
    (rejection,) = push([sample("good"), bad]).rejected
    assert (rejection.index, rejection.code) == (1, code)
    assert said in rejection.message


@pytest.mark.parametrize("number", ["1e999", "-1e999", "1e400"])
def test_a_number_too_great_for_a_float_is_refused_by_itself(number: str) -> None:
    body = b'[{"series":"a","value":1},{"series":"b","value":%s}]' % number.encode()
    assert [index for index, _ in refused(body)] == [1]
    assert [sorted(batch.samples) for batch in push(body).batches] == [["a"]]
    assert [
        index for index, _ in refused(b'[{"series":"a","value":1,"timestamp":%s},{"series":"b","value":1}]' % b"1e999")
    ] == [0]


def test_bytes_that_are_no_text_are_refused_by_themselves() -> None:
    assert refused(b'[{"series":"good","value":1},{"series":"\xff","value":1}]') == [(1, "invalid_sample")]


@pytest.mark.parametrize(
    ("item", "code", "said"),
    [
        (b'{"series":"a","value":NaN}', "not_finite", "value: must be a finite number, not NaN"),
        (b'{"series":"a","value":-Infinity}', "not_finite", "value: must be a finite number, not -Infinity"),
        (b'{"series":"a","value":1,"interval":Infinity}', "not_finite", "interval: must be a finite number, not Inf"),
        (b'{"series":"a","value":[{"b":NaN}]}', "not_finite", "value: must be a finite number, not NaN"),
        (b"NaN", "not_finite", "must be a finite number, not NaN"),
        (b'{"series":"a{b=\\"\\ud800\\"}","value":1}', "invalid_sample", "series: holds half a character"),
        (b'{"series":"a","value":1,"\\udc00":1}', "invalid_sample", "holds half a character"),
        (b'{"series":"a","value":' + b"[" * 500 + b"NaN" + b"]" * 500 + b"}", "not_finite", "value: must be a finite"),
    ],
)
def test_what_json_cannot_say_costs_only_its_own_item(item: bytes, code: str, said: str) -> None:
    good = '{"series":"good{b=\\"é\\ud83d\\ude00\\"}","value":1e300,"timestamp":1699999999.5}'.encode()
    reading = push(b"[%b,%b,5,%b]" % (good, item, good.replace(b"good", b"bytes\xff")))
    assert [(one.index, one.code) for one in reading.rejected] == [
        (1, code),
        (2, "invalid_sample"),
        (3, "invalid_sample"),
    ]
    assert reading.rejected[0].message.startswith(said)
    (batch,) = reading.batches
    assert (batch.timestamp, batch.samples) == (1699999999.5, {'good{b="é\N{GRINNING FACE}"}': 1e300})
    if item.startswith(b"{"):
        assert [(one.index, one.code) for one in push(item).rejected] == [(0, code)]


@pytest.mark.parametrize(
    ("bad", "said"),
    [
        (sample(value="1"), "value: a number is wanted, this is text"),
        (sample(value=None), "value: a number is wanted, this is null"),
        (sample(value=True), "value: a number is wanted, this is true or false"),
        (sample(interval=[1]), "interval: a number or null is wanted, this is a list"),
        (sample(interval=0), "interval: a number above 0 is wanted"),
        (sample(interval=1e9), "interval: a number of at most 86400 is wanted"),
        (sample("a" * 5_000), "series: text of at most 4096 characters is wanted"),
        ({"series": "a"}, "value: is missing"),
        (sample(colour="red"), "colour: there is no such field"),
        (5, "an object is wanted, this is a whole number"),
    ],
)
def test_a_wrong_type_is_told_in_plain_words(bad: object, said: str) -> None:
    assert [rejection.message for rejection in push([bad]).rejected] == [said]


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"null", "a list is wanted, this is null"),
        (b"[" * 100_000, "nested too deeply"),
        (b"\xff", "invalid character (byte 0)"),
    ],
)
def test_a_body_of_another_kind_is_told_in_plain_words(body: bytes, said: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        push(body)
    assert said in str(caught.value) and "`" not in str(caught.value) and "recursion" not in str(caught.value)


def test_the_bounds_of_time_are_taken() -> None:
    assert not refused([sample(timestamp=NOW + 60), sample(timestamp=NOW - KEEP), sample(timestamp=int(NOW))])


def test_the_same_series_and_moment_twice_is_one_sample_and_the_later_value_counts() -> None:
    reading = push([sample("a", 1), sample("a", 2)])
    assert [batch.samples for batch in reading.batches] == [{"a": 2.0}]
    assert not reading.rejected and reading.count == 2
    assert reading.indexes[0, "a"] == [0, 1]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b" ",
        b"null",
        b"5",
        b'"a"',
        b"[",
        b"[1,]",
        b"{",
        b"{}{}",
        b"[]x",
        b"NaN",
        b'{"series":"a","value":NaN',
        b'[{"series":"a","value":NaN},]',
        b"series=a&value=1",
        b"\xff\xfe[]",
        b"\x00",
        b"[" * 100_000,
        b"[" * 100_000 + b"]" * 100_000,
        b'{"a":' * 100_000,
        b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
        b"[" + b'{"a":' * 100_000 + b"1" + b"}" * 100_000 + b"]",
    ],
)
def test_a_body_that_is_no_json_of_the_kind_is_refused_as_a_whole_with_what_to_send(body: bytes) -> None:
    with pytest.raises(InvalidInput) as caught:
        push(body)
    assert '"series"' in str(caught.value) and len(str(caught.value)) < 500


def test_a_list_too_long_is_refused_as_a_whole() -> None:
    with pytest.raises(InvalidInput, match=f"at most {MAX_SAMPLES}"):
        push([sample()] * (MAX_SAMPLES + 1))
    assert not refused([sample()] * MAX_SAMPLES)


def test_an_empty_list_is_nothing() -> None:
    reading = push([])
    assert (reading.count, reading.batches, reading.rejected) == (0, [], [])


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
SAMPLE = st.fixed_dictionaries(
    {"series": st.text(alphabet='ab{}="\\,', max_size=16) | JSON, "value": JSON},
    optional={"timestamp": st.floats() | JSON, "interval": st.floats() | JSON},
)


@given(st.binary(max_size=80) | JSON | SAMPLE | st.lists(SAMPLE | JSON, max_size=6))
def test_no_body_does_more_than_be_refused(body: object) -> None:
    try:
        reading = push(body)
    except InvalidInput:
        return
    assert reading.count == len(reading.rejected) + sum(len(places) for places in reading.indexes.values())
    assert [rejection.index for rejection in reading.rejected] == sorted({r.index for r in reading.rejected})
    for batch in reading.batches:
        assert NOW - KEEP <= batch.timestamp <= NOW + 60 and batch.resource["instance"]
        for key, value in batch.samples.items():
            assert math.isfinite(value) and str(Series.parse(key)) == key
