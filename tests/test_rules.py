"""Rules are values: checked when made, named by a signature, changed by replacing."""

from __future__ import annotations

import dataclasses
import math
import pickle

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

import detmetrics as dm
from detmetrics.rules.setting_table import SETTINGS

COCO = dm.COCO
RANGES = COCO.area_ranges


def signature(**changes) -> str:
    """The signature without the version."""
    text, _, version = COCO.replace(**changes).signature.rpartition("|")
    assert version == f"detmetrics:{dm.__version__}"
    return text


class TestCoco:
    """The settings of the challenge, bit for bit those of pycocotools."""

    def test_thresholds(self):
        assert COCO.iou_thresholds == tuple(np.linspace(0.5, 0.95, 10))
        assert COCO.recall_points == tuple(np.linspace(0, 1, 101))

    def test_equals_the_parameters_of_pycocotools(self):
        from pycocotools.cocoeval import Params

        theirs = Params("bbox")
        assert list(COCO.iou_thresholds) == theirs.iouThrs.tolist()
        assert list(COCO.recall_points) == theirs.recThrs.tolist()
        assert list(COCO.max_detections) == theirs.maxDets
        assert [area.name for area in RANGES] == theirs.areaRngLbl
        assert [[area.low, area.high] for area in RANGES] == theirs.areaRng

    def test_signature(self):
        assert signature() == "coco|iou:.50:.05:.95|recall:101|dets:1,10,100"

    def test_largest_limit(self):
        assert COCO.max_limit == 100
        assert COCO.replace(max_detections=(300, 5)).max_limit == 300


class TestSignature:
    """Everything that decides a number, on one line."""

    @pytest.mark.parametrize(
        ("changes", "part"),
        [
            ({"name": "mine"}, "mine|iou"),
            ({"iou_thresholds": (0.5,)}, "|iou:.5|"),
            ({"iou_thresholds": (0.5, 0.75)}, "|iou:.5,.75|"),
            ({"iou_thresholds": (0.5, 0.6, 0.9)}, "|iou:.5,.6,.9|"),
            ({"iou_thresholds": 1 / 3}, "|iou:.333333333333"),
            ({"iou_thresholds": (1.0,)}, "|iou:1|"),
            ({"recall_points": np.linspace(0, 1, 11)}, "|recall:11|"),
            ({"recall_points": (0.5, 1)}, "|recall:.5,1|"),
            ({"max_detections": (300,)}, "|dets:300"),
            ({"max_detections": (100, 1)}, "|dets:1,100"),
            ({"area_ranges": ()}, "|areas:"),
            ({"area_ranges": {"tiny": (0, 256)}}, "|areas:tiny=0-256"),
            ({"area_ranges": {"all": (0, 500)}}, "|areas:all=0-500"),
            ({"class_agnostic": True}, "|class-agnostic"),
            ({"ignore": "honour"}, "|ignore:honour"),
            ({"ignore": "region"}, "|ignore:region"),
            ({"recall_points": np.linspace(0, 1, 11)[1:]}, "|recall:.1,.2,.30000000000000004,"),
            ({"interpolation": "every"}, "|recall:every|"),
            ({"interpolation": "trapezoid"}, "|recall:trapezoid|"),
            ({"interpolation": "linear"}, "|recall:101-linear|"),
            ({"interpolation": "slope"}, "|recall:101-slope|"),
            ({"max_detections": (math.inf,)}, "|dets:all"),
            ({"max_detections": (math.inf, 5)}, "|dets:5,all"),
            ({"area_ranges": [("x", 0, 25, "height")]}, "|areas:x=0-25-height"),
            ({"area_ranges": [("x", 0, 0.1, "share")]}, "|areas:x=0-.1-share"),
            ({"area_ranges": [("all", -math.inf, math.inf)]}, "|areas:any"),
            ({"crowd": "ignore"}, "|crowd:ignore"),
            ({"crowd": "group", "group_weight": 1}, "|crowd:group|group-weight:1"),
            ({"difficult": "drop"}, "|difficult:drop"),
            ({"min_score": 0.001}, "|min-score:.001"),
            ({"min_score": 0}, "|min-score:0"),
            ({"image_limit": 300}, "|image-limit:300"),
            ({"class_limit": 7}, "|class-limit:7"),
            ({"ties": "file"}, "|ties:file"),
            ({"pixel": 1}, "|pixel:1"),
            ({"arithmetic": "float32"}, "|arithmetic:float32"),
            ({"box_decimals": 0}, "|box-decimals:0"),
            ({"score_decimals": 5}, "|score-decimals:5"),
            ({"strict": True}, "|strict"),
            ({"assignment": "nearest"}, "|assignment:nearest"),
            ({"equal_overlaps": "first"}, "|equal:first"),
            ({"classes": "all"}, "|classes:all"),
            ({"assignment": "truths"}, "|assignment:truths"),
            ({"low_end": "outside"}, "|low-end:outside"),
            ({"interpolation": "cuts", "recall_points": (0, 0.5, 1)}, "|recall:3-cuts|"),
            (
                {"class_rules": [("a bus", 0.7, ("van",)), ("x", 0.5)], "iou_thresholds": 0.5},
                "|class-iou:a%20bus=.7+van,x=.5",
            ),
        ],
    )
    def test_shows_each_setting(self, changes, part):
        assert part in signature(**changes)
        assert signature(**changes) != signature()

    def test_knows_every_setting(self):
        in_front = {"name", "iou_thresholds", "recall_points", "max_detections", "area_ranges"}
        unsigned = {name for name, described in SETTINGS.items() if not described.signed}
        assert unsigned == in_front | {"class_rules", "interpolation", "metrics"}

    def test_has_no_space_or_line(self):
        rules = COCO.replace(area_ranges={"tiny": (0, 0.5)}, iou_thresholds=(0.5, 0.55, 0.7))
        assert rules.signature.split() == [rules.signature]

    @pytest.mark.parametrize(
        ("one", "other"),
        [
            ((0.5, 0.6, 0.7), (0.5, 0.6, 0.7 + 1e-9)),
            ((0.5,), (0.5 + 1e-9,)),
            ((0.1, 0.2, 0.3), (0.1, 0.2, 0.1 + 0.2)),
            (tuple(np.linspace(0.5, 0.95, 10)), tuple(np.arange(0.5, 1.0, 0.05))),
        ],
    )
    def test_differs_where_thresholds_do(self, one, other):
        assert one != other
        assert signature(iou_thresholds=one) != signature(iou_thresholds=other)

    @pytest.mark.parametrize(
        ("one", "other"), [((0, 1024), (0, 1024.0001)), ((0, 1e10), (0, 1e10 + 1))]
    )
    def test_differs_where_ranges_do(self, one, other):
        assert signature(area_ranges={"x": one}) != signature(area_ranges={"x": other})

    @given(
        st.lists(st.floats(0.01, 0.99), min_size=1, max_size=4, unique=True).map(sorted),
        st.integers(0, 3),
        st.sampled_from([1, 3, 1000]),
    )
    def test_differs_where_one_threshold_differs_by_a_hair(self, thresholds, index, hairs):
        index %= len(thresholds)
        moved = list(thresholds)
        for _ in range(hairs):
            moved[index] = math.nextafter(moved[index], 1)
        assume(sorted(set(moved)) == moved)
        assert signature(iou_thresholds=thresholds) != signature(iou_thresholds=moved)


class TestReplace:
    """A changed copy, checked again; the original stays."""

    def test_leaves_the_original(self):
        changed = COCO.replace(max_detections=(5,))
        assert changed.max_detections == (5,)
        assert COCO.max_detections == (1, 10, 100)
        assert changed != COCO

    def test_of_nothing_is_equal(self):
        assert COCO.replace() == COCO
        assert hash(COCO.replace()) == hash(COCO)

    def test_rules_are_frozen(self):
        with pytest.raises(dataclasses.FrozenInstanceError):
            COCO.name = "other"

    def test_rules_survive_pickling(self):
        rules = COCO.replace(class_agnostic=True, area_ranges={"tiny": (0, 9)})
        assert pickle.loads(pickle.dumps(rules)) == rules

    @pytest.mark.parametrize(
        "values", [(0.5, 0.75), [0.5, 0.75], np.array([0.5, 0.75]), (np.float64(0.5), 0.75)]
    )
    def test_takes_any_sequence(self, values):
        rules = COCO.replace(iou_thresholds=values)
        assert rules.iou_thresholds == (0.5, 0.75)
        assert all(type(value) is float for value in rules.iou_thresholds)

    @pytest.mark.parametrize("values", [7, [7], (7,), np.array([7]), np.int32(7)])
    def test_takes_any_whole_numbers(self, values):
        rules = COCO.replace(max_detections=values)
        assert rules.max_detections == (7,)
        assert type(rules.max_detections[0]) is int

    def test_a_single_threshold(self):
        assert COCO.replace(iou_thresholds=0.5).iou_thresholds == (0.5,)

    @pytest.mark.parametrize(
        "ranges",
        [
            {"tiny": (0, 9)},
            [("tiny", 0, 9)],
            (dm.AreaRange("tiny", 0, 9),),
            [("all", 0, 1e10), ("tiny", 0, 9)],
            [("tiny", 0, 9), ("all", 0, 1e10)],
        ],
    )
    def test_all_areas_come_first(self, ranges):
        assert COCO.replace(area_ranges=ranges).area_ranges == (
            dm.AreaRange("all", 0.0, 1e10),
            dm.AreaRange("tiny", 0.0, 9.0),
        )

    def test_a_range_may_be_a_point(self):
        assert COCO.replace(area_ranges={"x": (4, 4)}).area_index("x") == 1

    def test_the_range_of_everything_stays_as_it_was(self):
        changed = dm.VOC2012.replace(area_ranges={"tiny": (0, 9)})
        assert changed.area_ranges == (*dm.VOC2012.area_ranges, dm.AreaRange("tiny", 0.0, 9.0))
        assert dm.VOC2012.replace(area_ranges=RANGES).area_ranges == RANGES

    def test_metrics_stand_in_the_order_of_reports(self):
        assert COCO.replace(metrics=["ar", "ap", "ar"]).metrics == ("ap", "ar")

    @pytest.mark.parametrize(
        ("area", "words"),
        [
            (dm.AreaRange("x", 0, 9), "0 to 9 px²"),
            (dm.AreaRange("x", 9216, 1e10), "from 9216 px²"),
            (dm.AreaRange("x", 25, 50, "height"), "25 to 50 px high"),
            (dm.AreaRange("x", 0, 0.5, "share"), "0 to 0.5 of the image"),
            (dm.AreaRange("x", -math.inf, math.inf), "any size"),
        ],
    )
    def test_ranges_in_words(self, area, words):
        assert area.words == words


class TestErrors:
    """Settings that are empty, out of range, out of order or double."""

    @pytest.mark.parametrize(
        ("changes", "message"),
        [
            ({"iou_thresholds": ()}, "iou_thresholds: expected at least one finite number"),
            ({"iou_thresholds": (np.nan,)}, "iou_thresholds: expected at least one finite number"),
            ({"iou_thresholds": (np.inf,)}, "iou_thresholds: expected at least one finite number"),
            ({"iou_thresholds": (0.5, 0.5)}, "iou_thresholds: expected ascending numbers"),
            ({"iou_thresholds": (0.7, 0.5)}, "iou_thresholds: expected ascending numbers"),
            ({"iou_thresholds": (0.0,)}, r"iou_thresholds: expected 0 < t <= 1, got \(0\.0,\)"),
            ({"iou_thresholds": (-0.5,)}, "iou_thresholds: expected 0 < t <= 1"),
            ({"iou_thresholds": (0.5, 1.1)}, "iou_thresholds: expected 0 < t <= 1"),
            ({"iou_thresholds": (50, 75)}, "iou_thresholds: expected 0 < t <= 1"),
            ({"iou_thresholds": "half"}, "iou_thresholds: expected numbers, got 'half'"),
            ({"iou_thresholds": None}, "iou_thresholds: expected numbers, got None"),
            ({"iou_thresholds": [[0.5, 0.6]]}, "iou_thresholds: expected numbers"),
            ({"iou_thresholds": [(0.5,), (0.6, 0.7)]}, "iou_thresholds: expected numbers"),
            ({"recall_points": ()}, "recall_points: expected at least one finite number"),
            ({"recall_points": (0.5, 0.1)}, "recall_points: expected ascending numbers"),
            ({"recall_points": (-0.1, 1)}, "recall_points: expected 0 <= r <= 1"),
            ({"recall_points": (0, 1.5)}, "recall_points: expected 0 <= r <= 1"),
            ({"recall_points": "all"}, "recall_points: expected numbers, got 'all'"),
            ({"max_detections": ()}, "max_detections: expected whole numbers from 1"),
            ({"max_detections": (0,)}, "max_detections: expected whole numbers from 1"),
            ({"max_detections": (1, -1)}, "max_detections: expected whole numbers from 1"),
            ({"max_detections": (1.0,)}, "max_detections: expected whole numbers from 1"),
            ({"max_detections": (True,)}, "max_detections: expected whole numbers from 1"),
            ({"max_detections": ("1",)}, "max_detections: expected whole numbers from 1"),
            ({"max_detections": None}, "max_detections: expected whole numbers from 1, or inf"),
            ({"max_detections": (10**30,)}, "max_detections: expected whole numbers from 1"),
            ({"max_detections": [[1, 10]]}, "max_detections: expected whole numbers from 1"),
            ({"max_detections": [(1,), (1, 2)]}, "max_detections: expected whole numbers from 1"),
            ({"max_detections": (1, 1)}, r"max_detections: \(1, 1\) names a limit twice"),
            ({"area_ranges": [("a", 5, 1)]}, "area_ranges: expected 0 <= low <= high"),
            ({"area_ranges": [("a", -5, 1)]}, "area_ranges: expected 0 <= low <= high"),
            ({"area_ranges": [("a", 0, np.inf)]}, "area_ranges: expected 0 <= low <= high"),
            ({"area_ranges": [("a", np.nan, 1)]}, "area_ranges: expected 0 <= low <= high"),
            ({"area_ranges": [("a", 0)]}, r"area_ranges: expected \(name, low, high\)"),
            ({"area_ranges": [("a", "x", "y")]}, r"area_ranges: expected \(name, low, high\)"),
            ({"area_ranges": None}, r"area_ranges: expected \(name, low, high\), got None"),
            ({"area_ranges": {"a": 5}}, r"area_ranges: expected \(name, low, high\)"),
            ({"area_ranges": "small"}, r"area_ranges: expected \(name, low, high\)"),
            ({"area_ranges": [("a", 0, 1)] * 2}, "area_ranges: names must be given and differ"),
            ({"area_ranges": [("", 0, 1)]}, "area_ranges: names must be given and differ"),
            (
                {"ignore": "keep"},
                "ignore: expected one of 'overwrite', 'honour', 'region', got 'keep'",
            ),
            (
                {"difficult": "hard"},
                "difficult: expected one of 'crowd', 'ignore', 'count', 'drop'",
            ),
            ({"ignore": True}, "ignore: expected one of .*, got True"),
            ({"class_agnostic": "no"}, "class_agnostic: expected False or True, got 'no'"),
            ({"iou": 0.5}, "no setting 'iou'; there are area_ranges, arithmetic"),
            ({"strct": True}, r"no setting 'strct' \(do you mean strict\?\)"),
            ({"name": "my rules"}, r"name: expected text without blanks and '\|', got 'my rules'"),
            ({"name": "a|b"}, "name: expected text"),
            ({"name": "a\tb"}, "name: expected text"),
            ({"name": ""}, "name: expected text"),
            ({"name": None}, "name: expected text .*, got None"),
            ({"interpolation": "all"}, "interpolation: expected one of 'points', 'every', "),
            ({"crowd": "take"}, "crowd: expected one of 'absorb', 'ignore', .*, got 'take'"),
            ({"group_weight": 0.5}, "group_weight: expected 0 or 1, got 0.5"),
            ({"group_weight": True}, "group_weight: expected 0 or 1, got True"),
            (
                {"assignment": "best"},
                "assignment: expected one of 'free', 'nearest', .*, got 'best'",
            ),
            ({"equal_overlaps": 1}, "equal_overlaps: expected 'last' or 'first', got 1"),
            ({"strict": 1}, "strict: expected False or True, got 1"),
            ({"pixel": 2}, "pixel: expected 0 or 1, got 2"),
            ({"arithmetic": "float16"}, "arithmetic: expected 'float64' or 'float32'"),
            ({"ties": "score"}, "ties: expected 'image' or 'file', got 'score'"),
            ({"classes": "some"}, "classes: expected one of 'truth', 'detected', 'all'"),
            ({"min_score": "0.5"}, "min_score: expected one number, got '0.5'"),
            ({"min_score": (0.1, 0.2)}, r"min_score: expected one number, got \(0.1, 0.2\)"),
            ({"min_score": math.nan}, "min_score: expected at least one finite number"),
            ({"image_limit": 0}, "image_limit: expected a whole number from 1, got 0"),
            ({"image_limit": math.inf}, "image_limit: expected a whole number from 1, got inf"),
            ({"class_limit": 2.0}, "class_limit: expected a whole number from 1, got 2.0"),
            ({"class_limit": 2**63}, "class_limit: expected a whole number from 1"),
            ({"box_decimals": -1}, "box_decimals: expected a whole number from 0, got -1"),
            ({"score_decimals": True}, "score_decimals: expected a whole number from 0, got True"),
            ({"metrics": ()}, "metrics: expected some of point, ap_range, ap, .*, got none"),
            ({"metrics": "map"}, "metrics: expected some of point, .*, got 'map'"),
            ({"area_ranges": [("a", "0", 1)]}, r"area_ranges: expected \(name, low, high\)"),
            ({"area_ranges": [("a", False, 1)]}, r"area_ranges: expected \(name, low, high\)"),
            (
                {"area_ranges": [("a", 0, 1, "width")]},
                "a: expected one of area, share, height, aspect, x, y, border, got 'width'",
            ),
        ],
    )
    def test_are_refused(self, changes, message):
        with pytest.raises(dm.RulesError, match=message):
            COCO.replace(**changes)

    def test_of_the_infinite_range_says_what_to_write_instead(self):
        with pytest.raises(dm.RulesError, match="1e10"):
            COCO.replace(area_ranges=[("large", 9216, float("inf"))])

    def test_are_refused_in_the_constructor_too(self):
        settings = {field.name: getattr(COCO, field.name) for field in dataclasses.fields(COCO)}
        with pytest.raises(dm.RulesError, match="max_detections"):
            dm.Rules(**settings | {"max_detections": (0,)})

    def test_are_value_errors_and_our_own(self):
        assert issubclass(dm.RulesError, ValueError)
        assert issubclass(dm.RulesError, dm.DetmetricsError)


class TestIndices:
    """Thresholds and ranges are found by value and by name."""

    @pytest.mark.parametrize(
        ("iou", "index"), [(0.5, 0), (0.75, 5), (0.9, 8), (0.95, 9), (0.5 + 8 * 0.05, 8)]
    )
    def test_thresholds_to_nine_decimals(self, iou, index):
        assert COCO.threshold_index(iou) == index

    @pytest.mark.parametrize("iou", [0.0, 0.51, 0.5 + 1e-6, 1.0, float("nan"), float("inf")])
    def test_other_thresholds_are_none(self, iou):
        assert COCO.threshold_index(iou) is None

    def test_ranges(self):
        assert [COCO.area_index(area.name) for area in RANGES] == [0, 1, 2, 3]
        with pytest.raises(dm.RulesError, match="no area range 'huge'; there are all, small, "):
            COCO.area_index("huge")
