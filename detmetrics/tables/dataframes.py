"""Data frames as callers have them: columns found by name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from detmetrics.foundation.arrays import Floats
from detmetrics.foundation.errors import TableError
from detmetrics.overlap.polygons.polygons import Polygons
from detmetrics.tables.catalog import Catalog
from detmetrics.tables.columns import BoxFormat, number_column

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["frame_boxes", "frame_classes", "frame_column", "frame_scores", "frame_shapes"]

CORNER_NAMES = (("xmin", "ymin", "xmax", "ymax"), ("x1", "y1", "x2", "y2"))
FOUR_CORNERS = tuple(f"{axis}{number}" for number in "1234" for axis in "xy")
ANGLES = frozenset(("angle", "theta", "rotation"))


def frame_shapes(frame: pd.DataFrame) -> Polygons | None:
    """(D,) polygons of four corners, ``x1 y1 x2 y2 x3 y3 x4 y4``; None where there are none.

    Raises:
        TableError: there is an angle, of which a frame does not tell the unit and direction.
    """
    if set(FOUR_CORNERS) <= set(frame.columns):
        corners = number_column("corners", frame[[*FOUR_CORNERS]].to_numpy())
        if not np.isfinite(corners).all():
            row = int(np.flatnonzero(~np.isfinite(corners).all(axis=1))[0])
            raise TableError(
                f"row {row}: expected four corners of finite numbers, got {corners[row].tolist()}"
            )
        return Polygons.from_corners(corners.reshape(-1, 4, 2))
    if found := sorted(ANGLES & set(map(str, frame.columns))):
        raise TableError(
            f"column {found[0]}: a frame does not tell unit and direction of angles: "
            "give shapes=Rectangles.from_cxcywhr(...) to from_arrays, or drop the column for "
            "upright boxes"
        )
    return None


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
        raise TableError(f"expected boxes in columns {ways}, got {_names(frame)}")
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
    raise TableError(f"expected a column {' or '.join(names)}, got {_names(frame)}")


def frame_scores(frame: pd.DataFrame) -> pd.Series[Any]:
    """The column of scores.

    Raises:
        TableError: there is none.
    """
    try:
        return frame_column(frame, "score", "confidence")
    except TableError as error:
        raise TableError(
            f"{error}. Fix: name the column of scores score or confidence, or use scores='none' "
            "for detections without scores"
        ) from None


CLASSES = ("category_id", "category", "class", "label")


def frame_classes(frame: pd.DataFrame, catalog: Catalog) -> pd.Series[Any]:
    """The column of classes; of several, the first whose values all are classes of the catalog.

    Raises:
        TableError: there is none.
    """
    names = {*catalog.category_names}
    present = [name for name in (*CLASSES, "name") if name in frame.columns]
    for known in (names, names | {*catalog.category_ids.tolist()}):
        for name in present:
            if _all_in(frame[name], known):
                return frame[name]
    return frame_column(frame, *CLASSES)


def _all_in(column: pd.Series[Any], known: set[Any]) -> bool:
    try:
        return {*column.unique().tolist()} <= known
    except TypeError:  # lists and the like, which are no classes
        return False


def _names(frame: pd.DataFrame) -> str:
    return ", ".join(map(str, frame.columns)) or "none"
