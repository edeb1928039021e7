"""Prometheus's text format, written by its own library."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator

from dashboard.model import Family, Series

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


_HISTOGRAM = re.compile(r".*_(bucket|count|sum)")
_BOUND = re.compile(r"\+Inf|-?[0-9]{1,99}(\.[0-9]+)?([eE][+-]?[0-9]{1,2})?")


def write(samples: Iterable[tuple[Series, float]], family: Callable[[str], Family]) -> bytes:
    """Return the exposition of these samples, each with its family's type and help text.

    The type is only claimed where Prometheus lets samples of such names and labels have it; else they are `untyped`.
    """
    # Imported here: a third of a second and three megabytes that only those pay who scrape.
    from prometheus_client import generate_latest
    from prometheus_client.metrics_core import Metric
    from prometheus_client.registry import Collector

    held: dict[str, list[tuple[Series, float]]] = {}
    for series, value in samples:
        held.setdefault(series.name, []).append((series, value))
    metrics: dict[str, Metric] = {}
    for name, found in held.items():
        of = family(name)
        typed = of.type == "histogram" and all(map(of.__eq__, map(family, of.sample_names))) and _is_histogram(of, held)
        kind = of.type if typed or _suits(of, found) else "unknown"
        base = of.name if typed else name.removesuffix("_total") if kind == "counter" else name
        # By the name in the text: `a` and `a_total` are two, however alike the library calls them.
        metric = metrics.setdefault(of.name if typed else name, Metric(base, of.help, kind))
        for series, value in found:
            metric.add_sample(name, dict(series.labels), value)

    class Held(Collector):
        def collect(self) -> Iterator[Metric]:
            return iter(metrics.values())

    return generate_latest(Held())


def _suits(family: Family, samples: list[tuple[Series, float]]) -> bool:
    """Tell whether a gauge or a counter is named as one, without what only histograms and summaries have."""
    if family.type == "histogram" or (family.type == "counter") != family.name.endswith("_total"):
        return False
    if _HISTOGRAM.fullmatch(family.name):
        return False
    return not any(series.label("le") or series.label("quantile") for series, _ in samples)


def _is_histogram(family: Family, held: dict[str, list[tuple[Series, float]]]) -> bool:
    """Tell whether all that is held of a histogram's names makes one: each bucket has a bound, and nothing else has."""
    return family.name not in held and all(
        not series.label("quantile")
        and (_BOUND.fullmatch(series.label("le")) if name.endswith("_bucket") else not series.label("le"))
        for name in family.sample_names
        for series, _ in held.get(name, ())
    )
