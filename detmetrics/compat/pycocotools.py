"""``COCO`` and ``COCOeval`` as pycocotools has them, with boxes and masks matched by detmetrics.

The index of a file, the parameters and the printed summary are pycocotools' own; matching and
accumulating are ours, equal in every cell. What detmetrics does not do (keypoints, parameters that
are no rules, areas of detections that are neither of their boxes nor of their masks) is left to
pycocotools, and so is accumulating from ``evalImgs`` that somebody else has put together, as
evaluators of several processes do. Masks that are none, on which pycocotools may never end, are an
error. Source: ``pycocotools/coco.py``, ``pycocotools/cocoeval.py``.
"""

from __future__ import annotations

import copy
import datetime
import math
from typing import Any

import numpy as np
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval as Original
from pycocotools.cocoeval import Params

from detmetrics.evaluation.evaluation import evaluate
from detmetrics.evaluation.result import Evaluation
from detmetrics.foundation.arrays import Floats, Ints, object_column, run_starts
from detmetrics.foundation.errors import InputError, RulesError
from detmetrics.foundation.messages import listing
from detmetrics.overlap import OutlineError
from detmetrics.overlap.masks.masks import Masks, masks_of
from detmetrics.overlap.masks.segmentations import Segmentations
from detmetrics.rules import COCO as COCO_RULES
from detmetrics.rules import Rules
from detmetrics.tables import Detections, GroundTruth
from detmetrics.tables.catalog import Catalog

__all__ = ["COCO", "COCOeval", "Params"]

SHAPES = {"bbox": "box", "segm": "mask"}
ALL_CLASSES = -1
"""What pycocotools calls the class where classes are pooled."""


class COCOeval(Original):  # type: ignore[misc]
    """pycocotools' evaluation: ``evaluate()``, ``accumulate()``, ``summarize()``, ``stats``.

    Attributes:
        result: the :class:`Evaluation` of the last ``evaluate()``, with everything that
            pycocotools does not tell; None where pycocotools evaluated.

    ``evalImgs`` and ``ious`` are made when they are asked for.
    """

    def __init__(
        self,
        cocoGt: Any = None,  # noqa: N803 - the names are pycocotools'
        cocoDt: Any = None,  # noqa: N803
        iouType: str = "bbox",  # noqa: N803
    ) -> None:
        self.result: Evaluation | None = None
        self._eval_imgs: Any = None
        self._ious: Any = None
        super().__init__(cocoGt, cocoDt, iouType)

    def evaluate(self) -> None:
        """Match the detections of ``params.imgIds`` and ``params.catIds``.

        Parameters or tables that detmetrics has no rules for go to pycocotools' own method.

        Raises:
            InputError: tables that cannot be evaluated, such as segmentations that are no masks.
        """
        self.result = self._eval_imgs = self._ious = None
        params = self.params
        rules = _rules_of(params)
        if rules is None:
            super().evaluate()
            return
        params.imgIds = list(np.unique(params.imgIds))
        if params.useCats:
            params.catIds = list(np.unique(params.catIds))
        params.maxDets = sorted(params.maxDets)
        ground_truth, detections, areas = self._tables(masks=rules.shape == "mask")
        of = _measured_by(areas, detections)
        if of is None:
            super().evaluate()
            return
        self.result = evaluate(ground_truth, detections, rules.replace(detection_area=of))
        self._paramsEval = copy.deepcopy(params)

    def accumulate(self, p: Any = None) -> None:
        """Precision, recall and scores at every threshold, recall, class, range and limit."""
        given = p is not None or not _alike(self.params, self._paramsEval)
        if self.result is None or self._eval_imgs is not None or given:
            super().accumulate(p)
            return
        labels = [area.name for area in self.result.rules.area_ranges]
        areas = [labels.index(label) for label in self.params.areaRngLbl]
        arrays = {
            name: np.where(np.isnan(cells), -1.0, cells)[..., areas, :]
            for name, cells in self.result.arrays().items()
        }
        self.eval = {
            "params": self.params,
            "counts": list(arrays["precision"].shape),
            "date": f"{datetime.datetime.now():%Y-%m-%d %H:%M:%S}",
            **arrays,
        }

    @property
    def evalImgs(self) -> Any:  # noqa: N802 - pycocotools' name
        """What became of each class, range and image, in this order: dicts, None for nothing."""
        if self._eval_imgs is None and self.result is not None:
            self._eval_imgs = self._records(self.result)
        return self._eval_imgs

    @evalImgs.setter
    def evalImgs(self, given: Any) -> None:  # noqa: N802
        self._eval_imgs = given

    @property
    def ious(self) -> Any:
        """The overlaps of each image and class."""
        if self._ious is None and self.result is not None:
            records, cells = self._eval_imgs, self.eval
            self._prepare()  # which empties both
            self._eval_imgs, self.eval = records, cells
            params = self._paramsEval
            classes = params.catIds if params.useCats else [ALL_CLASSES]
            self._ious = {
                (image, category): self.computeIoU(image, category)
                for image in params.imgIds
                for category in classes
            }
        return self._ious

    @ious.setter
    def ious(self, given: Any) -> None:
        self._ious = given

    def _tables(self, *, masks: bool) -> tuple[GroundTruth, Detections, Floats]:
        """The annotations of the images and classes that are asked for, and the areas that the
        detections have there, nan where they have none.
        """
        params = self.params
        classes = params.catIds if params.useCats else self.cocoGt.getCatIds()
        catalog = Catalog.from_ids(images=_plain(params.imgIds), categories=_plain(classes))

        def annotations(side: Any) -> list[dict[str, Any]]:
            chosen = side.getAnnIds(imgIds=params.imgIds, catIds=params.catIds)
            known = {*catalog.category_ids.tolist()}
            return [one for one in side.loadAnns(chosen) if one["category_id"] in known]

        truths, found = annotations(self.cocoGt), annotations(self.cocoDt)
        ground_truth = GroundTruth.from_arrays(
            **_columns(truths),
            **_masks(truths, self.cocoGt, masks),
            areas=[one.get("area", math.nan) for one in truths],
            crowd=[bool(one.get("iscrowd")) for one in truths],
            ids=object_column([one["id"] for one in truths]),
            catalog=catalog,
        )
        self._found_ids = object_column([one["id"] for one in found])
        detections = Detections.from_arrays(
            **_columns(found),
            **_masks(found, self.cocoDt, masks),
            scores=[one["score"] for one in found],
            catalog=catalog,
        )
        return (
            ground_truth,
            detections,
            np.array([one.get("area", math.nan) for one in found], np.float64),
        )

    def _records(self, result: Evaluation) -> list[dict[str, Any] | None]:
        matches, ground_truth = result.matching, result.ground_truth
        params = self._paramsEval
        classes = params.catIds if params.useCats else [ALL_CLASSES]
        images = len(params.imgIds)
        truth_image = ground_truth.image[matches.truth_row]
        # Detections best first, ground truths as pycocotools lists them: by class, then file.
        # A cell is a class and an image; evalImgs stands by class, then range, then image, and None
        # is where a cell has neither.
        found = _by_cell(matches.category * images + matches.image, np.arange(len(matches.row)))
        listed = np.lexsort((matches.truth_row, ground_truth.category[matches.truth_row]))
        there = _by_cell(matches.truth_category * images + truth_image, listed)
        truth_ids = ground_truth.ids[matches.truth_row]
        found_ids = self._found_ids[matches.row]
        labels = [area.name for area in result.rules.area_ranges]
        records: list[dict[str, Any] | None] = [None] * (
            len(classes) * len(params.areaRng) * images
        )
        cells = sorted(found.keys() | there.keys())
        nobody = np.zeros(0, np.int64)
        for place, (label, bounds) in enumerate(
            zip(params.areaRngLbl, params.areaRng, strict=True)
        ):
            area = labels.index(label)
            of_found, of_truth, set_aside = _matched(result, area, found_ids, truth_ids)
            for cell in cells:
                category, image = divmod(cell, images)
                d, g = found.get(cell, nobody), there.get(cell, nobody)
                # evaluateImg: gtind = np.argsort(ignore, kind="mergesort")
                g = g[np.argsort(matches.ignored[area][g], kind="stable")]
                records[(category * len(params.areaRng) + place) * images + image] = {
                    "image_id": params.imgIds[image],
                    "category_id": classes[category],
                    "aRng": bounds,
                    "maxDet": params.maxDets[-1],
                    "dtIds": found_ids[d].tolist(),
                    "gtIds": truth_ids[g].tolist(),
                    "dtMatches": of_found[:, d],
                    "gtMatches": of_truth[:, g],
                    "dtScores": matches.score[d].tolist(),
                    "gtIgnore": matches.ignored[area][g].astype(np.int64),
                    "dtIgnore": set_aside[:, d],
                }
        return records


def _matched(
    result: Evaluation, area: int, found_ids: Any, truth_ids: Any
) -> tuple[Floats, Floats, Any]:
    """(T, D) the id of the partner of each detection, (T, G) of each ground truth, 0 for none, and
    (T, D) which detections are set aside.
    """
    matches = result.matching
    count = len(result.rules.iou_thresholds)
    of_found = np.zeros((count, len(found_ids)))
    of_truth = np.zeros((count, len(truth_ids)))
    set_aside = np.empty(of_found.shape, bool)
    for threshold in range(count):
        pair, _ = matches.matched[area].at(threshold)
        d, g = matches.pairs.detection[pair], matches.pairs.ground_truth[pair]
        of_found[threshold, d] = truth_ids[g]
        of_truth[threshold, g] = found_ids[d]  # of a crowd the last one
        set_aside[threshold] = ~matches.outcomes(area, threshold).counts
    return of_found, of_truth, set_aside


def _by_cell(cell: Ints, order: Ints) -> dict[int, Ints]:
    """The rows of each cell, in this order."""
    order = order[np.argsort(cell[order], kind="stable")]
    starts = run_starts(cell[order])
    parts = np.split(order, starts[1:])
    return dict(zip(cell[order][starts].tolist(), parts, strict=False)) if len(order) else {}


def _columns(annotations: list[dict[str, Any]]) -> dict[str, Any]:
    boxed = all("bbox" in one for one in annotations)
    return {
        "image_ids": _plain([one["image_id"] for one in annotations]),
        "categories": _plain([one["category_id"] for one in annotations]),
        "boxes": [one["bbox"] for one in annotations] if boxed else None,
    }


def _masks(annotations: list[dict[str, Any]], side: Any, wanted: bool) -> dict[str, Any]:
    """The masks of annotations as a column.

    Raises:
        InputError: some are none.
    """
    if not wanted:
        return {}
    images = [side.imgs[one["image_id"]] for one in annotations]
    sizes = np.array([(one["width"], one["height"]) for one in images], np.float64).reshape(-1, 2)
    outlines = Segmentations(object_column([one["segmentation"] for one in annotations]))
    try:
        return {"shapes": masks_of(outlines, sizes)}
    except OutlineError as error:
        texts = [f"annotation {annotations[row]['id']}: {text}" for row, text in error.faults]
        raise InputError(listing("segmentation", texts, error.count)) from None


def _plain(ids: Any) -> list[Any]:
    return [one.item() if hasattr(one, "item") else one for one in ids]


def _measured_by(areas: Floats, detections: Detections) -> str | None:
    """The setting ``detection_area`` that gives these areas: ``loadRes`` takes those of boxes where
    there are some, else those of masks. None where they are something else.

    areas : (D,), nan where there are none.
    """
    masks = detections.shapes if isinstance(detections.shapes, Masks) else None
    unknown, sides = np.isnan(areas), detections.xywh
    if masks is not None and (unknown | (areas == masks.areas)).all():
        return "shape"
    of_boxes = (unknown | (areas == sides[:, 2] * sides[:, 3])).all()
    if not of_boxes:
        return None
    return "shape" if masks is None else "box"


PARAMETERS = (
    *("imgIds", "catIds", "iouThrs", "recThrs", "maxDets", "areaRng", "areaRngLbl"),
    *("useCats", "iouType"),
)


def _alike(params: Any, other: Any) -> bool:
    """Whether two sets of parameters say the same: those of ``evaluate`` may have been changed."""
    return all(
        np.array_equal(np.asarray(getattr(params, name)), np.asarray(getattr(other, name)))
        for name in PARAMETERS
    )


def _rules_of(params: Any) -> Rules | None:
    """The parameters as rules; None where they are none, or of what is not measured here."""
    if params.iouType not in SHAPES or getattr(params, "useSegm", None) is not None:
        return None
    if len(params.areaRngLbl) != len(params.areaRng):
        return None
    if not params.useCats and list(params.catIds) != sorted(params.catIds):
        return None  # ground truths of equal overlap then stand in another order
    ranges = zip(params.areaRngLbl, params.areaRng, strict=True)
    try:
        return COCO_RULES.replace(
            shape=SHAPES[params.iouType],
            iou_thresholds=tuple(float(value) for value in params.iouThrs),
            recall_points=tuple(float(value) for value in params.recThrs),
            max_detections=tuple(int(limit) for limit in params.maxDets),
            area_ranges=[(label, float(low), float(high)) for label, (low, high) in ranges],
            class_agnostic=not params.useCats,
        )
    except (RulesError, TypeError, ValueError):
        return None
