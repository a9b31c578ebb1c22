"""Any settings of rules against slow loops, and laws that hold whatever the settings are."""

from __future__ import annotations

import numpy as np
import pytest
import reference_rules
import strategies
from hypothesis import given
from hypothesis import strategies as st

import detmetrics as dm
from detmetrics.matching.candidates import Memory
from detmetrics.matching.matching import match
from detmetrics.tables import restrict

pytestmark = pytest.mark.filterwarnings("ignore::detmetrics.DetmetricsWarning")

scenes = strategies.scenes(full=True)
any_rules = strategies.any_rules()
cuts = strategies.any_rules(interpolation="cuts", assignment="truths")


class TestAgainstLoops:
    """The matched detections are the same, and so is every AP."""

    @given(scene=scenes, rules=any_rules)
    def test_who_is_right_and_who_is_set_aside(self, scene, rules):
        result = dm.evaluate(*scene, rules)
        known = reference_rules.evaluate(*scene, rules)
        matches = result.matching
        row = result.detections.place[matches.row]  # rows of empty boxes may be gone
        for a in range(len(rules.area_ranges)):
            for t in range(len(rules.iou_thresholds)):
                pair, is_right = matches.matched[a].at(t)
                found = matches.pairs.detection[pair]
                right = set(row[found[is_right]].tolist())
                assert right == known["right"][t, a]
                unmatched = np.ones(len(matches.row), bool)
                unmatched[found] = False
                aside = {*row[found[~is_right]].tolist()}
                aside |= {*row[unmatched & ~matches.fp_if_unmatched[a]].tolist()}
                assert aside == known["aside"][t, a]

    @given(scene=scenes, rules=any_rules | cuts)
    def test_ap_of_every_class_threshold_and_range(self, scene, rules):
        result = dm.evaluate(*scene, rules)
        known = reference_rules.evaluate(*scene, rules)
        sampled = rules.interpolation == "points"
        curves = result.curves
        cells = curves.headline_precision.mean(axis=1) if sampled else curves.headline_area
        for (k, t, a), value in known["ap"].items():
            np.testing.assert_allclose(cells[t, k, a], value, rtol=0, atol=1e-12)
        for a, name in ((0, "AP"), *_ranges(rules)):
            expected = reference_rules.mean_ap(known, rules, a)
            np.testing.assert_allclose(result.summary[name], expected, rtol=0, atol=1e-12)


def _ranges(rules: dm.Rules):
    short = {"small": "s", "medium": "m", "large": "l"}
    for a, area in enumerate(rules.area_ranges[1:], start=1):
        yield a, f"AP{short.get(area.name, '_' + area.name)}"


class TestLaws:
    """What no setting changes."""

    @given(scene=scenes, several=st.lists(any_rules, min_size=2, max_size=4))
    def test_what_is_shared_between_rules_changes_nothing(self, scene, several):
        memory = Memory(lowest=0.5)
        for rules in several:
            plain = rules.replace(
                box_decimals=None, score_decimals=None, crowd="absorb", difficult="crowd"
            )
            apart, shared = match(*scene, plain), match(*scene, plain, memory=memory)
            assert np.array_equal(apart.row, shared.row)
            assert np.array_equal(apart.pairs.overlap, shared.pairs.overlap)
            for mine, other in zip(apart.matched, shared.matched, strict=True):
                assert np.array_equal(mine.pair, other.pair)
                assert np.array_equal(mine.true_positive, other.true_positive)

    @given(scene=scenes, rules=any_rules)
    def test_the_interval_over_ties_contains_the_value(self, scene, rules):
        result = dm.evaluate(*scene, rules)
        if rules.interpolation in ("trapezoid", "cuts"):
            with pytest.raises(dm.InputError, match="no interval over the order of equal scores"):
                result.tie_interval()
            return
        for name in ("AP", *(f"AP{v}" for v in (50, 75) if f"AP{v}" in result.summary)):
            low, high = result.tie_interval(name)
            value = result.summary[name]
            assert np.isnan(value) or low - 1e-12 <= value <= high + 1e-12
            for category in result.class_names:
                low, high = result.tie_interval(name, category)
                value = result.class_columns()[name][result.class_names.index(category)]
                assert np.isnan(value) or low - 1e-12 <= value <= high + 1e-12

    @given(scene=scenes, rules=any_rules)
    def test_verdicts_agree_with_the_matches(self, scene, rules):
        result = dm.evaluate(*scene, rules)
        known = reference_rules.evaluate(*scene, rules)
        table = result.matches(iou=rules.iou_thresholds[0])
        right = table[table["verdict"] == "true positive"]["detection"]
        assert set(right) == known["right"][0, 0]
        wrong = set(table[table["verdict"] == "false positive"]["detection"])
        kept = set(result.detections.place[result.matching.row].tolist())
        assert wrong == kept - known["right"][0, 0] - known["aside"][0, 0]
        missed = int((table["verdict"] == "missed").sum())
        truths = sum(n for (_, a), n in known["truths"].items() if a == 0)
        assert missed == truths - len(known["right"][0, 0])

    @given(scene=scenes, rules=any_rules)
    def test_an_image_without_anything_changes_nothing(self, scene, rules):
        truth, found = scene
        images = np.ones(len(truth.catalog.image_ids), bool)
        same = restrict(truth, found, images, np.ones(len(truth.catalog.category_ids), bool))
        ours, theirs = (dm.evaluate(*tables, rules).summary for tables in (scene, same))
        np.testing.assert_array_equal([*ours.values()], [*theirs.values()])


class TestTieInterval:
    def test_of_an_unknown_class_or_metric_is_an_error(self):
        result = dm.evaluate("fixtures/ground_truth.json", "fixtures/detections.json")
        with pytest.raises(dm.InputError, match="no class 'cat'; there are person"):
            result.tie_interval("AP", "cat")
        with pytest.raises(dm.InputError, match="no metric 'mAP'"):
            result.tie_interval("mAP")

    def test_of_a_class_without_ground_truth_is_nan(self):
        result = dm.evaluate("fixtures/ground_truth.json", "fixtures/detections.json")
        assert np.isnan(result.tie_interval("AP", "bus")).all()
