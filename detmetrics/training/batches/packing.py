"""The images of a metric as arrays that bytes hold, and back."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from detmetrics.foundation.arrays import Ints
from detmetrics.training.batches.bitmaps import Codes, ImageMasks, masks_of_codes, refuse_unsound
from detmetrics.training.batches.forms import Form
from detmetrics.training.batches.image_columns import COLUMNS, ImageBoxes, joined
from detmetrics.training.batches.state_checks import check_arrays, check_rows

__all__ = ["packed", "unpacked"]


def packed(images: Collection[ImageBoxes], form: Form) -> dict[str, Any]:
    """Images as arrays."""
    # What differs in length from image to image is one long array, and how much of it each has.
    arrays: dict[str, Any] = {"size": np.array([image.size for image in images]).reshape(-1, 2)}
    for side in COLUMNS:
        arrays[side], arrays[f"{side}_count"] = joined(images, side, form)
    if any(any(image.dropped) for image in images):
        arrays["dropped"] = np.array([image.dropped for image in images], np.int64)
    if any(image.masks for image in images):
        masks = [image.masks for image in images]
        arrays["masks"] = np.array(
            [[getattr(one, side, None) is not None for side in COLUMNS] for one in masks]
        )
        for side in COLUMNS:
            codes = [getattr(one, side, None) or () for one in masks]
            arrays[f"{side}_masks_count"] = np.array([len(one) for one in codes])
            flat = [code for one in codes for code in one]
            arrays[f"{side}_masks_length"] = np.array([len(code) for code in flat], np.int64)
            arrays[f"{side}_masks"] = np.frombuffer(b"".join(flat), np.uint8)
    return arrays


def unpacked(
    arrays: Mapping[str, Any], form: Form, count: int, labels: Ints, *, scored: bool = True
) -> list[ImageBoxes]:
    """The images, in the order in which they were packed; labels: those that there may be;
    scored: predictions have scores.

    Raises:
        ValueError, LookupError, TypeError: arrays that do not fit together.
    """
    if not count:
        if any(map(np.size, arrays.values())):
            raise ValueError("rows of no image")
        return []
    check_arrays(arrays, count)
    sizes = [(width, height) for width, height in arrays["size"].tolist()]
    rows = [_split(arrays[side], arrays[f"{side}_count"]) for side in COLUMNS]
    for side, parts in zip(COLUMNS, rows, strict=True):
        if parts[0].shape[1:] != (form.numbers + len(COLUMNS[side]),):
            raise ValueError(f"rows of {side}")
        check_rows(arrays[side], side, labels, scored=scored)
    masks = _masks(arrays, sizes, rows) if "masks" in arrays else [None] * count
    dropped = arrays.get("dropped", np.zeros((count, 2), np.int64)).tolist()
    images = zip(*rows, sizes, masks, map(tuple, dropped), strict=True)
    return [ImageBoxes(*image) for image in images]


def _split(values: Any, count: Ints) -> list[Any]:
    if count.sum() != len(values):
        raise ValueError("counts")
    return np.split(values, np.cumsum(count)[:-1])


def _masks(
    arrays: Mapping[str, Any], sizes: Sequence[tuple[float, float]], rows: Sequence[Any]
) -> list[ImageMasks | None]:
    sides = []
    for side, has, parts in zip(COLUMNS, arrays["masks"].T.tolist(), rows, strict=True):
        codes = _codes(arrays, side)
        refuse_unsound(masks_of_codes(codes, sizes))
        for one, part in zip(codes, parts, strict=True):
            if one and len(one) != len(part):
                raise ValueError(f"masks of {side}")
        sides.append([one if known else None for one, known in zip(codes, has, strict=True)])
    return [
        None if predictions is targets is None else ImageMasks(predictions, targets)
        for predictions, targets in zip(*sides, strict=True)
    ]


def _codes(arrays: Mapping[str, Any], side: str) -> list[Codes]:
    text, length = arrays[f"{side}_masks"].tobytes(), arrays[f"{side}_masks_length"]
    if length.sum() != len(text) or (length < 0).any():
        raise ValueError(f"lengths of masks of {side}")
    flat = [text[start:end] for start, end in pairwise([0, *np.cumsum(length).tolist()])]
    return [tuple(one) for one in _split(np.array(flat, object), arrays[f"{side}_masks_count"])]
