"""One ``evaluate()``: what it was given, and what is made of that when it is asked for.

Few annotations are matched cell by cell (:mod:`~detmetrics.compat.cells`), many by columns, as
everything else of detmetrics is. Both ways give the same records.
"""

from __future__ import annotations

import warnings
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

import numpy as np

from detmetrics.compat.annotation_faults import FOUND, TRUTH
from detmetrics.compat.annotations import (
    Side,
    loaded,
    masks_as_there,
    measured_by,
    one_size_per_image,
    plain,
    tables,
)
from detmetrics.compat.cells import Annotation, Cell, best_first, overlaps
from detmetrics.compat.parameters import KEYS, classes_of, rules_of
from detmetrics.compat.records import records_of
from detmetrics.evaluation.evaluation import evaluate
from detmetrics.evaluation.result import Evaluation
from detmetrics.foundation.arrays import object_column
from detmetrics.foundation.errors import DetmetricsWarning

__all__ = ["Findings", "flag"]

FEW = 200
"""Annotations up to which cells cost less than columns: some milliseconds whatever there is."""

Group = dict[tuple[Any, Any], list[Annotation]]
Key = tuple[Any, Any]


class Findings:
    """The annotations and parameters of one ``evaluate()``, and its results.

    Attributes:
        params: the parameters, copied.

    It can be pickled and deep-copied: what was made by columns is then made again.
    """

    def __init__(self, truth: Any, found: Any, params: Any) -> None:
        """Take the annotations of two ``COCO`` objects, and write into them what pycocotools does.

        params: settled; they are to be left alone from here on.

        Raises:
            InputError: what cannot be evaluated, such as segmentations that are no masks.
        """
        self.params = params
        self._result: Evaluation | None = None
        self._made: dict[str, Any] = {}
        self._loaded = loaded(truth, params), loaded(found, params)
        flag(self._loaded[0])
        self._truth = self._side(self._loaded[0], truth, TRUTH)
        self._found = self._side(self._loaded[1], found, FOUND)
        self._by_columns = one_size_per_image(self._truth, self._found)
        if not self._by_columns:
            _warn_of_sizes()
        few = len(self._truth) + len(self._found) <= FEW and plain(self._truth, self._found)
        if few or self._measure() is None:
            if not few:
                self._truth.refuse_odd()
                self._found.refuse_odd()
            self._made["ious"], self._made["evalImgs"] = self._cell_by_cell()
        else:
            self._flag_range()

    def __getstate__(self) -> dict[str, Any]:
        return {**vars(self), "_result": None}

    @property
    def result(self) -> Evaluation | None:
        """The evaluation; None where detmetrics has no rules for the parameters or the tables."""
        return self._result or self._measure()

    def make(self, name: str) -> Any:
        """What pycocotools keeps as ``_gts``, ``_dts``, ``ious`` or ``evalImgs``."""
        if name not in self._made:
            self._made[name] = self._make(name)
        return self._made[name]

    def _make(self, name: str) -> Any:
        match name:
            case "_gts":
                return self._every_cell(_grouped(self._loaded[0]))
            case "_dts":
                return self._every_cell(_grouped(self._loaded[1]))
            case "ious":
                return self._overlaps()
            case _:
                columns = object_column(self._found.ids), object_column(self._found.marks)
                assert self.result is not None
                return records_of(self.result, self.params, classes_of(self.params), *columns)

    def _every_cell(self, groups: Group) -> Group:
        """Groups with the empty lists that pycocotools leaves for cells without annotations."""
        for image in self.params.imgIds:
            for category in self.params.catIds:
                groups[image, category]
        return groups

    def _side(self, annotations: list[Annotation], of: Any, name: str) -> Side:
        if not self.params.useCats:
            wanted = set(self.params.catIds)
            annotations = [one for one in annotations if one["category_id"] in wanted]
        drawn = self.params.iouType == "segm"
        masks = masks_as_there(annotations, of, name) if drawn else None
        return Side.of(annotations, masks, name)

    def _measure(self) -> Evaluation | None:
        """Evaluate by columns, where they can follow."""
        rules = rules_of(self.params) if self._by_columns else None
        if rules is None:
            return None
        ground_truth, detections = tables(
            self._truth, self._found, self.params.imgIds, self.params.catIds
        )
        area = measured_by(self._found, detections)
        if area is not None:
            rules = rules.replace(detection_area=area)
            self._result = evaluate(ground_truth, detections, rules)
        return self._result

    def _flag_range(self) -> None:
        """Leave ``_ignore`` as the last area range of ``evaluateImg`` leaves it."""
        low, high = self.params.areaRng[-1]
        areas = np.array(self._truth.areas, np.float64)
        outside = (areas < low) | (areas > high)
        for one, out in zip(self._truth.annotations, outside.tolist(), strict=True):
            one["_ignore"] = 1 if one["ignore"] or out else 0

    def _cells(self) -> Iterator[tuple[Key, list[Annotation], list[Annotation]]]:
        """Image and class, ground truths and detections of each cell that has some."""
        params, limit = self.params, self.params.maxDets[-1]
        gts, dts = map(_grouped, self._loaded)
        if params.useCats:
            for key in dict.fromkeys([*gts, *dts]):
                yield key, gts.get(key, []), best_first(dts.get(key, []), limit)
            return
        for image in params.imgIds:
            truths, found = (
                [one for category in params.catIds for one in side.get((image, category), ())]
                for side in (gts, dts)
            )
            if truths or found:
                yield (image, classes_of(params)[0]), truths, best_first(found, limit)

    def _overlaps(self) -> dict[Key, Any]:
        key_of_shape = KEYS[self.params.iouType]
        made: dict[Key, Any] = {
            (image, category): []
            for image in self.params.imgIds
            for category in classes_of(self.params)
        }
        for key, truths, found in self._cells():
            if key in made:
                made[key] = overlaps(truths, found, key_of_shape)
        return made

    def _cell_by_cell(self) -> tuple[dict[Key, Any], list[Any]]:
        """``ious`` and ``evalImgs``."""
        params, ious = self.params, self._overlaps()
        images, classes, ranges = params.imgIds, classes_of(params), params.areaRng
        records: list[Any] = [None] * (len(classes) * len(ranges) * len(images))
        image_at = {image: at for at, image in enumerate(images)}
        class_at = {category: at for at, category in enumerate(classes)}
        for key, truths, found in self._cells():
            if key not in ious:
                continue
            cell = Cell.of(truths, found, ious[key], params.iouThrs, KEYS[params.iouType])
            image, category = image_at[key[0]], class_at[key[1]]
            names = {"image_id": images[image], "category_id": classes[category]}
            for area, bounds in enumerate(ranges):
                records[(category * len(ranges) + area) * len(images) + image] = {
                    **names,
                    "aRng": bounds,
                    "maxDet": params.maxDets[-1],
                    **cell.record(bounds),
                }
        return ious, records


def flag(truths: list[Annotation]) -> None:
    """Set ``ignore`` as ``_prepare`` does."""
    for one in truths:
        one["ignore"] = "iscrowd" in one and one["iscrowd"]


def _grouped(annotations: list[Annotation]) -> Group:
    groups: Group = defaultdict(list)
    for one in annotations:
        groups[one["image_id"], one["category_id"]].append(one)
    return groups


def _warn_of_sizes() -> None:
    warnings.warn(
        "some images have masks of several sizes; as in pycocotools, masks of different sizes do "
        "not overlap and never match. Fix: resize the masks to their image",
        DetmetricsWarning,
        stacklevel=4,
    )
