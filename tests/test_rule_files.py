"""Rule sets in TOML files: read with all faults, written so that they read back equal."""

from __future__ import annotations

import dataclasses
import math
import tomllib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import detmetrics as dm
from detmetrics.metrics.registry import NAMES as METRIC_GROUPS
from detmetrics.rules.areas import ANY_SIZE
from detmetrics.rules.setting_table import CHOICES
from detmetrics.rules.toml import MOST, read_rules, to_toml

COCO = dm.COCO
SETTINGS = [field.name for field in dataclasses.fields(dm.Rules)]


@pytest.fixture
def file(tmp_path):
    """Write text or bytes, and give the path."""

    def written(content: str | bytes) -> str:
        path = tmp_path / "mine.toml"
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return str(path)

    return written


class TestReading:
    """The settings of the file, the others from the base."""

    def test_of_one_setting_leaves_cocos(self, file):
        assert read_rules(file("pixel = 1")) == COCO.replace(pixel=1)

    @pytest.mark.parametrize("name", list(dm.RULE_SETS))
    def test_of_a_base_alone_is_the_base(self, file, name):
        assert read_rules(file(f'base = "{name.upper()}"')) == dm.RULE_SETS[name]

    def test_of_a_base_and_settings(self, file):
        text = 'base = "voc-2007"\nname = "mine"\nstrict = false\niou_thresholds = 0.4'
        expected = dm.VOC2007.replace(name="mine", strict=False, iou_thresholds=(0.4,))
        assert read_rules(file(text)) == expected

    def test_with_a_byte_order_mark(self, file):
        assert read_rules(file(b"\xef\xbb\xbfpixel = 1")).pixel == 1

    def test_of_a_path_object(self, tmp_path):
        path = tmp_path / "mine"
        path.write_text("pixel = 1")
        assert dm.rule_set(path) == COCO.replace(pixel=1)

    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ("[0.5, 0.75]", (0.5, 0.75)),
            ("0.5", (0.5,)),
            ("1", (1.0,)),
            ("{ start = 0.5, stop = 0.95, count = 10 }", tuple(np.linspace(0.5, 0.95, 10))),
            ("{ start = 0.1, stop = 1, count = 4 }", tuple(np.linspace(0.1, 1, 4))),
            ("{ start = 0.5, stop = 0.9, count = 1 }", (0.5,)),
        ],
    )
    def test_grids(self, file, text, expected):
        assert read_rules(file(f"iou_thresholds = {text}")).iou_thresholds == expected

    @pytest.mark.parametrize("text", ["[inf, 10]", "[10, +inf]"])
    def test_inf_is_no_limit(self, file, text):
        assert read_rules(file(f"max_detections = {text}")).max_detections == (10, math.inf)

    @pytest.mark.parametrize("text", ["inf", '"none"'])
    def test_limits_of_the_base_are_lifted(self, file, text, monkeypatch):
        limited = COCO.replace(name="limited", image_limit=300, min_score=0.1)
        monkeypatch.setattr("detmetrics.rules.by_name.RULE_SETS", {"limited": limited})
        lifted = read_rules(file(f'base = "limited"\nmin_score = "none"\nimage_limit = {text}'))
        assert lifted == COCO.replace(name="limited")

    @pytest.mark.parametrize(
        "text",
        [
            'area_ranges = [["tiny", 0, 9], ["far", 0, 25, "height"]]',
            'area_ranges = { tiny = [0, 9], far = [0, 25, "height"] }',
            '[area_ranges]\ntiny = [0.0, 9]\nfar = { low = 0, high = 25, of = "height" }',
            (
                "[area_ranges.tiny]\nlow = 0\nhigh = 9\n"
                '[area_ranges.far]\nlow = 0\nhigh = 25\nof = "height"'
            ),
            (
                '[[area_ranges]]\nname = "tiny"\nlow = 0\nhigh = 9\n'
                '[[area_ranges]]\nname = "far"\nlow = 0\nhigh = 25\nof = "height"'
            ),
        ],
    )
    @pytest.mark.parametrize("base", ["coco", "voc2012"])
    def test_area_ranges(self, file, base, text):
        rules = read_rules(file(f'base = "{base}"\n{text}'))
        assert rules.area_ranges == (
            dm.RULE_SETS[base].area_ranges[0],
            dm.AreaRange("tiny", 0.0, 9.0),
            dm.AreaRange("far", 0.0, 25.0, "height"),
        )


class TestFaults:
    """Every one names the file, the key, what was expected and what was found."""

    @pytest.mark.parametrize(
        ("text", "message"),
        [
            ("iou_treshold = 0.5", r"no setting 'iou_treshold' \(do you mean iou_thresholds\?\)"),
            ("Pixel = 1", r"no setting 'Pixel' \(do you mean pixel\?\); there are name, iou_thr"),
            ("bases = 'coco'", r"do you mean base\?"),
            ("benchmark = 1", "no setting 'benchmark'; there are name"),
            ("[coco]\npixel = 1", "no setting 'coco'"),
            ("base = 'voc207'", r"base: no rule set 'voc207' \(do you mean voc2007\?\)"),
            ("base = 7", "base: no rule set '7'; there are coco"),
            ("name = 7", "name: expected text without blanks and '|', got 7"),
            ("name = 'my rules'", r"name: expected text without blanks and '\|', got 'my rules'"),
            ("name = ''", "name: expected text"),
            ('name = "a\\nb"', "name: expected text"),
            ("pixel = true", "pixel: expected 0 or 1, got True"),
            ("pixel = 1.0", "pixel: expected 0 or 1, got 1.0"),
            ("strict = 1", "strict: expected False or True, got 1"),
            ("strict = 'yes'", "strict: expected False or True, got 'yes'"),
            ("crowd = 'none'", "crowd: expected one of 'absorb', .*, got 'none'"),
            ("crowd = ['ignore']", "crowd: expected one of"),
            ("pixel = 'none'", "pixel: expected 0 or 1, got 'none'"),
            ("min_score = '0.5'", "min_score: expected one number, got '0.5'"),
            ("min_score = [0.1, 0.2]", "min_score: expected one number"),
            ("min_score = true", "min_score: expected numbers, got True"),
            ("min_score = nan", "min_score: expected at least one finite number"),
            ("image_limit = 0", "image_limit: expected a whole number from 1, got 0"),
            ("image_limit = 1.5", "image_limit: expected a whole number from 1, got 1.5"),
            ("image_limit = -inf", "image_limit: expected a whole number from 1"),
            ("class_limit = 'all'", "class_limit: expected a whole number from 1, got 'all'"),
            ("max_detections = [0]", "max_detections: expected whole numbers from 1, or inf"),
            ("iou_thresholds = 1979-05-27", "iou_thresholds: expected numbers"),
            ("iou_thresholds = [[0.5]]", "iou_thresholds: expected numbers"),
            ("iou_thresholds = [50]", "iou_thresholds: expected 0 < t <= 1"),
            ("recall_points = {start=0, stop=1}", "recall_points: expected a list or { start"),
            ("recall_points = {start=0, stop=1, step=3}", "recall_points: expected a list or"),
            ("recall_points = {start=0, stop=1, count=3, x=1}", "recall_points: expected a list"),
            ("recall_points = {start=0, stop=1, count=0}", "recall_points: expected a list or"),
            ("recall_points = {start=0, stop=1, count=3.0}", "recall_points: expected a list or"),
            ("recall_points = {start=0, stop=1, count=true}", "recall_points: expected a list"),
            ("recall_points = {start=0, stop=inf, count=3}", "recall_points: expected a list or"),
            ("recall_points = {start='a', stop=1, count=3}", "recall_points: expected a list or"),
            (f"recall_points = {{start=0, stop=1, count={MOST + 1}}}", "at most 10,000"),
            ("recall_points = {start=1, stop=0, count=3}", "recall_points: expected ascending"),
            ("area_ranges = 5", "area_ranges: expected ranges such as .*, got 5"),
            ("area_ranges = [5]", "area_ranges: expected ranges such as .*, got 5"),
            ("area_ranges = ['small']", "area_ranges: expected ranges such as"),
            ("area_ranges = {small = 5}", "area_ranges: expected ranges such as"),
            ("area_ranges = [['small', 0]]", "area_ranges: expected ranges such as"),
            ("area_ranges = [[1, 0, 5]]", "area_ranges: expected ranges such as"),
            ("area_ranges = [['a', 0, 5, 'area', 1]]", "area_ranges: expected ranges such as"),
            ("area_ranges = [['a', '0', 5]]", r"area_ranges: expected \(name, low, high\)"),
            ("area_ranges = [['a', false, 5]]", r"area_ranges: expected \(name, low, high\)"),
            ("area_ranges = [['a', 0, 5, 'width']]", "a: expected one of area, share, height"),
            ("area_ranges = [{name='a', low=0}]", "area_ranges: expected ranges such as"),
            ("area_ranges = [{name='a', low=0, high=1, by=2}]", "area_ranges: expected ranges"),
            ("area_ranges = {a = [5, 0]}", "area_ranges: expected 0 <= low <= high"),
            ("area_ranges = {a = [0, inf]}", "1e10 for no upper end"),
            ("metrics = ['ap', 'map']", "metrics: expected some of point, .*, got 'map'"),
            ("metrics = []", "metrics: expected some of"),
            ("pixel = 1\npixel = 0", "expected TOML: Cannot overwrite a value"),
            ("pixel: 1", "expected TOML: Expected '='"),
            ('{"pixel": 1}', "expected TOML: Invalid"),
            ("", "the file is empty"),
            (b"\x00\x01\x02\xff", "expected TOML, got what is no UTF-8 text"),
            (b"\x00\x01", "expected TOML: "),
            ("pixel = " + "9" * 5000, "expected TOML: "),
            ("pixel = " + "[" * 50_000, "expected TOML, got brackets nested too deeply"),
            ("#" * 2**20 + "\n", "expected the settings of a rule set, got a file of 1,048,577"),
        ],
    )
    def test_are_one_message(self, file, text, message):
        with pytest.raises(dm.FormatError, match=message) as caught:
            read_rules(file(text))
        assert caught.value.count == 1
        assert str(caught.value).startswith(f"{caught.value.path}: ")
        assert caught.value.path.endswith("mine.toml")

    def test_are_listed_together(self, file):
        with pytest.raises(dm.FormatError, match="3 faults") as caught:
            read_rules(file("base = 'x'\npixel = 2\nfoo = 1\nstrict = true"))
        assert [fault.split(":")[0] for fault in caught.value.faults][:2] == ["base", "pixel"]

    def test_of_missing_files_and_folders(self, tmp_path):
        with pytest.raises(dm.FormatError, match=r"nowhere\.toml: no such file"):
            dm.rule_set(str(tmp_path / "nowhere.toml"))
        with pytest.raises(dm.FormatError, match="expected a file, got a directory"):
            dm.rule_set(tmp_path)


class TestNames:
    """Names in any spelling; what is no name is a path, or an error that lists the names."""

    @pytest.mark.parametrize("name", ["voc2007", "VOC2007", "voc-2007", "Voc_2007", "v-oc_2007"])
    def test_in_any_spelling(self, name):
        assert dm.rule_set(name) is dm.VOC2007

    @pytest.mark.parametrize("name", ["voc", "", "voc 2007", "COCO.txt"])
    def test_unknown(self, name):
        with pytest.raises(dm.RulesError, match=r"there are coco, .*; or give the path of a TOML"):
            dm.rule_set(name)

    def test_a_file_without_ending(self, tmp_path, monkeypatch):
        (tmp_path / "mine").write_text("pixel = 1")
        monkeypatch.chdir(tmp_path)
        assert dm.rule_set("mine") == COCO.replace(pixel=1)

    def test_every_constant_is_listed_once(self):
        from detmetrics.rules import rule_sets

        constants = [value for value in vars(rule_sets).values() if isinstance(value, dm.Rules)]
        assert list(dm.RULE_SETS.values()) == constants
        assert next(iter(dm.RULE_SETS)) == "coco"
        assert all(getattr(dm, name) in constants for name in rule_sets.__all__)

    def test_the_list_cannot_be_changed(self):
        with pytest.raises(TypeError):
            dm.RULE_SETS["mine"] = COCO


def numbers(low: float, high: float) -> st.SearchStrategy:
    some = st.floats(low, high, exclude_min=True)
    even = st.tuples(some, some, st.integers(3, 20)).map(
        lambda of: np.linspace(min(of[:2]), max(of[:2]), of[2]).tolist()
    )
    listed = st.lists(some, min_size=1, max_size=30, unique=True).map(sorted)
    return listed | even.filter(lambda values: len(set(values)) == len(values))


NAMES = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=5)
RANGES = st.lists(
    st.tuples(
        NAMES,
        st.floats(0, 1e5),
        st.floats(1e5, 1e12),
        st.sampled_from(["area", "share", "height"]),
    ),
    unique_by=lambda area: area[0],
    max_size=4,
)
WHOLE = st.integers(1, 2**63 - 1)
RULES = st.fixed_dictionaries(
    {
        "name": st.text(st.characters(categories=["L", "N", "P", "S"]), min_size=1).filter(
            lambda name: "|" not in name
        ),
        "iou_thresholds": numbers(0, 1),
        "recall_points": numbers(0, 1),
        "max_detections": st.lists(WHOLE | st.just(math.inf), min_size=1, unique=True),
        "area_ranges": RANGES | st.just([ANY_SIZE]),
        "metrics": st.lists(st.sampled_from(METRIC_GROUPS), min_size=1),
        "min_score": st.none() | st.floats(allow_nan=False, allow_infinity=False),
        "image_limit": st.none() | WHOLE,
        "class_limit": st.none() | WHOLE,
        "box_decimals": st.none() | st.integers(0, 99),
        "score_decimals": st.none() | st.integers(0, 99),
        "range_slack": st.none() | st.floats(1, 9),
        **{setting: st.sampled_from(choices) for setting, choices in CHOICES.items()},
    }
).map(lambda changes: COCO.replace(**fitting(changes)))


def fitting(changes: dict) -> dict:
    """Without the Jaccard index, the cuts and what boxes alone have, where they are not defined."""
    if changes["shape"] != "box":
        changes = changes | {"pixel": 0, "clip": False, "box_decimals": None}
        changes |= {"arithmetic": "float64"}
    if {"pr", "point"} <= {*changes["metrics"]}:
        changes = changes | {"metrics": [name for name in changes["metrics"] if name != "point"]}
    if changes["interpolation"] == "cuts":
        changes = changes | {"recall_points": (0, 0.5), "out_of_range": "ignore"}
        if changes["assignment"] == "overlap":
            changes |= {"assignment": "free"}
        changes |= {"group_weight": 0}
        return changes | {"range_slack": None}
    if changes["out_of_range"] == "ignore" and changes["range_slack"] is None:
        return changes
    return changes | {"metrics": [name for name in changes["metrics"] if name != "ji"] or ["ap"]}


class TestWriting:
    """What is written is complete, and reads back to equal rules, to the last bit."""

    @pytest.mark.parametrize("name", list(dm.RULE_SETS))
    def test_rule_sets_read_back(self, file, name):
        text = to_toml(dm.RULE_SETS[name])
        assert read_rules(file(text)) == dm.RULE_SETS[name]
        assert list(tomllib.loads(text)) == SETTINGS
        assert max(map(len, text.splitlines())) <= 130  # inline tables cannot be broken

    @given(RULES)
    def test_any_rules_read_back(self, tmp_path_factory, rules):
        path = tmp_path_factory.getbasetemp() / "rules.toml"
        path.write_text(to_toml(rules), encoding="utf-8")
        again = read_rules(path)
        assert again == rules
        assert again.signature == rules.signature

    def test_even_grids_are_short_and_others_whole(self):
        text = to_toml(COCO.replace(recall_points=[n / 20 for n in range(10, 20)]))
        assert "iou_thresholds = { start = 0.5, stop = 0.95, count = 10 }\n" in text
        assert "recall_points = [0.5, 0.55, 0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95]" in text
