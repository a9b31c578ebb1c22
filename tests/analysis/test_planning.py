"""Images that it takes to see a difference: the formula, and what it says of larger samples."""

from __future__ import annotations

import json
import math
from pathlib import Path
from statistics import NormalDist

import numpy as np
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

import detmetrics as dm
from detmetrics import analysis
from detmetrics.analysis.planning import images_needed
from detmetrics.cli import cli

TRUTH, FOUND = "fixtures/ground_truth.json", "fixtures/detections.json"


@given(
    images=st.integers(2, 10**6),
    error=st.floats(1e-4, 0.1),
    difference=st.floats(1e-3, 0.5),
    power=st.floats(0.55, 0.99),
    level=st.floats(0.5, 0.99),
)
def test_on_so_many_images_the_difference_is_seen_as_often(images, error, difference, power, level):
    """The chance that a normal estimate with the error of n images has an interval above 0."""
    needed = images_needed(images, error, difference, power, level)
    if needed is None:
        return

    def seen(count: int) -> float:
        own = error * math.sqrt(images / count)
        return NormalDist(difference, own).cdf(-NormalDist().inv_cdf((1 - level) / 2) * own)

    assert 1 - seen(needed) >= power - 1e-9
    assert needed == 1 or 1 - seen(needed - 1) <= power + 1e-9


@pytest.mark.parametrize(
    ("error", "difference"), [(0.0, 0.01), (math.nan, 0.01), (0.1, 1e-300), (0.1, 1e-9)]
)
def test_where_it_cannot_be_told(error, difference):
    assert images_needed(100, error, difference, 0.8, 0.95) is None


def result(images: int, seed: int, share: float) -> dm.Evaluation:
    """One object an image, found with this share, and as many false positives as images."""
    random = np.random.default_rng(seed)
    ground_truth = dm.GroundTruth.from_arrays(
        image_ids=range(images), categories=[1] * images, boxes=[[0, 0, 10, 10]] * images
    )
    hit = np.random.default_rng(seed + 10**6).random(images) < share
    boxes = np.where(hit[:, None], [0, 0, 10, 10], [50, 50, 10, 10])
    detections = dm.Detections.from_arrays(
        catalog=ground_truth.catalog,
        image_ids=range(images),
        categories=[1] * images,
        boxes=boxes,
        scores=random.random(images),
    )
    return dm.evaluate(ground_truth, detections, dm.COCO.replace(metrics="ap"))


def test_a_small_set_predicts_the_error_of_a_large_one():
    """The mean over twenty small sets, as one alone is known to a tenth."""
    plans = [
        analysis.sample_size(result(150, seed, 0.6), result(150, seed, 0.7), resamples=100)
        for seed in range(20)
    ]
    told = np.mean([plan.standard_errors["AP"] ** 2 for plan in plans])
    large = analysis.sample_size(result(2400, 99, 0.6), result(2400, 99, 0.7), resamples=200)
    assert math.sqrt(told / 16) == pytest.approx(large.standard_errors["AP"], rel=0.15)


class TestCommand:
    def run(self, *arguments: str) -> tuple[int, str, str]:
        done = CliRunner().invoke(cli, ["plan", TRUTH, *arguments, "-q", "--resamples", "100"])
        return done.exit_code, done.stdout, done.stderr

    @pytest.fixture
    def sure(self, tmp_path):
        rows = [row for row in json.loads(Path(FOUND).read_text()) if row["score"] > 0.4]
        path = tmp_path / "sure.json"
        path.write_text(json.dumps(rows))
        return str(path)

    def test_table_and_json_are_those_of_the_library(self, sure):
        code, text, _ = self.run(FOUND, sure, "--difference", "0.01", "--power", "0.9")
        told = json.loads(
            self.run(FOUND, sure, "--difference", "0.01", "--power", "0.9", "--json", "-")[1]
        )
        needed = told["metrics"]["AP"]["images"]
        assert code == 0
        assert told["images"] == 24
        assert f" {needed[0]:,}\n" in text
        assert "in 90% of samples" in text

    def test_equal_models_tell_nothing(self):
        told = json.loads(self.run(FOUND, FOUND, "--json", "-")[1])
        assert told["metrics"]["AP"]["images"] == [None, None, None]
        assert told["metrics"]["AP"]["smallest"] is None

    @pytest.mark.parametrize(
        ("name", "wrong"),
        [("difference", "0"), ("difference", "x"), ("power", "1"), ("power", "0.1")],
    )
    def test_wrong_usage(self, name, wrong):
        assert self.run(FOUND, FOUND, f"--{name}", wrong)[0] == 2

    @pytest.mark.parametrize("wrong", [{"differences": ()}, {"differences": [-1]}, {"power": 0.4}])
    def test_wrong_arguments(self, wrong):
        whole = result(5, 0, 0.5)
        with pytest.raises(dm.InputError):
            analysis.sample_size(whole, whole, **wrong)
