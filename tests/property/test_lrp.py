"""Optimal LRP against a slow loop from its definition."""

from __future__ import annotations

import math

import numpy as np
import pytest
import reference_rules
import strategies
from hypothesis import given

import detmetrics as dm

pytestmark = pytest.mark.filterwarnings("ignore::detmetrics.DetmetricsWarning")


def lrp_at(result: dm.Evaluation, name: str, rows: list[int]) -> tuple[float, ...]:
    """LRP and its parts, where the detections of ``rows`` are kept and no others."""
    table = result.matches(iou=0.5)
    mine = table[table["category"] == name]
    truths = int(mine["verdict"].isin(["true positive", "missed"]).sum())
    kept = mine[mine["detection"].isin(rows)]
    right = kept[kept["verdict"] == "true positive"]
    wrong = int((kept["verdict"] == "false positive").sum())
    missed = truths - len(right)
    distance = float((1 - right["iou"]).sum())
    whole = (distance / 0.5 + wrong + missed) / (len(right) + wrong + missed)
    parts = distance / len(right) if len(right) else math.nan, missed / truths
    return whole, *parts


@given(scene=strategies.scenes())
def test_is_the_least_over_all_places_to_cut(scene):
    result = dm.evaluate(*scene, dm.OLRP)
    known = reference_rules.evaluate(*scene, dm.OLRP)
    columns = result.class_columns()
    for k, name in enumerate(result.class_names):
        if known["truths"][k, 0] == 0:
            assert np.isnan(columns["oLRP"][k])
            continue
        rows = result.matching.row[result.matching.category == k].tolist()
        whole = [lrp_at(result, name, rows[: n + 1]) for n in range(len(rows))]
        found = [n for n in range(len(rows)) if not np.isnan(whole[n][1])]
        if not found:
            assert columns["oLRP"][k] == 1.0
            assert columns["oLRP_FN"][k] == 1.0
            continue
        least = min(value for value, _, _ in whole)
        assert columns["oLRP"][k] == pytest.approx(least, abs=1e-12)
        best = next(n for n in range(len(rows)) if whole[n][0] <= least + 1e-12)
        if sum(value <= least + 1e-9 for value, _, _ in whole) == 1:
            assert columns["oLRP_Loc"][k] == pytest.approx(whole[best][1], abs=1e-12, nan_ok=True)
            assert columns["oLRP_FN"][k] == pytest.approx(whole[best][2], abs=1e-12)


def test_a_perfect_detector_has_none():
    catalog = dm.Catalog.from_ids(images=[1], categories=[1])
    truth = dm.GroundTruth.from_arrays(
        image_ids=[1], categories=[1], boxes=[[0, 0, 10, 10]], catalog=catalog
    )

    def summary(box):
        found = dm.Detections.from_arrays(
            image_ids=[1], categories=[1], boxes=[box], scores=[0.7], catalog=catalog
        )
        return dm.evaluate(truth, found, dm.OLRP).summary

    exact = summary([0, 0, 10, 10])
    assert (exact["oLRP"], exact["oLRP_Loc"], exact["oLRP_confidence"]) == (0.0, 0.0, 0.7)
    # (1 - 0.8) / (1 - 0.5) of one object
    assert summary([0, 0, 10, 8])["oLRP"] == pytest.approx(0.4)
    nothing = summary([50, 50, 10, 10])
    assert (nothing["oLRP"], nothing["oLRP_FN"]) == (1.0, 1.0)
    assert "oLRP_Loc" in nothing.undefined
