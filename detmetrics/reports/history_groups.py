"""Groups of trainings for a terminal and for machines: means, spreads, and what exceeds them."""

from __future__ import annotations

import math
from typing import Any

from detmetrics.foundation.messages import few, printable
from detmetrics.reports.grids import grid_text
from detmetrics.reports.history import as_json, comparison_table, plain
from detmetrics.reports.tables import Table
from detmetrics.training.history.groups import TrainingGain, TrainingGroup, TrainingGroups

__all__ = ["to_json", "to_text"]

MEANS = ("group", "runs", "mean", "lowest", "highest", "seeds", "images")
GAINS = ("difference of", "value", "low", "high", "verdict")


def to_text(groups: TrainingGroups, *, width: int | None = None) -> str:
    """The runs, the groups, and the differences from the first group."""
    means = Table(MEANS, tuple(_mean(name, one) for name, one in groups.groups.items()))
    parts = [grid_text(comparison_table(groups.comparison), width), grid_text(means, width)]
    if groups.gains:
        first = next(iter(groups.groups))
        gains = (_gain(f"{name} - {first}", one) for name, one in groups.gains.items())
        parts.append(grid_text(Table(GAINS, tuple(gains)), width))
    lines = [f"{name}: {few([each.history.source for each in one.standings])}"
             for name, one in groups.groups.items()]  # fmt: skip
    lines += [*groups.comparison.reasons, *groups.conclusions]
    lines.append(
        "seeds: standard deviation of the best values; images: standard error of a run, where its "
        f"log has intervals; low to high: {100 * groups.level:g}% confidence interval over seeds "
        "(Welch)"
    )
    return "\n".join(parts) + "\n" + "".join(f"{printable(line)}\n" for line in lines)


def to_json(groups: TrainingGroups) -> str:
    """JSON with sorted keys and numbers at full precision; undefined is null."""
    document = {
        **plain(groups.comparison),
        "level": groups.level,
        "conclusions": list(groups.conclusions),
        "groups": {
            name: {
                "runs": [each.history.source for each in one.standings],
                "values": [_known(value) for value in one.values],
                "mean": _known(one.mean),
                "seed_spread": _known(one.seed_spread),
                "image_error": _known(one.image_error),
            }
            for name, one in groups.groups.items()
        },
        "differences": {name: _plain_gain(one) for name, one in groups.gains.items()},
    }
    return as_json(document)


def _plain_gain(one: TrainingGain) -> dict[str, Any]:
    seeds = one.seeds
    return {
        "value": _known(seeds.value),
        "low": _known(seeds.low),
        "high": _known(seeds.high),
        "seed_error": _known(seeds.error),
        "freedom": _known(seeds.freedom),
        "image_error": _known(one.image_error),
        "exceeds_seeds": one.exceeds_seeds,
        "exceeds_images": one.exceeds_images,
        "verdict": one.verdict,
    }


def _mean(name: str, one: TrainingGroup) -> tuple[Any, ...]:
    ends = min(one.values), max(one.values)
    known = ends if math.isfinite(one.mean) else (math.nan, math.nan)
    cells = (one.mean, *known, one.seed_spread, one.image_error)
    return name, len(one.values), *map(_known, cells)


def _gain(name: str, one: TrainingGain) -> tuple[Any, ...]:
    ends = (one.seeds.value, one.seeds.low, one.seeds.high)
    return name, *(f"{end:+.4f}" if math.isfinite(end) else None for end in ends), one.verdict


def _known(value: float) -> float | None:
    return value if math.isfinite(value) else None
