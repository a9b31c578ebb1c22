"""What rules ask of tables, what they say of them, and what they refuse."""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import product

import numpy as np
import pytest
import scenes
from setting_scenes import SCENES
from setting_scenes.scene import BASE, WHOLE, Detected, Object, Scene

import detmetrics as dm
from detmetrics.overlap import SHAPES

pytestmark = pytest.mark.filterwarnings("ignore::detmetrics.DetmetricsWarning")


@pytest.fixture
def shares(tmp_path) -> tuple[dm.GroundTruth, dm.Detections]:
    """Boxes as shares of images of unknown size: on each of two objects its detection."""
    truth = dm.read_ground_truth(scenes.openimages_truth(tmp_path))
    found = scenes.openimages_found(tmp_path)
    return truth, dm.read_detections(found, truth, unknown_images="drop")


class TestSharesOfImages:
    """Ranges in pixels are undefined where image sizes are unknown, and ranges in shares are not;
    ranges in shares are undefined of pixels."""

    @pytest.mark.parametrize("kind", ["area", "height", "aspect", "share", "x", "y", "border"])
    def test_in_a_range_beside_all(self, shares, kind):
        rules = dm.COCO.replace(area_ranges=[dm.AreaRange("x", 0, 1, kind)])
        summary = dm.evaluate(*shares, rules).summary
        known = kind in ("share", "x", "y", "border")
        assert math.isnan(summary["AP_x"]) is not known
        said = summary.undefined.get("AP_x")
        assert said == (None if known else "image sizes are unknown, so no area in px² is")
        assert summary["AP"] > 0

    @pytest.mark.parametrize(
        ("everything", "known"),
        [
            (dm.AreaRange("all", 0, 1, "share"), True),
            (dm.AreaRange("all", 0, 1e10, "area"), True),  # everything, whatever it is of
            (dm.AreaRange("all", 0, 1e9, "area"), False),
            (dm.AreaRange("all", 0, 1e10, "height"), False),
        ],
    )
    def test_in_the_range_of_all(self, shares, everything, known):
        rules = dm.COCO.replace(area_ranges=[everything, dm.AreaRange("x", 0, 1, "share")])
        summary = dm.evaluate(*shares, rules).summary
        assert math.isnan(summary["AP"]) is not known
        assert summary["AP_x"] > 0

    def test_are_refused_where_a_pixel_is_added(self, shares):
        with pytest.raises(dm.RulesError, match="add a pixel to width and height, and boxes are"):
            dm.evaluate(*shares, dm.COCO.replace(pixel=1))

    def test_are_refused_where_boxes_are_clipped(self, shares):
        with pytest.raises(dm.RulesError, match="clip boxes to their images in pixels, and boxes"):
            dm.evaluate(*shares, dm.COCO.replace(clip=True))

    @pytest.mark.parametrize("kind", ["share", "x", "y", "border"])
    def test_pixels_are_none_on_images_of_unknown_size(self, kind):
        truth = dm.GroundTruth.from_arrays(image_ids=[1], categories=[1], boxes=[[0, 0, 9, 9]])
        found = dm.Detections.from_arrays(
            image_ids=[1], categories=[1], boxes=[[0, 0, 9, 9]], scores=[1], catalog=truth.catalog
        )
        rules = dm.COCO.replace(area_ranges=[dm.AreaRange("x", 0, 1, kind)])
        summary = dm.evaluate(truth, found, rules).summary
        assert math.isnan(summary["AP_x"])
        assert summary["AP"] > 0


class TestAttributes:
    """A range that asks for an attribute needs it of each object, unless that is ignored anyway."""

    RULES = dm.COCO.replace(
        ignore="honour",
        area_ranges=[dm.AreaRange("seen", 0, 1e10, "area", (("visibility", 0, 1),))],
    )

    @staticmethod
    def evaluate(visibility: list[float], ignore: list[bool]) -> dm.Evaluation:
        truth = dm.GroundTruth.from_arrays(
            image_ids=[1, 1],
            categories=[1, 1],
            boxes=[[0, 0, 9, 9], [20, 0, 9, 9]],
            attributes={"visibility": visibility},
            ignore=ignore,
        )
        nothing = dm.Detections.from_arrays(
            image_ids=[], categories=[], boxes=[], scores=[], catalog=truth.catalog
        )
        return dm.evaluate(truth, nothing, TestAttributes.RULES)

    def test_unknown_in_a_range_beside_all(self):
        with pytest.raises(
            dm.RulesError, match="need the visibility of each object, unknown of 1 "
        ):
            self.evaluate([1.0, np.nan], [False, False])

    def test_unknown_of_what_is_ignored(self):
        assert self.evaluate([1.0, np.nan], [False, True]).curves.positives.tolist() == [[1, 1]]


class TestShape:
    """Rules of a shape measure it, whatever else the tables could be measured by."""

    @pytest.mark.parametrize("shape", [name for name in SHAPES if name != "box"])
    def test_is_that_of_the_rules_unless_they_are_of_boxes(self, shape):
        scene = next(s for s in SCENES if s.setting == "shape" and shape in s.expected and s.size)
        rules = scene.rules_with(shape)
        result = dm.evaluate(*scene.tables(), rules)
        assert result.rules == rules
        assert scene.seen(result) == scene.outcome(shape)

    def test_is_that_of_the_tables_where_rules_are_of_boxes(self):
        scene = next(s for s in SCENES if s.setting == "shape")
        assert dm.evaluate(*scene.tables(), scene.rules).rules.shape == "oriented"

    @pytest.mark.parametrize(
        ("scene", "first", "then"),
        [
            (scene, *choices)
            for scene in SCENES
            if scene.setting in ("shape", "detection_area")
            for choices in product(scene.expected, repeat=2)
            if "box" in choices
        ],
    )
    def test_of_a_result_s_own_tables_is_measured_anew(self, scene, first, then):
        """As of the tables that it was measured on, whatever the rules were then."""
        before = scene.evaluated(first)
        rules = scene.rules_with(then)
        tables = before.ground_truth, before.detections
        assert scene.seen(dm.evaluate(*tables, rules, shape=rules.shape)) == scene.outcome(then)


class TestUndefined:
    """A metric without a number has a reason."""

    NOTHING = Scene(setting="crowd", what="", objects=[], found=[], expected={}, known=[])
    SMALL = (Object(WHOLE),)

    def reasons(self, objects=(), **changes) -> dict[str, str]:
        scene = replace(self.NOTHING, objects=objects)
        return dict(dm.evaluate(*scene.tables(), BASE.replace(**changes)).summary.undefined)

    def test_without_ground_truth(self):
        assert self.reasons() == {"AP": "no ground truth"}
        assert self.reasons(metrics="olrp")["oLRP"] == "no ground truth"
        assert self.reasons(self.SMALL) == {}

    def test_without_any_in_a_range(self):
        ranges = {"metrics": "ap_area", "area_ranges": [("x", 101, 200), ("y", 0, 100)]}
        said = {"AP_x": "no ground truth in range x (101 to 200 px²)"}
        assert self.reasons(self.SMALL, **ranges) == said

    def test_without_any_of_a_frequency(self):
        assert self.reasons(self.SMALL, metrics="ap_frequency") == {
            "APc": "no ground truth in classes that are common",
            "APf": "no ground truth in classes that are frequent",
        }

    def test_where_nothing_is_found(self):
        said = self.reasons(self.SMALL, metrics="olrp")
        assert said == dict.fromkeys(("oLRP_Loc", "oLRP_FP", "oLRP_confidence"), "nothing is found")


class TestFederated:
    """Rules that know which classes were looked for are about classes."""

    SCENE = next(s for s in SCENES if s.setting == "federated")

    def test_pooled_classes_are_refused(self):
        rules = self.SCENE.rules.replace(federated=True, class_agnostic=True)
        with pytest.raises(dm.RulesError, match="are about classes and cannot pool them"):
            dm.evaluate(*self.SCENE.tables(), rules)
        assert dm.evaluate(*self.SCENE.tables(), rules.replace(federated=False)).summary["AP"] > 0


class TestWords:
    """What becomes of special objects is said, and why a detection does not count."""

    OBJECTS = (
        Object(WHOLE, difficult=True),
        Object(WHOLE, difficult=True),
        Object(WHOLE, crowd=True),
        Object(WHOLE),
    )

    def notes(self, objects=OBJECTS, **changes) -> str:
        scene = Scene(setting="crowd", what="", objects=objects, found=[], expected={})
        return "\n".join(dm.evaluate(*scene.tables(), dm.COCO.replace(**changes)).notes)

    @pytest.mark.parametrize(
        ("choice", "said"),
        [
            ("crowd", "2 difficult objects count as crowds"),
            ("ignore", "2 difficult objects are ignored"),
            ("count", "2 difficult objects count like any others"),
            ("drop", "2 difficult objects are left out"),
        ],
    )
    def test_of_difficult_objects(self, choice, said):
        assert said in self.notes(difficult=choice)

    @pytest.mark.parametrize("choice", ["crowd", "ignore", "count", "drop"])
    def test_of_none_that_would_be_set_aside(self, choice):
        said = "marks no object as difficult" in self.notes([Object(WHOLE)], difficult=choice)
        assert said is (choice in ("ignore", "drop"))

    @pytest.mark.parametrize(
        ("choice", "said"),
        [
            ("absorb", None),
            ("ignore", "1 crowd is ignored, as coco knows no crowds"),
            ("count", "1 crowd counts like any other, as coco knows no crowds"),
            ("drop", "1 crowd is left out, as coco knows no crowds"),
            ("group", None),
        ],
    )
    def test_of_crowds(self, choice, said):
        notes = self.notes(crowd=choice)
        assert "knows no crowds" not in notes if said is None else said in notes

    @pytest.mark.parametrize("choice", ["overwrite", "honour", "region"])
    def test_of_ignored_objects_that_count(self, choice):
        said = "1 ground truths have ignore set" in self.notes(
            [Object(WHOLE, ignore=True)], ignore=choice
        )
        assert said is (choice == "overwrite")

    @pytest.mark.parametrize("pixel", [0, 1])
    def test_of_a_pixel(self, pixel):
        said = "add a pixel to width and height where they measure overlap" in self.notes(
            pixel=pixel
        )
        assert said is (pixel == 1)

    @pytest.mark.parametrize(
        ("changes", "reason"),
        [
            ({"min_score": 0.5}, "its score is not above 0.5"),
            ({"image_limit": 1}, "beyond the limit of 1 detections an image"),
            ({"class_limit": 1}, "beyond the limit of 1 detections a class"),
            ({"max_detections": 1}, "beyond the limit of 1 detections an image and class"),
            (
                {"min_score": 0.5, "image_limit": 3, "class_limit": 2, "max_detections": 1},
                (
                    "its score is not above 0.5, or beyond the limit of 3 detections an image, "
                    "or beyond the limit of 2 detections a class, "
                    "or beyond the limit of 1 detections an image and class"
                ),
            ),
        ],
    )
    def test_of_a_detection_that_does_not_count(self, changes, reason):
        found = [Detected(0.9, WHOLE), Detected(0.5, WHOLE)]
        scene = Scene(setting="crowd", what="", objects=[Object(WHOLE)], found=found, expected={})
        rules = dm.COCO.replace(**{"max_detections": float("inf"), **changes})
        table = dm.evaluate(*scene.tables(), rules).matches()
        assert [*table["verdict"]] == ["true positive", "ignored"]
        assert table["reason"][1] == reason


@pytest.mark.parametrize("digits", [400, 5000])
@pytest.mark.parametrize(
    ("setting", "of", "message"),
    [
        ("iou_thresholds", lambda huge: (0.5, huge), "expected at least one finite number"),
        ("recall_points", lambda huge: (0, huge), "expected at least one finite number"),
        ("min_score", lambda huge: -huge, "expected at least one finite number"),
        ("range_slack", lambda huge: huge, "expected at least one finite number"),
        ("area_ranges", lambda huge: [("low", 9, huge)], "expected 0 <= low <= high"),
        ("class_rules", lambda huge: [("Car", huge)], "Car: expected 0 < iou <= 1, got inf"),
    ],
)
def test_whole_numbers_that_no_float_holds(setting, of, message, digits):
    with pytest.raises(dm.RulesError, match=f"^{setting}: ({message})"):
        dm.COCO.replace(**{setting: of(10**digits)})
