"""The state of a metric that bytes bring is checked as batches are, since anybody may have made it.

A checksum tells damage, and not who computed it. What ``update`` refuses or leaves out is in no
state that a metric wrote.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from detmetrics.foundation.arrays import Bools, Floats, Ints
from detmetrics.tables.catalog import Id
from detmetrics.training.batches.image_columns import COLUMNS, FLAGS, boxes_in, column

__all__ = ["check_arrays", "check_ids", "check_rows"]

TYPES = {"size": "f8", "masks": "b1", "dropped": "i8"}
TYPES |= dict.fromkeys(COLUMNS, "f8")
TYPES |= {f"{side}{end}": "i8" for side in COLUMNS for end in ("_count", "_masks_count")}
TYPES |= {f"{side}_masks_length": "i8" for side in COLUMNS}
TYPES |= {f"{side}_masks": "u1" for side in COLUMNS}


def check_ids(ids: Sequence[Id]) -> None:
    """Raises:
    ValueError: an id is there twice, or ids are of two types.
    """
    if len(set(ids)) < len(ids):
        raise ValueError("an image id is there twice")
    if len({isinstance(one, str) for one in ids}) > 1:
        raise ValueError("image ids are whole numbers and text")


def check_arrays(arrays: Mapping[str, Any], count: int) -> None:
    """count: of the images.

    Raises:
        ValueError: an array is unknown, is of another type, or counts are none.
    """
    for name, array in arrays.items():
        if TYPES.get(name) != array.dtype.str[1:]:
            raise ValueError(f"{name} of type {array.dtype}")
        if name.endswith("_count") and (array.shape != (count,) or (array < 0).any()):
            raise ValueError(f"{name}: no counts of {count} images")
    size = arrays["size"]
    if size.shape != (count, 2) or not (np.isnan(size) | (size > 0) & np.isfinite(size)).all():
        raise ValueError("sizes of images")
    dropped = arrays.get("dropped")
    if dropped is not None and (dropped.shape != (count, 2) or (dropped < 0).any()):
        raise ValueError("counts of dropped rows")


def check_rows(rows: Floats, side: str, labels: Ints, *, scored: bool = True) -> None:
    """labels: those that the metric has; scored: predictions have scores, and else nan.

    Raises:
        ValueError: rows that ``update`` would have refused or left out.
    """
    usable: Bools = np.isin(column(rows, side, "label"), labels)
    usable &= np.isfinite(boxes_in(rows, side)).all(axis=1)
    if side == "predictions":
        score = column(rows, side, "score")
        usable &= np.isfinite(score) if scored else np.isnan(score)
    for name in FLAGS if side == "targets" else ():
        usable &= np.isin(column(rows, side, name), (0, 1))
    if side == "targets":
        usable &= ~(column(rows, side, "area") < 0)
    if not usable.all():
        raise ValueError(f"{side}: row {int(np.argmin(usable))}")
