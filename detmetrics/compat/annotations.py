"""What ``COCO`` objects hold of the images and classes that are asked for, as columns and tables.

Source: ``pycocotools/cocoeval.py``, ``_prepare``; ``pycocotools/coco.py``, ``annToRLE``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np

from detmetrics.compat.annotation_faults import FOUND, refuse_odd, refuse_without, source_of
from detmetrics.compat.cells import Annotation
from detmetrics.foundation.arrays import Floats, object_column
from detmetrics.foundation.errors import InputError, TableError
from detmetrics.foundation.messages import listing
from detmetrics.overlap import OutlineError
from detmetrics.overlap.masks.masks import Masks, masks_of
from detmetrics.overlap.masks.segmentations import Segmentations
from detmetrics.tables import Detections, GroundTruth
from detmetrics.tables.catalog import Catalog

__all__ = ["Side", "loaded", "measured_by", "one_size_per_image", "plain", "tables"]


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Side:
    """The annotations of one side, with their values as they are now: the mappings may change.

    name: what messages call the side; annotations: those of the classes asked for; boxes: None
    where some have none; areas: None where there is none; marks: scores, or of ground truths
    ``iscrowd``; masks: where they are measured.
    """

    name: str
    annotations: list[Annotation]
    ids: list[Any]
    images: list[Any]
    categories: list[Any]
    boxes: list[Any] | None
    areas: list[Any]
    marks: list[Any]
    masks: Masks | None

    @classmethod
    def of(cls, annotations: list[Annotation], masks: Masks | None, name: str) -> Side:
        """The columns of annotations; name: of the side.

        Raises:
            TableError: what is measured is missing.
        """
        boxed = all("bbox" in one for one in annotations)
        scored = name == FOUND
        if masks is None and not boxed:
            refuse_without(annotations, "bbox", name)
        return cls(
            name=name,
            annotations=annotations,
            ids=[one["id"] for one in annotations],
            images=[one["image_id"] for one in annotations],
            categories=[one["category_id"] for one in annotations],
            boxes=[one["bbox"] for one in annotations] if boxed else None,
            areas=[one.get("area") for one in annotations],
            marks=[one["score"] if scored else one.get("iscrowd") for one in annotations],
            masks=masks,
        )

    def __len__(self) -> int:
        return len(self.annotations)

    @property
    def columns(self) -> dict[str, Any]:
        """What tables of both kinds have."""
        shapes = {} if self.masks is None else {"shapes": self.masks}
        return {
            "image_ids": plain_ids(self.images),
            "categories": plain_ids(self.categories),
            "boxes": self.boxes,
            "source": source_of(self.name, self.ids, plain_ids(self.images)),
            **shapes,
        }

    def refuse_odd(self) -> None:
        """Refuse numbers that cannot be evaluated, annotation by annotation.

        Raises:
            TableError: there are some.
        """
        refuse_odd(self.annotations, self.name, boxed=self.masks is None)

    def refuse_nan(self) -> None:
        """As :meth:`refuse_odd`, where columns would take a number that is none for unknown.

        Raises:
            TableError: there are some.
        """
        for column in (self.areas, self.marks):
            odd = int(np.isnan(_numbers(column)).sum())
            if odd and odd > sum(value is None for value in column):
                self.refuse_odd()


def loaded(side: Any, params: Any) -> list[Annotation]:
    """The annotations of the images asked for, and where classes are told apart, of the classes."""
    found = side.loadAnns(side.getAnnIds(imgIds=params.imgIds))
    if not params.useCats or not len(params.catIds):
        return list(found)
    wanted = set(params.catIds)
    return [one for one in found if one["category_id"] in wanted]


def tables(
    truth: Side, found: Side, images: Sequence[Any], classes: Sequence[Any]
) -> tuple[GroundTruth, Detections]:
    """Both sides as tables, with these images and classes.

    Raises:
        TableError: what cannot be evaluated, such as boxes that are not finite.
    """
    catalog = Catalog.from_ids(images=plain_ids(images), categories=plain_ids(classes))
    with _annotations_named(truth):
        truth.refuse_nan()
        ground_truth = GroundTruth.from_arrays(
            **truth.columns,
            areas=truth.areas,
            crowd=[bool(mark) for mark in truth.marks],
            ids=object_column(truth.ids),
            catalog=catalog,
        )
    with _annotations_named(found):
        found.refuse_nan()
        detections = Detections.from_arrays(**found.columns, scores=found.marks, catalog=catalog)
    return ground_truth, detections


@contextmanager
def _annotations_named(side: Side) -> Iterator[None]:
    """Errors of a table name the annotations at fault, where there are some."""
    try:
        yield
    except TableError:
        side.refuse_odd()
        raise


def plain_ids(ids: Iterable[Any]) -> list[Any]:
    """Ids as Python's own values."""
    return [one.item() if hasattr(one, "item") else one for one in ids]


def masks_as_there(annotations: list[Annotation], side: Any, name: str) -> Masks:
    """The masks of annotations, which from then on hold them encoded, as after ``annToRLE``.

    Encodings keep the size that they state, whatever that of their image; polygons are drawn on
    their image. name: of the side.

    Raises:
        InputError: some are no masks.
    """
    refuse_without(annotations, "segmentation", name)
    images = [side.imgs[one["image_id"]] for one in annotations]
    sizes = np.array([(one["width"], one["height"]) for one in images], np.float64).reshape(-1, 2)
    given = [one["segmentation"] for one in annotations]
    sizes[[not isinstance(one, list) for one in given]] = np.nan
    try:
        masks = masks_of(Segmentations(object_column(given)), sizes)
    except OutlineError as error:
        source = source_of(name, [one["id"] for one in annotations], [one["id"] for one in images])
        texts = [
            f"{source.place(row, 'shapes')}: {text}{source.image(row)}"
            for row, text in error.faults
        ]
        raise InputError(listing(name, texts, error.count)) from None
    for one, code in zip(annotations, masks.sound.tolist(), strict=True):
        if isinstance(one["segmentation"], list) or isinstance(one["segmentation"]["counts"], list):
            one["segmentation"] = dict(code)
    return masks


def one_size_per_image(truth: Side, found: Side) -> bool:
    """Whether all masks of an image, of both sides, have one size."""
    if truth.masks is None or found.masks is None:
        return True
    sizes: dict[Any, tuple[int, int]] = {}
    return all(
        sizes.setdefault(image, size) == size
        for side, masks in ((truth, truth.masks), (found, found.masks))
        for image, size in zip(side.images, map(tuple, masks.runs.size.tolist()), strict=True)
    )


def plain(truth: Side, found: Side) -> bool:
    """Whether pycocotools' own arithmetic is right for these annotations.

    It is not for ids of 0, numbers that are not finite, negative areas of ground truths, and boxes
    of negative or vanishing size, and it needs every ``area`` and ``iscrowd``.
    """
    numbers = [*truth.marks, *truth.areas, *found.areas, *found.marks]
    return (
        bool(np.isfinite(_numbers(numbers)).all())
        and min(truth.areas, default=0) >= 0
        and _distinct(truth.ids)
        and _distinct(found.ids)
        and all(side.boxes is None or _sound(side.boxes) for side in (truth, found))
    )


def _distinct(ids: list[Any]) -> bool:
    known = set(ids)
    return len(known) == len(ids) and all(isinstance(one, int) and one > 0 for one in known)


def _numbers(values: list[Any]) -> Floats:
    """Values as numbers; nan where they are none, which text never is."""
    try:
        given = np.asarray(values)
        if given.dtype.kind not in "SU":
            return given.astype(np.float64, copy=False)
    except (TypeError, ValueError):
        pass
    return np.full(1, np.nan)


def _sound(boxes: list[Any]) -> bool:
    numbers = _numbers(boxes).reshape(-1)
    if len(numbers) != 4 * len(boxes) or not np.isfinite(numbers).all():
        return False
    sides = numbers.reshape(-1, 4)[:, 2:]
    vanishing = (sides > 0).all(axis=1) & (sides.prod(axis=1) == 0)
    return bool((sides >= 0).all() and not vanishing.any())


def measured_by(found: Side, detections: Detections) -> str | None:
    """The setting ``detection_area`` that gives these areas: ``loadRes`` takes those of boxes where
    there are some, else those of masks. None where they are something else.
    """
    masks = detections.shapes if isinstance(detections.shapes, Masks) else None
    areas = np.array(found.areas, np.float64)
    unknown, sides = np.isnan(areas), detections.xywh
    if masks is not None and (unknown | (areas == masks.areas)).all():
        return "shape"
    of_boxes = (unknown | (areas == sides[:, 2] * sides[:, 3])).all()
    if not of_boxes:
        return None
    return "shape" if masks is None else "box"
