"""Histories for a terminal and for machines: best epochs, verdicts, evidence, curves."""

from __future__ import annotations

import json
import math
import textwrap
from collections.abc import Iterator
from typing import Any

import numpy as np

from detmetrics.foundation.messages import counted, printable
from detmetrics.reports.charts import Line, chart
from detmetrics.reports.grids import grid_text
from detmetrics.reports.tables import Cell, Table
from detmetrics.training.history.choosing import Best
from detmetrics.training.history.comparing import TrainingComparison, TrainingStanding
from detmetrics.training.history.course import Course

__all__ = ["as_json", "comparison_table", "marked", "plain", "to_json", "to_text"]

WIDTH = 100
SCHEMA = 1


def comparison_table(comparison: TrainingComparison) -> Table:
    """A row a history: the metric, its best value and epoch, its last value, the verdict."""
    columns = ("history", "metric", "best", "epoch", "last", "verdict")
    return Table(columns, tuple(_row(standing) for standing in comparison.standings))


def to_text(comparison: TrainingComparison, *, width: int | None = None) -> str:
    """The table, then for each history its curves, the verdict and the evidence for it."""
    parts = [grid_text(comparison_table(comparison), width)]
    parts += [f"{reason}\n" for reason in comparison.reasons]
    for standing in comparison.standings:
        parts.append("\n".join(_block(standing, width or WIDTH)) + "\n")
    return "\n".join(parts)


def to_json(comparison: TrainingComparison) -> str:
    """JSON with sorted keys and numbers at full precision; undefined is null."""
    return as_json(plain(comparison))


def as_json(document: dict[str, Any]) -> str:
    """With sorted keys; undefined is null."""
    return json.dumps(document, indent=2, sort_keys=True, allow_nan=False) + "\n"


def plain(comparison: TrainingComparison) -> dict[str, Any]:
    """Plain values, as ``docs/json.md`` has them."""
    return {
        "schema": SCHEMA,
        "not_comparable": list(comparison.reasons),
        "histories": [_plain(standing) for standing in comparison.standings],
    }


def marked(course: Course, best: Best | None) -> int | None:
    """The place of the best epoch in a course; None where it has none, or it is not judged."""
    if best is None or best.row is None or best.row - 1 not in course.rows:
        return None
    return course.rows.index(best.row - 1)


def _row(standing: TrainingStanding) -> tuple[Cell, ...]:
    best = standing.best
    name = standing.history.source
    verdict = str(standing.verdict)
    if best is None:
        return name, "-", None, None, None, verdict
    return name, best.column, _cell(best.value), best.epoch, _cell(best.last), verdict


def _cell(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _block(standing: TrainingStanding, width: int) -> Iterator[str]:
    rows = counted(len(standing.history), "row")
    yield f"{printable(standing.history.source)}, {rows}: {standing.verdict}"
    yield from chart(*_curves(standing), width=max(20, min(60, width - 40)))
    for sentence in standing.verdict.evidence:
        yield from _wrapped("evidence", sentence, width)
    if standing.best is not None:
        for remark in standing.best.remarks:
            yield from _wrapped("best", remark, width)
    for note in standing.notes:
        yield from _wrapped("log", note, width)


def _wrapped(kind: str, sentence: str, width: int) -> list[str]:
    return textwrap.wrap(
        printable(sentence), width, initial_indent=f"{kind:<10}", subsequent_indent=" " * 10
    )


def _curves(standing: TrainingStanding) -> tuple[list[Line], int | None, str]:
    course = standing.course
    lines = [Line("train loss", course.train), Line("val loss", course.val)]
    if course.column is not None:
        lines.append(Line(printable(course.column), course.metric))
    mark = marked(course, standing.best)
    return lines, mark, "" if mark is None else f"best, {course.place(mark)}"


def _plain(standing: TrainingStanding) -> dict[str, Any]:
    verdict, course = standing.verdict, standing.course
    return {
        "source": standing.history.source,
        "kind": standing.history.kind,
        "run": standing.history.run,
        "rows": len(standing.history),
        "epochs": len(course),
        "best": None if standing.best is None else _plain_best(standing.best),
        "verdict": verdict.name,
        "since": verdict.since,
        "counted_by": verdict.counted_by,
        "evidence": list(verdict.evidence),
        "notes": list(standing.notes),
        "curves": {
            "epoch": list(course.axis),
            "train_loss": _numbers(course.train),
            "val_loss": _numbers(course.val),
            "metric": _numbers(course.metric),
        },
    }


def _plain_best(best: Best) -> dict[str, Any]:
    return {
        "metric": best.metric,
        "column": best.column,
        "lower_is_better": best.lower_is_better,
        "value": _cell(best.value),
        "epoch": best.epoch,
        "row": best.row,
        "last": _cell(best.last),
        "of": best.of,
        "tied": list(best.tied),
        "standard_error": _cell(best.standard_error),
        "within": None if best.within is None else list(best.within),
        "reason": best.reason,
    }


def _numbers(values: np.ndarray[Any, np.dtype[np.float64]]) -> list[float | None]:
    return [_cell(value) for value in values.tolist()]
