"""The tables of a report: one model, which the page and the text for a pull request show."""

from __future__ import annotations

from typing import Any

from detmetrics.metrics.average_precision import ap_at
from detmetrics.metrics.summary import metrics_of
from detmetrics.reports.comparison import sections
from detmetrics.reports.error_kinds import blind_spot_table, class_error_table, error_table
from detmetrics.reports.html.model import Report
from detmetrics.reports.sections import Section
from detmetrics.reports.slices import slices_table
from detmetrics.reports.tables import Cell, Table, class_table, columns_of_interval, summary_table

__all__ = [
    "comparison_sections",
    "confused_table",
    "interpretation_table",
    "read_table",
    "tables",
]


def tables(report: Report) -> dict[str, Table]:
    """By the name of the section; what is not there is left out."""
    document = report.document
    found: dict[str, Table] = {
        "metrics": summary_table(report.result, report.intervals),
        "classes": _classes(report),
        "read": read_table(report),
        "interpretations": interpretation_table(report),
    }
    if report.errors is not None:
        found["errors"] = error_table(report.errors)
        found["class_errors"] = class_error_table(report.errors)
    if report.matrix is not None:
        found["confused"] = confused_table(report)
    if report.spots is not None:
        found["hidden"] = blind_spot_table(report.spots)
    if document["sizes"] is not None:
        found["sizes"] = _sizes(document["sizes"], report.iou)
    if document["calibration"] is not None:
        found["calibration"] = _calibration(document["calibration"])
    if report.slices is not None:
        found["slices"] = slices_table(report.slices)
    return found


def comparison_sections(report: Report) -> list[Section]:
    """What ``detmetrics compare`` shows."""
    if report.comparison is None:
        return []
    return [*sections(report.comparison, per_class=True)]


def read_table(report: Report) -> Table:
    """The files that were read."""
    rows = tuple(
        (one["path"], one["format"], one["size"], one["sha256"])
        for one in report.document["inputs"]
    )
    return Table(("file", "format", "bytes", "SHA-256"), rows)


def interpretation_table(report: Report) -> Table:
    """How the files were read: what was taken, the evidence, and what else was possible."""
    rows = tuple(
        (one.side, one.of, one.taken, one.evidence, "; ".join(one.others))
        for one in report.result.interpretations
    )
    return Table(("side", "of", "read as", "evidence", "also possible"), rows)


def _classes(report: Report) -> Table:
    """Counts, the first metric with its interval, those of all sizes, and the best F1."""
    rules = report.result.rules
    first, *others = metrics_of(rules)
    last = len(rules.max_detections) - 1
    shown = [one.name for one in others if not one.area and one.limit == last]
    table = class_table(report.result, intervals=report.intervals)
    ends = [*columns_of_interval(first.name)] if report.intervals else []
    table = table.select("class", "ground_truths", "detections", first.name, *ends, *shown)
    columns = (
        "class",
        "objects",
        "detections",
        first.name,
        *(["low", "high", "remark"] if ends else []),
    )
    best: Any = report.document["thresholds"]
    if best is None:
        return Table((*columns, *shown), table.rows)

    def point(name: Cell) -> tuple[Cell, Cell]:
        one = best[str(name)]
        none = one["threshold"] is None
        return (None, None) if none else (one["best"], one["threshold"])

    rows = tuple((*row, *point(row[0])) for row in table.rows)
    return Table((*columns, *shown, "best F1", "at confidence"), rows)


def confused_table(report: Report) -> Table:
    """Pairs of classes that are taken for one another, most frequent first."""
    names = ("ground_truth", "detection", "count", "share")
    rows = tuple(
        tuple(pair[name] for name in names) for pair in report.document["confusion"]["pairs"]
    )
    return Table(("there is", "found as", "objects", "share of the class"), rows)


def _sizes(sizes: dict[str, Any], iou: float) -> Table:
    rows = tuple(
        (
            one["name"],
            one["ground_truths"],
            one["detections"],
            one["AP"],
            one["AP_first"],
            one["AR"],
        )
        for one in sizes["bins"]
    )
    return Table(("size", "objects", "detections", "AP", ap_at(iou), "AR"), rows)


def _calibration(found: dict[str, Any]) -> Table:
    rows = tuple(
        (
            f"{one['low']:.1f} to {one['high']:.1f}",
            one["count"],
            one["score"],
            one["precision"],
            one["iou"],
        )
        for one in found["bins"]
    )
    columns = ("scores", "detections", "mean score", "precision", "IoU of the right ones")
    return Table(columns, rows)
