"""How much of the ground truth the detections cover: images with objects and no detection.

A good detector may find nothing on some images. Where most images have no detection, or all of a
run at the beginning or the end, the detections are more likely of a part of the images, and every
object on the others counts as missed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Self

import numpy as np

from detmetrics.foundation.arrays import Bools, Ints
from detmetrics.tables.detections import Detections
from detmetrics.tables.ground_truth import GroundTruth

__all__ = ["Coverage"]

MOST = 0.5
FEWEST, RUN, SHARE = 2, 5, 0.02
"""Fewer images than this are no sign; a run has so many images, and this share of all."""


@dataclass(frozen=True, slots=True, eq=False)
class Coverage:
    """Images with ground truth by whether they have detections.

    Attributes:
        detected, undetected : (.,) rows of the catalog, in order.
        names: those of the first undetected images.
        objects: on the undetected images.
        detections: on all images.
        of_files: the detections come from files, and not from arrays.
        part: the detections are of this part of the data set, in a sentence with its cure.
    """

    detected: Ints
    undetected: Ints
    names: tuple[str, ...]
    objects: int
    detections: int
    part: str = ""
    of_files: bool = True

    @classmethod
    def of(
        cls, ground_truth: GroundTruth, detections: Detections, images: Bools | None = None
    ) -> Self:
        """The images of two tables that belong together; images : (N,) only these."""
        names = ground_truth.catalog.image_names
        found = cls.of_rows(ground_truth.image, detections.image, names, images)
        return replace(found, of_files=detections.source.input is not None)

    @classmethod
    def of_rows(
        cls, truth: Ints, found: Ints, names: Sequence[str], images: Bools | None = None
    ) -> Self:
        """Truth : (G,), found : (D,) the image of each object and detection; names : (N,)."""
        objects = np.bincount(truth, minlength=len(names))
        detections = np.bincount(found, minlength=len(names))
        if images is not None:
            objects, detections = objects * images, detections * images
        undetected = np.flatnonzero((objects > 0) & (detections == 0))
        return cls(
            detected=np.flatnonzero((objects > 0) & (detections > 0)),
            undetected=undetected,
            names=tuple(names[row] for row in undetected[:3].tolist()),
            objects=int(objects[undetected].sum()),
            detections=int(detections.sum()),
        )

    def within(self, images: Bools, ground_truth: GroundTruth, detections: Detections) -> Self:
        """That of a part; images : (N,) those that the two tables, which are of the part, keep."""
        part, names = self.renumbered(images), ground_truth.catalog.image_names
        return replace(
            part,
            names=tuple(names[row] for row in part.undetected[:3].tolist()),
            objects=int(np.isin(ground_truth.image, part.undetected).sum()),
            detections=len(detections),
        )

    def renumbered(self, images: Bools) -> Self:
        """With rows counted among the marked images; images : (N,)."""
        index = np.cumsum(images) - 1
        detected, undetected = (
            index[rows[images[rows]]] for rows in (self.detected, self.undetected)
        )
        return replace(self, detected=detected, undetected=undetected)

    def explained(self, part: str) -> Self:
        """With the part that the detections are of."""
        return replace(self, part=part)

    @property
    def images(self) -> int:
        """How many have ground truth."""
        return len(self.detected) + len(self.undetected)

    @property
    def unlikely(self) -> bool:
        """Whether more images lack detections than a few that are hard."""
        return len(self.undetected) >= max(FEWEST, SHARE * self.images)

    @property
    def most(self) -> bool:
        """Whether most images lack detections, though there are some."""
        missing = len(self.undetected)
        return bool(self.detections) and missing >= FEWEST and missing >= MOST * self.images

    @property
    def run(self) -> str | None:
        """``"first"`` or ``"last"`` where the images without detections are a run at this end."""
        missing = len(self.undetected)
        if missing < max(RUN, SHARE * self.images) or not len(self.detected):
            return None
        if self.undetected[-1] < self.detected[0]:
            return "first"
        return "last" if self.undetected[0] > self.detected[-1] else None

    @property
    def partial(self) -> bool:
        """Whether the detections are probably of a part of the images."""
        return bool(self.part) or self.most or (bool(self.detections) and self.run is not None)
