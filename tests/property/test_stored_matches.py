"""Matches as bytes, and back: the same in every bit, or an error."""

from __future__ import annotations

import numpy as np
import pytest
import strategies
from hypothesis import given
from hypothesis import strategies as st
from match_scenes import assert_same, scene_of
from profiles import examples

import detmetrics as dm
from detmetrics.analysis import part_of
from detmetrics.foundation.archives import archived, opened
from detmetrics.matching.stored import KIND, VERSION

pytestmark = pytest.mark.filterwarnings("ignore::detmetrics.DetmetricsWarning")

FILES = ("fixtures/ground_truth.json", "fixtures/detections.json")
settings = strategies.any_rules() | strategies.any_rules(interpolation="cuts", assignment="truths")


def check(matches: dm.Matches) -> None:
    data = matches.to_bytes()
    again = dm.Matches.from_bytes(data)
    assert_same(again, matches)
    assert again.to_bytes() == data
    ours, theirs = dm.summarize_matches(again), dm.summarize_matches(matches)
    np.testing.assert_array_equal([*ours.values()], [*theirs.values()])


class TestRoundTrip:
    """What is read back equals what was stored in every bit, its rules too."""

    @examples(6)
    @pytest.mark.parametrize("name", dm.RULE_SETS)
    @given(seed=st.integers(0, 10**6))
    def test_under_every_named_rule_set(self, name, seed):
        rules = dm.RULE_SETS[name]
        check(dm.evaluate(*scene_of(seed, rules.shape), rules, shape=rules.shape).matching)

    @given(scene=strategies.scenes(full=True), rules=settings)
    def test_under_any_settings(self, scene, rules):
        check(dm.evaluate(*scene, rules, shape="box").matching)

    def test_of_ids_and_names_of_any_kind(self):
        catalog = dm.Catalog.from_ids(
            images=[3, "b", -(2**63)],
            categories=["ä", "\ud800", 2**63 - 1],
            image_names=["x", "", "x"],
            image_sizes=[(1.5, 2), (np.nan, np.nan), (3, 4)],
        )
        rows = {"image_ids": [3, "b"], "categories": ["ä", 2**63 - 1], "catalog": catalog}
        truth = dm.GroundTruth.from_arrays(**rows, boxes=[[0, 0, 1, 1]] * 2)
        found = dm.Detections.from_arrays(**rows, boxes=[[0, 0, 1, 1]] * 2, scores=[0.5, -1e300])
        check(dm.evaluate(truth, found).matching)

    def test_of_nothing(self):
        catalog = dm.Catalog.from_ids(images=[], categories=[])
        nothing = {"image_ids": [], "categories": [], "boxes": [], "catalog": catalog}
        tables = (
            dm.GroundTruth.from_arrays(**nothing),
            dm.Detections.from_arrays(**nothing, scores=[]),
        )
        for rules in (dm.COCO, dm.CROWDHUMAN, dm.COCO.replace(class_agnostic=True)):
            check(dm.evaluate(*tables, rules).matching)

    def test_of_a_merge_and_of_a_part(self):
        images = dm.read_ground_truth(FILES[0]).catalog.image_ids
        parts = [dm.evaluate(*FILES, images=images[start::2]).matching for start in (0, 1)]
        stored = [part.to_bytes() for part in parts]
        merged = dm.merge_matches(dm.Matches.from_bytes(data) for data in stored)
        assert_same(merged, dm.merge_matches(parts))
        check(merged)
        whole = dm.evaluate(*FILES)
        part = part_of(whole, np.arange(24) % 2 == 0)
        assert_same(dm.Matches.from_bytes(part.matching.to_bytes()).catalog, parts[0].catalog)


class TestDamage:
    """Bytes that are changed, cut or foreign are an error."""

    DATA = dm.evaluate(*FILES, "crowdhuman").matching.to_bytes()

    @given(cut=st.floats(0, 0.9999), at=st.floats(0, 0.9999), bits=st.integers(1, 255))
    def test_anywhere(self, cut, at, bits):
        with pytest.raises(dm.InputError, match="from_bytes"):
            dm.Matches.from_bytes(self.DATA[: int(cut * len(self.DATA))])
        changed = bytearray(self.DATA)
        changed[int(at * len(self.DATA))] ^= bits
        with pytest.raises(dm.InputError, match="from_bytes"):
            dm.Matches.from_bytes(bytes(changed))

    def test_bytes_of_something_else(self):
        metric = dm.DetectionMetric(["cat"]).to_bytes()
        with pytest.raises(dm.InputError, match=r"expected detmetrics\.Matches, found 'detmetrics"):
            dm.Matches.from_bytes(metric)
        with pytest.raises(dm.InputError, match="expected what to_bytes wrote"):
            dm.Matches.from_bytes(b"abc")

    def test_of_a_later_release(self, monkeypatch):
        monkeypatch.setattr("detmetrics.matching.stored.VERSION", 2)
        data = dm.evaluate(*FILES).matching.to_bytes()
        monkeypatch.undo()
        with pytest.raises(dm.InputError, match="written as version 2, this release reads 1"):
            dm.Matches.from_bytes(data)


HEADER, ARRAYS = opened(TestDamage.DATA, KIND, VERSION, lambda *both: both)


def changed_at(name: str, place: object, value: object) -> dict[str, np.ndarray]:
    column = ARRAYS[name].copy()
    column[place] = value
    return {name: column}


def found_twice() -> dict[str, np.ndarray]:
    """An object that two detections of its image and class are right about, at one threshold."""
    pair = ARRAYS["matched 0 pair"][: ARRAYS["matched 0 count"][0]]
    right = pair[ARRAYS["matched 0 true_positive"][: len(pair)]]
    truth = ARRAYS["pairs ground_truth"][right]
    group = ARRAYS["truth_category"][truth] * 24 + ARRAYS["truth_image"][truth]
    first, second = next(
        (a, b) for a in range(len(group)) for b in range(a) if group[a] == group[b]
    )
    return changed_at("pairs ground_truth", right[first], truth[second])


TWICE = found_twice()


class TestWhatSomebodyWrote:
    """Columns that curves cannot rely on are refused, even with a checksum that fits."""

    @pytest.mark.parametrize(
        ("message", "changes"),
        [
            ("row: expected whole numbers from 0", changed_at("row", 0, 136)),
            ("row: expected whole numbers from 0", changed_at("row", 0, -1)),
            ("rank: expected whole numbers from 0", changed_at("rank", 3, -1)),
            ("category: expected whole numbers", changed_at("category", -1, 5)),
            ("image: expected whole numbers", changed_at("image", 0, 24)),
            ("truth_row: expected whole numbers", changed_at("truth_row", 0, 10**6)),
            ("truth_category: expected whole numbers", changed_at("truth_category", -1, 5)),
            ("truth_image: expected whole numbers", changed_at("truth_image", 0, -1)),
            ("pairs detection: expected whole numbers", changed_at("pairs detection", -1, 10**6)),
            ("pairs ground_truth: expected", changed_at("pairs ground_truth", 0, -1)),
            ("matched 0 pair: expected whole numbers", changed_at("matched 0 pair", -1, 10**6)),
            ("matched 0 count: expected whole", changed_at("matched 0 count", 0, -1)),
            ("matched 0 count: expected whole", changed_at("matched 0 count", 0, 2**62)),
            ("matched 0 count: expected another order", changed_at("matched 0 count", 0, 1)),
            ("category, score: expected another order", changed_at("score", 0, -1.0)),
            ("category, score: expected another order", changed_at("score", 0, np.nan)),
            ("category, score: expected another order", changed_at("category", 0, 4)),
            ("truth_category, truth_image: expected", changed_at("truth_category", 0, 4)),
            ("regions image: expected another order", changed_at("regions image", 0, 3)),
            ("pairs detection: expected another order", changed_at("pairs detection", 0, 50)),
            ("pairs overlap: expected another order", changed_at("pairs overlap", 0, np.nan)),
            ("matched 0 pair: expected another order", changed_at("matched 0 pair", 1, 0)),
            ("matched 0 true_positive: expected", changed_at("ignored", slice(None), True)),
            ("matched 0 true_positive: expected", TWICE),
            ("score: expected float64 of 1 axes", {"score": ARRAYS["row"]}),
            ("score: expected 136 values, found 135", {"score": ARRAYS["score"][1:]}),
            ("in_range: expected 1 values", {"in_range": ARRAYS["in_range"].repeat(2, axis=0)}),
            ("in_range: expected bool of 2 axes", {"in_range": ARRAYS["in_range"][0]}),
            ("more", {"more": ARRAYS["row"]}),
        ],
    )
    def test_columns(self, message, changes):
        data = archived(KIND, VERSION, HEADER, {**ARRAYS, **changes})
        with pytest.raises(dm.InputError, match=message):
            dm.Matches.from_bytes(data)

    @pytest.mark.parametrize("name", ARRAYS)
    def test_a_column_is_missing(self, name):
        fewer = {one: array for one, array in ARRAYS.items() if one != name}
        with pytest.raises(dm.InputError, match="from_bytes: the bytes are damaged"):
            dm.Matches.from_bytes(archived(KIND, VERSION, HEADER, fewer))

    @pytest.mark.parametrize(
        "changes",
        [
            {"rules": {}},
            {"rules": {**HEADER["rules"], "new_setting": 1}},
            {"rules": {**HEADER["rules"], "iou_thresholds": [2.0]}},
            {"rules": {**HEADER["rules"], "class_agnostic": True}},
            {"categories": 4},
            {"images": 25},
            {"detections": 135},
            {"detections": 136.5},
            {"frequency": ["r"]},
            {"image_ids": [1, 1]},
            {"image_names": ["a"]},
        ],
    )
    def test_header(self, changes):
        data = archived(KIND, VERSION, {**HEADER, **changes}, ARRAYS)
        with pytest.raises(dm.InputError, match="from_bytes: the bytes are damaged"):
            dm.Matches.from_bytes(data)
