"""Data frames as callers have them: columns found by name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from detmetrics.arrays import Floats
from detmetrics.columns import BoxFormat, number_column
from detmetrics.errors import TableError

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["frame_boxes", "frame_column"]

CORNER_NAMES = (("xmin", "ymin", "xmax", "ymax"), ("x1", "y1", "x2", "y2"))


def frame_boxes(frame: pd.DataFrame) -> tuple[Floats, BoxFormat]:
    """(D, 4) boxes and their form.

    Raises:
        TableError: no set of columns holds boxes.
    """
    for names in CORNER_NAMES:
        if set(names) <= set(frame.columns):
            return number_column("boxes", frame[[*names]].to_numpy()), "xyxy"
    if {"x", "y", "w", "h"} <= set(frame.columns):
        return number_column("boxes", frame[["x", "y", "w", "h"]].to_numpy()), "xywh"
    if "bbox" not in frame.columns:
        ways = "; ".join(
            " ".join(names) for names in (("bbox",), ("x", "y", "w", "h"), *CORNER_NAMES)
        )
        raise TableError(f"frame: expected boxes in columns {ways}, got {_names(frame)}")
    boxes = number_column("bbox", frame["bbox"].tolist())
    return boxes.reshape(0, 4) if boxes.size == 0 and len(frame) == 0 else boxes, "xywh"


def frame_column(frame: pd.DataFrame, *names: str) -> pd.Series[Any]:
    """The first column that has one of the names.

    Raises:
        TableError: there is none.
    """
    for name in names:
        if name in frame.columns:
            return frame[name]
    raise TableError(f"frame: expected a column {' or '.join(names)}, got {_names(frame)}")


def _names(frame: pd.DataFrame) -> str:
    return ", ".join(map(str, frame.columns)) or "none"
