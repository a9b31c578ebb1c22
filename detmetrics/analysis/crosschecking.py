"""The same tables through pycocotools, compared cell by cell.

pycocotools is given the indices of images and categories and annotation ids from 1, so that it
computes what its rules mean. Where it is broken (an id 0, fixed limits, -1) it cannot be
compared on its own terms; those differences that apply to the input at hand are listed by name.
"""

from __future__ import annotations

import contextlib
import dataclasses
import io
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from detmetrics.evaluation.evaluation import evaluate
from detmetrics.evaluation.measurement import Measurement
from detmetrics.evaluation.required_scores import require_scores
from detmetrics.evaluation.result import Evaluation
from detmetrics.foundation.arrays import Floats
from detmetrics.foundation.errors import InputError, RulesError
from detmetrics.foundation.messages import counted, listing
from detmetrics.foundation.originals import original, original_class
from detmetrics.matching import roles
from detmetrics.matching.candidates import measure_of, measured
from detmetrics.overlap.masks.masks import Masks
from detmetrics.rules import COCO, UNLIMITED, Rules
from detmetrics.tables import Detections, GroundTruth

__all__ = ["Crosscheck", "crosscheck", "require_followed"]

UNDEFINED = -1.0
KINDS = {"box": "bbox", "mask": "segm"}
"""What it calls the shapes that it measures."""
FOLLOWED = (
    *("name", "iou_thresholds", "recall_points", "max_detections", "area_ranges", "metrics"),
    *("class_agnostic", "crowd", "group_weight", "difficult", "ignore"),
    *("box_decimals", "score_decimals", "shape", "detection_area"),
)
"""Settings that the tables carry to pycocotools, or that it has itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Crosscheck:
    """How two evaluations of the same tables compare.

    Attributes:
        cells: how many cells of precision, recall and scores were compared.
        differences: the first cells that differ, in words.
        different: how many cells differ.
        known: what pycocotools does otherwise with this very input, and why.
        version: of pycocotools.

    >>> import detmetrics as dm
    >>> check = dm.crosscheck(
    ...     dm.evaluate("fixtures/ground_truth.json", "fixtures/detections.json"))
    >>> check.agrees, check.cells, check.different
    (True, 121800, 0)
    """

    cells: int
    different: int
    differences: tuple[str, ...]
    known: tuple[str, ...]
    version: str

    @property
    def agrees(self) -> bool:
        """Whether every cell is equal, bit for bit."""
        return self.different == 0

    def __str__(self) -> str:
        what = f"pycocotools {self.version}"
        if self.agrees:
            lines = [f"{what}: all {self.cells:,} cells of precision, recall and scores are equal"]
        else:
            head = f"{what}: {self.different:,} of {self.cells:,} cells differ"
            lines = [listing(head, self.differences, self.different)]
        if self.known:
            lines += ["known differences on this input:", *(f"  {text}" for text in self.known)]
        return "\n".join(lines)


def crosscheck(
    ground_truth: GroundTruth | Evaluation,
    detections: Detections | None = None,
    rules: Rules = COCO,
) -> Crosscheck:
    """Evaluate the tables (or those of a result) with pycocotools too, and compare every cell.

    ground_truth: a table, or a result, whose rules are followed then; rules: of tables. Takes as
    long as pycocotools does: about forty seconds for 500,000 detections.

    Raises:
        TypeError: ground truth without detections.
        InputError: a result of an evaluation in parts.
        RulesError: pycocotools cannot follow the rules, or the tables lack what they need.

    >>> import detmetrics as dm
    >>> result = dm.evaluate("fixtures/ground_truth.json", "fixtures/detections.json")
    >>> crosscheck(result).agrees
    True
    """
    if isinstance(ground_truth, Evaluation):
        result = ground_truth
    elif isinstance(ground_truth, Measurement):
        raise InputError(
            "crosscheck: pycocotools needs all images in one process, and this result is of parts. "
            "Fix: cross-check the evaluation of one part"
        )
    elif detections is None:
        raise TypeError("crosscheck takes a result, or ground truth and detections")
    else:
        result = evaluate(ground_truth, detections, rules)
    require_scores(result.detections, "a cross-check with pycocotools")
    require_followed(result.rules)
    theirs = _pycocotools(result)
    ours = result.arrays()
    cells, different, shown = 0, 0, []
    for name, everything in ours.items():
        mine = everything[..., : _ranges(result), :]
        other = np.where(theirs[name] == UNDEFINED, np.nan, theirs[name])
        unequal = ~((mine == other) | (np.isnan(mine) & np.isnan(other)))
        cells += mine.size
        different += int(unequal.sum())
        places = np.argwhere(unequal)[:3]
        shown += [_difference(result, name, tuple(at), mine, other) for at in places.tolist()]
    return Crosscheck(
        cells=cells,
        different=different,
        differences=tuple(shown),
        known=tuple(_known_differences(result)),
        version=_version(),
    )


def require_followed(rules: Rules) -> None:
    """Refuse rules that pycocotools cannot follow.

    Raises:
        RulesError: it has no such setting, or no choice in it.
    """
    if unlike := _unlike(rules):
        raise RulesError(
            f"pycocotools cannot follow the rules {rules.name}: it has no {', '.join(unlike)}"
        )


def _unlike(rules: Rules) -> list[str]:
    """Settings in which pycocotools has no choice, and these rules another one."""
    fixed = {
        field.name: field.default
        for field in dataclasses.fields(rules)
        if field.name not in FOLLOWED
    }
    unlike = [
        f"{name} {getattr(rules, name)!r}"
        for name, default in fixed.items()
        if getattr(rules, name) != default
    ]
    unlike += [] if rules.shape in KINDS else [f"shape {rules.shape!r}"]
    unlike += ["crowd 'group'"] if rules.crowd == "group" else []
    unlike += ["limit of inf"] if rules.max_limit == UNLIMITED else []
    return unlike + [f"range by {area.of}" for area in rules.area_ranges if area.of != "area"]


def _ranges(result: Evaluation) -> int:
    """How many area ranges can be compared: without image sizes the first, which is all."""
    return 1 if result.ground_truth.relative else len(result.rules.area_ranges)


def _version() -> str:
    from importlib.metadata import version

    return version("pycocotools")


def _evaluator() -> Any:
    """Pycocotools' own ``COCOeval``, also where a stand-in took its place.

    Raises:
        InputError: what took its place is not built on it.
    """
    try:
        return original_class("COCOeval", "crosscheck")
    except ImportError as error:
        raise InputError(str(error)) from None


def _pycocotools(result: Evaluation, ids: list[int] | None = None) -> dict[str, Floats]:
    """precision, recall and scores; ids: of the ground truths, counted from 1 unless given."""
    evaluator_class, coco = _evaluator(), original("coco")
    ground_truth, detections, rules = result.ground_truth, result.detections, result.rules
    catalog = ground_truth.catalog
    images = [{"id": index, "height": 0, "width": 0} for index in range(len(catalog.image_ids))]
    categories = [{"id": index} for index in range(len(catalog.category_ids))]
    with contextlib.redirect_stdout(io.StringIO()):
        sides = []
        for annotations in (_truths(ground_truth, ids, rules), _detections(detections, rules)):
            side = coco.COCO()
            side.dataset = {"images": images, "categories": categories, "annotations": annotations}
            side.createIndex()
            sides.append(side)

        class Evaluator(evaluator_class):  # type: ignore[misc, valid-type]
            def _prepare(self) -> None:
                super()._prepare()
                for annotation in (a for group in self._gts.values() for a in group):
                    annotation["ignore"] = annotation["excused"]

        evaluator = Evaluator(*sides, KINDS[rules.shape])
        evaluator.params.iouThrs = np.array(rules.iou_thresholds)
        evaluator.params.recThrs = np.array(rules.recall_points)
        evaluator.params.maxDets = list(rules.max_detections)
        ranges = rules.area_ranges[: _ranges(result)]
        evaluator.params.areaRng = [[area.low, area.high] for area in ranges]
        evaluator.params.areaRngLbl = [area.name for area in ranges]
        evaluator.params.useCats = int(not rules.class_agnostic)
        evaluator.evaluate()
        evaluator.accumulate()
    return {name: evaluator.eval[name] for name in ("precision", "recall", "scores")}


def _truths(ground_truth: GroundTruth, ids: list[int] | None, rules: Rules) -> list[dict[str, Any]]:
    columns = zip(
        ids or range(1, len(ground_truth) + 1),
        ground_truth.image.tolist(),
        ground_truth.category.tolist(),
        ground_truth.xywh.tolist(),
        ground_truth.area.tolist(),
        roles.regions(ground_truth, rules).tolist(),
        roles.excused(ground_truth, rules).tolist(),
        _codes(ground_truth, rules),
        strict=True,
    )
    return [
        {
            "id": number,
            "image_id": image,
            "category_id": category,
            "bbox": box,
            "area": area,
            "iscrowd": int(crowd),
            "excused": int(excused),
            "segmentation": code,
        }
        for number, image, category, box, area, crowd, excused, code in columns
    ]


def _detections(detections: Detections, rules: Rules) -> list[dict[str, Any]]:
    columns = zip(
        detections.image.tolist(),
        detections.category.tolist(),
        detections.xywh.tolist(),
        detections.area.tolist(),
        detections.scores.tolist(),
        _codes(detections, rules),
        strict=True,
    )
    return [
        {
            "id": number,
            "image_id": image,
            "category_id": category,
            "bbox": box,
            "area": area,
            "score": score,
            "iscrowd": 0,
            "segmentation": code,
        }
        for number, (image, category, box, area, score, code) in enumerate(columns, start=1)
    ]


def _codes(table: GroundTruth | Detections, rules: Rules) -> list[Any]:
    """The masks of a table, compressed; None of each row where boxes are measured."""
    shapes = measured(table, measure_of(rules))
    return shapes.sound.tolist() if isinstance(shapes, Masks) else [None] * len(table)


def _difference(
    result: Evaluation, name: str, at: tuple[int, ...], ours: Floats, theirs: Floats
) -> str:
    rules = result.rules
    threshold, *recall, category, area, limit = at
    place = [
        f"class {result.class_names[category]}",
        f"IoU {rules.iou_thresholds[threshold]:g}",
        *(f"recall {rules.recall_points[index]:g}" for index in recall),
        f"area {rules.area_ranges[area].name}",
        f"limit {rules.max_detections[limit]}",
    ]
    return f"{name} at {', '.join(place)}: expected {float(theirs[at])!r}, got {float(ours[at])!r}"


def _known_differences(result: Evaluation) -> Iterator[str]:
    """What pycocotools makes of this input where it is broken."""
    zeros = int((result.ground_truth.ids == 0).sum())
    if zeros:
        yield _id_zero(result, zeros)
    flat = _without_area(result.ground_truth) + _without_area(result.detections)
    if flat and result.rules.shape == "box":
        yield (
            f"{counted(flat, 'box', 'boxes')} too small to have an area: 0 / 0 is a match there, "
            "no overlap here"
        )
    if len(result.detections) == 0:
        yield "no detections: its loadRes stops with an IndexError"
    if result.summary.undefined:
        yield f"undefined metrics ({', '.join(result.summary.undefined)}): -1 there, nan here"
    yield from _known_of_rules(result.rules)


def _without_area(table: GroundTruth | Detections) -> int:
    """Boxes with sides whose product is too small for a float."""
    w, h = table.xywh[:, 2:].T
    return int(((w > 0) & (h > 0) & (w * h == 0)).sum())


def _known_of_rules(rules: Rules) -> Iterator[str]:
    limits = rules.max_detections
    if len(limits) != 3:
        given = counted(len(limits), "detection limit")
        yield f"{given} instead of 3: its summarize stops with an IndexError"
    elif 100 not in limits:
        yield f"no detection limit of 100: its AP is -1, here it stands at {rules.max_limit}"
    for iou in (0.5, 0.75):
        if rules.threshold_index(iou) is None:
            yield f"no IoU threshold {iou:g}: its AP{iou * 100:g} is -1, here there is none"
    if rules.shape == "mask" and rules.detection_area == "shape":
        yield (
            "areas of detections are those of masks: its loadRes takes those of boxes where "
            "results have bbox, as detection_area='box' does"
        )
    if rules.ignore == "honour":
        yield "ignore='honour': it overwrites the flag; this check sets it again after that"


def _id_zero(result: Evaluation, count: int) -> str:
    ids = result.ground_truth.ids
    numbers = ids.tolist()
    if ids.dtype == object or len(set(numbers)) < len(numbers):
        return f"{count} ground truths with id 0: it takes them for unmatched"
    precision = _pycocotools(result, numbers)["precision"][:, :, :, 0, -1]
    there = precision[precision > UNDEFINED].mean() if (precision > UNDEFINED).any() else UNDEFINED
    return (
        "a ground truth with id 0: pycocotools takes it for unmatched, and with the ids of this "
        f"input gives AP {there:.4f} instead of {result.summary['AP']:.4f}"
    )
