"""Whether a result in parts is that of the whole, in every bit."""

from __future__ import annotations

import numpy as np
from match_scenes import assert_same

import detmetrics as dm
from detmetrics.metrics.summary import metrics_of
from detmetrics.metrics.tie_interval import NO_INTERVAL


def assert_equal(ours: dm.PartsEvaluation, whole: dm.Evaluation) -> None:
    """In every metric, class, count, cell, curve and interval, bit for bit."""
    assert ours.rules == whole.rules
    assert [*map(float.hex, ours.summary.values())] == [*map(float.hex, whole.summary.values())]
    assert ours.summary.undefined == whole.summary.undefined
    mine, theirs = ours.class_columns(), whole.class_columns()
    assert [*mine] == [*theirs]
    for name, column in mine.items():
        assert_same(column, theirs[name], name)
    told, expected = ours.to_dict(), whole.to_dict()
    for key in ("schema", "signature", "shape", "metrics", "per_class", "counts", "versions"):
        assert told[key] == expected[key], key
    assert_equal_cells(ours, whole)
    assert_equal_intervals(ours, whole)


def assert_equal_cells(ours: dm.PartsEvaluation, whole: dm.Evaluation) -> None:
    expected = whole.arrays()
    for name, cells in ours.arrays().items():
        assert_same(np.ascontiguousarray(cells), np.ascontiguousarray(expected[name]), name)
    for name in whole.class_names:
        for limit in whole.rules.max_detections:
            asked = {"iou": whole.rules.iou_thresholds[0], "area": "all", "limit": limit}
            assert_same(ours.curve(name, **asked), whole.curve(name, **asked))


def assert_equal_intervals(ours: dm.PartsEvaluation, whole: dm.Evaluation) -> None:
    named = [one.name for one in metrics_of(whole.rules) if one.kind.of_curves]
    if whole.rules.interpolation in NO_INTERVAL:
        named = []
    for name in named:
        for of in (None, *whole.class_names[:1]):
            np.testing.assert_array_equal(ours.tie_interval(name, of), whole.tie_interval(name, of))
