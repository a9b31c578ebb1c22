"""Views of a comparison: for a terminal, for machines, for spreadsheets, for pull requests."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping

import numpy as np

from detmetrics.analysis.comparison import Comparison, Difference
from detmetrics.foundation.messages import counted
from detmetrics.reports.csv import as_csv
from detmetrics.reports.sections import Section, sections_as_markdown, sections_as_text
from detmetrics.reports.tables import Cell, Table

__all__ = ["CSV_COLUMNS", "csv_rows", "sections", "to_csv", "to_json", "to_markdown", "to_text"]

MOST = 10
COLUMNS = ("A", "B", "B - A", "low", "high", "B better", "remark")


def to_text(comparison: Comparison, *, per_class: bool = False, width: int | None = None) -> str:
    """Metrics, classes where asked, objects and images; width: characters a line, 100 or this."""
    return sections_as_text(sections(comparison, per_class=per_class), width)


def to_markdown(comparison: Comparison, *, per_class: bool = False) -> str:
    """The same sections as tables for a pull request or a job summary."""
    return sections_as_markdown(sections(comparison, per_class=per_class))


def to_json(comparison: Comparison) -> str:
    """JSON with sorted keys and numbers at full precision; undefined is null."""
    return json.dumps(comparison.to_dict(), indent=2, sort_keys=True, allow_nan=False) + "\n"


def to_csv(comparison: Comparison, *, safe: bool = False) -> str:
    """A row a metric of all classes and of each; full precision, undefined is empty.

    safe: as of :func:`detmetrics.reports.csv.as_csv`.
    """
    return as_csv(CSV_COLUMNS, csv_rows(comparison), safe=safe)


VALUES = ("a", "b", "difference", "low", "high", "standard_error", "b_better", "defined")
CSV_COLUMNS = ("scope", "class", "metric", *VALUES, "remark", "signature")


def csv_rows(comparison: Comparison) -> list[tuple[object, ...]]:
    """The rows of :func:`to_csv`."""
    scopes: list[tuple[str, str, Mapping[str, Difference]]] = [("all", "", comparison.metrics)]
    scopes += [("class", label, metrics) for label, metrics in comparison.classes.items()]
    return [
        (
            *(scope, label, name, *map(one.to_dict().get, VALUES)),
            *(one.interval.remark, comparison.a.signature),
        )
        for scope, label, metrics in scopes
        for name, one in metrics.items()
    ]


def sections(comparison: Comparison, *, per_class: bool) -> Iterator[Section]:
    """What all views show, in order."""
    a, b = (one.detections.source.name for one in (comparison.a, comparison.b))
    rows = tuple((name, *_cells(one)) for name, one in comparison.metrics.items())
    lines = (comparison.conclusion, comparison.a.signature, comparison.words)
    yield f"A {a}, B {b}", Table(("metric", *COLUMNS), rows), lines
    if per_class:
        yield _classes(comparison)
    yield _objects(comparison)
    yield from _images(comparison)
    if comparison.attention:
        yield "Attention", None, comparison.attention


def _cells(one: Difference) -> tuple[Cell, ...]:
    values = (one.a, one.b, one.interval.value, one.interval.low, one.interval.high)
    cells: list[Cell] = [None if math.isnan(value) else value for value in values]
    signed = [None if value is None else f"{value:+.4f}" for value in cells[2:]]
    better = None if math.isnan(one.better) else f"{100 * one.better:.1f} %"
    return (*cells[:2], *signed, better, one.interval.remark)


def _classes(comparison: Comparison) -> Section:
    """The headline metric of each class, the largest difference first."""
    name = next(iter(comparison.metrics))

    def apart(label: str) -> float:
        value = comparison.classes[label][name].interval.value
        return 1.0 if math.isnan(value) else -abs(value)

    rows = tuple(
        (label, *_cells(comparison.classes[label][name]))
        for label in sorted(comparison.classes, key=apart)
    )
    return f"{name} by class", Table(("class", *COLUMNS), rows), ()


def _objects(comparison: Comparison) -> Section:
    objects, counts = comparison.objects, comparison.objects.counts
    total = sum(counts.values())
    cut = "" if objects.confidence is None else f" and a confidence of {objects.confidence:g}"
    names = {"both": "both", "only_a": "only A", "only_b": "only B", "neither": "neither"}
    rows = tuple(
        (words, counts[name], f"{100 * counts[name] / total:.1f} %" if total else None)
        for name, words in names.items()
    )
    heading = f"Objects found from an IoU of {objects.iou:g}{cut} on"
    return heading, Table(("found by", "objects", "share"), rows), ()


def _images(comparison: Comparison) -> Iterator[Section]:
    """The images on which one of them finds most that the other misses."""
    catalog = comparison.a.ground_truth.catalog
    only_a, only_b = comparison.objects.by_image(len(catalog.image_ids))
    for side, ahead in (("A", only_a - only_b), ("B", only_b - only_a)):
        order = np.argsort(-ahead, kind="stable")
        order = order[ahead[order] > 0]
        if len(order):
            rows = tuple(
                (catalog.image_names[image], int(only_a[image]), int(only_b[image]))
                for image in order[:MOST].tolist()
            )
            more = len(order) - len(rows)
            lines = (f"and {counted(more, 'image')} more: --json lists all",) if more else ()
            heading = f"Images on which {side} finds more"
            yield heading, Table(("image", "only A", "only B"), rows), lines
