"""In how many images each class has objects that count: what intervals rest on.

Images without objects say little of recall and AP, however many there are: what an interval of a
few images rests on is the number of those with objects.

From five images on the interval of one class holds its value in 93 to 94 of 100 draws, of three
or four in 88, of two in 70, and one image tells nothing of others. The interval of a mean over
classes is too narrow where a fifth of them has objects in fewer than five images: classes that are
missing from one half are missing from its spread. Measured with ``benchmarks/coverage_study.py``,
on VOC2007 and on made-up sets.
"""

from __future__ import annotations

import numpy as np

from detmetrics.evaluation.result import Evaluation
from detmetrics.foundation.arrays import Ints
from detmetrics.metrics.summary import metrics_of, per_category

__all__ = ["FEW_CLASSES", "FEW_IMAGES", "Support"]

FEW_IMAGES = 5
FEW_CLASSES = 0.2


class Support:
    """In how many images of a result each class has objects, of any size and by range of sizes."""

    def __init__(self, result: Evaluation) -> None:
        matches = result.matching
        self.images = matches.images
        self._metrics = {one.name: one for one in metrics_of(matches.rules)}
        self._measured = per_category(result.curves)
        place = matches.truth_category * matches.images + matches.truth_image
        self._of_area = [
            np.bincount(np.unique(place[~ignored]) // matches.images, minlength=matches.categories)
            for ignored in matches.ignored
        ]
        self._filled = [len(np.unique(matches.truth_image[~one])) for one in matches.ignored]

    def _of(self, name: str) -> Ints:
        """(K,) images with objects, of the metric's range of sizes."""
        return self._of_area[self._metrics[name].area]

    def filled(self, name: str, category: int | None = None) -> int:
        """In how many images there are objects of a metric, or of one class."""
        if category is not None:
            return int(self._of(name)[category])
        return self._filled[self._metrics[name].area]

    def few(self, name: str, category: int | None = None) -> bool:
        """Whether the interval of a metric, or of it in one class, is too narrow."""
        images = self._of(name)
        if category is not None:
            return bool(0 < images[category] < FEW_IMAGES)
        measured = ~np.isnan(self._measured[name])
        if 0 < self.filled(name) < FEW_IMAGES:
            return True
        return bool(measured.any() and (images[measured] < FEW_IMAGES).mean() >= FEW_CLASSES)
