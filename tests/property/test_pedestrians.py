"""Miss rates and the Jaccard index, against loops from their definitions."""

from __future__ import annotations

import math

import numpy as np
import pytest
import reference_rules
import strategies
from hypothesis import given
from hypothesis import strategies as st
from profiles import examples
from reference_metrics import jaccard_bounds, miss_rate, pairings

import detmetrics as dm
from detmetrics.metrics.jaccard import MaximumMatching
from detmetrics.metrics.miss_rate import log_average_miss_rate

pytestmark = pytest.mark.filterwarnings("ignore::detmetrics.DetmetricsWarning")


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
