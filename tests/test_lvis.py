"""LVIS: federated ground truth from its files, and what its rules make of it."""

from __future__ import annotations

import pytest
from builders import annotation, category, changed, detection, document, evaluate

import detmetrics as dm

CAT, DOG, OWL = 1, 2, 3


def lvis_document(**changes):
    images = [
        {"id": 1, "neg_category_ids": [DOG], "not_exhaustive_category_ids": [CAT]},
        {"id": 2, "neg_category_ids": [], "not_exhaustive_category_ids": []},
    ]
    names = {CAT: ("cat", "f"), DOG: ("dog", "r"), OWL: ("owl", "c")}
    categories = [
        {**category(number, name), "frequency": frequency}
        for number, (name, frequency) in names.items()
    ]
    return document(images=images, categories=categories) | changes


def verdict(tmp_path, found: dict) -> str:
    result = evaluate(tmp_path, lvis_document(), [found], rules=dm.LVIS)
    return result.matches(iou=0.5)["verdict"].iloc[0]


ELSEWHERE = [500, 500, 9, 9]


class TestDetections:
    """What is no object is false only where its class was looked for and all of it was marked."""

    def test_of_a_class_that_is_known_not_to_be_there_is_false(self, tmp_path):
        assert verdict(tmp_path, detection(1, DOG, bbox=ELSEWHERE)) == "false positive"

    def test_of_a_class_that_nobody_looked_for_is_dropped(self, tmp_path):
        result = evaluate(
            tmp_path, lvis_document(), [detection(1, OWL), detection(1, CAT)], rules=dm.LVIS
        )
        assert result.matching.row.tolist() == [1]

    def test_of_a_class_that_is_not_marked_in_full_is_set_aside(self, tmp_path):
        assert verdict(tmp_path, detection(1, CAT, bbox=ELSEWHERE)) == "ignored"

    def test_on_an_object_is_right_all_the_same(self, tmp_path):
        assert verdict(tmp_path, detection(1, CAT)) == "true positive"

    def test_of_a_class_that_is_in_the_image_is_false(self, tmp_path):
        assert verdict(tmp_path, detection(2, DOG, bbox=ELSEWHERE)) == "false positive"


class TestSummary:
    def test_frequencies(self, tmp_path):
        found = [detection(1, CAT), detection(2, DOG, bbox=ELSEWHERE)]
        summary = evaluate(tmp_path, lvis_document(), found, rules=dm.LVIS).summary
        assert (summary["APf"], summary["APr"]) == (pytest.approx(1.0), 0.0)
        assert "common" in summary.undefined["APc"]
        assert summary["AP"] == pytest.approx(0.5)

    def test_the_limit_is_one_of_an_image_over_all_classes(self, tmp_path):
        rules = dm.LVIS.replace(image_limit=1)
        found = [detection(1, OWL, 0.9), detection(1, CAT, 0.5)]
        assert len(evaluate(tmp_path, lvis_document(), found, rules=rules).matching.row) == 0

    def test_fixed_ap_has_a_limit_of_a_class(self, tmp_path):
        assert (dm.LVIS_FIXED.image_limit, dm.LVIS_FIXED.class_limit) == (None, 10_000)
        rules = dm.LVIS_FIXED.replace(class_limit=1)
        found = [detection(1, CAT, 0.9), detection(1, CAT, 0.5), detection(2, DOG, 0.1)]
        kept = evaluate(tmp_path, lvis_document(), found, rules=rules).matching.row
        assert sorted(kept.tolist()) == [0, 2]


class TestFiles:
    def test_part_of_the_classes_keeps_what_is_known(self, tmp_path):
        result = evaluate(
            tmp_path, lvis_document(), [detection(1, DOG)], rules=dm.LVIS, classes=["dog"]
        )
        assert result.ground_truth.federation.frequency == ("r",)
        assert result.ground_truth.federation.negative.tolist() == [[0, 0]]

    def test_an_unknown_class_is_an_error_with_its_place(self, tmp_path):
        bad = changed(lvis_document(), ("images", 0, "neg_category_ids"), [DOG, 77])
        with pytest.raises(
            dm.FormatError, match=r"at images\[0\]\.neg_category_ids: 77 is none of"
        ):
            evaluate(tmp_path, bad, [])

    @pytest.mark.parametrize("value", ["x", 7, [None], [[1]]])
    def test_wrong_lists_are_errors(self, tmp_path, value):
        bad = changed(lvis_document(), ("images", 0, "neg_category_ids"), value)
        with pytest.raises(dm.FormatError, match=r"images\[0\]"):
            evaluate(tmp_path, bad, [])

    def test_ground_truth_without_it_is_refused(self, tmp_path):
        with pytest.raises(dm.RulesError, match="neg_category_ids"):
            evaluate(tmp_path, None, None, rules=dm.LVIS)

    def test_ground_truth_without_frequencies_is_refused(self, tmp_path):
        plain = [category(number, str(number)) for number in (CAT, DOG, OWL)]
        with pytest.raises(dm.RulesError, match="frequency r, c or f"):
            evaluate(tmp_path, lvis_document(categories=plain), None, rules=dm.LVIS)

    def test_other_rules_pass_over_it(self, tmp_path):
        rows = [annotation(1)]
        assert evaluate(tmp_path, lvis_document(annotations=rows), None).summary[
            "AP50"
        ] == pytest.approx(1.0)
