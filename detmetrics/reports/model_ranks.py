"""Views of several models: of two their comparison, of more each with the first, and ranks."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator

from detmetrics.analysis.model_ranks import ModelRanks
from detmetrics.reports import comparison as of_two
from detmetrics.reports.csv import as_csv
from detmetrics.reports.sections import Section, sections_as_markdown, sections_as_text
from detmetrics.reports.tables import Table

__all__ = ["to_csv", "to_json", "to_markdown", "to_text"]


def to_text(ranks: ModelRanks, *, per_class: bool = False, width: int | None = None) -> str:
    """The comparisons, ranks last; width: characters a line, 100 or this."""
    return sections_as_text(_sections(ranks, per_class=per_class), width)


def to_markdown(ranks: ModelRanks, *, per_class: bool = False) -> str:
    """The same sections as tables for a pull request or a job summary."""
    return sections_as_markdown(_sections(ranks, per_class=per_class))


def to_json(ranks: ModelRanks) -> str:
    """JSON with sorted keys and numbers at full precision; undefined is null."""
    if len(ranks.comparisons) == 1:
        return of_two.to_json(ranks.comparisons[0])
    return json.dumps(ranks.to_dict(), indent=2, sort_keys=True, allow_nan=False) + "\n"


def to_csv(ranks: ModelRanks, *, safe: bool = False) -> str:
    """A row a metric of all classes and of each, of more than two models with the name of b.

    safe: as of :func:`detmetrics.reports.csv.as_csv`.
    """
    if len(ranks.comparisons) == 1:
        return of_two.to_csv(ranks.comparisons[0], safe=safe)
    header = ("model", *of_two.CSV_COLUMNS)
    rows = [
        (one.b.detections.source.name, *row)
        for one in ranks.comparisons
        for row in of_two.csv_rows(one)
    ]
    return as_csv(header, rows, safe=safe)


def _sections(ranks: ModelRanks, *, per_class: bool) -> Iterator[Section]:
    for one in ranks.comparisons:
        yield from of_two.sections(one, per_class=per_class)
    if len(ranks.comparisons) > 1:
        rows = tuple(
            (one.name, None if math.isnan(one.value) else one.value, one.words)
            for one in ranks.ranks
        )
        words = (
            f"ranks that the {100 * ranks.level:.4g}% intervals of the differences of all pairs "
            f"support; they hold together at {100 * ranks.comparisons[0].level:g}% (Holm)"
        )
        yield f"Ranks by {ranks.metric}", Table(("model", ranks.metric, "rank"), rows), (words,)
