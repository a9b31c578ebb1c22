"""What a rule set does to tables before anything is matched, and what its reader should know of it.

Nothing here is a guess: what the tables lack and the rules need is an error or is said.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TypeVar

import numpy as np

from detmetrics.foundation.arrays import Bools, read_only, rounded
from detmetrics.foundation.errors import DetmetricsWarning, RulesError
from detmetrics.foundation.messages import counted, few, in_bytes
from detmetrics.matching import roles
from detmetrics.matching.shape_choice import areas, shaped
from detmetrics.rules import COCO, Rules
from detmetrics.rules.areas import ANY_SIZE
from detmetrics.rules.setting_table import SETTINGS
from detmetrics.tables import Detections, GroundTruth, restrict
from detmetrics.tables.columns import negative_sizes
from detmetrics.tables.federation import FREQUENCIES

__all__ = ["TABLE_SETTINGS", "evaluated_classes", "prepare"]

MOST_BYTES = 2 << 30
"""Of the curves of one measurement, a hundred times what large benchmarks need."""

Table = TypeVar("Table", GroundTruth, Detections)

TABLE_SETTINGS = tuple(name for name, described in SETTINGS.items() if described.changes_tables)
"""The settings that the tables that :func:`prepare` returns depend on."""


def evaluated_classes(
    ground_truth: GroundTruth, detections: Detections, rules: Rules
) -> tuple[GroundTruth, Detections, tuple[str, ...]]:
    """Both tables with the classes that the rules evaluate, and a note on the others.

    An object of a neighbouring class is there as an ignored one of the class itself, in its place
    among the others, as ground truths may choose in the order of the file.

    Raises:
        RulesError: the tables have none of the classes.
    """
    if not rules.class_rules:
        return ground_truth, detections, ()
    names = [name.casefold() for name in ground_truth.catalog.class_labels]
    known = [rule for rule in rules.class_rules if rule.name.casefold() in names]
    if not known:
        wanted = ", ".join(rule.name for rule in rules.class_rules)
        raise RulesError(
            f"{ground_truth.source.name}: rules {rules.name} evaluate {wanted}, and the classes "
            f"are {few(ground_truth.catalog.class_labels)}: rename them, or name yours with "
            "class_rules"
        )
    # Row numbers with repetitions: every object once, as itself, and once more for each evaluated
    # class that its own is a neighbour of, as an ignored one of that class.
    row, category, beside = (
        np.arange(len(ground_truth)),
        ground_truth.category,
        np.zeros(len(ground_truth), bool),
    )
    for rule in known:
        near = [index for name in rule.neighbours for index in _places(names, name)]
        of_near = np.flatnonzero(np.isin(ground_truth.category, near) & ~ground_truth.crowd)
        (own,) = _places(names, rule.name)
        row = np.concatenate([row, of_near])
        category = np.concatenate([category, np.full(len(of_near), own)])
        beside = np.concatenate([beside, np.ones(len(of_near), bool)])
    order = np.argsort(row, kind="stable")  # copies beside their object, as the file has it
    copied = replace(
        ground_truth.take(row[order]),
        category=read_only(category[order]),
        beside=read_only(beside[order]),
    )
    chosen = np.zeros(len(names), bool)
    chosen[[names.index(rule.name.casefold()) for rule in known]] = True
    images = np.ones(len(ground_truth.catalog.image_ids), bool)
    return *restrict(copied, detections, images, chosen), _classes_note(ground_truth, rules, chosen)


def _places(names: Sequence[str], name: str) -> list[int]:
    return [index for index, known in enumerate(names) if known == name.casefold()]


def _classes_note(ground_truth: GroundTruth, rules: Rules, chosen: Bools) -> tuple[str, ...]:
    labels = ground_truth.catalog.class_labels
    others = [label for label, one in zip(labels, chosen, strict=True) if not one]
    if not others:
        return ()
    mine = [label for label, one in zip(labels, chosen, strict=True) if one]
    left = counted(len(others), "other class is", "other classes are")
    return (f"rules {rules.name} evaluate {', '.join(mine)}; {left} left out: {few(others)}",)


def prepare(
    ground_truth: GroundTruth, detections: Detections, rules: Rules
) -> tuple[GroundTruth, Detections, tuple[str, ...]]:
    """Both tables as the rules have them, and notes on what became of special objects.

    Raises:
        RulesError: the rules need what the tables lack.
        FormatError, TableError: outlines that are no such shapes, or masks of one image that differ
            in its size.
    """
    if rules.pixel and ground_truth.relative:
        raise RulesError(
            f"rules {rules.name} add a pixel to width and height, and boxes are shares of images "
            "of unknown size: give the images with --image-dir or their sizes with --image-sizes"
        )
    _refuse_too_many_cells(ground_truth, rules)
    # What the tables lack is refused before anything is said of them.
    ground_truth, detections = shaped(ground_truth, detections, rules)
    _refuse_second_pixel(ground_truth, detections, rules)
    _refuse_unfederated(ground_truth, rules)
    _refuse_unknown_attributes(ground_truth, rules)
    notes = (
        *_overruled(ground_truth, rules),
        *_special(ground_truth, rules),
        *_any_size(detections, rules),
        *_pixel(rules),
    )
    ground_truth, detections = _changed(ground_truth, detections, rules)
    dropped = roles.dropped(ground_truth, rules)
    if rules.empty_boxes == "drop":
        dropped = np.logical_or(dropped, _empty(ground_truth))
        if (nothing := _empty(detections)).any():
            detections = detections.keep(~nothing)
    return ground_truth.keep(~dropped) if dropped.any() else ground_truth, detections, notes


def _refuse_too_many_cells(ground_truth: GroundTruth, rules: Rules) -> None:
    """Refuse grids whose curves alone would not fit the memory of most machines."""
    sides = {
        "IoU threshold": len(rules.iou_thresholds),
        "recall point": len(rules.recall_points),
        "class": 1 if rules.class_agnostic else len(ground_truth.catalog.category_ids),
        "area range": len(rules.area_ranges),
    }
    size = np.dtype(np.float64).itemsize * math.prod(sides.values())
    if size > MOST_BYTES:
        several = {"class": "classes"}
        grid = " x ".join(counted(n, of, several.get(of)) for of, n in sides.items())
        raise RulesError(
            f"rules {rules.name}: {grid} make curves of {in_bytes(size)}, at most "
            f"{in_bytes(MOST_BYTES)} are measured at once: ask for fewer thresholds or recall "
            "points, or for some of the classes"
        )


def _changed(
    ground_truth: GroundTruth, detections: Detections, rules: Rules
) -> tuple[GroundTruth, Detections]:
    """With numbers as the rules change them; boxes are rounded before they are clipped."""
    if rules.box_decimals is not None:
        ground_truth = _rounded(ground_truth, rules.box_decimals)
        detections = _rounded(detections, rules.box_decimals)
    if rules.clip:
        ground_truth, detections = _clipped(ground_truth, rules), _clipped(detections, rules)
    if rules.score_decimals is not None:
        scores = read_only(rounded(detections.scores, rules.score_decimals))
        detections = replace(detections, scores=scores)
    if rules.zero_area == "missing" and (ground_truth.area == 0).any():
        own = np.where(ground_truth.area == 0, areas(ground_truth, rules), ground_truth.area)
        ground_truth = replace(ground_truth, area=read_only(own))
    return ground_truth, detections


def _clipped(table: Table, rules: Rules) -> Table:
    """Corners inside the image, the first at its last pixel at most: CrowdDet's ``image.py``."""
    sizes = table.catalog.image_sizes[table.image]
    if np.isnan(sizes).any() and not table.relative:
        raise RulesError(
            f"{table.source.name}: rules {rules.name} clip boxes to their images, and the size of "
            f"the image of {counted(int(np.isnan(sizes).any(axis=1).sum()), 'box', 'boxes')} is "
            "unknown: --image-dir DIR, --image-sizes FILE, or image_sizes of a metric"
        )
    if table.relative:
        raise RulesError(
            f"{table.source.name}: rules {rules.name} clip boxes to their images in pixels, and "
            "boxes are shares of images of unknown size: --image-dir DIR or --image-sizes FILE"
        )
    # x1 = min(max(x1, 0), W - 1), x2 = min(max(x2, 0), W), y alike; what lies outside to the right
    # keeps a pixel, what lies outside to the left has no width.
    first = np.clip(table.xyxy[:, :2], 0, sizes - 1)
    last = np.clip(table.xyxy[:, 2:], 0, sizes)
    boxes = read_only(np.concatenate([first, last], axis=1))
    return replace(table, boxes=boxes, box_format="xyxy")


def _empty(table: GroundTruth | Detections) -> Bools:
    """(R,) which boxes have no width or no height, those with nan among them."""
    empty: Bools = np.logical_not((table.xywh[:, 2:] > 0).all(axis=1))
    return empty


def _refuse_unfederated(ground_truth: GroundTruth, rules: Rules) -> None:
    if rules.federated and rules.class_agnostic:
        raise RulesError(f"rules {rules.name} are about classes and cannot pool them")
    if rules.federated and ground_truth.federation is None:
        raise RulesError(
            f"rules {rules.name} need to know which classes were looked for in which image: "
            "LVIS's neg_category_ids and not_exhaustive_category_ids, or image-level labels "
            "(--image-labels FILE)"
        )
    if rules.federated and ground_truth.federation is not None and ground_truth.federation.unsaid:
        missing = " and ".join(ground_truth.federation.unsaid)
        raise RulesError(
            f"{ground_truth.source.name}: rules {rules.name} miss {missing}: "
            "write an empty list where no class is meant"
        )
    if "ap_frequency" in rules.metrics:
        _refuse_unknown_frequency(ground_truth, rules)


def _refuse_unknown_attributes(ground_truth: GroundTruth, rules: Rules) -> None:
    for name in dict.fromkeys(name for area in rules.area_ranges for name, _, _ in area.also):
        values = ground_truth.attributes.get(name, np.full(len(ground_truth), np.nan))
        if unknown := int((np.isnan(values) & ~roles.excused(ground_truth, rules)).sum()):
            raise RulesError(
                f"rules {rules.name} need the {name} of each object, unknown of {unknown:,} "
                f"of {len(ground_truth):,}: a field {name} in COCO's annotations, or a column in a "
                "table"
            )


def _refuse_unknown_frequency(ground_truth: GroundTruth, rules: Rules) -> None:
    known = ground_truth.federation.frequency if ground_truth.federation is not None else ()
    labels = ground_truth.catalog.class_labels
    odd = [label for label, name in zip(labels, known, strict=False) if name not in FREQUENCIES]
    if known and not odd:
        return
    where = f"; {counted(len(odd), 'class has', 'classes have')} another or none: {(*odd, '')[0]}"
    raise RulesError(
        f"{ground_truth.source.name}: rules {rules.name} need the frequency of classes: categories "
        f"with frequency r, c or f, as in LVIS files{where if odd else ''}"
    )


def _refuse_second_pixel(ground_truth: GroundTruth, detections: Detections, rules: Rules) -> None:
    added = [table.source.name for table in (ground_truth, detections) if table.source.pixel_added]
    if rules.pixel and added:
        raise RulesError(
            f"{added[0]}: read with pixels='inclusive', which adds the last pixel to width and "
            f"height, and rules {rules.name} add it again: read with pixels='continuous' "
            "(--pixels continuous), or take .replace(pixel=0)"
        )


def _rounded(table: Table, decimals: int) -> Table:
    """With every number of its boxes rounded, in the form in which the source gives them."""
    return replace(table, boxes=read_only(rounded(table.boxes, decimals)))


def _overruled(ground_truth: GroundTruth, rules: Rules) -> Iterator[str]:
    """Most rules set ``ignore`` to ``iscrowd``; who set it by hand should hear of that."""
    overruled = int(
        (
            ground_truth.ignore
            & ~roles.excused(ground_truth, rules)
            & ~roles.dropped(ground_truth, rules)
        ).sum()
    )
    if rules.ignore == "overwrite" and overruled:
        as_theirs = ", as pycocotools does" if rules.name == COCO.name else ""
        note = (
            f"{ground_truth.source.name}: {overruled:,} ground truths have ignore set but are no "
            f"crowd: rules {rules.name} count them{as_theirs}; .replace(ignore='honour') or "
            "--ignore honour leaves them out"
        )
        warnings.warn(note, DetmetricsWarning, stacklevel=4)
        yield note


BECOMES = {
    "crowd": ("counts as a crowd", "count as crowds"),
    "ignore": ("is ignored", "are ignored"),
    "count": ("counts like any other", "count like any others"),
    "drop": ("is left out", "are left out"),
}


def _special(ground_truth: GroundTruth, rules: Rules) -> Iterator[str]:
    """Difficult objects are not COCO's and crowds not VOC's: what becomes of them is said."""
    name = ground_truth.source.name
    if marked := int(ground_truth.difficult.sum()):
        one, more = BECOMES[rules.difficult]
        what = counted(marked, f"difficult object {one}", f"difficult objects {more}")
        yield f"{name}: {what} (--difficult crowd, ignore, count or drop)"
    elif rules.difficult in ("ignore", "drop"):
        yield f"{name}: marks no object as difficult, which {rules.name} would set aside"
    if rules.crowd in BECOMES and (crowds := int(ground_truth.crowd.sum())):
        one, more = BECOMES[rules.crowd]
        what = counted(crowds, f"crowd {one}", f"crowds {more}")
        yield f"{name}: {what}, as {rules.name} knows no crowds"


def _any_size(detections: Detections, rules: Rules) -> Iterator[str]:
    """Detections of negative size have no place in COCO's ranges, and one in that of VOC."""
    if rules.area_ranges[0] != ANY_SIZE or rules.shape != "box":
        return
    if negative := int(negative_sizes(detections.boxes, detections.box_format).sum()):
        what = counted(negative, "box", "boxes")
        yield f"{detections.source.name}: rules {rules.name} count the {what} of negative size too"


def _pixel(rules: Rules) -> Iterator[str]:
    if rules.pixel:
        yield (
            f"rules {rules.name} add a pixel to width and height where they measure overlap, "
            "as coordinates are taken to name the first and last pixel"
        )
