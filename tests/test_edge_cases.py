"""Every row of the table of edge cases that concerns COCO files, and what comes of it.

These are inputs on which the tools of this field disagree; each class is one row of the table.
"""

from __future__ import annotations

import dataclasses
import math

import builders
import numpy as np
import pytest
from builders import DOG, Raw, annotation, category, changed, detection, evaluate, image

import detmetrics as dm
from detmetrics.overlap.polygons.polygons import Polygons

ONE = pytest.approx(1.0, abs=1e-12)
HALF = pytest.approx(0.5, abs=1e-12)


def sentence(result: dm.Evaluation, words: str) -> str:
    """The one sentence of attention that holds these words."""
    found = [line for line in result.attention if words in line]
    assert len(found) == 1, result.attention
    return found[0]


# --- ids that look like markers ------------------------------------------------------------------


class TestIdZero:
    """A ground truth has id 0: ids are never markers."""

    truth = builders.document(
        annotations=[annotation(0), annotation(1, 2, DOG, bbox=[0, 0, 50, 50])]
    )

    def test_is_found_like_any_other(self, tmp_path):
        assert evaluate(tmp_path, self.truth).summary["AP"] == ONE

    def test_crosscheck_names_the_difference_and_its_size(self, tmp_path):
        check = dm.crosscheck(evaluate(tmp_path, self.truth))
        theirs = builders.pycocotools_ap(self.truth, builders.detections())
        assert theirs == HALF
        assert check.agrees, str(check)
        known = [line for line in check.known if "id 0" in line]
        assert len(known) == 1
        assert f"gives AP {theirs:.4f} instead of 1.0000" in known[0]

    def test_of_two_ground_truths_is_named_too(self, tmp_path):
        truth = changed(self.truth, ("annotations", 1, "id"), 0)
        check = dm.crosscheck(evaluate(tmp_path, truth))
        assert check.agrees
        assert any("2 ground truths with id 0" in line for line in check.known)

    def test_is_not_seen_where_the_file_has_no_ids(self, tmp_path):
        truth = builders.document(
            annotations=[annotation(...), annotation(..., 2, DOG, bbox=[0, 0, 50, 50])]
        )
        result = evaluate(tmp_path, truth)
        assert result.summary["AP"] == ONE
        assert not any("id 0" in line for line in dm.crosscheck(result).known)

    def test_other_inputs_have_no_such_difference(self, tmp_path):
        assert not any("id 0" in line for line in dm.crosscheck(evaluate(tmp_path)).known)

    @pytest.mark.parametrize("what", ["images", "categories"])
    def test_images_and_categories_may_have_it(self, tmp_path, what):
        field = {"images": "image_id", "categories": "category_id"}[what]
        truth = changed(builders.document(), (what, 0, "id"), 0)
        truth = changed(truth, ("annotations", 0, field), 0)
        found = changed(builders.detections(), (0, field), 0)
        assert evaluate(tmp_path, truth, found).summary["AP"] == ONE


# --- empty sides ---------------------------------------------------------------------------------


class TestNoDetections:
    """AP is 0 where there is ground truth, and nan with the reason where there is none."""

    def test_zero_with_ground_truth(self, tmp_path):
        result = evaluate(tmp_path, found=[])
        assert result.summary["AP"] == 0.0
        assert result.summary["AR100"] == 0.0
        assert result.counts["detections"] == 0

    def test_undefined_without_ground_truth(self, tmp_path):
        result = evaluate(tmp_path, builders.document(annotations=[]), [])
        assert all(math.isnan(value) for value in result.summary.values())
        assert result.summary.undefined["AP"] == "no ground truth"
        assert set(result.summary.undefined) == set(result.summary)

    def test_crosscheck_says_that_pycocotools_stops(self, tmp_path):
        with pytest.raises(IndexError):
            builders.pycocotools_ap(builders.document(), [])
        check = dm.crosscheck(evaluate(tmp_path, found=[]))
        assert check.agrees
        assert any("IndexError" in line for line in check.known)

    @pytest.mark.parametrize("empty", [{"images": []}, {"categories": []}])
    @pytest.mark.parametrize("class_agnostic", [False, True])
    def test_nothing_at_all_is_undefined_too(self, tmp_path, empty, class_agnostic):
        truth = builders.document(annotations=[], **empty)
        rules = dm.COCO.replace(class_agnostic=class_agnostic)
        result = evaluate(tmp_path, truth, [], rules=rules)
        assert math.isnan(result.summary["AP"])
        assert result.to_dict()["metrics"]["AP"] is None
        assert result.arrays()["precision"].shape[2] == len(result.class_names)
        assert len(result.per_class()) == len(result.class_names)
        assert len(result.matches()) == 0


class TestNoGroundTruthInRange:
    """nan with the reason, left out of means, counted in the summary."""

    def test_area_range(self, tmp_path):
        result = evaluate(tmp_path)  # a small cat and a medium dog
        assert math.isnan(result.summary["APl"])
        assert result.summary.undefined == {
            "APl": "no ground truth in range large (from 9216 px²)",
            "ARl": "no ground truth in range large (from 9216 px²)",
        }

    def test_class_is_left_out_of_means(self, tmp_path):
        truth = builders.document()
        truth["categories"].append(category(3, "bird"))
        result = evaluate(tmp_path, truth)
        assert result.summary["AP"] == ONE
        assert math.isnan(result.per_class().loc["bird", "AP"])
        assert result.counts["classes_without_ground_truth"] == 1


# --- unknown images and categories ---------------------------------------------------------------


class TestUnknownImages:
    """An error that says how many, which, where and why; or dropped and reported, where asked."""

    found = (*builders.detections(), *(detection(n) for n in (7, 7, 8, 9, 10)))

    def test_is_an_error_with_count_examples_and_places(self, tmp_path):
        with pytest.raises(dm.UnknownIdError) as caught:
            evaluate(tmp_path, found=list(self.found))
        text = str(caught.value)
        assert str(tmp_path / "found.json") in text
        assert "5 detections of 7 name 4 images that the ground truth does not list" in text
        assert "[2].image_id: 7" in text
        assert "[4].image_id: 8" in text
        assert "[3]" not in text  # the same id again
        assert "--unknown-images drop" in text
        assert "unknown_images='drop'" in text

    def test_drop_drops_and_reports(self, tmp_path):
        result = evaluate(tmp_path, found=list(self.found), unknown_images="drop")
        assert result.summary["AP"] == ONE
        assert result.counts["detections"] == 2
        assert "5 detections of 7 name 4 images" in sentence(result, "dropped, as asked")

    def test_dropped_rows_do_not_move_the_places_of_others(self, tmp_path):
        found = [detection(7), *builders.detections()]
        result = evaluate(tmp_path, found=found, unknown_images="drop")
        assert result.matches()["detection"].tolist() == [1, 2]

    @pytest.mark.parametrize(
        ("ids", "cause"),
        [
            ([0, 1], "off by one: every id would fit if 1 were added"),
            ([2, 3], "off by one: every id would fit if 1 were taken away"),
            ([70, 80], "no image id is shared"),
            (["x", "y"], "no image id is shared"),
        ],
    )
    def test_names_the_likely_cause(self, tmp_path, ids, cause):
        with pytest.raises(dm.UnknownIdError, match=cause):
            evaluate(tmp_path, found=[detection(number) for number in ids])

    def test_one_unknown_id_among_many_has_no_far_fetched_cause(self, tmp_path):
        with pytest.raises(dm.UnknownIdError) as caught:
            evaluate(tmp_path, found=[*builders.detections(), detection(77)])
        assert "1 detection of 3 names 1 image" in str(caught.value)
        assert "likely cause" not in str(caught.value)

    def test_other_policies_do_not_exist(self, tmp_path):
        with pytest.raises(ValueError, match="expected 'error' or 'drop', got 'ignore'"):
            evaluate(tmp_path, found=list(self.found), unknown_images="ignore")


COCO_91 = [n for n in range(1, 91) if n not in (12, 26, 29, 30, 45, 66, 68, 69, 71, 83)]


class TestUnknownCategories:
    """The same for categories; COCO's two ways to count its classes are recognised."""

    def test_is_an_error_with_count_and_place(self, tmp_path):
        with pytest.raises(dm.UnknownIdError) as caught:
            evaluate(tmp_path, found=[*builders.detections(), detection(category_id=9)])
        text = str(caught.value)
        assert "1 detection of 3 names 1 category that the ground truth does not list" in text
        assert "[2].category_id: 9" in text
        assert "--unknown-categories drop" in text

    def test_drop_drops_and_reports(self, tmp_path):
        found = [*builders.detections(), detection(category_id=9)]
        result = evaluate(tmp_path, found=found, unknown_categories="drop")
        assert result.counts["detections"] == 2
        assert "1 category" in sentence(result, "dropped, as asked")

    def test_both_kinds_can_be_dropped_at_once(self, tmp_path):
        found = [*builders.detections(), detection(category_id=9), detection(9)]
        result = evaluate(tmp_path, found=found, unknown_images="drop", unknown_categories="drop")
        assert result.counts["detections"] == 2
        assert len([line for line in result.attention if "dropped" in line]) == 2

    def test_off_by_one_is_named(self, tmp_path):
        found = [detection(category_id=0), detection(2, category_id=1)]
        with pytest.raises(dm.UnknownIdError, match=r"off by one.*these count from 0"):
            evaluate(tmp_path, found=found)

    @pytest.mark.parametrize(
        ("known", "asked", "cause"),
        [
            (COCO_91, range(80), "class indices 0 to 79 against COCO's 80 ids"),
            (COCO_91, range(1, 81), "class indices 1 to 80 against COCO's 80 ids"),
            (range(80), COCO_91, "COCO's 80 ids, which run to 90 with gaps, against classes"),
            (range(1, 81), COCO_91, "COCO's 80 ids, which run to 90 with gaps, against classes"),
        ],
    )
    def test_80_against_91_is_named(self, tmp_path, known, asked, cause):
        truth = builders.document(
            categories=[category(n, f"class {n}") for n in known], annotations=[]
        )
        with pytest.raises(dm.UnknownIdError, match=cause):
            evaluate(tmp_path, truth, [detection(category_id=n) for n in asked])

    def test_names_serve_where_every_one_fits(self, tmp_path):
        found = [detection(1, "cat"), detection(2, "dog", bbox=[0, 0, 50, 50])]
        result = evaluate(tmp_path, found=found)
        assert result.summary["AP"] == ONE
        assert "paired by class name" in sentence(result, "categories were")


class TestAnnotationsOfUnknownImages:
    """Ground truth that contradicts itself is an error that nothing can waive."""

    @pytest.mark.parametrize(
        ("field", "what"), [("image_id", "1 image"), ("category_id", "1 category")]
    )
    def test_is_an_error_without_a_way_around(self, tmp_path, field, what):
        truth = changed(builders.document(), ("annotations", 1, field), 99)
        with pytest.raises(dm.UnknownIdError) as caught:
            evaluate(tmp_path, truth, unknown_images="drop", unknown_categories="drop")
        assert f"truth.json: 1 object of 2 names {what}" in str(caught.value)
        assert f"annotations[1].{field}: 99" in str(caught.value)
        assert "drop" not in str(caught.value)


# --- rules that pycocotools cannot summarise -----------------------------------------------------


class TestDetectionLimits:
    """Every headline metric uses the largest limit given."""

    @pytest.mark.parametrize("limits", [(1, 10, 300), (500,), (1, 2), (1, 5, 10, 50)])
    def test_ap_stands_at_the_largest(self, tmp_path, limits):
        result = evaluate(tmp_path, rules=dm.COCO.replace(max_detections=limits))
        assert result.summary["AP"] == ONE
        assert [name for name in result.summary if name[2:].isdigit() and name[:2] == "AR"] == [
            f"AR{limit}" for limit in limits
        ]

    def test_beyond_100_detections_count(self, tmp_path):
        truth = builders.document(
            annotations=[annotation(n + 1, bbox=[20 * n, 0, 10, 10]) for n in range(150)]
        )
        found = [detection(score=1 - n / 1000, bbox=[20 * n, 0, 10, 10]) for n in range(150)]
        wide = evaluate(tmp_path, truth, found, rules=dm.COCO.replace(max_detections=(300,)))
        usual = evaluate(tmp_path, truth, found)
        assert wide.summary["AP"] == ONE
        assert usual.summary["AR100"] == pytest.approx(100 / 150)
        assert usual.counts["detections_beyond_limit"] == 50
        assert "50 detections beyond the limit of 100" in sentence(usual, "beyond")
        assert dm.crosscheck(usual).agrees
        assert dm.crosscheck(wide).agrees

    @pytest.mark.parametrize(
        ("limits", "words"),
        [
            ((1, 10, 300), "no detection limit of 100: its AP is -1"),
            ((500,), "1 detection limit instead of 3: its summarize stops with an IndexError"),
        ],
    )
    def test_crosscheck_names_the_difference(self, tmp_path, limits, words):
        result = evaluate(tmp_path, rules=dm.COCO.replace(max_detections=limits))
        check = dm.crosscheck(result)
        assert check.agrees, str(check)
        assert words in str(check)


class TestThresholds:
    """Without .5 or .75 among them, AP50 and AP75 are absent, not -1."""

    def test_absent(self, tmp_path):
        result = evaluate(tmp_path, rules=dm.COCO.replace(iou_thresholds=(0.9,)))
        assert result.summary["AP"] == ONE
        assert "AP50" not in result.summary
        assert "AP75" not in result.summary
        assert "AP50" not in result.to_dict()["metrics"]
        assert "AP50" not in result.per_class().columns

    def test_asking_for_them_says_what_there_is(self, tmp_path):
        result = evaluate(tmp_path, rules=dm.COCO.replace(iou_thresholds=(0.9,)))
        with pytest.raises(KeyError, match=r"no metric 'AP50' under these rules .*; there are AP"):
            _ = result.summary["AP50"]

    def test_crosscheck_names_both(self, tmp_path):
        result = evaluate(tmp_path, rules=dm.COCO.replace(iou_thresholds=(0.9,)))
        check = str(dm.crosscheck(result))
        assert "no IoU threshold 0.5: its AP50 is -1" in check
        assert "no IoU threshold 0.75: its AP75 is -1" in check


# --- fields that are missing or odd --------------------------------------------------------------


class TestAreaMissing:
    """w * h is used, and the result says so."""

    @pytest.mark.parametrize("area", [..., None])
    def test_is_the_box(self, tmp_path, area):
        truth = builders.document()
        truth["annotations"][1] = annotation(2, 2, DOG, bbox=[0, 0, 50, 50], area=area)
        result = evaluate(tmp_path, truth)
        assert result.ground_truth.area.tolist() == [100.0, 2500.0]
        assert result.summary["APm"] == ONE  # and not small, as of an area of zero
        assert "1 of 2 areas are missing: w * h is used" in sentence(result, "areas")

    def test_is_not_noted_where_all_are_there(self, tmp_path):
        assert evaluate(tmp_path).attention == ()

    def test_the_area_of_the_file_wins_over_the_box(self, tmp_path):
        truth = changed(builders.document(), ("annotations", 1, "area"), 100.0)
        result = evaluate(tmp_path, truth)
        assert math.isnan(result.summary["APm"])
        assert dm.crosscheck(result).agrees


class TestCrowd:
    """``iscrowd`` missing, null, false and 1.0 are read as meant."""

    @pytest.mark.parametrize("crowd", [0, 1])
    def test_a_class_of_crowds_alone_is_undefined_and_not_said_to_be_0(self, tmp_path, crowd):
        truth = builders.document(
            annotations=[annotation(1), annotation(2, 2, DOG, iscrowd=crowd)],
        )
        result = evaluate(tmp_path, truth, builders.detections()[:1])
        said = any("recall and AP are 0 there" in line for line in result.attention)
        assert said == (result.per_class()["AP"].tolist()[1] == 0)
        assert said == (not crowd)

    @pytest.mark.parametrize(
        ("value", "crowd"),
        [
            (..., False),
            (None, False),
            (False, False),
            (0, False),
            (0.0, False),
            (True, True),
            (1, True),
            (1.0, True),
        ],
    )
    def test_is_read_as_meant(self, tmp_path, value, crowd):
        truth = builders.document()
        truth["annotations"][0] = annotation(1, iscrowd=value)
        result = evaluate(tmp_path, truth, builders.detections()[1:])
        assert result.ground_truth.crowd.tolist() == [crowd, False]
        assert result.counts["crowds"] == crowd
        assert result.summary["AP"] == (ONE if crowd else HALF)  # a crowd is never missed

    @pytest.mark.parametrize("value", [Raw("NaN"), Raw("Infinity"), Raw("1e400")])
    def test_is_refused_where_it_is_no_number(self, tmp_path, value):
        truth = changed(builders.document(), ("annotations", 0, "iscrowd"), value)
        with pytest.raises(dm.FormatError, match=r"annotations\[0\]\.iscrowd: expected"):
            evaluate(tmp_path, truth)


class TestIgnore:
    """COCO's rules overwrite ``ignore`` with ``iscrowd``, and a warning says so."""

    truth = changed(builders.document(), ("annotations", 0, "ignore"), 1)
    found = builders.detections()[1:]  # the ignored cat is missed

    def test_as_pycocotools_with_a_warning(self, tmp_path):
        with pytest.warns(dm.DetmetricsWarning, match="1 ground truth.* ignore set but"):
            result = evaluate(tmp_path, self.truth, self.found)
        assert result.summary["AP"] == HALF
        assert result.summary["AP"] == builders.pycocotools_ap(self.truth, self.found)
        assert "ignore='honour'" in sentence(result, "ignore set")

    def test_honoured_where_asked(self, tmp_path):
        rules = dm.COCO.replace(ignore="honour")
        result = evaluate(tmp_path, self.truth, self.found, rules=rules)
        assert result.summary["AP"] == ONE
        assert not any("ignore" in said for said in result.attention)
        check = dm.crosscheck(result)
        assert check.agrees, str(check)
        assert "ignore='honour'" in str(check)

    @pytest.mark.parametrize("value", [0, False, None])
    def test_no_warning_where_it_says_no(self, tmp_path, value):
        truth = changed(builders.document(), ("annotations", 0, "ignore"), value)
        said = evaluate(tmp_path, truth, self.found).attention
        assert not any("ignore" in sentence for sentence in said)

    def test_no_warning_where_it_agrees_with_iscrowd(self, tmp_path):
        truth = changed(self.truth, ("annotations", 0, "iscrowd"), 1)
        result = evaluate(tmp_path, truth, self.found)
        assert result.summary["AP"] == ONE
        assert not any("ignore" in said for said in result.attention)


# --- numbers that are none -----------------------------------------------------------------------


class TestUnusableNumbers:
    """NaN and infinite scores and coordinates are errors with file and place."""

    @pytest.mark.parametrize("value", [Raw("NaN"), Raw("Infinity"), Raw("-Infinity"), Raw("1e999")])
    @pytest.mark.parametrize(
        ("path", "place"),
        [((1, "score"), r"\[1\]\.score"), ((1, "bbox", 2), r"\[1\]\.bbox")],
    )
    def test_in_detections(self, tmp_path, value, path, place):
        found = changed(builders.detections(), path, value)
        with pytest.raises(dm.FormatError, match=rf"found\.json: {place}: expected .*finite"):
            evaluate(tmp_path, found=found)

    @pytest.mark.parametrize("value", [Raw("NaN"), Raw("Infinity"), Raw("-1e999")])
    def test_in_ground_truth(self, tmp_path, value):
        truth = changed(builders.document(), ("annotations", 1, "bbox", 0), value)
        with pytest.raises(
            dm.FormatError, match=r"truth\.json: annotations\[1\]\.bbox: expected four finite"
        ):
            evaluate(tmp_path, truth)

    @pytest.mark.parametrize("value", [-1, Raw("Infinity")])
    def test_as_area(self, tmp_path, value):
        truth = changed(builders.document(), ("annotations", 1, "area"), value)
        with pytest.raises(dm.FormatError, match=r"annotations\[1\]\.area: expected "):
            evaluate(tmp_path, truth)

    def test_too_large_for_pixels(self, tmp_path):
        found = changed(builders.detections(), (0, "bbox", 0), 1e16)
        with pytest.raises(dm.FormatError, match=r"\[0\]\.bbox: expected four finite numbers"):
            evaluate(tmp_path, found=found)

    def test_all_are_listed_the_first_ten_and_a_count(self, tmp_path):
        found = [detection(score=Raw("NaN")) for _ in range(25)]
        with pytest.raises(dm.FormatError, match=r"25 faults") as caught:
            evaluate(tmp_path, found=found)
        lines = str(caught.value).splitlines()
        assert len(lines) == 12
        assert lines[1].startswith("  [0].score: ")
        assert lines[-1] == "  ... and 15 more"
        assert (caught.value.count, len(caught.value.faults)) == (25, 10)
        assert caught.value.path == str(tmp_path / "found.json")

    def test_numbers_too_small_to_have_an_area_do_not_disturb(self, tmp_path):
        box = [0, 0, 1e-200, 1e-200]  # w * h is 0, and 0 / 0 no overlap
        truth = changed(builders.document(), ("annotations", 0, "bbox"), box)
        found = changed(builders.detections(), (0, "bbox"), box)
        result = evaluate(tmp_path, truth, found)  # no RuntimeWarning
        assert result.summary["AP"] == HALF
        assert not dm.crosscheck(result).agrees  # there 0 / 0 is a match
        assert any("too small" in line for line in dm.crosscheck(result).known)


class TestOddNumbers:
    """Zero sizes in the ground truth and scores outside [0, 1] are warnings: real data has them."""

    @pytest.mark.parametrize("box", [[5, 5, 0, 10], [5, 5, 10, 0], [5, 5, 0, 0]])
    def test_zero_size_in_ground_truth(self, tmp_path, box):
        truth = changed(builders.document(), ("annotations", 0, "bbox"), box)
        with pytest.warns(dm.DetmetricsWarning, match=r"truth\.json: 1 box.*of zero size"):
            result = evaluate(tmp_path, truth)
        assert "annotations[0].bbox" in sentence(result, "zero size")
        assert result.summary["AP"] == HALF
        assert dm.crosscheck(result).agrees

    def test_zero_size_in_detections_is_a_false_positive(self, tmp_path):
        found = changed(builders.detections(), (0, "bbox"), [0, 0, 0, 10])
        result = evaluate(tmp_path, found=found)
        assert result.summary["AP"] == HALF
        assert dm.crosscheck(result).agrees

    @pytest.mark.parametrize("score", [-0.5, 1.0001, 97, -1e300, 1e300])
    def test_scores_outside_0_to_1(self, tmp_path, score):
        found = changed(builders.detections(), (1, "score"), score)
        with pytest.warns(dm.DetmetricsWarning, match=r"1 scores? outside \[0, 1\].*\[1\]\.score"):
            result = evaluate(tmp_path, found=found)
        assert result.summary["AP"] == ONE
        assert dm.crosscheck(result).agrees

    @pytest.mark.parametrize("score", [0, 1, -0.0, 5e-324])
    def test_scores_at_the_ends_are_in(self, tmp_path, score):
        found = changed(builders.detections(), (1, "score"), score)
        assert evaluate(tmp_path, found=found).attention == ()


class TestNegativeSizes:
    """An error in the ground truth; a warning in detections, since real detectors write them."""

    @pytest.mark.parametrize("box", [[50, 50, -10, 10], [50, 50, 10, -10], [50, 50, -10, -10]])
    def test_in_ground_truth_is_an_error(self, tmp_path, box):
        truth = builders.document()
        truth["annotations"][1] = annotation(2, 2, DOG, bbox=box, area=100)
        with pytest.raises(
            dm.FormatError, match=r"annotations\[1\]\.bbox: expected w and h from 0 up, got \["
        ):
            evaluate(tmp_path, truth)

    @pytest.mark.parametrize("box", [[10, 10, -10, 10], [10, 10, 10, -10], [10, 10, -10, -10]])
    def test_in_detections_is_a_warning_and_equals_pycocotools(self, tmp_path, box):
        found = [*builders.detections(), detection(score=0.95, bbox=box)]
        with pytest.warns(dm.DetmetricsWarning, match="1 box.* of negative width or height"):
            result = evaluate(tmp_path, found=found)
        assert "[2].bbox" in sentence(result, "negative")
        assert result.summary["AP"] == builders.pycocotools_ap(builders.document(), found)
        assert dm.crosscheck(result).agrees

    def test_of_area_zero_or_more_is_a_false_positive(self, tmp_path):
        found = [*builders.detections(), detection(score=0.95, bbox=[10, 10, -10, -10])]
        with pytest.warns(dm.DetmetricsWarning, match="negative"):
            assert evaluate(tmp_path, found=found).summary["AP50"] == pytest.approx(0.75)


# --- what no metric sees -------------------------------------------------------------------------


class TestFalsePositivesWithoutGroundTruth:
    """AP as pycocotools says, and the result reports what AP cannot see."""

    def test_in_a_class_without_ground_truth(self, tmp_path):
        truth = builders.document()
        truth["categories"].append(category(3, "bird"))
        found = [*builders.detections(), *(detection(category_id=3, score=0.99),) * 50]
        result = evaluate(tmp_path, truth, found)
        assert result.summary["AP"] == ONE
        assert result.summary["AP"] == builders.pycocotools_ap(truth, found)
        assert result.counts["detections_in_classes_without_ground_truth"] == 50
        assert result.counts["classes_detected_without_ground_truth"] == 1
        assert "50 detections in 1 class without ground truth" in sentence(result, "no metric")

    def test_on_images_without_ground_truth(self, tmp_path):
        truth = builders.document(images=[image(n) for n in range(1, 6)])
        found = [*builders.detections(), *(detection(n, score=0.1) for n in (3, 3, 3, 4, 4, 5))]
        result = evaluate(tmp_path, truth, found)
        assert result.counts["images_without_ground_truth"] == 3
        assert result.counts["detections_on_images_without_ground_truth"] == 6
        assert "6 detections on the 3 images" in sentence(result, "false positives an image")
        assert "2 false positives an image" in sentence(result, "false positives an image")

    def test_pooled_classes_hide_none(self, tmp_path):
        truth = builders.document()
        truth["categories"].append(category(3, "bird"))
        found = [*builders.detections(), detection(category_id=3, score=0.99, bbox=[70, 70, 5, 5])]
        rules = dm.COCO.replace(class_agnostic=True)
        result = evaluate(tmp_path, truth, found, rules=rules)
        assert result.counts["detections_in_classes_without_ground_truth"] == 0
        assert result.summary["AP50"] < 0.9


class TestEqualScores:
    """Ordered as pycocotools orders them: by image, then as in the file."""

    right, wrong = detection(), detection(bbox=[60, 60, 10, 10])
    other = detection(2, DOG, bbox=[0, 0, 50, 50])

    @pytest.mark.parametrize(
        ("found", "ap"),
        [
            ([wrong, right, other], pytest.approx(0.75)),
            ([right, wrong, other], ONE),
        ],
    )
    def test_in_one_image_as_in_the_file(self, tmp_path, found, ap):
        result = evaluate(tmp_path, found=found)
        assert result.summary["AP"] == ap
        assert result.summary["AP"] == builders.pycocotools_ap(builders.document(), found)

    def test_across_images_by_image(self, tmp_path):
        wrong = detection(2)  # a cat on image 2, where there is none
        for found in ([wrong, self.right, self.other], [self.right, wrong, self.other]):
            result = evaluate(tmp_path, found=found)
            assert result.summary["AP"] == ONE
            assert result.summary["AP"] == builders.pycocotools_ap(builders.document(), found)


class TestExactDuplicates:
    """One image's detections twice (a distributed sampler's padding) are counted and reported."""

    def test_are_counted_and_lower_ap(self, tmp_path):
        truth = builders.document(
            annotations=[annotation(n + 1, bbox=[20 * n, 0, 10, 10]) for n in range(4)]
        )
        found = [detection(score=0.9 - n / 10, bbox=[20 * n, 0, 10, 10]) for n in range(4)]
        once = evaluate(tmp_path, truth, found)
        twice = evaluate(tmp_path, truth, found + found)
        assert once.counts["duplicate_detections"] == 0
        assert twice.counts["duplicate_detections"] == 4
        assert "4 detections repeat another one exactly" in sentence(twice, "repeat")
        assert twice.summary["AP"] < once.summary["AP"]
        assert twice.summary["AP"] == builders.pycocotools_ap(truth, found + found)

    @pytest.mark.parametrize(
        "other",
        [
            detection(score=0.8),
            detection(2),
            detection(category_id=DOG),
            detection(bbox=[0, 0, 10, 11]),
        ],
    )
    def test_what_differs_in_anything_is_none(self, tmp_path, other):
        result = evaluate(tmp_path, found=[detection(), other])
        assert result.counts["duplicate_detections"] == 0

    def test_other_shapes_of_the_same_box_are_none(self):
        square = [[0, 0], [9, 0], [9, 9], [0, 9]]
        corner = [[0, 0], [9, 0], [9, 9], [9, 9]]
        columns = {"categories": ["cat"] * 3, "catalog": None}
        truth = dm.GroundTruth.from_arrays(image_ids=[1] * 3, boxes=[[0, 0, 9, 9]] * 3, **columns)
        columns["catalog"] = truth.catalog
        left = [[0, 3], [3, 0], [9, 6], [6, 9]]  # turned the other way: of the same hull and area
        right = [[0, 6], [6, 0], [9, 3], [3, 9]]
        for shapes, twice in (
            ([square, square, corner], 1),
            ([square, corner, corner], 1),
            ([left, right, left], 1),
            ([left, left, left], 2),
        ):
            found = dm.Detections.from_arrays(
                image_ids=[1] * 3,
                scores=[0.5] * 3,
                shapes=Polygons.from_corners(np.array(shapes, float)),
                **columns,
            )
            oriented = dm.evaluate(truth, found, shape="oriented")
            assert oriented.counts["duplicate_detections"] == twice
            assert dm.evaluate(truth, found, shape="box").counts["duplicate_detections"] == 2

    def test_three_of_a_kind_are_two_too_many(self, tmp_path):
        result = evaluate(tmp_path, found=[detection(), detection(2), detection(), detection()])
        assert result.counts["duplicate_detections"] == 2


# --- ids of other kinds --------------------------------------------------------------------------


def named(*ids, names=None):
    """A ground truth of a cat on each of these images."""
    return builders.document(
        images=[image(n, name) for n, name in zip(ids, names or map(str, ids), strict=True)],
        annotations=[annotation(row + 1, number) for row, number in enumerate(ids)],
    )


class TestIdsOfOtherKinds:
    """Text ids are ids; another reading is taken only where every id agrees, and is reported."""

    def test_text_ids(self, tmp_path):
        truth = named("a", "b/c", "ü")
        result = evaluate(tmp_path, truth, [detection(n) for n in ("a", "b/c", "ü")])
        assert result.summary["AP"] == ONE
        assert result.attention == ()
        assert result.matches()["image_id"].tolist() == ["a", "b/c", "ü"]

    @pytest.mark.parametrize(
        ("known", "asked"),
        [
            (("000012", "000007"), (12, 7)),
            ((12, 7), ("000012", "000007")),
            ((12, 7), ("12", "7")),
            (("000012", "000007"), ("12", "7")),
        ],
    )
    def test_numbers_as_text_where_all_agree(self, tmp_path, known, asked):
        truth = named(*known, names=["x.jpg", "y.jpg"])
        result = evaluate(tmp_path, truth, [detection(n) for n in asked])
        assert result.summary["AP"] == ONE
        assert "images were paired by the number" in sentence(result, "number")

    def test_the_note_on_text_and_text_does_not_speak_of_integers(self, tmp_path):
        truth = named("000012", "000007", names=["x.jpg", "y.jpg"])
        result = evaluate(tmp_path, truth, [detection("12"), detection("7")])
        assert "integers" not in sentence(result, "number")

    def test_numbers_as_text_where_not_all_agree(self, tmp_path):
        truth = named(12, 7, names=["x.jpg", "y.jpg"])
        with pytest.raises(dm.UnknownIdError, match=r"1 of 2 would be paired by the number"):
            evaluate(tmp_path, truth, [detection("000012"), detection("8")])

    def test_no_number_where_two_ids_spell_the_same(self, tmp_path):
        truth = named("12", "012", names=["x.jpg", "y.jpg"])
        with pytest.raises(dm.AmbiguousIdError, match="2 detections of 2"):
            evaluate(tmp_path, truth, [detection(12), detection(12)])

    def test_whole_floats_are_the_numbers(self, tmp_path):
        found = [detection(1.0, 1.0), detection(2.0, 2.0, bbox=[0, 0, 50, 50])]
        result = evaluate(tmp_path, found=found)
        assert result.summary["AP"] == ONE
        assert result.attention == ()

    def test_whole_floats_in_the_ground_truth(self, tmp_path):
        truth = builders.document(images=[image(1.0), image(2.0)])
        assert evaluate(tmp_path, truth).summary["AP"] == ONE

    def test_other_floats_are_no_ids(self, tmp_path):
        found = changed(builders.detections(), (1, "image_id"), 2.5)
        with pytest.raises(dm.FormatError, match=r"\[1\]\.image_id: expected .* got 2\.5"):
            evaluate(tmp_path, found=found)

    @pytest.mark.parametrize("asked", [("one", "two"), ("one.png", "two.png")])
    def test_file_names_and_stems_where_all_agree(self, tmp_path, asked):
        truth = named(1, 2, names=["one.png", "two.png"])
        result = evaluate(tmp_path, truth, [detection(n) for n in asked])
        assert result.summary["AP"] == ONE
        assert "images were paired by file" in sentence(result, "not by id")

    def test_file_stems_where_only_some_agree(self, tmp_path):
        truth = named(1, 2, names=["one.png", "two.png"])
        with pytest.raises(dm.UnknownIdError) as caught:
            evaluate(tmp_path, truth, [detection("one"), detection("two"), detection("three")])
        assert "2 of 3 would be paired by file stem" in str(caught.value)
        assert "3 detections of 3 name 3 images" in str(caught.value)

    def test_stems_of_two_folders_do_not_serve(self, tmp_path):
        truth = named(1, 2, names=["a/one.png", "b/one.png"])
        with pytest.raises(dm.AmbiguousIdError, match=r"may be a/one\.png or b/one\.png"):
            evaluate(tmp_path, truth, [detection("one")])

    def test_text_and_numbers_may_stand_side_by_side(self, tmp_path):
        truth = named("1", 1, names=["x.jpg", "y.jpg"])
        result = evaluate(tmp_path, truth, [detection("1"), detection(1)])
        assert result.summary["AP"] == ONE
        assert result.ground_truth.catalog.image_ids.tolist() == [1, "1"]

    @pytest.mark.parametrize("number", [-5, 2**53 + 1, 2**63 - 1, -(2**63)])
    def test_large_and_negative_numbers_keep_every_digit(self, tmp_path, number):
        truth = named(number, 3)
        result = evaluate(tmp_path, truth, [detection(number), detection(3)])
        assert result.summary["AP"] == ONE
        assert number in result.matches()["image_id"].tolist()


class TestClassesOfOneName:
    """Classes may share a name; every view keeps them apart."""

    @pytest.mark.parametrize(
        "names", [("cat", "cat", "dog"), ("cat", "cat", "cat (id 1)"), ("2", None, "x")]
    )
    def test_labels_differ(self, tmp_path, names):
        truth = builders.document(
            categories=[{"id": n, "name": name} for n, name in enumerate(names, start=1)]
        )
        result = evaluate(tmp_path, truth)
        assert len(set(result.class_names)) == 3
        assert len(result.to_dict()["per_class"]) == 3


def test_duplicate_annotation_ids_count_twice(tmp_path):
    truth = builders.document(annotations=[annotation(1), annotation(1, bbox=[60, 60, 10, 10])])
    found = [detection(), detection(bbox=[60, 60, 10, 10])]
    result = evaluate(tmp_path, truth, found)
    assert result.summary["AP"] == ONE
    assert len(result.ground_truth) == 2


def test_order_of_images_and_detections_in_the_files_does_not_matter(tmp_path):
    rng = np.random.default_rng(5)
    truth, found = builders.document(), []
    truth["images"] = [image(n) for n in range(20)]
    truth["annotations"] = [
        annotation(n + 1, n % 20, n % 2 + 1, bbox=[7 * n, 0, 10, 12]) for n in range(60)
    ]
    found = [
        detection(n % 20, n % 2 + 1, 0.01 + n / 80, bbox=[7 * n + n % 5, 1, 10, 12])
        for n in range(70)
    ]
    first = evaluate(tmp_path, truth, found)
    for part in (truth["images"], truth["annotations"], truth["categories"], found):
        rng.shuffle(part)
    builders.same_cells(first, evaluate(tmp_path, truth, found))


class TestInShort:
    """What is printed of a result fits a line."""

    def test_a_result_and_its_tables(self):
        result = dm.evaluate("fixtures/ground_truth.json", "fixtures/detections.json")
        assert repr(result) == (
            "<Evaluation coco: AP 0.3635, AP50 0.5708, AP75 0.3578; 24 images, 106 objects, "
            "136 detections>"
        )
        found = "<Detections fixtures/detections.json: 136 boxes, 24 images>"
        assert repr(result.detections) == found
        assert len(repr(result.matching)) < 100

    def test_next_to_nothing_says_where_to_look(self):
        truth = dm.read_ground_truth("fixtures/ground_truth.json")
        found = dm.read_detections("fixtures/detections.json", truth)
        away = dataclasses.replace(found, boxes=found.boxes + 5_000)
        hint = "AP is next to nothing: "
        assert dm.evaluate(truth, away).attention[-1].startswith(hint)
        assert not any(text.startswith(hint) for text in dm.evaluate(truth, found).attention)


def test_a_summary_is_a_mapping_of_any_keys():
    summary = dm.evaluate("fixtures/ground_truth.json", "fixtures/detections.json").summary
    assert None not in summary
    assert 5 not in summary
    assert summary.get(0) is None
    assert summary.get("mAP", 7) == 7
    with pytest.raises(KeyError, match="no metric 5 under these rules"):
        summary[5]
