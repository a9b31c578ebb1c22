"""Laws that hold for every input, whatever the numbers are."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import reference
import strategies
from hypothesis import given
from hypothesis import strategies as st

import detmetrics as dm
from detmetrics.foundation.arrays import by_group, first_equal
from detmetrics.matching.ranking import BLOCK, best_first, rank_in_groups
from detmetrics.metrics.interpolation import TruePositives, envelope
from detmetrics.tables import restrict
from detmetrics.tables.catalog import Catalog

pytestmark = pytest.mark.filterwarnings("ignore::detmetrics.DetmetricsWarning")

scenes = strategies.scenes()
rules = strategies.rules()


def same(a: dict, b: dict) -> bool:
    return all(np.array_equal(a[name], b[name], equal_nan=True) for name in a)


class TestCurves:
    """Precision and recall lie in [0, 1]; recall never falls and the envelope never rises."""

    @given(scene=scenes, rules=rules)
    def test_bounds_and_monotony(self, scene, rules):
        result = dm.evaluate(*scene, rules)
        precision = result.arrays()["precision"]
        defined = precision[~np.isnan(precision)]
        assert ((defined >= 0) & (defined <= 1)).all()
        assert not (np.diff(precision, axis=1) > 0).any()
        for name in result.class_names:
            curve = result.curve(name, iou=rules.iou_thresholds[0])
            assert not (np.diff(curve.recall) < 0).any()
            assert not (np.diff(curve.envelope) > 0).any()
            assert not (np.diff(curve.scores) > 0).any()

    @given(scene=scenes, rules=rules)
    def test_more_detections_never_lower_recall(self, scene, rules):
        recall = dm.evaluate(*scene, rules).arrays()["recall"]
        assert not (np.diff(recall, axis=3) < 0).any()

    @given(scene=scenes, rules=rules)
    def test_a_raw_curve_gives_the_sampled_cells(self, scene, rules):
        result = dm.evaluate(*scene, rules)
        cells = result.arrays()["precision"][..., -1]
        for k, name in enumerate(result.class_names):
            for a, area in enumerate(rules.area_ranges):
                curve = result.curve(name, iou=rules.iou_thresholds[-1], area=area.name)
                if curve.positives == 0:
                    assert np.isnan(cells[-1, :, k, a]).all()
                    continue
                for r, point in enumerate(rules.recall_points):
                    reached = np.flatnonzero(curve.recall >= point)
                    value = curve.envelope[reached[0]] if len(reached) else 0.0
                    assert cells[-1, r, k, a] == value


class TestOrder:
    """The order of images, of ground truths without equal overlaps, and of rows changes nothing."""

    @given(scene=scenes, seed=st.integers(0, 2**32 - 1))
    def test_images_permuted_in_the_files(self, scene, seed):
        truth, found = scene
        order = np.random.default_rng(seed).permutation(3)
        by_image = np.argsort(order[truth.image], kind="stable")
        moved = truth.take(by_image)
        again = found.take(np.argsort(order[found.image], kind="stable"))
        assert same(dm.evaluate(truth, found).arrays(), dm.evaluate(moved, again).arrays())

    @given(scene=scenes, rules=rules)
    def test_a_rising_map_of_scores_leaves_precision_and_recall(self, scene, rules):
        truth, found = scene
        mapped = replace(found, scores=np.log(found.scores) * 3 - 7)
        a, b = dm.evaluate(truth, found, rules).arrays(), dm.evaluate(truth, mapped, rules).arrays()
        assert same({k: a[k] for k in ("precision", "recall")}, b)

    @given(scene=scenes)
    def test_input_is_never_changed(self, scene):
        truth, found = scene
        before = truth.boxes.copy(), found.boxes.copy(), found.scores.copy()
        dm.evaluate(truth, found).arrays()
        after = truth.boxes, found.boxes, found.scores
        assert all(np.array_equal(a, b) for a, b in zip(before, after, strict=True))


class TestAP:
    """AP answers to what it should, in the direction that it should."""

    @given(scene=scenes)
    def test_a_false_positive_of_lowest_score_never_raises_it(self, scene):
        truth, found = scene
        ap = dm.evaluate(truth, found).summary["AP"]
        worse = dm.Detections.from_arrays(
            image_ids=np.append(truth.catalog.image_ids[found.image], truth.catalog.image_ids[0]),
            categories=np.append(
                truth.catalog.category_ids[found.category], truth.catalog.category_ids[0]
            ),
            boxes=np.vstack([found.boxes, [900.0, 900.0, 30.0, 30.0]]),
            scores=np.append(found.scores, 0.01),
            catalog=truth.catalog,
        )
        with_noise = dm.evaluate(truth, worse).summary["AP"]
        assert np.isnan(ap) == np.isnan(with_noise)
        assert not with_noise > ap

    @given(scene=strategies.scenes(max_detections=0))
    def test_the_ground_truth_itself_scores_one(self, scene):
        truth, _ = scene
        ordinary = (~truth.crowd) & (truth.xywh[:, 2:] > 0).all(axis=1)
        truth = truth.keep(ordinary)
        perfect = dm.Detections.from_arrays(
            image_ids=truth.catalog.image_ids[truth.image],
            categories=truth.catalog.category_ids[truth.category],
            boxes=truth.boxes,
            scores=np.full(len(truth), 0.5),
            catalog=truth.catalog,
        )
        ap = dm.evaluate(truth, perfect, dm.COCO.replace(max_detections=(100,))).summary["AP"]
        assert np.isnan(ap) if len(truth) == 0 else ap == pytest.approx(1.0, abs=1e-12)

    @given(scene=scenes)
    def test_nan_has_a_reason_and_only_nan(self, scene):
        summary = dm.evaluate(*scene).summary
        assert {name for name, value in summary.items() if np.isnan(value)} == set(
            summary.undefined
        )


class TestSelection:
    """Choosing images or classes is the same as never having had the others."""

    @given(scene=scenes, data=st.data())
    def test_classes_are_independent(self, scene, data):
        truth, found = scene
        k = data.draw(st.integers(0, len(truth.catalog.category_ids) - 1))
        whole = dm.evaluate(truth, found).arrays()
        chosen = dm.evaluate(truth, found, classes=[truth.catalog.category_ids.tolist()[k]])
        part = chosen.arrays()
        assert np.array_equal(
            whole["precision"][:, :, k : k + 1], part["precision"], equal_nan=True
        )
        assert np.array_equal(whole["recall"][:, k : k + 1], part["recall"], equal_nan=True)

    @given(scene=scenes, data=st.data())
    def test_images(self, scene, data):
        truth, found = scene
        catalog = truth.catalog
        marked = np.array(
            data.draw(
                st.lists(
                    st.booleans(),
                    min_size=len(catalog.image_ids),
                    max_size=len(catalog.image_ids),
                ).filter(any)
            )
        )
        part = dm.evaluate(truth, found, images=catalog.image_ids[marked].tolist())
        fewer, less = restrict(truth, found, marked, np.ones(len(catalog.category_ids), bool))
        assert same(part.arrays(), dm.evaluate(fewer, less).arrays())
        assert part.counts["images"] == marked.sum()


class TestVerdicts:
    """The match table agrees with the curves, row by row and in its counts."""

    @given(scene=scenes, rules=rules)
    def test_counts(self, scene, rules):
        result = dm.evaluate(*scene, rules)
        iou = rules.iou_thresholds[0]
        for area, bounds in enumerate(rules.area_ranges):
            frame = result.matches(iou=iou, area=bounds.name)
            count = frame["verdict"].value_counts()
            right, missed = count.get("true positive", 0), count.get("missed", 0)
            assert right + missed == result.curves.positives[:, area].sum()
            counted = sum(
                len(result.curve(name, iou=iou, area=bounds.name).scores)
                for name in result.class_names
            )
            assert right + count.get("false positive", 0) == counted
            assert (
                frame.loc[frame["verdict"] == "true positive", "iou"] >= min(iou, 1 - 1e-10)
            ).all()
            assert frame["reason"].notna().all()
            assert len(frame) == len(scene[1]) + missed


class TestTies:
    """The interval over tie orders holds the value, and is a point where scores differ."""

    @given(scene=scenes, rules=rules)
    def test_interval(self, scene, rules):
        result = dm.evaluate(*scene, rules)
        for name, value in result.summary.items():
            low, high = result.tie_interval(name)
            if np.isnan(value):
                assert np.isnan(low)
                assert np.isnan(high)
            else:
                assert low <= value <= high

    @given(scene=scenes)
    def test_distinct_scores_leave_nothing_open(self, scene):
        truth, found = scene
        distinct = replace(found, scores=np.linspace(0.1, 0.9, len(found)))
        result = dm.evaluate(truth, distinct)
        low, high = result.tie_interval("AP")
        assert np.array_equal([low, high], [result.summary["AP"]] * 2, equal_nan=True)

    def test_both_orders_are_reached(self):
        truth = dm.GroundTruth.from_arrays(image_ids=[1], categories=[1], boxes=[[0, 0, 9, 9]])
        boxes = [[50, 50, 9, 9], [0, 0, 9, 9]]
        for order in ([0, 1], [1, 0]):
            found = dm.Detections.from_arrays(
                image_ids=[1, 1],
                categories=[1, 1],
                boxes=np.array(boxes)[order],
                scores=[0.5, 0.5],
                catalog=truth.catalog,
            )
            low, high = dm.evaluate(truth, found).tie_interval("AP")
            assert (low, high) == (pytest.approx(0.5), pytest.approx(1.0))


class TestRanking:
    """best_first sorts by group and falling score, by_group by group; first_equal looks back."""

    scores = st.lists(
        st.one_of(
            st.sampled_from([0.0, -0.0, 0.5, 1.0, 1e-300, -1.0, 1e300, 5e-324]),
            st.floats(allow_nan=False, allow_infinity=False),
            st.floats(0.5, 0.5000000001),
        ),
        max_size=60,
    )

    @given(scores=scores, data=st.data())
    def test_best_first(self, scores, data):
        count = len(scores)
        places = data.draw(st.lists(st.integers(0, 3), min_size=count, max_size=count))
        expected = sorted(range(count), key=lambda row: (-scores[row], places[row], row))
        found = best_first(np.array(scores, float), np.array(places, np.int64))
        assert found.tolist() == expected

    @given(scores=scores, most=st.sampled_from([1, 2**31 - 1]), data=st.data())
    def test_best_first_of_each_group(self, scores, most, data):
        count = len(scores)
        of_rows = st.lists(st.integers(0, 3), min_size=count, max_size=count)
        groups = [min(group, 1) * most for group in data.draw(of_rows)]
        places = data.draw(of_rows)
        expected = sorted(
            range(count), key=lambda row: (groups[row], -scores[row], places[row], row)
        )
        columns = np.array(places, np.int64), np.array(groups, np.int64)
        assert best_first(np.array(scores, float), *columns).tolist() == expected

    def test_best_first_of_more_rows_than_a_block(self):
        rng = np.random.default_rng(0)
        groups = rng.integers(0, 3, 2 * BLOCK + 5)
        scores = rng.random(len(groups)) ** 20  # some share their leading bits
        scores[::7] = 0.5
        scores[1::7] += 0.5
        expected = np.lexsort((-scores, groups))
        assert (best_first(scores, np.zeros_like(groups), groups) == expected).all()

    @given(groups=st.lists(st.sampled_from([0, 1, 2, 65_536, 2**40, 2**62]), max_size=50))
    def test_rank_in_groups(self, groups):
        expected = [groups[:place].count(group) for place, group in enumerate(groups)]
        assert rank_in_groups(np.array(groups, np.int64)).tolist() == expected

    @given(
        groups=st.lists(st.sampled_from([0, 1, 2, 255, 256, 65_535, 65_536, 2**40]), max_size=50)
    )
    def test_by_group(self, groups):
        expected = sorted(range(len(groups)), key=lambda row: groups[row])
        assert by_group(np.array(groups, np.int64), np.arange(len(groups))).tolist() == expected

    @given(
        rows=st.lists(
            st.tuples(*[st.sampled_from([0.0, -0.0, 1.0, -3.5, np.inf, np.nan])] * 3), max_size=40
        )
    )
    def test_first_equal(self, rows):
        expected = [
            next((at for at, other in enumerate(rows[:row]) if other == rows[row]), row)
            if not np.isnan(rows[row]).any()
            else row
            for row in range(len(rows))
        ]
        assert first_equal(np.array(rows).reshape(-1, 3)).tolist() == expected


def test_class_names_need_not_differ():
    catalog = Catalog.from_ids(images=[1], categories=[1, 2], category_names=["a", "a"])
    assert catalog.class_labels == ("a (id 1)", "a (id 2)")


@given(scene=scenes, rules=rules)
def test_tie_interval_is_reached_by_sorting(scene, rules):
    """False positives first, or true positives first, among the rows of a class and a score."""
    result = dm.evaluate(*scene, rules)
    low, high = result.tie_interval("AP")
    cells: dict[int, list[float]] = {-1: [], 1: []}
    for name, total in zip(result.class_names, result.curves.positives[:, 0].tolist(), strict=True):
        for iou in rules.iou_thresholds if total else ():
            frame = result.matches(iou=iou)
            frame = frame[frame["verdict"].isin(["true positive", "false positive"])]
            if not rules.class_agnostic:
                frame = frame[frame["category"] == name]
            verdicts = zip(frame["score"], frame["verdict"] == "true positive", strict=True)
            rows = [(score, right, False) for score, right in verdicts]
            for sign, found in cells.items():
                rows.sort(key=lambda row, sign=sign: (-row[0], -sign * row[1]))
                found += reference.curve(rows, total, rules.recall_points)[0]
    for sign, bound in ((-1, low), (1, high)):
        expected = np.mean(cells[sign]) if cells[sign] else np.nan
        assert bound == pytest.approx(expected, abs=1e-12, nan_ok=True)


def test_enough_true_positives_for_each_recall_point():
    """The first j with j / truths >= r, as a search through all of them finds it."""
    # Just above a third: the product with 6 rounds to 2, and yet 2 / 6 falls short.
    points = np.sort([*dm.COCO.recall_points, np.nextafter(1 / 3, 1), np.nextafter(1 / 3, 0)])
    for count in [*range(1, 400), 1000, 4321, 36_335, 262_144]:
        curve = np.arange(1, count + 1) / count
        hits = TruePositives(
            detection=np.arange(count),
            false_positives=np.arange(count) ** 2,  # precision falls
            first=np.array([[0]]),
            count=np.array([[count]]),
            all_false_positives=np.array([[0]]),
        )
        cells = envelope(hits, np.array([count]), points)[0, 0]
        expected = hits.precision[np.searchsorted(curve, points, side="left")]
        assert np.array_equal(cells, expected)
