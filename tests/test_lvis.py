"""LVIS: federated ground truth from its files, and what its rules make of it."""

from __future__ import annotations

import json
import math

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


def reason(tmp_path, found: dict) -> str:
    result = evaluate(tmp_path, lvis_document(), [found], rules=dm.LVIS)
    return result.matches(iou=0.5)["reason"].iloc[0]


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


class TestReasons:
    def test_of_a_class_that_nobody_looked_for(self, tmp_path):
        assert reason(tmp_path, detection(1, OWL)) == "nobody looked for its class in the image"

    def test_of_a_class_that_is_not_marked_in_full(self, tmp_path):
        found = detection(1, CAT, bbox=ELSEWHERE)
        assert reason(tmp_path, found) == "not every object of its class is marked in the image"

    def test_what_is_not_looked_for_is_beyond_no_limit(self, tmp_path):
        rules = dm.LVIS.replace(image_limit=2, min_score=0.2)
        found = [detection(1, OWL, s) for s in (0.9, 0.1)] + [
            detection(1, CAT, s) for s in (0.5, 0.4)
        ]
        result = evaluate(tmp_path, lvis_document(), found, rules=rules)
        remarks = "\n".join(result.attention)
        assert "1 detection of classes that nobody looked for in the image: not counted" in remarks
        assert "1 detection with a score not above 0.2" in remarks
        assert "1 detection beyond the limit of 2 an image" in remarks


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

    def test_the_limit_of_a_class_cuts_equal_scores_by_place_in_the_file(self, tmp_path):
        # Image 2 stands first in the file: ordered by image, the other one would be kept.
        rules = dm.LVIS_FIXED.replace(class_limit=1)
        found = [detection(2, DOG, 0.5), detection(1, DOG, 0.5)]
        kept = evaluate(tmp_path, lvis_document(), found, rules=rules).matching.row
        assert kept.tolist() == [0]


class TestFiles:
    def test_part_of_the_classes_keeps_what_is_known(self, tmp_path):
        result = evaluate(
            tmp_path, lvis_document(), [detection(1, DOG)], rules=dm.LVIS, classes=["dog"]
        )
        assert result.ground_truth.federation.frequency == ("r",)
        assert result.ground_truth.federation.verified.tolist() == [[0, 0]]

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

    @pytest.mark.parametrize("field", ["neg_category_ids", "not_exhaustive_category_ids"])
    def test_images_that_do_not_tell_are_refused(self, tmp_path, field):
        partly = lvis_document()
        del partly["images"][1][field]
        with pytest.raises(dm.RulesError, match=rf"{field} in 1 of 2 images \(images\[1\]\)"):
            evaluate(tmp_path, partly, [], rules=dm.LVIS)
        assert evaluate(tmp_path, partly, [], rules=dm.COCO).summary["AP"] == 0

    @pytest.mark.parametrize("frequency", ["x", None])
    def test_a_class_of_no_known_frequency_is_refused(self, tmp_path, frequency):
        odd = changed(lvis_document(), ("categories", 1, "frequency"), frequency)
        with pytest.raises(dm.RulesError, match="1 class has another or none: dog"):
            evaluate(tmp_path, odd, [], rules=dm.LVIS)

    def test_converting_keeps_what_is_known(self, tmp_path):
        truth, out = tmp_path / "in.json", tmp_path / "out.json"
        truth.write_text(json.dumps(lvis_document()))
        dm.convert(truth, out, to="coco")
        written = json.loads(out.read_text())
        assert [row["neg_category_ids"] for row in written["images"]] == [[DOG], []]
        assert [row["not_exhaustive_category_ids"] for row in written["images"]] == [[CAT], []]
        assert [row["frequency"] for row in written["categories"]] == ["f", "r", "c"]

    def test_other_rules_pass_over_it(self, tmp_path):
        rows = [annotation(1)]
        assert evaluate(tmp_path, lvis_document(annotations=rows), None).summary[
            "AP50"
        ] == pytest.approx(1.0)


def test_the_interval_over_ties_of_rare_classes_holds_their_value(tmp_path):
    found = [detection(2, DOG, bbox=ELSEWHERE, score=0.5), detection(1, CAT, score=0.5)]
    truth = lvis_document()
    truth["images"][1]["neg_category_ids"] = [CAT]
    result = evaluate(tmp_path, truth, [*found, detection(2, CAT, score=0.5)], rules=dm.LVIS)
    low, high = result.tie_interval("APf")
    assert low < high
    assert low <= result.summary["APf"] <= high
    assert math.isnan(result.tie_interval("APc")[0])


@pytest.mark.parametrize(
    "rules",
    [dm.LVIS.replace(federated=False), dm.COCO.replace(metrics=("ap", "ap_frequency"))],
    ids=["not federated", "a metric alone"],
)
def test_frequencies_that_no_class_has_are_asked_for(rules):
    with pytest.raises(dm.RulesError, match=r"need the frequency of classes: .* as in LVIS files$"):
        dm.evaluate("fixtures/ground_truth.json", "fixtures/detections.json", rules)
