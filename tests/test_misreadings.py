"""After an evaluation: mistakes in files are told with the number without them, and good files are
left alone.
"""

from __future__ import annotations

import re
from dataclasses import replace

import misread_scenes
import numpy as np
import pytest
import strategies
from hypothesis import given
from hypothesis import strategies as st
from misread_scenes import EVERY, OF_BOXES, OF_CLASSES, OF_IMAGES, scene
from profiles import examples

import detmetrics as dm
from detmetrics.foundation.arrays import read_only
from detmetrics.tables.federation import Federation

pytestmark = pytest.mark.filterwarnings("ignore::detmetrics.DetmetricsWarning")

GIVES = re.compile(r" gives (\S+) (\d\.\d{4}) instead of (\d\.\d{4})( on a sample of .*)?\. Fix: ")


def told(result: dm.Evaluation) -> list[str]:
    """The sentences on classes, images and boxes."""
    return [text for text in result.attention if GIVES.search(text) or "outside their" in text]


def numbers(text: str) -> tuple[float, float]:
    """The number without the mistake, and the one with it."""
    found = GIVES.search(text)
    assert found is not None
    return float(found[2]), float(found[3])


class TestEveryMistake:
    """Made on a good detector, it is named, with both numbers and a cure."""

    @pytest.mark.parametrize("name", EVERY)
    @pytest.mark.parametrize("seed", [0, 1])
    def test_in_8_images_and_28_objects(self, name, seed):
        truth, found = scene(seed)
        made = EVERY[name]
        result = dm.evaluate(truth, made.spoil(found))
        (text,) = told(result)
        assert made.said in text
        after, before = numbers(text)
        assert before == pytest.approx(result.summary["AP"], abs=5e-5)
        if made.exact:
            assert after == pytest.approx(dm.evaluate(truth, found).summary["AP"], abs=5e-5)

    @pytest.mark.parametrize("name", EVERY)
    def test_in_a_sample_of_many_images(self, name):
        truth, found = scene(3, images=600, classes=20, per_image=4)
        made = EVERY[name]
        (text,) = told(dm.evaluate(truth, made.spoil(found)))
        assert made.said in text
        assert " on a sample of 200 of 600 images. Fix: " in text
        after, before = numbers(text)
        good = dm.evaluate(truth, found).summary["AP"]
        assert after == pytest.approx(good, abs=0.08)
        assert after >= before + 0.02

    @pytest.mark.parametrize("name", OF_CLASSES | OF_IMAGES)
    @pytest.mark.parametrize("rules", ["voc2012", "ultralytics", "olrp"])
    def test_under_other_rules(self, name, rules):
        truth, found = scene(2, images=30)
        result = dm.evaluate(truth, EVERY[name].spoil(found), rules)
        (text,) = told(result)
        assert EVERY[name].said in text
        assert next(iter(result.summary)) in text

    @pytest.mark.parametrize("name", OF_BOXES)
    def test_in_corners(self, name):
        truth, found = scene(4, images=30)
        spoiled = OF_BOXES[name].spoil(found)
        as_corners = replace(spoiled, boxes=read_only(spoiled.xyxy), box_format="xyxy")
        (text,) = told(dm.evaluate(truth, as_corners))
        good = dm.evaluate(truth, found).summary["AP"]
        assert numbers(text)[0] == pytest.approx(good, abs=0.02)

    def test_two_mistakes_at_once(self):
        truth, found = scene(5, images=30, classes=5)
        spoiled = OF_BOXES["y x h w"].spoil(OF_CLASSES["another order"].spoil(found))
        (text,) = told(dm.evaluate(truth, spoiled))
        assert "y before x" in text
        assert "look ordered differently" in text
        good = dm.evaluate(truth, found).summary["AP"]
        assert numbers(text)[0] == pytest.approx(good, abs=5e-5)

    def test_a_class_that_the_detector_lacks(self):
        truth, found = scene(6, images=60, classes=8)
        learnt = found.keep(found.category != 3)
        spoiled = replace(learnt, category=read_only(learnt.category - (learnt.category > 3)))
        (text,) = told(dm.evaluate(truth, spoiled))
        assert "class numbers look off by one from kind 3 on: adding 1" in text
        good = dm.evaluate(truth, learnt).summary["AP"]
        assert numbers(text)[0] == pytest.approx(good, abs=5e-5)

    def test_an_image_that_was_skipped(self):
        truth, found = scene(7, images=60)
        written = found.keep(found.image != 20)
        spoiled = replace(written, image=read_only(written.image - (written.image > 20)))
        (text,) = told(dm.evaluate(truth, spoiled))
        assert "shifted by 1 image, from about shot_002" in text

    def test_images_in_order_of_names(self):
        names = [f"{k}.jpg" for k in range(1, 121)]
        truth, found = scene(8, images=120, names=names)
        order = np.array(sorted(range(120), key=lambda k: names[k]))
        place = np.empty(120, np.int64)
        place[order] = np.arange(120)
        spoiled = replace(found, image=read_only(place[found.image]))
        (text,) = told(dm.evaluate(truth, spoiled))
        assert "the images of the detections look in order of file names" in text
        good = dm.evaluate(truth, found).summary["AP"]
        assert numbers(text)[0] == pytest.approx(good, abs=5e-5)

    def test_any_order_of_few_images(self):
        truth, found = scene(9, images=20)
        place = np.random.default_rng(0).permutation(20)
        (text,) = told(dm.evaluate(truth, replace(found, image=read_only(place[found.image]))))
        assert "look as if they belong to other images" in text
        good = dm.evaluate(truth, found).summary["AP"]
        assert numbers(text)[0] == pytest.approx(good, abs=0.03)

    def test_boxes_outside_their_images_where_nothing_explains_them(self):
        truth, found = scene(0)
        by = np.random.default_rng(0).uniform(5_000, 9_000, (len(found), 1))
        away = replace(found, boxes=read_only(found.boxes + by * [1, 0, 0, 0]))
        (text,) = told(dm.evaluate(truth, away))
        assert "have their center outside their image" in text
        last = dm.evaluate(truth, away).attention[-1]
        assert "AP is next to nothing: 0 of the " in last
        assert "check that both files are of the same images" in last

    def test_detections_of_other_images_of_the_same_names(self):
        truth, _ = scene(0, images=40)
        _, found = scene(1, images=40)
        result = dm.evaluate(truth, replace(found, catalog=truth.catalog))
        assert told(result) == []
        assert "check that both files are of the same images" in result.attention[-1]

    def test_boxes_that_are_off_by_some_pixels(self):
        truth, found = scene(0, images=30)
        (text,) = told(dm.evaluate(truth, replace(found, boxes=read_only(found.boxes + OFFSET))))
        assert re.search(r"boxes off by \+(79|80|81) pixels in x and \+0 in y: undoing", text)
        good = dm.evaluate(truth, found).summary["AP"]
        assert numbers(text)[0] == pytest.approx(good, abs=0.02)


OFFSET = np.array([80.0, 0, 0, 0])
MADE_IN_PARTS = (
    *("corners as x y w h", "centres as x y w h", "normalized", "y x h w", "letterboxed"),
    *("half", "turned"),
)


class TestParts:
    """A mistake in some of the images, or in rows here and there, is told with its share."""

    @pytest.mark.parametrize("name", MADE_IN_PARTS)
    @pytest.mark.parametrize("share", [0.2, 0.5])
    @pytest.mark.parametrize("images", [60, 400])
    def test_some_of_the_images(self, name, share, images):
        truth, found = scene(3, images=images)
        chosen = np.random.default_rng(1).random(images) < share
        spoiled = in_part(EVERY[name], found, chosen[found.image])
        (text,) = told(dm.evaluate(truth, spoiled))
        assert EVERY[name].said in text
        assert re.match(r"the detections of [\d,]+ of [\d,]+ images looked at \(", text)
        good = dm.evaluate(truth, found).summary["AP"]
        assert numbers(text)[0] == pytest.approx(good, abs=0.08)

    @pytest.mark.parametrize("name", MADE_IN_PARTS)
    @pytest.mark.parametrize("share", [0.2, 0.5])
    def test_rows_here_and_there(self, name, share):
        truth, found = scene(3, images=60)
        rows = np.random.default_rng(1).random(len(found)) < share
        (text,) = told(dm.evaluate(truth, in_part(EVERY[name], found, rows)))
        assert EVERY[name].said in text
        assert re.match(r"[\d,]+ of the 202 surest detections looked at \(first at boxes\[", text)

    def test_turned_where_the_image_is_higher_than_wide(self):
        truth, found = scene(3, images=60)
        sizes = found.catalog.image_sizes[found.image]
        spoiled = in_part(EVERY["turned"], found, sizes[:, 1] > sizes[:, 0])
        (text,) = told(dm.evaluate(truth, spoiled))
        assert "apply the EXIF orientation" in text
        good = dm.evaluate(truth, found).summary["AP"]
        assert numbers(text)[0] == pytest.approx(good, abs=0.02)


def in_part(made: misread_scenes.Made, found: dm.Detections, rows: np.ndarray) -> dm.Detections:
    boxes = np.where(rows[:, None], made.spoil(found).xywh, found.xywh)
    return replace(found, boxes=read_only(boxes), box_format="xywh")


class TestOtherScores:
    """Scores that order detections wrongly are told; all in one unit order them right."""

    def test_the_lowest_for_the_best(self):
        truth, found = scene(3, images=30)
        good = dm.evaluate(truth, found).summary["AP"]
        upside_down = replace(found, scores=read_only(1 - found.scores))
        (text,) = told(dm.evaluate(truth, upside_down))
        assert "scores that are lowest for the best detections" in text
        assert numbers(text)[0] == pytest.approx(good, abs=5e-5)

    @pytest.mark.parametrize("of", ["image", "row"])
    def test_some_in_percent(self, of):
        truth, found = scene(3, images=60)
        good = dm.evaluate(truth, found).summary["AP"]
        chosen = np.random.default_rng(0).random(len(found)) < 0.5
        percent = chosen[found.image] if of == "image" else chosen
        scores = np.where(percent, 100 * found.scores, found.scores)
        (text,) = told(dm.evaluate(truth, replace(found, scores=read_only(scores))))
        assert "scores of two units" in text
        assert numbers(text)[0] == pytest.approx(good, abs=0.02)

    def test_all_in_percent_is_no_mistake(self):
        truth, found = scene(3, images=60)
        percent = replace(found, scores=read_only(100 * found.scores))
        assert told(dm.evaluate(truth, percent)) == []


class TestGroundTruth:
    """Where its boxes are those that cannot be, the mistake is the ground truth's."""

    @pytest.mark.parametrize(
        "name",
        [
            *("corners as x y w h", "centres as x y w h", "normalized", "y x h w", "x y h w"),
            *("stretched", "target sizes"),
        ],
    )
    def test_its_mistake_is_told_of_it(self, name):
        truth, found = scene(3, images=60)
        (text,) = told(dm.evaluate(EVERY[name].spoil(truth), found))
        assert text.startswith("the ground truth looks like ")
        assert EVERY[name].said in text
        good = dm.evaluate(truth, found).summary["AP"]
        assert numbers(text)[0] == pytest.approx(good, abs=5e-5)

    def test_where_both_may_be_it_is_said(self):
        truth, found = scene(3, images=60)
        (text,) = told(dm.evaluate(EVERY["half"].spoil(truth), found))
        assert "(or the ground truth is off the other way round)" in text

    def test_reconcile_names_it(self):
        truth, found = scene(3, images=60)
        made = dm.reconcile(EVERY["corners as x y w h"].spoil(truth), found)
        assert made.suspicions[0].name.startswith("ground truth: corners x1 y1 x2 y2 read as")
        good = dm.evaluate(truth, found).summary["AP"]
        assert made.suspicions[0].value == pytest.approx(good, abs=5e-5)


def test_the_number_of_who_read_it_right_is_explained():
    truth, found = scene(3, images=60)
    good = dm.evaluate(truth, found).summary["AP"]
    spoiled = EVERY["normalized centres"].spoil(found)
    made = dm.reconcile(truth, spoiled, reported=f"{good:.6f}")
    first = made.candidates[0]
    assert first.gives
    assert first.how.startswith("undoing: normalized centres cx cy w h read as pixels")


class TestCures:
    """An option is named only where it does what the sentence says."""

    @pytest.mark.parametrize(
        ("first", "by", "option"),
        [(0, 1, "--class-numbers index1"), (1, -1, "--class-numbers index0"),
         (0, -1, "--class-names"), (1, 1, "--class-names"), (5, 1, "--class-names")],
    )  # fmt: skip
    def test_of_class_numbers(self, first, by, option):
        truth, found = scene(1, images=30, classes=4, ids=first)
        spoiled = misread_scenes.classes(lambda c, _: c + by)(found)
        (text,) = told(dm.evaluate(truth, spoiled))
        assert option in text.partition(" Fix: ")[2]


class TestGoodFiles:
    """A good detector is never suspected, and a change that gives little is not told."""

    @given(
        seed=st.integers(0, 10_000),
        images=st.integers(1, 40),
        classes=st.integers(1, 12),
        per_image=st.sampled_from([1.0, 2.5, 8.0]),
        blur=st.sampled_from([0.0, 0.03, 0.06]),
        found=st.sampled_from([0.6, 0.8, 1.0]),
        confused=st.sampled_from([0.0, 0.1]),
        noise=st.sampled_from([0.0, 1.0, 5.0]),
        rules=st.sampled_from(["coco", "voc2007", "ultralytics", "olrp"]),
    )
    @examples(60)
    def test_nothing_is_said(self, seed, images, classes, rules, **how):
        truth, detections = scene(seed, images, classes, **how)
        assert told(dm.evaluate(truth, detections, rules)) == []

    @given(seed=st.integers(0, 10_000), name=st.sampled_from(sorted(EVERY)), part=st.integers(2, 9))
    @examples(30)
    def test_what_is_said_is_worth_it(self, seed, name, part):
        truth, found = scene(seed, images=12)
        some = np.arange(len(found)) % 10 < part
        spoiled = EVERY[name].spoil(found)
        if len(spoiled) != len(found):
            return
        mixed = {}
        if name in OF_CLASSES:
            mixed["category"] = read_only(np.where(some, spoiled.category, found.category))
        elif name in OF_IMAGES:
            mixed["image"] = read_only(np.where(some, spoiled.image, found.image))
        else:
            mixed["boxes"] = read_only(np.where(some[:, None], spoiled.xywh, found.xywh))
        said = told(dm.evaluate(truth, replace(found, **mixed)))
        for text in filter(GIVES.search, said):
            after, before = numbers(text)
            assert after >= before + 0.0199
            assert after >= before * 1.099 - 1e-4

    @given(scene=strategies.scenes(full=True), rules=strategies.any_rules(federated=False))
    @examples(60)
    def test_never_raises_nor_warns_under_any_rules(self, scene, rules):
        try:
            result = dm.evaluate(*scene, rules)
        except dm.RulesError:
            return
        before = dict(result.summary)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("warnings.warn", pytest.fail)
            assert isinstance(result.attention, tuple)
        np.testing.assert_array_equal([*result.summary.values()], [*before.values()])

    @pytest.mark.parametrize("rules", list(dm.RULE_SETS))
    def test_never_raises_on_the_example(self, rules):
        truth = dm.read_ground_truth("fixtures/ground_truth.json")
        found = dm.read_detections("fixtures/detections.json", truth)
        for made in EVERY.values():
            try:
                assert isinstance(dm.evaluate(truth, made.spoil(found), rules).attention, tuple)
            except dm.RulesError:
                pytest.skip("the example lacks what the rule set needs")

    @pytest.mark.parametrize("side", [0.0, 1e-9, 1e12, np.nan])
    @pytest.mark.parametrize("far", [0.0, -1e15, 1e15])
    def test_sizes_and_boxes_that_are_none(self, side, far):
        truth, found = scene(0)
        catalog = replace(truth.catalog, image_sizes=read_only(np.full((8, 2), side)))
        truth, found = replace(truth, catalog=catalog), replace(found, catalog=catalog)
        boxes = found.boxes.copy()
        boxes[::2] = [far, far, abs(far), 0]
        for name in ("y x h w", "normalized", "target sizes", "another order", "next"):
            with np.errstate(all="ignore"):
                spoiled = EVERY[name].spoil(replace(found, boxes=read_only(boxes)))
            if np.isfinite(spoiled.boxes).all():
                assert isinstance(dm.evaluate(truth, spoiled).attention, tuple)
        assert isinstance(dm.reconcile(truth, replace(found, boxes=boxes)).suspicions, tuple)

    def test_classes_that_were_looked_for(self):
        truth, found = scene(3, images=600, classes=20, per_image=4)
        nothing = np.zeros((0, 2), np.int64)
        known = np.column_stack([np.repeat(np.arange(600), 20), np.tile(np.arange(20), 600)])
        federation = Federation(verified=known, not_exhaustive=nothing, frequency=("f",) * 20)
        truth = replace(truth, federation=federation)
        assert told(dm.evaluate(truth, found, "lvis")) == []
        (text,) = told(dm.evaluate(truth, OF_CLASSES["another order"].spoil(found), "lvis"))
        assert " on a sample of 200 of 600 images" in text

    def test_without_sizes_of_images(self):
        truth, found = scene(0, sized=False)
        assert told(dm.evaluate(truth, found)) == []
        (text,) = told(dm.evaluate(truth, OF_BOXES["y x h w"].spoil(found)))
        assert "y before x" in text

    def test_classes_that_are_pooled_are_left_alone(self):
        truth, found = scene(0)
        spoiled = OF_CLASSES["another order"].spoil(found)
        assert told(dm.evaluate(truth, spoiled, dm.COCO.replace(class_agnostic=True))) == []


class TestScores:
    """Scores that are cut, equal or no scores at all, and a limit of detections."""

    def with_scores(self, change, images: int = 60) -> tuple[str, ...]:
        truth, found = scene(0, images=images)
        scores = np.asarray(change(found.scores), float)
        return dm.evaluate(truth, replace(found, scores=read_only(scores))).attention

    def test_good_scores_are_left_alone(self):
        assert not any("score" in text for text in self.with_scores(lambda s: s))

    def test_all_equal(self):
        told = self.with_scores(lambda s: 0 * s + 1, images=8)
        assert any(re.match(r"all \d+ detections have the score 1: AP depends", t) for t in told)

    def test_whole_numbers(self):
        told = self.with_scores(lambda s: np.arange(len(s)) + 1, images=8)
        assert any("scores are whole numbers (1 to " in text for text in told)

    def test_a_cut(self):
        truth, found = scene(0, images=200, noise=3)
        cut = found.keep(found.scores >= 0.25)
        told = dm.evaluate(truth, cut).attention
        assert any(text.startswith("no score is below 0.25 (lowest of ") for text in told)
        assert not any("no score" in text for text in dm.evaluate(truth, found).attention)

    def test_a_cut_below_that_of_the_rules_changes_nothing(self):
        truth, found = scene(0, images=200, noise=3)
        rules = dm.COCO.replace(min_score=0.25)
        cut = found.keep(found.scores >= 0.25)
        assert not any("no score" in text for text in dm.evaluate(truth, cut, rules).attention)

    def test_a_limit(self):
        truth, found = scene(0, images=40, noise=5)
        rules = dm.COCO.replace(image_limit=10)
        ten = found.take(np.sort(dm.evaluate(truth, found, rules).matching.row))
        told = dm.evaluate(truth, ten).attention
        assert any("have 10 detections and none has more" in text for text in told)
        assert not any("none has more" in t for t in dm.evaluate(truth, ten, rules).attention)


def test_nothing_to_look_at():
    truth, found = scene(0)
    nothing = found.take(np.zeros(0, np.int64))
    assert told(dm.evaluate(truth, nothing)) == []
    bare = truth.take(np.zeros(0, np.int64))
    assert told(dm.evaluate(bare, found)) == []
