"""Slices of a data set for a terminal, a pull request, a spreadsheet and for machines."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator

from rich.text import Text

from detmetrics.analysis.slicing import Slice, Slices
from detmetrics.foundation.messages import counted, printable
from detmetrics.reports.csv import as_csv
from detmetrics.reports.grids import grid, plain_console, trimmed
from detmetrics.reports.markdown import escaped, table_rows
from detmetrics.reports.tables import Cell, Table, columns_of_interval

__all__ = ["full_table", "slices_table", "to_csv", "to_json", "to_markdown", "to_text"]


def slices_table(slices: Slices) -> Table:
    """All images, then the slices, worst first: the metric, its interval, how far it is from random
    subsets of as many images (without intervals from all), and what to know of it.
    """
    interval = (f"{slices.level:.0%} from", "to") if slices.resamples else ()
    whole = slices.overall.metrics[slices.metric]
    apart_from = "vs random" if slices.resamples else "vs all"

    def row(one: Slice) -> tuple[Cell, ...]:
        value = one.metrics[slices.metric]
        apart = _cell(value - (one.expected if slices.resamples else whole))
        counts = (one.images, one.objects, one.detections)
        return (
            one.name,
            *counts,
            _cell(value),
            *_interval(one, slices),
            apart,
            ", ".join(_remarks(one, slices)),
        )

    columns = ("slice", "images", "objects", "detections", slices.metric, *interval, apart_from)
    rows = tuple(row(one) for one in (slices.overall, *slices.slices))
    return Table((*columns, "remark"), rows)


def full_table(slices: Slices) -> Table:
    """Every metric of all images and of each slice, with the interval of the one sorted by."""
    names = tuple(slices.overall.metrics)
    interval = columns_of_interval(slices.metric) if slices.resamples else ()
    counts = ("images", "objects", "detections", "small")
    rows = tuple(
        (
            "all" if one is slices.overall else "slice",
            "" if one is slices.overall else one.name,
            *(one.images, one.objects, one.detections, int(one.small)),
            *(_cell(one.metrics[name]) for name in names),
            *_interval(one, slices),
            *([one.interval.remark if one.interval else ""] if slices.resamples else []),
            *((_cell(one.expected), _cell(one.chance)) if slices.resamples else ()),
            slices.signature,
        )
        for one in (slices.overall, *slices.slices)
    )
    chance = (f"{slices.metric}_expected", f"{slices.metric}_chance") if slices.resamples else ()
    return Table(("scope", "slice", *counts, *names, *interval, *chance, "signature"), rows)


def _interval(one: Slice, slices: Slices) -> tuple[Cell, ...]:
    if not slices.resamples:
        return ()
    if one.interval is None:
        return None, None
    return _cell(one.interval.low), _cell(one.interval.high)


def _remarks(one: Slice, slices: Slices) -> Iterator[str]:
    if why := one.undefined.get(slices.metric):
        yield why
    if one.small:
        yield "few images"
    elif one.interval is not None and one.interval.remark:
        yield one.interval.remark
    if side := slices.stands_out(one):
        yield f"{side} random, p {one.chance:.2g}"


def _cell(value: float) -> Cell:
    return None if math.isnan(value) else value


def _about(slices: Slices) -> Iterator[str]:
    """What a reader of the table should know."""
    small = sum(one.small for one in slices.slices)
    if small:
        what = counted(small, "slice stands", "slices stand")
        yield f"{what} last, with fewer than {counted(slices.smallest, 'image')}"
    if slices.without_value:
        yield f"{counted(slices.without_value, 'image')} without a value: the slice (none)"
    if slices.resamples:
        yield (
            f"{slices.level:.0%} intervals over {slices.resamples:,} half-samples of the "
            f"images of each slice, seed {slices.seed}"
        )
        yield (
            f"vs random: less the mean of {slices.resamples:,} random subsets of as many images; "
            f"below or above random: p below {1 - slices.level:.2g} after Holm's correction for "
            "all slices"
        )


def to_text(slices: Slices, width: int | None = None) -> str:
    """The table, and what to know of it."""
    console, out = plain_console(width)
    number = counted(len(slices.slices), "slice")
    console.print(
        Text(printable(f"{slices.metric} in {number} by {slices.by}, worst first")), soft_wrap=True
    )
    console.print()
    console.print(grid(slices_table(slices)))
    for line in _about(slices):
        console.print(Text(line), soft_wrap=True)
    console.print(Text(slices.signature), soft_wrap=True)
    return trimmed(out)


def to_markdown(slices: Slices) -> str:
    """The same table with remarks and signature below."""
    parts = ["\n".join(table_rows(slices_table(slices))), f"`{slices.signature}`"]
    if about := [*_about(slices)]:
        parts.append("\n".join(f"- {escaped(line)}" for line in about))
    return "\n\n".join(parts) + "\n"


def to_csv(slices: Slices, *, safe: bool = False) -> str:
    """CSV with numbers at full precision; undefined is empty.

    safe: as of :func:`detmetrics.reports.csv.as_csv`.
    """
    table = full_table(slices)
    return as_csv(table.columns, table.rows, safe=safe)


def to_json(slices: Slices) -> str:
    """JSON with sorted keys and numbers at full precision; undefined is null."""
    return json.dumps(slices.to_dict(), indent=2, sort_keys=True, allow_nan=False) + "\n"
