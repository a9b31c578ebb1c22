"""The record of one image: its predictions and its targets, each as one array with named columns.

A loop holds many images, so that an image is two arrays and not a dozen. A row begins with the
numbers of its box; the columns behind them have the names of :data:`COLUMNS`.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np

from detmetrics.foundation.arrays import Bools, Floats, Ints
from detmetrics.training.batches.bitmaps import ImageMasks, Size
from detmetrics.training.batches.forms import Form

__all__ = ["COLUMNS", "FLAGS", "ImageBoxes", "boxes_in", "column", "joined", "rows_for"]

FLAGS = ("crowd", "ignore", "difficult")
COLUMNS = {"predictions": ("score", "label"), "targets": ("label", "area", *FLAGS)}
"""The sides of an image, and the columns behind the numbers of a box."""


@dataclass(frozen=True, slots=True)
class ImageBoxes:
    """All that is known of one image.

    predictions : (D, B + 2) and targets : (G, B + 5), see :data:`COLUMNS`; an area is nan where
    unknown, a flag 0 or 1. size: width and height in pixels, nan where unknown; masks: those of
    the rows, None where no side has any; dropped: how many rows of predictions and targets were
    left out, since they were no boxes or scores.
    """

    predictions: Floats
    targets: Floats
    size: Size
    masks: ImageMasks | None = None
    dropped: tuple[int, int] = (0, 0)

    def without_rows(
        self, kept: tuple[Bools | None, Bools | None], dropped: tuple[int, int]
    ) -> ImageBoxes:
        """With the rows that are kept on each side; None where all are."""
        found, there = (slice(None) if which is None else which for which in kept)
        masks = None if self.masks is None else self.masks.of_rows(kept)
        return ImageBoxes(self.predictions[found], self.targets[there], self.size, masks, dropped)

    @property
    def kind(self) -> str | None:
        """``"masks"`` where both sides have objects with masks, ``"boxes"`` where one lacks them;
        None where nothing speaks against either.
        """
        if self.masks is not None and self.masks.whole:
            return "masks" if len(self.predictions) and len(self.targets) else None
        return "boxes" if len(self.predictions) or len(self.targets) else None


def rows_for(side: str, boxes: Floats) -> Floats:
    """(R, B + C) rows with these boxes, whose other columns are still to be filled."""
    rows = np.empty((len(boxes), boxes.shape[1] + len(COLUMNS[side])))
    boxes_in(rows, side)[:] = boxes
    return rows


def boxes_in(rows: Floats, side: str) -> Floats:
    """(R, B) a view of the numbers of the boxes."""
    return rows[:, : rows.shape[1] - len(COLUMNS[side])]


def column(rows: Floats, side: str, name: str) -> Floats:
    """(R,) a view of one column."""
    names = COLUMNS[side]
    return rows[:, rows.shape[1] - len(names) + names.index(name)]


def joined(images: Collection[ImageBoxes], side: str, form: Form) -> tuple[Floats, Ints]:
    """The rows of a side of all images, and (N,) how many each has."""
    parts = [getattr(image, side) for image in images]
    count = np.array([len(part) for part in parts], np.int64)
    return np.concatenate([np.zeros((0, form.numbers + len(COLUMNS[side]))), *parts]), count
