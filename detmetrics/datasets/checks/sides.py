"""A sheet made ready for checks: indices that may be unknown, and boxes that may be wrong."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from detmetrics.datasets.shape_facts import Drawn, drawn
from detmetrics.foundation.arrays import Bools, Floats, Ints, Objects
from detmetrics.tables.catalog import Id
from detmetrics.tables.columns import as_xywh, negative_sizes
from detmetrics.tables.sheets import Sheet

__all__ = ["PIXEL", "Listing", "Subject", "listing_of"]

PIXEL = 1.0
"""Labels are rounded: what is drawn may reach this many pixels beyond its image unremarked."""

SHARE = 0.005


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """Images and classes, each once, though the source may list some twice."""

    image_ids: Objects
    image_names: tuple[str, ...]
    image_sizes: Floats
    category_ids: Objects
    category_names: tuple[str, ...]

    def turned(self) -> Listing:
        """With width and height of the images exchanged."""
        return replace(self, image_sizes=self.image_sizes[:, ::-1])


@dataclass(frozen=True)
class Subject:
    """A sheet and where its rows belong; image, category : (R,) indices into the listing or -1."""

    sheet: Sheet
    listing: Listing
    image: Ints
    category: Ints

    @property
    def name(self) -> str:
        """The file or folder."""
        return self.sheet.source.name

    def place(self, column: str) -> Callable[[int], str]:
        """A function from a row to where its column stands."""
        return lambda row: self.sheet.source.place(row, column)

    @cached_property
    def finite(self) -> Bools:
        """(R,) whether all four numbers of a box are finite."""
        finite: Bools = np.asarray(np.isfinite(self.sheet.boxes).all(axis=1))
        return finite

    @cached_property
    def xywh(self) -> Floats:
        """(R, 4) boxes in the unit of the source, zero where they are not finite."""
        boxes = np.where(self.finite[:, None], self.sheet.boxes, 0.0)
        return as_xywh(boxes, self.sheet.box_format)

    @cached_property
    def negative(self) -> Bools:
        """(R,) boxes of negative width or height."""
        return negative_sizes(self.sheet.boxes, self.sheet.box_format) & self.finite

    @cached_property
    def empty(self) -> Bools:
        """(R,) boxes of zero width or height."""
        return _either(self.xywh[:, 2:] == 0) & self.finite & ~self.negative

    @cached_property
    def outside(self) -> tuple[Bools, Bools]:
        """(R,) whether a box reaches beyond its image, and whether nothing of it lies inside."""
        start, end = self.xywh[:, :2], self.xywh[:, :2] + self.xywh[:, 2:]
        partly, wholly = self.beyond(start, end)
        return partly & self.finite, wholly & self.finite

    def beyond(self, start: Floats, end: Floats) -> tuple[Bools, Bools]:
        """(R,) as :attr:`outside`, of other places; start, end : (R, 2), nan where unknown."""
        slack = SHARE if self.sheet.relative else PIXEL
        # Comparisons with nan are false: an image of unknown size has no outside.
        with np.errstate(invalid="ignore"):
            beyond = _either((start < -slack) | (end > self.bounds + slack))
            nowhere = _either((end <= 0) | (start >= self.bounds))
        beyond &= ~_either(np.isnan(self.bounds))
        wholly = beyond & nowhere
        return beyond & ~wholly, wholly

    @cached_property
    def drawn(self) -> Drawn | None:
        """The outlines that can be drawn; None where boxes are all there is."""
        return drawn(self.sheet.shapes)

    @cached_property
    def sizes(self) -> Floats:
        """(R, 2) width and height of the image of each row in pixels, nan where unknown."""
        # The last row is that of unknown images, which are -1.
        return np.append(self.listing.image_sizes, [[np.nan, np.nan]], axis=0)[self.image]

    @cached_property
    def bounds(self) -> Floats:
        """(R, 2) the right and lower end of the image of each row, nan where unknown."""
        if self.sheet.relative:
            return np.ones((len(self.sheet), 2))
        return self.sizes + self.sheet.corners_inclusive


def _either(pairs: Bools) -> Bools:
    """(R,) whether one of two is true; several times as fast as ``any`` along so short an axis."""
    either: Bools = np.logical_or(*pairs.T)
    return either


def listing_of(sheet: Sheet) -> Listing:
    """What ground truth lists, the first of each id; where it does not, what its rows name."""
    images, categories = sheet.images, sheet.categories
    image_ids = images.ids if images else sheet.image.used().labels
    category_ids = categories.ids if categories else sheet.category.used().labels
    image_at, category_at = _first(image_ids), _first(category_ids)
    sizes = np.full((len(image_ids), 2), np.nan)
    if images is not None and images.sizes is not None:
        sizes = images.sizes
    names = images.names if images else tuple(map(str, image_ids.tolist()))
    classes = categories.names if categories else tuple(map(str, category_ids.tolist()))
    return Listing(
        image_ids=image_ids[image_at],
        image_names=tuple(names[row] for row in image_at),
        image_sizes=sizes[image_at],
        category_ids=category_ids[category_at],
        category_names=tuple(classes[row] for row in category_at),
    )


def _first(ids: Objects) -> list[int]:
    first: dict[Id, int] = {}
    for row, known in enumerate(ids.tolist()):
        first.setdefault(known, row)
    return [*first.values()]
