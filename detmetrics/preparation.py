"""What a rule set does to tables before anything is matched, and what its reader should know of it.

Nothing here is a guess: what the tables lack and the rules need is an error or is said.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from detmetrics.arrays import Bools, read_only
from detmetrics.candidates import measure_of, measured
from detmetrics.columns import negative_sizes
from detmetrics.errors import DetmetricsWarning, RulesError
from detmetrics.messages import counted, few
from detmetrics.overlap import KINDS, SHAPES, Kind
from detmetrics.rules import COCO, RULE_SETS, Rules
from detmetrics.rules.areas import ANY_SIZE
from detmetrics.rules.value import CombinationError, boxes_alone
from detmetrics.tables import Detections, GroundTruth, restrict

__all__ = ["TABLE_SETTINGS", "evaluated_classes", "prepare", "settled"]

FREQUENCIES = ("r", "c", "f")

TABLE_SETTINGS = (
    "shape",
    "detection_area",
    "class_rules",
    "box_decimals",
    "score_decimals",
    "crowd",
    "difficult",
    "zero_area",
    "empty_boxes",
    "clip",
)
"""The settings that the tables that :func:`prepare` returns depend on."""


def evaluated_classes(
    truth: GroundTruth, detections: Detections, rules: Rules
) -> tuple[GroundTruth, Detections, tuple[str, ...]]:
    """Both tables with the classes that the rules evaluate, and a note on the others.

    An object of a neighbouring class is there as an ignored one of the class itself, in its place
    among the others, as ground truths may choose in the order of the file.

    Raises:
        RulesError: the tables have none of the classes.
    """
    if not rules.class_rules:
        return truth, detections, ()
    names = [name.casefold() for name in truth.catalog.class_labels]
    known = [rule for rule in rules.class_rules if rule.name.casefold() in names]
    if not known:
        wanted = ", ".join(rule.name for rule in rules.class_rules)
        raise RulesError(
            f"{truth.source.name}: rules {rules.name} evaluate {wanted}, and the classes are "
            f"{few(truth.catalog.class_labels)}: rename them, or name yours with class_rules"
        )
    row, category, beside = np.arange(len(truth)), truth.category, np.zeros(len(truth), bool)
    for rule in known:
        near = [index for name in rule.neighbours for index in _places(names, name)]
        of_near = np.flatnonzero(np.isin(truth.category, near) & ~truth.crowd)
        (own,) = _places(names, rule.name)
        row = np.concatenate([row, of_near])
        category = np.concatenate([category, np.full(len(of_near), own)])
        beside = np.concatenate([beside, np.ones(len(of_near), bool)])
    order = np.argsort(row, kind="stable")
    copied = replace(
        truth.take(row[order]),
        category=read_only(category[order]),
        beside=read_only(beside[order]),
    )
    chosen = np.zeros(len(names), bool)
    chosen[[names.index(rule.name.casefold()) for rule in known]] = True
    images = np.ones(len(truth.catalog.image_ids), bool)
    return *restrict(copied, detections, images, chosen), _classes_note(truth, rules, chosen)


def _places(names: Sequence[str], name: str) -> list[int]:
    return [index for index, known in enumerate(names) if known == name.casefold()]


def _classes_note(truth: GroundTruth, rules: Rules, chosen: Bools) -> tuple[str, ...]:
    labels = truth.catalog.class_labels
    others = [label for label, one in zip(labels, chosen, strict=True) if not one]
    if not others:
        return ()
    mine = [label for label, one in zip(labels, chosen, strict=True) if one]
    left = counted(len(others), "other class is", "other classes are")
    return (f"rules {rules.name} evaluate {', '.join(mine)}; {left} left out: {few(others)}",)


def prepare(
    truth: GroundTruth, detections: Detections, rules: Rules
) -> tuple[GroundTruth, Detections, tuple[str, ...]]:
    """Both tables as the rules have them, and notes on what became of special objects.

    Raises:
        RulesError: the rules need what the tables lack.
    """
    if rules.pixel and truth.relative:
        raise RulesError(
            f"rules {rules.name} add a pixel to width and height, and boxes are shares of images "
            "of unknown size: give the images with --image-dir or their sizes with --image-sizes"
        )
    if rules.shape != "box":
        truth, detections = _shaped(truth, rules), _shaped(detections, rules)
    _refuse_second_pixel(truth, detections, rules)
    _refuse_unfederated(truth, rules)
    _refuse_unknown_attributes(truth, rules)
    notes = (
        *_overruled(truth, rules),
        *_special(truth, rules),
        *_any_size(detections, rules),
        *_pixel(rules),
    )
    truth, detections = _changed(truth, detections, rules)
    dropped = truth.dropped(rules)
    if rules.empty_boxes == "drop":
        dropped = np.logical_or(dropped, _empty(truth))
        if (nothing := _empty(detections)).any():
            detections = detections.keep(~nothing)
    return truth.keep(~dropped) if dropped.any() else truth, detections, notes


def _changed(
    truth: GroundTruth, detections: Detections, rules: Rules
) -> tuple[GroundTruth, Detections]:
    """With numbers as the rules change them."""
    if rules.box_decimals is not None:
        truth, detections = (_rounded(table, rules.box_decimals) for table in (truth, detections))
    if rules.clip:
        truth, detections = (_clipped(table, rules) for table in (truth, detections))
    if rules.score_decimals is not None:
        scores = read_only(np.round(detections.scores, rules.score_decimals))
        detections = replace(detections, scores=scores)
    if rules.zero_area == "missing" and (truth.area == 0).any():
        own = truth.xywh[:, 2:].prod(axis=1)
        if rules.shape != "box":
            own = measured(truth, measure_of(rules)).areas
        truth = replace(truth, area=read_only(np.where(truth.area == 0, own, truth.area)))
    return truth, detections


def settled(
    truth: GroundTruth, detections: Detections, rules: Rules, shape: str
) -> tuple[Rules, tuple[str, ...]]:
    """The rules with the shape that is measured, and what to say of the choice.

    shape: ``"auto"`` takes, where rules are of upright boxes, what both tables have outlines of.
    Ground truth of COCO always has outlines, and its box results have none: nothing is said then.

    Raises:
        RulesError: no such shape, or the rules cannot measure it.
    """
    if shape != "auto":
        rules = _with_shape(rules, shape)
    if shape != "auto" or rules.shape != "box":
        return rules, tuple(_upright(truth, detections, rules))
    natural = {truth.natural, detections.natural}
    if not len(truth) or not len(detections) or natural == {None}:
        return rules, ()
    told = [name for name in natural if name is not None]
    kind = KINDS[told[0] if len(told) == 1 else "mask"]  # polygons can be drawn as masks
    if None in natural:
        return rules, tuple(_one_sided(truth, detections, kind))
    if of_boxes := boxes_alone(rules, kind.name):
        lack = f"rules {rules.name} have {', '.join(of_boxes)}, which {kind.title} have not"
        return rules, (f"measured by upright boxes: {lack}; {_measuring(kind)}",)
    drawn = [table for table in (truth, detections) if table.natural != kind.name]
    both = f"drawn of the polygons of {drawn[0].source.name}" if drawn else "which both sides have"
    said = f"measured by {kind.title}, {both} (--shape box: by their upright boxes)"
    return rules.replace(shape=kind.name), (said,)


def _with_shape(rules: Rules, shape: str) -> Rules:
    if shape not in SHAPES:
        raise RulesError(f"shape: expected auto or one of {', '.join(SHAPES)}, got {shape!r}")
    try:
        return rules.replace(shape=shape)
    except CombinationError:
        of_boxes = ", ".join(boxes_alone(rules, shape))
        kind = KINDS[shape]
        raise RulesError(
            f"shape: rules {rules.name} have {of_boxes}, which {kind.title} have not; "
            f"{_measuring(kind)}"
        ) from None


def _measuring(kind: Kind) -> str:
    """Where to find rules that can measure a kind of shape."""
    known = [rules.name for rules in RULE_SETS.values() if rules.shape == kind.name]
    return f"rules that measure them: {', '.join(known or [COCO.name])}"


def _one_sided(truth: GroundTruth, detections: Detections, kind: Kind) -> Iterator[str]:
    """Outlines of detections are lost without those of the ground truth, and so are oriented
    boxes; masks of the ground truth alone are what every COCO file has.
    """
    if detections.natural is None and truth.natural == "mask":
        return
    lacks, has = (truth, detections) if truth.natural is None else (detections, truth)
    could = f" (--shape {kind.name} takes them as they stand)" if lacks.can_be(kind) else ""
    yield (
        f"measured by upright boxes: {has.source.name} has {kind.title}, and "
        f"{lacks.source.name} has boxes alone{could}"
    )


def _upright(truth: GroundTruth, detections: Detections, rules: Rules) -> Iterator[str]:
    """Upright boxes are oriented ones too: that they are measured so is said."""
    if rules.shape == "box":
        return
    kind = KINDS[rules.shape]
    sides = [table for table in (truth, detections) if table.natural is None and len(table)]
    plain = [table.source.name for table in sides if table.can_be(kind)]
    if plain:
        said = f"{' and '.join(plain)}: boxes alone, which are measured as they stand, upright"
        yield f"{said} (--shape box: both sides by upright boxes)"


def _shaped(table, rules: Rules):  # type: ignore[no-untyped-def]
    """With the shapes that are measured, and their areas where the source has none."""
    shapes = measured(table, measure_of(rules))
    if isinstance(table, GroundTruth):
        derived = True if table.derived is None else table.derived
        area = read_only(np.where(derived, shapes.areas, table.area))
        return table.with_shapes(shapes, area=area)
    own_area = read_only(shapes.areas) if rules.detection_area == "shape" else None
    return table.with_shapes(shapes, own_area=own_area)


def _clipped(table, rules: Rules):  # type: ignore[no-untyped-def]
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
    first = np.clip(table.xyxy[:, :2], 0, sizes - 1)
    last = np.clip(table.xyxy[:, 2:], 0, sizes)
    boxes = read_only(np.concatenate([first, last], axis=1))
    return replace(table, boxes=boxes, box_format="xyxy")


def _empty(table: GroundTruth | Detections) -> Bools:
    empty: Bools = np.logical_not((table.xywh[:, 2:] > 0).all(axis=1))
    return empty


def _refuse_unfederated(truth: GroundTruth, rules: Rules) -> None:
    if rules.federated and rules.class_agnostic:
        raise RulesError(f"rules {rules.name} are about classes and cannot pool them")
    if rules.federated and truth.federation is None:
        raise RulesError(
            f"rules {rules.name} need to know which classes were looked for in which image: "
            "LVIS's neg_category_ids and not_exhaustive_category_ids, or image-level labels "
            "(--image-labels FILE)"
        )
    if rules.federated and truth.federation is not None and truth.federation.unsaid:
        missing = " and ".join(truth.federation.unsaid)
        raise RulesError(
            f"{truth.source.name}: rules {rules.name} miss {missing}: "
            "write an empty list where no class is meant"
        )
    if "ap_frequency" in rules.metrics:
        _refuse_unknown_frequency(truth, rules)


def _refuse_unknown_attributes(truth: GroundTruth, rules: Rules) -> None:
    for name in dict.fromkeys(name for area in rules.area_ranges for name, _, _ in area.also):
        values = truth.attributes.get(name, np.full(len(truth), np.nan))
        if unknown := int((np.isnan(values) & ~truth.excused(rules)).sum()):
            raise RulesError(
                f"rules {rules.name} need the {name} of each object, unknown of {unknown:,} of "
                f"{len(truth):,}: a field {name} in COCO's annotations, or a column in a table"
            )


def _refuse_unknown_frequency(truth: GroundTruth, rules: Rules) -> None:
    known = truth.federation.frequency if truth.federation is not None else ()
    labels = truth.catalog.class_labels
    odd = [label for label, name in zip(labels, known, strict=False) if name not in FREQUENCIES]
    if known and not odd:
        return
    where = f"; {counted(len(odd), 'class has', 'classes have')} another or none: {odd[0]}"
    raise RulesError(
        f"{truth.source.name}: rules {rules.name} need the frequency of classes: categories with "
        f"frequency r, c or f, as in LVIS files{where if odd else ''}"
    )


def _refuse_second_pixel(truth: GroundTruth, detections: Detections, rules: Rules) -> None:
    added = [table.source.name for table in (truth, detections) if table.source.pixel_added]
    if rules.pixel and added:
        raise RulesError(
            f"{added[0]}: read with pixels='inclusive', which adds the last pixel to width and "
            f"height, and rules {rules.name} add it again: read with pixels='continuous' "
            "(--pixels continuous), or take .replace(pixel=0)"
        )


def _rounded(table, decimals: int):  # type: ignore[no-untyped-def]
    return replace(table, boxes=read_only(np.round(table.boxes, decimals)))


def _overruled(truth: GroundTruth, rules: Rules) -> Iterator[str]:
    """Most rules set ``ignore`` to ``iscrowd``; who set it by hand should hear of that."""
    overruled = int((truth.ignore & ~truth.excused(rules) & ~truth.dropped(rules)).sum())
    if rules.ignore == "overwrite" and overruled:
        as_theirs = ", as pycocotools does" if rules.name == COCO.name else ""
        note = (
            f"{truth.source.name}: {overruled:,} ground truths have ignore set but are no crowd: "
            f"rules {rules.name} count them{as_theirs}; .replace(ignore='honour') or "
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


def _special(truth: GroundTruth, rules: Rules) -> Iterator[str]:
    """Difficult objects are not COCO's and crowds not VOC's: what becomes of them is said."""
    name = truth.source.name
    if marked := int(truth.difficult.sum()):
        one, more = BECOMES[rules.difficult]
        what = counted(marked, f"difficult object {one}", f"difficult objects {more}")
        yield f"{name}: {what} (--difficult crowd, ignore, count or drop)"
    elif rules.difficult in ("ignore", "drop"):
        yield f"{name}: marks no object as difficult, which {rules.name} would set aside"
    if rules.crowd in BECOMES and (crowds := int(truth.crowd.sum())):
        one, more = BECOMES[rules.crowd]
        what = counted(crowds, f"crowd {one}", f"crowds {more}")
        yield f"{name}: {what}, as {rules.name} knows no crowds"


def _any_size(detections: Detections, rules: Rules) -> Iterator[str]:
    """Detections of negative size have no place in COCO's ranges, and one in that of VOC."""
    if rules.area_ranges[0] != ANY_SIZE:
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
