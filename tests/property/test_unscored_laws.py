"""Laws of detections without scores, whose order nothing may depend on."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
import strategies
from hypothesis import given
from hypothesis import strategies as st
from reference_rules import evaluate as slow

import detmetrics as dm
from detmetrics.foundation.arrays import read_only
from detmetrics.rules.unscored import without_scores

pytestmark = pytest.mark.filterwarnings("ignore::detmetrics.DetmetricsWarning")

SCENES = strategies.scenes(full=True)
RULES = strategies.any_rules(federated=False) | st.sampled_from([dm.COCO, dm.VOC2007])


def unscored(detections: dm.Detections) -> dm.Detections:
    nothing = np.full(len(detections), np.nan)
    return replace(detections, scores=read_only(nothing), scored=False)


def measured(truth: dm.GroundTruth, found: dm.Detections, rules: dm.Rules) -> dm.Evaluation:
    return dm.evaluate(truth, found, rules.replace(shape="box"))


def equal(one: dict, other: dict) -> bool:
    pairs = [(one[name], other[name]) for name in one]
    return all(a == b or (math.isnan(a) and math.isnan(b)) for a, b in pairs)


class TestShuffling:
    """The order of detections without scores changes no bit of any metric, in any class."""

    @given(scene=SCENES, rules=RULES, random=st.randoms())
    def test_changes_nothing(self, scene, rules, random):
        truth, found = scene
        if rules.class_rules:
            rules = rules.replace(class_rules=())
        found = unscored(found)
        order = list(range(len(found)))
        random.shuffle(order)
        before, after = (
            measured(truth, one, rules) for one in (found, found.take(np.array(order, int)))
        )
        assert equal(before.summary, after.summary)
        for name, column in before.class_columns().items():
            assert np.array_equal(column, after.class_columns()[name], equal_nan=True)


def loops(truth: dm.GroundTruth, found: dm.Detections, rules: dm.Rules) -> dict[str, list[float]]:
    """The metrics of each class from what became of each detection, by their definitions."""
    known = slow(truth, found, rules)
    result = measured(truth, found, rules)
    table = result.matches(iou=rules.iou_thresholds[0])
    values: dict[str, list[float]] = {
        name: [] for name in ("precision", "recall", "F1", "mean_IoU", "LRP")
    }
    threshold = rules.iou_thresholds[0]
    for k, label in enumerate(result.class_names):
        total = known["truths"][k, 0]
        if not total:
            continue
        verdicts = known["verdicts"][k, 0, 0]
        tp, fp = verdicts.count("tp"), verdicts.count("fp")
        own = (table["category"] == label) | rules.class_agnostic
        overlaps = table[own & (table["verdict"] == "true positive")]["iou"].tolist()
        assert len(overlaps) == tp
        values["precision"].append(tp / (tp + fp) if tp + fp else 0.0)
        values["recall"].append(tp / total)
        values["F1"].append(2 * tp / (tp + fp + total))
        if tp:
            values["mean_IoU"].append(sum(overlaps) / tp)
        missed = total - tp
        apart = sum(1 - overlap for overlap in overlaps)
        distance = apart / (1 - threshold) if threshold < 1 else 0.0
        values["LRP"].append((distance + fp + missed) / (tp + fp + missed))
    return values


class TestDefinitions:
    """Each metric is the mean over classes of its definition, at the verdicts of slow loops."""

    @given(scene=SCENES, rules=RULES)
    def test_equal_loops(self, scene, rules):
        truth, found = scene
        rules = without_scores(rules.replace(classes="truth", class_rules=(), shape="box"))
        summary = measured(truth, found, rules).summary
        for name, values in loops(truth, found, rules).items():
            expected = sum(values) / len(values) if values else math.nan
            assert summary[name] == pytest.approx(expected, abs=1e-12, nan_ok=True)


class TestRange:
    """AP of any scores lies between AP_min and AP_max where the matching is kept."""

    @given(scene=SCENES, rules=RULES, seed=st.integers(0, 9))
    def test_holds_ap_of_any_scores(self, scene, rules, seed):
        truth, found = scene
        rules = without_scores(rules.replace(class_rules=(), classes="truth"))
        bounds = measured(truth, unscored(found), rules).summary
        if "AP_min" not in bounds:
            return
        scores = np.random.default_rng(seed).permutation(len(found)) / max(len(found), 1)
        scored = replace(found, scores=read_only(scores))
        # Pairs match by overlap whatever the scores, so that the matching is kept.
        ap = measured(truth, scored, rules.replace(metrics=("ap", "ap_iou"))).summary
        for name, value in ap.items():
            if f"{name}_min" not in bounds:
                continue
            low, high = bounds[f"{name}_min"], bounds[f"{name}_max"]
            assert math.isnan(value) == math.isnan(low) == math.isnan(high)
            assert math.isnan(value) or low - 1e-12 <= value <= high + 1e-12

    @given(scene=SCENES)
    def test_is_that_of_equal_scores(self, scene):
        truth, found = scene
        rules = without_scores(dm.COCO)
        bounds = measured(truth, unscored(found), rules).summary
        one = replace(found, scores=read_only(np.ones(len(found))))
        tied = measured(truth, one, rules.replace(metrics=("ap", "ap_iou")))
        for name in ("AP", "AP50", "AP75"):
            low, high = tied.tie_interval(name)
            expected = {f"{name}_min": low, f"{name}_max": high}
            assert equal(expected, bounds)
