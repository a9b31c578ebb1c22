"""Thresholds for a terminal, and as files that a deployment loads."""

from __future__ import annotations

import json
import math
from typing import Any

from rich.text import Text

from detmetrics.analysis.thresholds import OperatingPoint, OperatingPoints
from detmetrics.foundation.messages import printable
from detmetrics.reports.grids import grid, plain_console, trimmed
from detmetrics.reports.tables import Cell, Table

__all__ = ["thresholds_table", "to_json", "to_text", "to_yaml"]


def thresholds_table(points: OperatingPoints) -> Table:
    """All classes together and their mean, then a row a class; thresholds in full, as text."""
    beta = points.objective.beta
    best = () if beta == 1 else (f"F{beta:g}",)
    columns = (
        *("class", "threshold", "precision", "recall", "F1", *best),
        *("TP", "FP", "FN", "FP/image"),
    )

    def row(name: str, point: OperatingPoint, threshold: str) -> tuple[Cell, ...]:
        ratios = [point.precision, point.recall, point.f1, *([point.best] if best else [])]
        counts = (point.true_positives, point.false_positives, point.false_negatives)
        return (name, threshold, *map(_cell, ratios), *counts, point.fp_an_image)

    means = [
        points.mean[name] for name in ("precision", "recall", "f1", *(["best"] if best else []))
    ]
    rows = [
        row("all together", points.overall, _threshold(points.overall, points)),
        ("mean of classes", "", *map(_cell, means), None, None, None, None),
    ]
    rows += [row(name, one, _threshold(one, points)) for name, one in points.classes.items()]
    return Table(columns, tuple(rows))


def _threshold(point: OperatingPoint, points: OperatingPoints) -> str:
    if point.threshold is not None:
        return repr(point.threshold)
    return "by class" if point is points.overall and points.per_class else "none"


def _cell(value: float) -> Cell:
    return None if math.isnan(value) else value


def to_text(points: OperatingPoints, width: int | None = None) -> str:
    """What is sought, the table, and why where there is no threshold."""
    console, out = plain_console(width)
    for_all = {"micro": "counts of all classes pooled", "macro": "means over classes"}
    scope = "of each class" if points.per_class else f"one threshold, {for_all[points.average]}"
    area = "" if points.area == "all" else f", area {points.area}"
    head = f"{points.objective.words} at IoU {points.iou:g}{area}; {scope}"
    console.print(Text(head[0].upper() + head[1:]), soft_wrap=True)
    console.print(Text("keep: score >= threshold"), soft_wrap=True)
    console.print()
    console.print(grid(thresholds_table(points)))
    for line in _missing(points):
        console.print(Text(printable(line)), soft_wrap=True)
    console.print(Text(points.signature), soft_wrap=True)
    return trimmed(out)


def _missing(points: OperatingPoints) -> list[str]:
    if points.overall.reason:
        return [f"no threshold: {points.overall.reason}"]
    reasons: dict[str, list[str]] = {}
    for name, point in points.classes.items():
        if point.reason:
            reasons.setdefault(point.reason, []).append(name)
    return [f"no threshold for {', '.join(names)}: {why}" for why, names in reasons.items()]


def to_json(points: OperatingPoints) -> str:
    """JSON with numbers at full precision; undefined is null."""
    return json.dumps(points.to_dict(), indent=2, allow_nan=False) + "\n"


class _Name(str):
    """A class name, which YAML may not take for a truth value, a number or nothing."""

    __slots__ = ()


def to_yaml(points: OperatingPoints) -> str:
    """YAML with the same keys as the JSON; class names are quoted, whatever they are."""
    import yaml

    class Quoting(yaml.SafeDumper):
        """Writes class names in double quotes, and no anchors."""

        def ignore_aliases(self, _: Any) -> bool:
            return True

    def quoted(dumper: yaml.SafeDumper, name: str) -> yaml.ScalarNode:
        return dumper.represent_scalar("tag:yaml.org,2002:str", str(name), style='"')

    Quoting.add_representer(_Name, quoted)
    document = points.to_dict()
    for section in ("thresholds", "classes"):
        document[section] = {_Name(name): value for name, value in document[section].items()}
    return yaml.dump(document, Dumper=Quoting, sort_keys=False, allow_unicode=True, width=1_000_000)
