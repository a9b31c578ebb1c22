"""COCO's files as what ``MeanAveragePrecision`` takes, and what it holds as COCO's files."""

from __future__ import annotations

import os
from collections.abc import Collection
from typing import Any

import numpy as np
import torch

from detmetrics.formats.coco.writing import write_detections, write_ground_truth
from detmetrics.formats.loading import read_detections, read_ground_truth
from detmetrics.formats.reading import Reading
from detmetrics.foundation.arrays import by_group
from detmetrics.foundation.outputs import write_whole
from detmetrics.overlap import KINDS
from detmetrics.tables import Detections, GroundTruth
from detmetrics.tables.rows import Rows

__all__ = ["files_of", "tensors_of"]

File = str | os.PathLike[str]


def tensors_of(
    predictions: File, target: File, types: Collection[str]
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Both sides, a dict for each image in order of id; boxes are ``x y w h``.

    types: ``"bbox"`` gives boxes, ``"segm"`` masks (n, height, width) of uint8.

    Raises:
        FormatError, UnknownIdError: what the readers refuse. RulesError: masks that are not there.
    """
    reading = Reading(gt_format="coco", det_format="coco", image_ids="ids")
    ground_truth = read_ground_truth(target, reading)
    detections = read_detections(predictions, ground_truth, reading)
    more = {
        "iscrowd": (ground_truth.crowd, torch.int32),
        "area": (ground_truth.area, torch.float32),
    }
    return (
        _images_of(detections, types, {"scores": (detections.scores, torch.float32)}),
        _images_of(ground_truth, types, more),
    )


def _images_of(
    table: Rows, types: Collection[str], more: dict[str, tuple[Any, torch.dtype]]
) -> list[dict[str, Any]]:
    labels = table.catalog.category_ids[table.category]
    columns = {"labels": (labels, torch.int32), **more}
    if "bbox" in types:
        columns["boxes"] = (table.xywh, torch.float32)
    count = np.bincount(table.image, minlength=len(table.catalog.image_ids))
    codes = table.shapes_as(KINDS["mask"]).sound if "segm" in types else None  # type: ignore[attr-defined]
    images = []
    for image, rows in enumerate(
        np.split(by_group(table.image, np.arange(len(table))), np.cumsum(count)[:-1])
    ):
        one = {
            name: torch.as_tensor(np.ascontiguousarray(values[rows]), dtype=kind)
            for name, (values, kind) in columns.items()
        }
        if codes is not None:
            one["masks"] = _bitmaps(codes[rows].tolist(), table.catalog.image_sizes[image])
        images.append(one)
    return images


def _bitmaps(codes: list[Any], size: Any) -> Any:
    """(n, height, width) uint8."""
    from pycocotools import mask

    if not codes:
        width, height = np.nan_to_num(size).astype(int).tolist()
        return torch.zeros((0, height, width), dtype=torch.uint8)
    return torch.from_numpy(np.ascontiguousarray(mask.decode(codes).transpose(2, 0, 1)))


def files_of(ground_truth: GroundTruth, detections: Detections, name: str) -> None:
    """Write ``NAME_target.json`` and ``NAME_preds.json``, in place of what is there.

    Raises:
        OutputError: they cannot be written.
    """
    write_whole(
        {
            f"{name}_target.json": write_ground_truth(ground_truth).files[""],
            f"{name}_preds.json": write_detections(detections).files[""],
        }
    )
