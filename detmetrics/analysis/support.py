"""In how many images each class has objects that count: what intervals rest on.

Images without objects say little of recall and AP, however many there are: what an interval of a
few images rests on is the number of those with objects.

From five images on the interval of one class holds its value in 93 to 94 of 100 draws, of three
or four in 88, of two in 70, and one image tells nothing of others. The interval of a mean over
classes is too narrow where a fifth of them has objects in fewer than five images: classes that are
missing from one half are missing from its spread. Measured with ``benchmarks/coverage_study.py``,
on VOC2007 and on made-up sets.

Of a result in parts, whose parts are drawn in place of images, the same is asked of parts.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from detmetrics.evaluation.result import Evaluation
from detmetrics.foundation.arrays import Ints
from detmetrics.metrics.summary import ClassCells, metrics_of, per_category

if TYPE_CHECKING:
    from detmetrics.parts.result import PartsEvaluation

__all__ = ["FEW_CLASSES", "FEW_IMAGES", "Support"]

FEW_IMAGES = 5
FEW_CLASSES = 0.2


class Support:
    """In how many images each class has objects, of any size and by range of sizes.

    Attributes:
        units: the number of images, or of parts where the result is in parts.
    """

    def __init__(self, classes: ClassCells, units: int, of_class: Ints, of_all: Ints) -> None:
        """Classes: what each gives to the metrics; of_class : (A, K) units in which a class has
        objects; of_all : (A,) those in which any class has.
        """
        self.units, self._of_class, self._of_all = units, of_class, of_all
        self._areas = {one.name: one.area for one in metrics_of(classes.rules)}
        self._measured = per_category(classes)

    @classmethod
    def in_images(cls, result: Evaluation) -> Support:
        """Of the images of a result."""
        matches = result.matching
        place = matches.truth_category * matches.images + matches.truth_image
        of_class = [
            np.bincount(np.unique(place[~ignored]) // matches.images, minlength=matches.categories)
            for ignored in matches.ignored
        ]
        of_all = [len(np.unique(matches.truth_image[~one])) for one in matches.ignored]
        return cls(result.curves, matches.images, np.array(of_class), np.array(of_all))

    @classmethod
    def in_parts(cls, result: PartsEvaluation) -> Support:
        """Of the parts of a result in parts."""
        filled = np.array([part.head.positives > 0 for part in result.index.parts])  # (P, K, A)
        of_class, of_all = filled.sum(axis=0).T, filled.any(axis=1).sum(axis=0)
        return cls(result.measured, len(filled), of_class, of_all)

    def filled(self, name: str, category: int | None = None) -> int:
        """In how many there are objects of a metric, or of one class."""
        area = self._areas[name]
        return int(self._of_all[area] if category is None else self._of_class[area, category])

    def few(self, name: str, category: int | None = None) -> bool:
        """Whether the interval of a metric, or of it in one class, is too narrow."""
        units = self._of_class[self._areas[name]]
        if category is not None:
            return bool(0 < units[category] < FEW_IMAGES)
        measured = ~np.isnan(self._measured[name])
        if 0 < self.filled(name) < FEW_IMAGES:
            return True
        return bool(measured.any() and (units[measured] < FEW_IMAGES).mean() >= FEW_CLASSES)
