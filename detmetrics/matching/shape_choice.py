"""Which kind of shape is measured, and tables with such shapes and their areas."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TypeVar

import numpy as np

from detmetrics.foundation.arrays import Floats, read_only
from detmetrics.foundation.errors import RulesError
from detmetrics.matching.candidates import measure_of, measured
from detmetrics.overlap import KINDS, SHAPES, Kind, OutlineError, Shapes
from detmetrics.overlap.masks.segmentations import Segmentations
from detmetrics.overlap.polygons.polygons import Polygons
from detmetrics.rules import COCO, RULE_SETS, Rules
from detmetrics.rules.combinations import CombinationError, boxes_alone
from detmetrics.tables import Detections, GroundTruth

__all__ = ["areas", "settled", "shaped", "with_shape"]

Table = TypeVar("Table", GroundTruth, Detections)


def settled(
    ground_truth: GroundTruth, detections: Detections, rules: Rules, shape: str
) -> tuple[Rules, tuple[str, ...]]:
    """The rules with the shape that is measured, and what to say of the choice.

    shape: ``"auto"`` takes, where rules are of upright boxes, what both tables have outlines of.
    Ground truth of COCO always has outlines, and its box results have none: nothing is said then.

    Raises:
        RulesError: no such shape, or the rules cannot measure it.
    """
    if shape != "auto":
        rules = with_shape(rules, shape)
    if shape != "auto" or rules.shape != "box":
        return rules, tuple(_upright(ground_truth, detections, rules))
    # What has no rows is of any kind, and ranges of sizes are the same as with a row in it. But no
    # results of a COCO file, which always has masks, are those of boxes as well.
    sides = [
        table for table in (ground_truth, detections) if len(table) or table.natural is not None
    ]
    natural = {table.natural for table in sides}
    if natural <= {None} or (len(sides) < 2 and "mask" in natural):
        return rules, ()
    # From here on some side has outlines. In this order: of both kinds, masks; of one side alone,
    # boxes; of both, their own kind, unless the rules cannot have it or it cannot be drawn.
    told = [name for name in natural if name is not None]
    kind = KINDS[told[0] if len(told) == 1 else "mask"]  # polygons can be drawn as masks
    if None in natural:
        return rules, tuple(_one_sided(ground_truth, detections, kind))
    if of_boxes := boxes_alone(rules, kind.name):
        lack = f"rules {rules.name} have {', '.join(of_boxes)}, which {kind.title} have not"
        return rules, (f"measured by upright boxes: {lack}; {_measuring(kind)}",)
    if kind.name == "mask" and (unsized := [table for table in sides if _undrawable(table)]):
        why = f"masks of polygons need the size of the image, unknown in {unsized[0].source.name}"
        ways = "--image-dir DIR, --image-sizes FILE; --shape oriented compares single polygons"
        return rules, (f"measured by upright boxes: {why} ({ways})",)
    said = f"measured by {kind.title}, {_whose(sides, kind)} (--shape box: by their upright boxes)"
    return rules.replace(shape=kind.name), (said,)


def _whose(sides: list[GroundTruth | Detections], kind: Kind) -> str:
    if drawn := [table for table in sides if table.natural != kind.name]:
        return f"drawn of the polygons of {drawn[0].source.name}"
    return "which both sides have" if len(sides) == 2 else f"which {_has(sides[0])}"


def _has(table: GroundTruth | Detections) -> str:
    """The name of a source, as a subject: a caller's arrays are several."""
    name = table.source.name
    return f"{name} have" if name.endswith(" arrays") else f"{name} has"


def _undrawable(table: GroundTruth | Detections) -> bool:
    """Whether it has polygons on images of unknown size."""
    if not np.isnan(table.sizes).any():
        return False
    shapes = table.shapes
    return isinstance(shapes, Polygons) or (isinstance(shapes, Segmentations) and shapes.drawn)


def with_shape(rules: Rules, shape: str) -> Rules:
    """The rules with another shape that is measured.

    Raises:
        RulesError: no such shape, or the rules cannot measure it.
    """
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


def _one_sided(ground_truth: GroundTruth, detections: Detections, kind: Kind) -> Iterator[str]:
    """Outlines of detections are lost without those of the ground truth, and so are oriented
    boxes; masks of the ground truth alone are what every COCO file has.
    """
    if detections.natural is None and ground_truth.natural == "mask":
        return
    lacks, has = (
        (ground_truth, detections) if ground_truth.natural is None else (detections, ground_truth)
    )
    could = f" (--shape {kind.name} takes them as they stand)" if lacks.can_be(kind) else ""
    yield (
        f"measured by upright boxes: {_has(has)} {kind.title}, and {_has(lacks)} boxes alone{could}"
    )


def _upright(ground_truth: GroundTruth, detections: Detections, rules: Rules) -> Iterator[str]:
    """Upright boxes are oriented ones too: that they are measured so is said."""
    if rules.shape == "box":
        return
    kind = KINDS[rules.shape]
    sides = [table for table in (ground_truth, detections) if table.natural is None and len(table)]
    plain = [table.source.name for table in sides if table.can_be(kind)]
    if plain:
        said = f"{' and '.join(plain)}: boxes alone, which are measured as they stand, upright"
        yield f"{said} (--shape box: both sides by upright boxes)"


def shaped(
    ground_truth: GroundTruth, detections: Detections, rules: Rules
) -> tuple[GroundTruth, Detections]:
    """Both tables with the shapes that are measured, and their areas where the source has none.

    Raises:
        RulesError: there are no outlines that these can be made of.
        FormatError, TableError: outlines that are no such shapes, or masks of one image that differ
            in its size.
    """
    if rules.shape != "box":
        ground_truth, detections = _shaped(ground_truth, rules), _shaped(detections, rules)
        _refuse_other_frames(ground_truth, detections)
    return _sized(ground_truth, rules), _sized(detections, rules)


def _shaped(table: Table, rules: Rules) -> Table:
    """With the shapes that are measured in place of the outlines."""
    return replace(table, shapes=measured(table, measure_of(rules)))


def _sized(table: Table, rules: Rules) -> Table:
    """With areas of the shapes that are measured, where the source has none.

    Tables of a result may have those of another shape.
    """
    if rules.shape == table.area_of == "box":
        return table
    own = read_only(areas(table, rules))
    # The area of ground truth is the source's own where it has one (COCO: that of the mask, also
    # where boxes are measured); detections have the area of what is measured, or of the box where
    # the rules say so.
    if isinstance(table, GroundTruth):
        derived = True if table.derived is None else table.derived
        area = read_only(np.where(derived, own, table.area))
        return replace(table, area=area, area_of=rules.shape)
    of_shape = rules.shape != "box" and rules.detection_area == "shape"
    return replace(table, own_area=own if of_shape else None, area_of=rules.shape)


def areas(table: GroundTruth | Detections, rules: Rules) -> Floats:
    """(R,) areas of what is measured; of boxes w * h, whatever pixel the rules add."""
    if rules.shape == "box":
        of_boxes: Floats = table.xywh[:, 2:].prod(axis=1)
        return of_boxes
    return measured(table, measure_of(rules)).areas


def _refuse_other_frames(ground_truth: GroundTruth, detections: Detections) -> None:
    """Masks that differ in the size of their image share nothing, whatever they show.

    Where the size of an image is known they were compared with it.
    """
    # frames[i] = the size of the first mask of image i, ground truth before detections; all others
    # of the image must be equal to it.
    frames = np.full((len(ground_truth.catalog.image_ids), 2), np.nan)
    for table in (ground_truth, detections):
        assert isinstance(table.shapes, Shapes)  # see _shaped
        own = table.shapes.frames
        # Written from behind, so that the first row of an image is what stays.
        first = frames.copy()
        first[table.image[::-1]] = own[::-1]
        frames = np.where(np.isnan(frames), first, frames)
        known = frames[table.image]
        if len(odd := np.flatnonzero((np.isfinite(own) & (own != known)).any(axis=1))):
            faults = [(row, _other_frame(own[row], known[row])) for row in odd[:100].tolist()]
            raise table.refused(OutlineError(faults, len(odd)))


def _other_frame(own: Floats, known: Floats) -> str:
    mine, first = ("{:g} x {:g}".format(*sides) for sides in (own, known))
    return (
        f"expected a mask of {first}, the width and height of the first mask of its image, "
        f"got {mine}"
    )
