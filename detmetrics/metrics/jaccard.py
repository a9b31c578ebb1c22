"""The Jaccard index of a crowd: of all boxes drawn or found, how many stand for the same.

At a confidence, detections and objects of an image are paired one to one so that as many pairs as
possible have ``IoU >= t``: ``JI = k / (m + n - k)`` of k pairs, m objects and n detections, where
what is not paired and lies in an ignored region counts for neither. The index is the mean over
images, at the best of the confidences 0, 0.1, ... 0.9. Source: CrowdDet and mmdetection,
``crowdhuman_metric.py``, ``compute_ji_with_ignore``.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from detmetrics.foundation.arrays import Bools, Floats, Ints
from detmetrics.metrics.curves import Curves
from detmetrics.metrics.definitions import Metric, MetricGroup, MetricKind, at_first_threshold

__all__ = ["CONFIDENCES", "GROUP", "MaximumMatching", "jaccard_index"]

CONFIDENCES = tuple(0.1 * step for step in range(10))
EPS = 1e-6


class MaximumMatching:
    """As many pairs as possible, one to one, while detections come one after another.

    A detection takes a free object, or one whose holder can move on to another (an augmenting
    path). What is paired stays paired, so the pairs are the most possible at every moment.
    """

    def __init__(self, detections: int, truths: int) -> None:
        self.of_detection: Ints = np.full(detections, -1)
        self._holder = [-1] * truths
        self._choices: dict[int, list[int]] = {}

    @property
    def of_truth(self) -> Bools:
        """(G,) which objects are paired."""
        return np.array(self._holder, np.int64) >= 0

    def add(self, detection: int, choices: Sequence[int]) -> None:
        """One more detection, and the objects that it reaches."""
        self._choices[detection] = [*choices]
        # Kuhn's algorithm: follow reached objects to their holders, and from there to what these
        # could have instead, until an object is free; then every holder on the way moves on by one.
        # Breadth first and not recursion: paths are as long as a crowd is wide.
        came_from: dict[int, int] = {}
        waiting = [detection]
        for holder in waiting:
            for truth in self._choices[holder]:
                if truth in came_from:
                    continue
                came_from[truth] = holder
                if self._holder[truth] < 0:
                    self._move(truth, came_from, detection)
                    return
                waiting.append(self._holder[truth])

    def _move(self, truth: int, came_from: dict[int, int], first: int) -> None:
        while True:
            holder = came_from[truth]
            left = int(self.of_detection[holder])
            self._holder[truth] = holder
            self.of_detection[holder] = truth
            if holder == first:
                return
            truth = left


def jaccard_index(
    score: Floats,
    image: Ints,
    reached: Sequence[Sequence[int]],
    in_region: Bools,
    truth_image: Ints,
    truth_in_region: Bools,
    images: int,
) -> float:
    """The best mean index of one class.

    score, image, in_region : (D,) of detections, best first, and reached: the objects of each;
    truth_image, truth_in_region : (G,) of the objects that count; images: how many there are.
    """
    pairs = MaximumMatching(len(score), len(truth_image))
    best, start = 0.0, 0
    # From the highest confidence down detections are only added, so pairs found so far stay a
    # maximum matching to start from.
    for confidence in reversed(CONFIDENCES):
        end = int((score > confidence).sum())
        for detection in range(start, end):
            if reached[detection]:
                pairs.add(detection, reached[detection])
        start = end
        paired = pairs.of_detection[:end] >= 0
        counts = paired | ~in_region[:end]
        found = np.bincount(image[:end][counts], minlength=images)
        both = np.bincount(image[:end][paired], minlength=images)
        objects = np.bincount(truth_image[pairs.of_truth | ~truth_in_region], minlength=images)
        some = (objects > 0) | (found > 0)
        if some.any():
            index = both / (objects + found - both + EPS)
            best = max(best, float(index.sum() / some.sum()))
    return best


def _cells(curves: Curves, _: Metric) -> Floats:
    """(K,) the Jaccard index at the first threshold; nan without ground truth."""
    matches, threshold = curves.listed, curves.rules.iou_thresholds[0]
    pairs, regions = matches.pairs, matches.regions
    assert regions is not None
    inside = regions.region[pairs.ground_truth] & (pairs.overlap > threshold)
    in_region = np.zeros(len(matches.row), bool)
    in_region[pairs.detection[inside]] = True
    counts = ~matches.ignored[0]
    near = np.flatnonzero(counts[pairs.ground_truth] & (pairs.overlap >= threshold))
    first = matches.first

    def of(category: int) -> float:
        rows = slice(first[category], first[category + 1])
        objects = np.flatnonzero(counts & (matches.truth_category == category))
        if len(objects) == 0:
            return np.nan
        reached: list[list[int]] = [[] for _ in matches.row[rows]]
        own = near[matches.category[pairs.detection[near]] == category]
        place = np.searchsorted(objects, pairs.ground_truth[own])
        detections = pairs.detection[own] - first[category]
        for detection, truth in zip(detections.tolist(), place.tolist(), strict=True):
            reached[detection].append(truth)
        return jaccard_index(
            matches.score[rows],
            matches.image[rows],
            reached,
            in_region[rows],
            regions.image[objects],
            regions.covered[objects],
            matches.images,
        )

    return np.array([of(category) for category in range(matches.categories)])


JACCARD = MetricKind(
    name="JI",
    cells=_cells,
    words=lambda _: "Jaccard index of detections and objects at its best confidence,",
)

GROUP = MetricGroup(name="ji", metrics=lambda rules: [at_first_threshold("JI", JACCARD, rules)])
