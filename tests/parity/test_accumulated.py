"""Accumulating from ``evalImgs`` equals pycocotools' own loop, cell by cell."""

from __future__ import annotations

import contextlib
import copy
import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from profiles import examples
from pycocotools.cocoeval import COCOeval, Params

import detmetrics.compat.pycocotools as ours
from detmetrics.compat import accumulated

IMAGES, CLASSES = (3, 5, 8, 9), (1, 2, 7)


def records(rng, params):
    """Records as evaluators of batches put them together: any matches, many scores alike."""

    def one():
        found, there, count = rng.integers(0, 5), rng.integers(0, 4), len(params.iouThrs)
        return {
            "dtScores": np.sort(rng.integers(0, 4, found) / 4)[::-1].tolist(),
            "dtMatches": (rng.random((count, found)) < 0.5) * rng.integers(1, 9, found) * 1.0,
            "dtIgnore": rng.random((count, found)) < 0.2,
            "gtIgnore": (rng.random(there) < 0.3).astype(int),
        }

    cells = len(params.catIds if params.useCats else [-1]) * len(params.areaRng) * len(IMAGES)
    return [one() if rng.random() < 0.7 else None for _ in range(cells)]


def parameters(use_classes):
    params = Params(iouType="bbox")
    params.imgIds, params.catIds, params.useCats = list(IMAGES), list(CLASSES), use_classes
    params.maxDets = [1, 2, 100]
    return params


def arrays(kind, evaluated, asked, some):
    made = kind()
    made.evalImgs, made._paramsEval, made.params = some, evaluated, copy.deepcopy(asked)
    with contextlib.redirect_stdout(io.StringIO()):
        made.accumulate()
    return {**made.eval, "params": vars(made.params), "date": ""}


@given(seed=st.integers(0, 10_000), use_classes=st.sampled_from([1, 0]), subset=st.integers(0, 4))
@examples(60)
def test_every_cell_equals_the_loop(seed, use_classes, subset):
    rng = np.random.default_rng(seed)
    evaluated = parameters(use_classes)
    some = records(rng, evaluated)
    asked = copy.deepcopy(evaluated)
    if subset == 1:
        asked.imgIds, asked.catIds = [5, 8, 99], [2, 7]
    if subset == 2:
        asked.maxDets, asked.areaRng = [2, 100], asked.areaRng[1:]
    if subset == 3:
        asked.recThrs = np.array([0.5, 0, 1, 0.2])
    if subset == 4:
        asked.catIds, asked.imgIds = [4], []
    mine, theirs = (arrays(kind, evaluated, asked, some) for kind in (ours.COCOeval, COCOeval))
    for name in ("precision", "recall", "scores"):
        np.testing.assert_array_equal(mine[name], theirs[name])
        assert mine[name].dtype == theirs[name].dtype
    assert mine["counts"] == theirs["counts"]
    assert mine["params"]["catIds"] == theirs["params"]["catIds"]


def spoiled(change):
    params = parameters(1)
    some = records(np.random.default_rng(0), params)
    row = next(at for at, one in enumerate(some) if one and one["dtScores"])
    change(some, row)
    return params, some


@pytest.mark.parametrize(
    "change",
    [
        lambda some, row: some[row].pop("dtIgnore"),
        lambda some, row: some[row]["dtScores"].append(0.5),
        lambda some, row: some.__delitem__(slice(5, None)),
        lambda some, row: some[row].update(dtMatches=[]),
    ],
)
def test_records_that_are_no_such_records_end_as_there(change):
    ends = []
    for kind in (ours.COCOeval, COCOeval):
        params, some = spoiled(change)
        with pytest.raises((KeyError, IndexError, TypeError, ValueError)) as raised:
            arrays(kind, params, params, some)
        ends.append((raised.type, str(raised.value)))
    assert ends[0] == ends[1]


def test_a_patched_accumulate_is_called(monkeypatch):
    def patched(self, p=None):
        self.eval = {"patched": True}

    monkeypatch.setattr(ours.Original, "accumulate", patched)
    params = parameters(1)
    some = records(np.random.default_rng(1), params)
    assert arrays(ours.COCOeval, params, params, some)["patched"]


def test_it_is_ours_that_runs():
    params = parameters(1)
    some = records(np.random.default_rng(2), params)
    assert accumulated.accumulated(some, params, params) is not None
