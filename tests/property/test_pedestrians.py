"""Miss rates and the Jaccard index, against loops from their definitions."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
import reference_rules
import strategies
from hypothesis import given
from hypothesis import strategies as st
from profiles import examples

import detmetrics as dm
from detmetrics.metrics.jaccard import MaximumMatching
from detmetrics.metrics.miss_rate import RATES, log_average_miss_rate

pytestmark = pytest.mark.filterwarnings("ignore::detmetrics.DetmetricsWarning")


def miss_rate(right: list[bool], truths: int, images: int, where: str) -> float:
    """Loops: the miss rate at each rate of false positives, and their geometric mean."""
    found = wrong = 0
    curve = []
    for one in right:
        found, wrong = found + one, wrong + (not one)
        curve.append((wrong / images, 1 - found / truths))
    chosen = []
    for rate in RATES.tolist():
        if not curve:
            chosen.append(1.0)
        elif where == "reached":
            chosen.append(next((miss for alarms, miss in curve if alarms >= rate), curve[-1][1]))
        else:
            within = [miss for alarms, miss in curve if alarms <= rate]
            chosen.append(within[-1] if within else curve[-1][1])  # as the script has it
    if 0.0 in chosen:
        return 0.0
    return math.exp(sum(map(math.log, chosen)) / len(chosen))


@given(
    right=st.lists(st.booleans(), max_size=40),
    more=st.integers(0, 20),
    images=st.integers(1, 120),
    where=st.sampled_from(["reached", "within"]),
)
def test_the_mean_miss_rate(right, more, images, where):
    truths = sum(right) + more
    if truths == 0:
        return
    value = log_average_miss_rate(np.array(right, bool), truths, images, where)
    assert value == pytest.approx(miss_rate(right, truths, images, where), abs=1e-12)


def test_by_hand():
    # Two objects on two images: one found, then a false alarm (0.5 an image), then the other.
    right = np.array([True, False, True])
    reached = log_average_miss_rate(right, 2, 2, "reached")
    # Rates up to 0.3162 are reached by the false alarm, with one of two missed; 0.5623 and 1 never
    # are, so the last place stands, where nothing is missed.
    assert reached == 0.0
    assert log_average_miss_rate(right[:2], 2, 2, "reached") == pytest.approx(0.5)
    # Within every rate up to 0.3162 is the first place; within the others the last one.
    assert log_average_miss_rate(right[:2], 2, 2, "within") == pytest.approx(0.5)
    assert log_average_miss_rate(np.zeros(0, bool), 2, 2, "within") == 1.0


@given(scene=strategies.scenes(full=True), where=st.sampled_from(["reached", "within"]))
def test_of_every_class_and_range(scene, where):
    rules = dm.COCO.replace(
        iou_thresholds=(0.5,),
        max_detections=(math.inf,),
        area_ranges=[("low", 0.0, 4.0, "height", (("visibility", 0.5, 1.0),))],
        out_of_range="region",
        range_slack=1.25,
        miss_rate=where,
        metrics=("mr_area", "mr"),
    )
    result = dm.evaluate(*scene, rules)
    known = reference_rules.evaluate(*scene, rules)
    images = len(result.ground_truth.catalog.image_ids)
    columns = result.class_columns()
    for area, name in enumerate(("MR", "MR_low")):
        for category, value in enumerate(columns[name].tolist()):
            truths = known["truths"][category, area]
            if not truths:
                assert math.isnan(value)
                continue
            verdicts = [v == "tp" for v in known["verdicts"][category, 0, area] if v != "out"]
            assert value == pytest.approx(miss_rate(verdicts, truths, images, where), abs=1e-12)


def pairings(edges: list[tuple[int, int]]) -> list[frozenset[tuple[int, int]]]:
    """All one-to-one pairings of the greatest size."""
    for size in range(len(edges), -1, -1):
        found = [
            frozenset(chosen)
            for chosen in itertools.combinations(edges, size)
            if len({d for d, _ in chosen}) == size == len({g for _, g in chosen})
        ]
        if found:
            return found
    raise AssertionError


edges = st.sets(st.tuples(st.integers(0, 5), st.integers(0, 4)), max_size=9)


@given(edges=edges, order=st.permutations(range(6)))
def test_pairs_are_the_most_possible_at_every_moment(edges, order):
    pairs = MaximumMatching(6, 5)
    for count, detection in enumerate(order, start=1):
        pairs.add(detection, sorted(g for d, g in edges if d == detection))
        so_far = [(d, g) for d, g in edges if d in order[:count]]
        made = {(d, int(g)) for d, g in enumerate(pairs.of_detection) if g >= 0}
        assert made <= set(so_far)
        assert len({g for _, g in made}) == len(made) == len(pairings(so_far)[0])
        assert pairs.of_truth.sum() == len(made)


@given(scene=strategies.scenes(max_objects=6, max_detections=6, full=True))
@examples(60)
def test_the_jaccard_index_is_that_of_some_greatest_pairing(scene):
    rules = dm.CROWDHUMAN.replace(metrics=("ji",), clip=False)
    result = dm.evaluate(*scene, rules)
    for category, value in enumerate(result.class_columns()["JI"].tolist()):
        low, high = jaccard_bounds(*scene, rules, category)
        assert math.isnan(value) if low is None else low - 1e-9 <= value <= high + 1e-9


def jaccard_bounds(truth, found, rules, category):
    """The least and the greatest index over all greatest pairings of each image."""
    objects = [reference_rules._object(truth, g, rules) for g in range(len(truth))]
    objects = [g for g in objects if g is not None and g["class"] == category]
    if all(g["excused"] for g in objects):
        return None, None
    dets = [reference_rules._detection(truth, found, d, rules) for d in range(len(found))]
    bounds = []
    for confidence in [0.1 * step for step in range(10)]:
        lows, highs, some = [], [], 0
        for image in range(len(truth.catalog.image_ids)):
            here = [g for g in objects if g["image"] == image]
            regions = [g for g in here if g["region"]]
            counting = [g for g in here if not g["excused"]]
            shown = [
                d
                for d in dets
                if d["image"] == image and d["class"] == category and d["score"] > confidence
            ]

            def covered(box, regions=regions):
                return any(reference_rules._overlap(box, r, rules) > 0.5 for r in regions)

            near = [
                (i, j)
                for i, d in enumerate(shown)
                for j, g in enumerate(counting)
                if reference_rules._overlap(d, g, rules) >= 0.5
            ]
            values, there = [], []
            for made in pairings(near):
                taken, held = {i for i, _ in made}, {j for _, j in made}
                n = sum(i in taken or not covered(d) for i, d in enumerate(shown))
                m = sum(j in held or not covered(g) for j, g in enumerate(counting))
                values.append(len(made) / (m + n - len(made) + 1e-6))
                there.append(m > 0 or n > 0)
            assert len(set(there)) == 1 or 0.0 in values
            lows.append(min(values))
            highs.append(max(values))
            some += any(there)
            if len(set(there)) > 1:
                return 0.0, 1.0  # an image that is there in one pairing and not in another
        bounds.append((sum(lows) / some, sum(highs) / some) if some else (0.0, 0.0))
    return max(low for low, _ in bounds), max(high for _, high in bounds)
