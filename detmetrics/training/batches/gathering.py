"""What the images of a metric are together: of masks or of boxes, and two tables."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from detmetrics.foundation.arrays import Floats, object_column
from detmetrics.foundation.errors import InputError
from detmetrics.overlap.polygons.polygons import Polygons, Rectangles
from detmetrics.tables import Detections, GroundTruth
from detmetrics.tables.catalog import Catalog, Id
from detmetrics.training.batches.bitmaps import masks_of_codes
from detmetrics.training.batches.class_ids import Classes
from detmetrics.training.batches.forms import Form
from detmetrics.training.batches.image_columns import (
    COLUMNS,
    FLAGS,
    ImageBoxes,
    boxes_in,
    column,
    joined,
)

__all__ = ["kind_with", "one_sided", "tables_of"]


def kind_with(images: Sequence[ImageBoxes], kind: str | None = None) -> str | None:
    """What is measured with these images too, ``"masks"`` or ``"boxes"``; None is still open.

    kind: of the images before.

    Raises:
        InputError: some have masks and some have boxes alone.
    """
    for place, image in enumerate(images):
        of_image = image.kind
        if of_image is None or of_image == kind:
            continue
        if kind is not None:
            raise InputError(_mixed(place, image, kind))
        kind = of_image
    return kind


def _mixed(place: int, image: ImageBoxes, kind: str) -> str:
    """What to say of an image of another kind than those before."""
    if kind == "masks":
        lacking = image.masks is not None and image.masks.targets is None
        side = "targets" if lacking else "predictions"
        return f"{side}[{place}]: expected a key 'masks' as in images before, got none"
    return (
        f"predictions[{place}]['masks']: expected boxes alone as in images before, got masks on "
        "both sides: give those of all images, or shape='box'"
    )


def one_sided(images: Iterable[ImageBoxes]) -> list[str]:
    """Which side has no masks in an image where the other has."""
    masks = [image.masks for image in images if image.masks is not None]
    return [
        f"{side} have no masks, which {other} have"
        for side, other in (tuple(COLUMNS), tuple(COLUMNS)[::-1])
        if any(getattr(one, side) is None for one in masks)
    ]


def tables_of(
    given: Mapping[Id, ImageBoxes],
    classes: Classes,
    form: Form,
    *,
    masks: bool,
    scored: bool = True,
) -> tuple[GroundTruth, Detections]:
    """Both tables, images in order of id; masks: they become shapes; scored: predictions have
    scores.
    """
    ids = list(given)
    ids.sort()
    images = [given[image] for image in ids]
    catalog = Catalog.from_ids(
        images=ids,
        categories=list(classes.names),
        category_names=list(classes.names.values()),
        image_sizes=[image.size for image in images],
    )
    shaped = masks or form.oriented

    # What is one row an image becomes one a box.
    named = object_column(ids) if isinstance(ids[0], str) else np.array(ids, np.int64)
    rows, count = joined(images, "targets", form)
    areas = column(rows, "targets", "area")
    ground_truth = GroundTruth.from_arrays(
        image_ids=np.repeat(named, count),
        categories=column(rows, "targets", "label").astype(np.int64),
        areas=None if shaped and np.isnan(areas).all() else areas,
        catalog=catalog,
        **_shapes(images, "targets", boxes_in(rows, "targets"), form, masks),
        **{name: column(rows, "targets", name) != 0 for name in FLAGS},
    )
    rows, count = joined(images, "predictions", form)
    detections = Detections.from_arrays(
        image_ids=np.repeat(named, count),
        categories=column(rows, "predictions", "label").astype(np.int64),
        scores=column(rows, "predictions", "score") if scored else None,
        catalog=catalog,
        **_shapes(images, "predictions", boxes_in(rows, "predictions"), form, masks),
    )
    return ground_truth, detections


def _shapes(
    images: Sequence[ImageBoxes], side: str, boxes: Floats, form: Form, masks: bool
) -> dict[str, Any]:
    """The columns of boxes and shapes; boxes : (R, B) as they are kept."""
    if form.kept == "cxcywhr":
        return {"shapes": Rectangles.from_cxcywhr(boxes)}
    if form.kept == "xyxyxyxy":
        return {"shapes": Polygons.from_corners(boxes.reshape(-1, 4, 2))}
    columns: dict[str, Any] = {"boxes": boxes, "box_format": form.kept}
    if masks:
        codes = [getattr(image.masks, side, None) or () for image in images]
        columns["shapes"] = masks_of_codes(codes, [image.size for image in images])
    return columns
