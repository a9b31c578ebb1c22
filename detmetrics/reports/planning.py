"""How many images it takes, for a terminal and for machines."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator

from rich.text import Text

from detmetrics.analysis.planning import SampleSize
from detmetrics.foundation.messages import printable
from detmetrics.reports.grids import grid, plain_console, trimmed
from detmetrics.reports.tables import Cell, Table

__all__ = ["sample_size_table", "to_json", "to_text"]


def sample_size_table(plan: SampleSize) -> Table:
    """A row a metric: what was found, its error, and the images for each difference."""
    columns = ("metric", "B - A", "error", f"seen on {plan.images:,}")
    rows = tuple(
        (
            name,
            _signed(plan.found[name]),
            _cell(plan.standard_errors[name]),
            _cell(plan.smallest(name)),
            *(plan.needed(name, one) for one in plan.differences),
        )
        for name in plan.found
    )
    return Table((*columns, *(f"images for {one:g}" for one in plan.differences)), rows)


def _signed(value: float) -> Cell:
    return None if math.isnan(value) else f"{value:+.4f}"


def _cell(value: float) -> Cell:
    return None if math.isnan(value) else value


def to_text(plan: SampleSize, width: int | None = None) -> str:
    """The table, and what its numbers are."""
    console, out = plain_console(width)
    console.print(grid(sample_size_table(plan)))
    attention = (f"Attention: {printable(text)}" for text in plan.attention)
    for line in (*_about(plan), plan.signature, *attention):
        console.print(Text(line), soft_wrap=True)
    return trimmed(out)


def _about(plan: SampleSize) -> Iterator[str]:
    yield (
        f"images for a difference: on so many a true difference is seen in {plan.power:.0%} of "
        f"samples, by a {plan.level:.0%} interval that leaves out 0"
    )
    yield (
        f"error: of B - A on these {plan.images:,} images ({plan.resamples:,} half-samples, seed "
        f"{plan.seed}); it falls as 1 / sqrt(images)"
    )


def to_json(plan: SampleSize) -> str:
    """JSON with sorted keys and numbers at full precision; undefined is null."""
    return json.dumps(plan.to_dict(), indent=2, sort_keys=True, allow_nan=False) + "\n"
