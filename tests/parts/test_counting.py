"""Matches of parts, condensed and counted, give every curve of the whole, bit for bit."""

from __future__ import annotations

import numpy as np
import pytest
import strategies
from hypothesis import given
from hypothesis import strategies as st
from match_scenes import IMAGES, Scene, assert_same, scene_of
from parts.in_memory import counted, evaluated, joined, stacked
from profiles import examples

import detmetrics as dm
from detmetrics.matching.counted import joined_classes
from detmetrics.metrics.curves import Curves
from detmetrics.metrics.definitions import Metric
from detmetrics.metrics.summary import metrics_of
from detmetrics.metrics.tie_interval import NO_INTERVAL, extremes

pytestmark = pytest.mark.filterwarnings("ignore::detmetrics.DetmetricsWarning")

owners = st.lists(st.integers(0, 2), min_size=IMAGES, max_size=IMAGES)
IN_PARTS = [name for name in dm.RULE_SETS if not name.startswith("kitti")]


def same(ours: np.ndarray, theirs: np.ndarray) -> None:
    """In shape and every bit, wherever the arrays come from."""
    assert_same(np.ascontiguousarray(ours), np.ascontiguousarray(theirs))


def both_ends(curves: Curves, metric: Metric) -> np.ndarray:
    """The cells in the worst order of equal scores, and in the best."""
    return np.stack(extremes(curves, metric))


class TestCurves:
    """Curves of classes that are counted, from parts in any order, equal those of one evaluation
    whose detections are all listed: true positives, cells, ties, points, every metric.
    """

    @staticmethod
    def check(scene: Scene, rules: dm.Rules, owner: list[int], order: list[int]) -> None:
        numbers = np.array(owner)
        if rules.ties == "file":
            order = [0, 1, 2]
        whole = Curves(evaluated(stacked(scene, numbers), rules).matching)
        parts = [evaluated(scene, rules, numbers, part).matching for part in order]
        classes = counted(parts, limits=rules.max_detections, ties=True)
        same(joined(classes, lambda c: c.recall, axis=1), whole.recall)
        for limit in rules.max_detections:
            if rules.interpolation != "cuts":
                same(joined(classes, Curves.precision, limit, axis=2), whole.precision(limit))
                same(joined(classes, Curves.scores, limit, axis=2), whole.scores(limit))
        for metric in metrics_of(rules):
            ours = joined(classes, Curves.of_each_class, metric, axis=-1)
            same(ours, whole.of_each_class(metric))
            if metric.kind.of_curves and rules.interpolation not in NO_INTERVAL:
                same(joined(classes, both_ends, metric, axis=-1), both_ends(whole, metric))
        TestCurves.check_points(classes, whole)
        TestCurves.check_joined(classes, whole)

    @staticmethod
    def check_joined(classes: list, whole: Curves) -> None:
        """All classes at once, which is how a metric over processes is measured."""
        rules = whole.rules
        every = Curves(joined_classes(classes, classes[0].listing))
        same(every.recall, whole.recall)
        for limit in rules.max_detections:
            if rules.interpolation != "cuts":
                same(every.precision(limit), whole.precision(limit))
                same(every.scores(limit), whole.scores(limit))
        for metric in metrics_of(rules):
            if metric.kind.of_curves:
                same(every.of_each_class(metric), whole.of_each_class(metric))
                if rules.interpolation not in NO_INTERVAL:
                    same(both_ends(every, metric), both_ends(whole, metric))

    @staticmethod
    def check_points(classes: list, whole: Curves) -> None:
        rules = whole.rules
        for category, one in enumerate(classes):
            for area in range(len(rules.area_ranges)):
                for limit in rules.max_detections:
                    ours = Curves(one).curve(0, len(rules.iou_thresholds) // 2, area, limit)
                    theirs = whole.curve(category, len(rules.iou_thresholds) // 2, area, limit)
                    assert_same(ours, theirs)

    @examples(2)
    @pytest.mark.parametrize("name", IN_PARTS)
    @given(
        seed=st.integers(0, 10**6), owner=owners, order=st.permutations([0, 1, 2]), data=st.data()
    )
    def test_under_every_named_rule_set(self, name, seed, owner, order, data):
        rules = dm.RULE_SETS[name]
        metrics = [one for one in rules.metrics if one != "ji"]
        ties = data.draw(st.sampled_from(["image", "file"]))
        rules = rules.replace(class_limit=None, metrics=metrics, ties=ties)
        if not rules.federated:
            rules = rules.replace(class_agnostic=data.draw(st.booleans()))
        self.check(scene_of(seed, rules.shape), rules, owner, order)

    @examples(12)
    @given(
        scene=strategies.scenes(full=True),
        rules=strategies.any_rules(),
        owner=owners,
        order=st.permutations([0, 1, 2]),
        metrics=st.sampled_from([("ap", "ar"), ("pr",), ("olrp",), ("mr", "mr_area")]),
    )
    def test_under_any_settings(self, scene, rules, owner, order, metrics):
        if rules.interpolation == "cuts":
            rules = rules.replace(interpolation="every")
        rules = rules.replace(class_limit=None, metrics=(*rules.metrics, *metrics))
        self.check(scene, rules, owner[: len(scene[0].catalog.image_ids)], order)
