"""Matches of disjoint images, merged: the matches of all of them, bit for bit."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import strategies
from hypothesis import given
from hypothesis import strategies as st
from match_scenes import IMAGES, Scene, assert_same, scene_of
from profiles import examples

import detmetrics as dm
from detmetrics.metrics.curves import Curves

pytestmark = pytest.mark.filterwarnings("ignore::detmetrics.DetmetricsWarning")

FILES = ("fixtures/ground_truth.json", "fixtures/detections.json")
settings = strategies.any_rules() | strategies.any_rules(interpolation="cuts", assignment="truths")
owners = st.lists(st.integers(0, 2), min_size=IMAGES, max_size=IMAGES)


def apart(scene: Scene, owner: list[int]) -> list[Scene]:
    """Tables of three parts, any of which may be empty; owner: the part of each image."""
    part = np.array(owner)
    return [
        tuple(table.keep(part[table.image] == number) for table in scene) for number in range(3)
    ]


def stacked(scene: Scene, owner: list[int]) -> Scene:
    """The tables of all parts, one below the other."""
    part = np.array(owner)
    return tuple(table.take(np.argsort(part[table.image], kind="stable")) for table in scene)


def matched(scene: Scene, rules: dm.Rules, images: np.ndarray | None = None) -> dm.Matches:
    ids = None if images is None else scene[0].catalog.image_ids[images].tolist()
    return dm.evaluate(*scene, rules, shape=rules.shape, images=ids).matching


def parts_of(
    scene: Scene, rules: dm.Rules, owner: list[int], own_images: bool = False
) -> list[dm.Matches]:
    """The matches of three parts, over all images or over their own alone."""
    images = [np.array(owner) == number if own_images else None for number in range(3)]
    return [
        matched(tables, rules, own) for tables, own in zip(apart(scene, owner), images, strict=True)
    ]


class TestLaw:
    """Merged matches equal those of one evaluation of the tables, one below the other, in every
    field; in any grouping of the parts.
    """

    @staticmethod
    def check(scene: Scene, rules: dm.Rules, owner: list[int], own_images: bool) -> None:
        whole = matched(stacked(scene, owner), rules)
        a, b, c = parts_of(scene, rules, owner, own_images)
        assert_same(dm.merge_matches([a, b, c]), whole)
        assert_same(dm.merge_matches([dm.merge_matches([a, b]), c]), whole)
        assert_same(dm.merge_matches([a, dm.merge_matches([b, c])]), whole)
        ours, theirs = (
            dm.summarize_matches(dm.merge_matches([c, b, a])),
            dm.summarize_matches(whole),
        )
        if rules.ties == "image":  # then the order of parts decides no number
            np.testing.assert_array_equal([*ours.values()], [*theirs.values()])

    @examples(6)
    @pytest.mark.parametrize("name", dm.RULE_SETS)
    @given(seed=st.integers(0, 10**6), owner=owners, data=st.data())
    def test_under_every_named_rule_set(self, name, seed, owner, data):
        rules = dm.RULE_SETS[name].replace(
            class_limit=None, ties=data.draw(st.sampled_from(["image", "file"]))
        )
        if not rules.federated and not rules.class_rules:
            rules = rules.replace(class_agnostic=data.draw(st.booleans()))
        self.check(scene_of(seed, rules.shape), rules, owner, data.draw(st.booleans()))

    @given(
        scene=strategies.scenes(full=True), rules=settings, owner=owners, own_images=st.booleans()
    )
    def test_under_any_settings(self, scene, rules, owner, own_images):
        owner = owner[: len(scene[0].catalog.image_ids)]
        self.check(scene, rules.replace(class_limit=None), owner, own_images)

    @given(
        scene=strategies.scenes(full=True),
        rules=settings,
        owner=owners,
        ties=st.sampled_from(["image", "file"]),
    )
    def test_curves_are_those_of_the_whole(self, scene, rules, owner, ties):
        rules = rules.replace(class_limit=None, ties=ties, interpolation="points")
        owner = owner[: len(scene[0].catalog.image_ids)]
        whole = Curves(matched(stacked(scene, owner), rules))
        merged = Curves(dm.merge_matches(parts_of(scene, rules, owner)))
        for limit in rules.max_detections:
            assert_same(merged.precision(limit), whole.precision(limit))
            assert_same(merged.scores(limit), whole.scores(limit))
        assert_same(merged.recall, whole.recall)

    def test_one_part_is_itself(self):
        part = dm.evaluate(*FILES, "coco").matching
        assert dm.merge_matches([part]) is part

    def test_without_sizes_of_images(self):
        """Ranges that nothing can be told to lie in stay so."""
        scene = scene_of(1, "box")
        truth, found = (replace(table, relative=True) for table in scene)
        owner = [0, 1, 2, 0, 1, 2]
        merged = dm.merge_matches(parts_of((truth, found), dm.COCO, owner))
        assert merged.unsized.tolist() == [False, True, True, True]
        assert_same(merged, matched(stacked((truth, found), owner), dm.COCO))


class TestTies:
    """Two images, a false positive on one and a true positive on the other, of equal score."""

    HIT, MISS = [0, 0, 10, 10], [50, 50, 10, 10]
    CATALOG = dm.Catalog.from_ids(images=[1, 2], categories=[1])

    def tables(self, images: list[int], found: list[list[int]]) -> Scene:
        rows = {"image_ids": images, "categories": [1] * len(images), "catalog": self.CATALOG}
        truth = dm.GroundTruth.from_arrays(**rows, boxes=[self.HIT] * len(images))
        return truth, dm.Detections.from_arrays(**rows, boxes=found, scores=[0.5] * len(images))

    @pytest.mark.parametrize(("rules", "ap"), [("voc2012", 0.25), ("coco", 51 / 101)])
    def test_in_the_order_of_the_rules(self, rules, ap):
        """By place in the file the false positive comes first, by image the true one does."""
        parts = [self.tables([2], [self.MISS]), self.tables([1], [self.HIT])]
        whole = dm.evaluate(*self.tables([2, 1], [self.MISS, self.HIT]), rules)
        merged = dm.merge_matches([dm.evaluate(*part, rules).matching for part in parts])
        assert dm.summarize_matches(merged)["AP"] == pytest.approx(ap)
        assert_same(merged, whole.matching)


class TestImages:
    """Parts may know all images or their own alone; each image belongs to one part."""

    def test_parts_of_the_training_metric(self):
        """Each of which knows the images that it was fed."""
        box, classes = {"boxes": [[0, 0, 9, 9]], "labels": [0]}, ["cat", "dog"]
        whole = dm.DetectionMetric(classes)
        parts = []
        for image, score in [("b", 0.5), ("a", 0.9), ("c", 0.5)]:
            part = dm.DetectionMetric(classes)
            for metric in (whole, part):
                metric.update([image], [{**box, "scores": [score]}], [box])
            parts.append(part.compute().matching)
        merged = dm.merge_matches(parts)
        assert merged.catalog.image_ids.tolist() == ["a", "b", "c"]
        assert dm.summarize_matches(merged) == whole.compute().summary

    def test_in_two_parts_are_refused(self):
        part = dm.evaluate(*FILES).matching
        with pytest.raises(dm.InputError, match=r"23 images are in several parts, first 100: each"):
            dm.merge_matches([part, part])

    def test_with_all_ground_truth_in_every_part_are_refused(self):
        """Which would count objects twice, though no detection is in both."""
        truth = dm.read_ground_truth(FILES[0])
        found = dm.read_detections(FILES[1], truth)
        halves = [found.keep((found.image < 12) == first) for first in (True, False)]
        parts = [dm.evaluate(truth, half).matching for half in halves]
        with pytest.raises(dm.InputError, match="images are in several parts"):
            dm.merge_matches(parts)

    def test_of_another_size_elsewhere_are_refused(self):
        sides = [
            dm.Catalog.from_ids(images=[1, 2], categories=[1], image_sizes=[(9, 9), (side, 9)])
            for side in (8, 7)
        ]
        nothing = {"image_ids": [], "categories": [], "boxes": []}
        parts = [
            dm.evaluate(
                dm.GroundTruth.from_arrays(**nothing, catalog=catalog),
                dm.Detections.from_arrays(**nothing, scores=[], catalog=catalog),
            ).matching
            for catalog in sides
        ]
        with pytest.raises(dm.InputError, match="an image has another name or size"):
            dm.merge_matches(parts)


class TestRefusals:
    """What would be wrong is refused, with what to do."""

    def parts(self, rules: object = "coco", **changes: object) -> list[dm.Matches]:
        first, second = (
            dm.evaluate(*FILES, rules, images=range(start, start + 84, 7)).matching
            for start in (100, 184)
        )
        return [first, replace(second, **changes)]

    def test_nothing(self):
        with pytest.raises(dm.InputError, match="nothing to merge"):
            dm.merge_matches([])

    @pytest.mark.parametrize("parts", [[dm.COCO], ["a"], 7])
    def test_what_are_no_matches(self, parts):
        with pytest.raises(dm.InputError, match=r"expected matches, as evaluate\(...\).matching"):
            dm.merge_matches(parts)

    def test_other_rules(self):
        with pytest.raises(dm.RulesError, match=r"cannot merge matches of coco.* and voc2007"):
            dm.merge_matches([self.parts()[0], self.parts("voc2007")[1]])

    def test_a_limit_of_a_class_over_all_images(self):
        rules = dm.COCO.replace(class_limit=10_000)
        part, _ = parts = self.parts(rules)
        with pytest.raises(dm.RulesError, match="the 10,000 best detections of a class over all"):
            dm.merge_matches(parts)
        assert dm.merge_matches([part]) is part

    def test_other_classes(self):
        first, second = self.parts()
        names = ("human", *second.catalog.category_names[1:])
        renamed = replace(second, catalog=replace(second.catalog, category_names=names))
        with pytest.raises(dm.InputError, match=r"classes differ: person, .*human"):
            dm.merge_matches([first, renamed])

    def test_other_units(self):
        with pytest.raises(dm.InputError, match="in pixels in one part and normalized in another"):
            dm.merge_matches(self.parts(unsized=np.array([False, True, True, True])))

    def test_other_frequencies(self):
        with pytest.raises(dm.InputError, match="frequencies of classes differ"):
            dm.merge_matches(self.parts(frequency=("r",) * 5))
