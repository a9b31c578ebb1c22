"""The example of ``fixtures/``, cell by cell, against values that pycocotools once gave."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import numpy as np
import pytest

import detmetrics as dm

GOLDEN = json.loads(gzip.decompress((Path(__file__).parent / "example.json.gz").read_bytes()))


@pytest.fixture(scope="module")
def result() -> dm.Evaluation:
    return dm.evaluate("fixtures/ground_truth.json", "fixtures/detections.json")


def test_every_metric(result: dm.Evaluation) -> None:
    assert list(result.summary.values()) == GOLDEN["stats"]


@pytest.mark.parametrize("name", ["precision", "recall", "scores"])
def test_every_cell(result: dm.Evaluation, name: str) -> None:
    golden = np.array(GOLDEN[name])
    golden[golden == -1] = np.nan
    np.testing.assert_array_equal(result.arrays()[name], golden, strict=True)
