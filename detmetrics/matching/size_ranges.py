"""Which boxes lie in which range of sizes, shapes or places, and where these are not known.

Source of areas: ``pycocotools/cocoeval.py``, ``evaluateImg``; the benchmarks that have ranges of
another kind are named where their rules are (:mod:`detmetrics.rules.rule_sets`).
"""

from __future__ import annotations

import numpy as np

from detmetrics.foundation.arrays import Bools, Floats
from detmetrics.rules import AreaRange, Rules
from detmetrics.rules.areas import ALL_AREAS, ANY_SIZE
from detmetrics.tables import Detections, GroundTruth

__all__ = ["in_ranges", "unsized"]

Table = GroundTruth | Detections


def unsized(ground_truth: GroundTruth, rules: Rules) -> Bools:
    """(A,) the ranges that nothing can be told to lie in, since image sizes are unknown.

    Shares of an image have no pixels without its size, and pixels are no shares of it.
    """
    known = {
        "area": not ground_truth.relative,
        "height": not ground_truth.relative,
        "aspect": not ground_truth.relative,
        **dict.fromkeys(
            ("share", "x", "y", "border"), ground_truth.relative or ground_truth.catalog.sized
        ),
    }
    told = [known[area.of] for area in rules.area_ranges]
    # The first range takes boxes of any size, so it asks nothing of them that has to be known.
    return ~np.array([told[0] or rules.area_ranges[0] in (ALL_AREAS, ANY_SIZE), *told[1:]])


def in_ranges(table: Table, rules: Rules) -> Bools:
    """(A, n) whether a box lies in a range; both ends belong to it.

    Attributes are asked of objects alone, and slack is given to detections alone.
    """
    # Objects: low <= size <= high, or low < size <= high where the low end is outside.
    # Detections: low <= size <= high wherever the low end of objects is, or
    # low / slack <= size < high * slack under rules that give slack.
    # Comparisons with nan are false: what has no known size, or lacks an attribute, is in no range.
    sizes: dict[str, Floats] = {}
    for area in rules.area_ranges:
        if area.of not in sizes:
            sizes[area.of] = _sizes(table, area)
    if isinstance(table, Detections) and rules.range_slack is not None:
        slack = rules.range_slack
        return np.stack(
            [
                (sizes[area.of] >= area.low / slack) & (sizes[area.of] < area.high * slack)
                for area in rules.area_ranges
            ]
        )
    inside = np.stack(
        [(sizes[area.of] >= area.low) & (sizes[area.of] <= area.high) for area in rules.area_ranges]
    )
    if isinstance(table, GroundTruth):
        if rules.low_end == "outside":
            inside &= np.stack([sizes[area.of] > area.low for area in rules.area_ranges])
        for within, area in zip(inside, rules.area_ranges, strict=True):
            for name, low, high in area.also:
                values = table.attributes.get(name, np.full(len(table), np.nan))
                within &= (values >= low) & (values <= high)
    return inside


def _sizes(table: Table, area: AreaRange) -> Floats:
    """(n,) what a range is of; places outside the image are at its border."""
    match area.of:
        case "height":
            return table.xywh[:, 3]
        case "aspect":
            # w / 0 is inf, and wide; 0 / 0 is nan, and in no range.
            with np.errstate(divide="ignore", invalid="ignore"):
                aspect: Floats = table.xywh[:, 2] / table.xywh[:, 3]
            return aspect
        case "x" | "y":
            axis = ("x", "y").index(area.of)
            centre = table.xywh[:, axis] + table.xywh[:, axis + 2] / 2
            place: Floats = np.clip(centre / _sides(table)[:, axis], 0.0, 1.0)
            return place
        case "border":
            # min(x, y, W - (x + w), H - (y + h)), as shares of W and H; 0 of what reaches outside
            sides = _sides(table)
            first, last = table.xywh[:, :2], table.xywh[:, :2] + table.xywh[:, 2:]
            distance: Floats = (np.minimum(first, sides - last) / sides).min(axis=1)
            return np.maximum(distance, 0.0)
        case "share" if not table.relative:
            images: Floats = table.catalog.image_sizes.prod(axis=1)
            return table.area / images[table.image]
    return table.area


def _sides(table: Table) -> Floats:
    """(n, 2) the width and the height of the image of each box, in the unit of the boxes."""
    if table.relative:
        return np.ones((len(table), 2))
    sizes: Floats = table.catalog.image_sizes[table.image]
    return sizes
