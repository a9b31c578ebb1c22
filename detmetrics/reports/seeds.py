"""Views of groups of runs: for a terminal, for machines, for spreadsheets, for pull requests."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from detmetrics.analysis.seed_spread import GroupDifference, GroupMean
from detmetrics.analysis.seeds import GroupComparison
from detmetrics.foundation.messages import counted, few
from detmetrics.reports.csv import as_csv
from detmetrics.reports.sections import Section, sections_as_markdown, sections_as_text
from detmetrics.reports.tables import Cell, Table

__all__ = ["sections", "to_csv", "to_json", "to_markdown", "to_text"]

MEANS = ("metric", "mean", "lowest", "highest", "seeds", "images")
DIFFERENCES = ("metric", "difference", "low", "high", "seeds", "images", "verdict")
WRITTEN = ("mean", "seed_spread", "image_error", "value", "low", "high", "seed_error",
           "exceeds_seeds", "exceeds_images", "verdict")  # fmt: skip


def to_text(comparison: GroupComparison, *, width: int | None = None) -> str:
    """Each group, then the differences from the first; width: characters a line, 100 or this."""
    return sections_as_text(sections(comparison), width)


def to_markdown(comparison: GroupComparison) -> str:
    """The same sections as tables for a pull request or a job summary."""
    return sections_as_markdown(sections(comparison))


def to_json(comparison: GroupComparison) -> str:
    """JSON with sorted keys and numbers at full precision; undefined is null."""
    return json.dumps(comparison.to_dict(), indent=2, sort_keys=True, allow_nan=False) + "\n"


def to_csv(comparison: GroupComparison, *, safe: bool = False) -> str:
    """One row per group and metric; full precision, undefined is empty.

    safe: as of :func:`detmetrics.reports.csv.as_csv`.
    """
    rows = []
    for group, means in comparison.means.items():
        found = comparison.differences.get(group, {})
        for name, one in means.items():
            plain: Mapping[str, Any] = one.to_dict()
            apart: dict[str, Any] = found[name].to_dict() if name in found else {}
            cells = [{**apart, **plain}.get(column) for column in WRITTEN]
            rows.append((group, len(one.values), name, *cells, comparison.signature))
    columns = ["difference" if column == "value" else column for column in WRITTEN]
    return as_csv(("group", "runs", "metric", *columns, "signature"), rows, safe=safe)


def sections(comparison: GroupComparison) -> Iterator[Section]:
    """What all views show, in order."""
    for group, runs in comparison.groups.items():
        names = few([run.detections.source.name for run in runs])
        rows = tuple((name, *_mean(one)) for name, one in comparison.means[group].items())
        yield f"{group}, {counted(len(runs), 'run')}: {names}", Table(MEANS, rows), ()
    first = next(iter(comparison.groups))
    for (group, found), conclusion in zip(
        comparison.differences.items(), comparison.conclusions, strict=True
    ):
        rows = tuple((name, *_difference(one)) for name, one in found.items())
        lines = (conclusion, comparison.signature, comparison.words)
        yield f"{group} - {first}", Table(DIFFERENCES, rows), lines
    if comparison.attention:
        yield "Attention", None, comparison.attention


def _mean(one: GroupMean) -> tuple[Cell, ...]:
    plain = one.to_dict()
    known = [value for value in plain["values"] if value is not None]
    whole = len(known) == len(plain["values"])
    ends = (min(known), max(known)) if known and whole else (None, None)
    return plain["mean"], *ends, plain["seed_spread"], plain["image_error"]


def _difference(one: GroupDifference) -> tuple[Cell, ...]:
    plain = one.to_dict()
    signed = [
        None if plain[end] is None else f"{plain[end]:+.4f}" for end in ("value", "low", "high")
    ]
    return *signed, plain["seed_error"], plain["image_error"], one.verdict
