"""Groups of runs: spreads, intervals that hold their level, and gains that seeds alone make."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest

import detmetrics as dm
from detmetrics.analysis import compare_groups
from detmetrics.analysis.seed_spread import group_difference, group_mean
from detmetrics.foundation.spread import mean_difference

IMAGES, SAMPLES = 100, 120


def drawn(rng, runs, *, mean=0.5, seeds=0.02, images=0.2, own=0.1, disagree=0.15, shared=None):
    """The values of runs and their bootstrap samples, where a metric is a mean over images.

    seeds: between models, over all images; images: shared by all; own: of a group; disagree: of a
    run on an image.
    """
    model = mean + rng.normal(0, seeds, (runs, 1))
    scene = rng.normal(0, own, IMAGES) + shared * images
    return model + scene + rng.normal(0, disagree, (runs, IMAGES))


def resampled(rng, *groups):
    weights = rng.multinomial(IMAGES, np.full(IMAGES, 1 / IMAGES), SAMPLES) / IMAGES
    return [(scores.mean(axis=1), scores @ weights.T) for scores in groups]


def trial(seed, runs, gain=0.0, **spread):
    rng = np.random.default_rng(seed)
    shared = rng.normal(0, 1, IMAGES)
    a = drawn(rng, runs[0], shared=shared, **spread)
    b = drawn(rng, runs[1], mean=0.5 + gain, shared=shared, **spread)
    return group_difference(*resampled(rng, a, b), 0.95)


SPREADS = {
    "seeds": {"seeds": 0.03, "own": 0.01, "disagree": 0.05},
    "images": {"seeds": 0.002, "own": 0.2, "disagree": 0.05},
    "both": {"seeds": 0.02, "own": 0.15, "disagree": 0.1},
    "disagreement": {"seeds": 0.0, "own": 0.0, "disagree": 0.3},
}
# One that rests on seeds and one that rests on both, in every run; all of them in make deep.
SOME = [
    name if name in ("seeds", "both") else pytest.param(name, marks=pytest.mark.heavy)
    for name in SPREADS
]


class TestLevel:
    """The interval holds the difference over all seeds and images about as often as it says."""

    @pytest.mark.parametrize(
        "runs",
        [(3, 3), *(pytest.param(runs, marks=pytest.mark.heavy) for runs in [(5, 5), (2, 6)])],
    )
    @pytest.mark.parametrize("name", SOME)
    def test_holds(self, name, runs):
        told = [trial(seed, runs, gain=0.01, **SPREADS[name]) for seed in range(300)]
        held = sum(one.low <= 0.01 <= one.high for one in told) / len(told)
        assert (0.90 if 2 in runs else 0.92) <= held <= 0.995

    @pytest.mark.parametrize("name", SOME)
    def test_noise_is_no_gain(self, name):
        told = [trial(seed, (3, 3), **SPREADS[name]).verdict for seed in range(300)]
        assert sum(verdict != "cannot tell" for verdict in told) <= 0.05 * 300 + 6

    def test_what_images_alone_would_call_a_gain(self):
        """Seeds differ, images hardly: between single runs the paired interval excludes zero."""
        spread = {"seeds": 0.03, "own": 0.0, "disagree": 0.02}
        told = [trial(seed, (4, 4), **spread) for seed in range(200)]
        assert sum(bool(one.exceeds_images) for one in told) > 100
        assert sum(one.verdict != "cannot tell" for one in told) <= 16

    def test_a_gain_is_found(self):
        told = [trial(seed, (5, 5), gain=0.15, **SPREADS["both"]).verdict for seed in range(50)]
        assert told.count("better") >= 45


class TestDefinitions:
    """By hand, and where there is nothing to tell."""

    def test_welch(self):
        """R's t.test(c(30.02, 29.99, 30.11, 29.97, 30.01, 29.99), ...) of Student's example."""
        a = [30.02, 29.99, 30.11, 29.97, 30.01, 29.99]
        b = [29.89, 29.93, 29.72, 29.98, 30.02, 29.98]
        found = mean_difference(b, a, 0.95)
        assert found.value == pytest.approx(0.095)
        assert found.freedom == pytest.approx(7.0306, abs=1e-4)
        assert found.error == pytest.approx(0.0484931, abs=1e-6)
        assert found.low == pytest.approx(-0.0196, abs=1e-4)

    def test_one_run_cannot_tell(self):
        rng = np.random.default_rng(0)
        one, more = rng.normal(0.5, 0.001, (1, 50)), rng.normal(0.9, 0.001, (3, 50))
        found = group_difference((one[:, 0], one), (more[:, 0], more), 0.95)
        assert (found.verdict, found.exceeds_seeds, found.exceeds_images) == (
            "cannot tell", None, True,
        )  # fmt: skip
        assert math.isnan(found.low)
        assert math.isnan(group_mean(one[:, 0], one).seed_spread)

    def test_where_less_is_better(self):
        rng = np.random.default_rng(0)
        a, b = rng.normal(0.9, 0.001, (3, 50)), rng.normal(0.5, 0.001, (3, 50))
        sides = (a[:, 0], a), (b[:, 0], b)
        assert group_difference(*sides, 0.95).verdict == "worse"
        assert group_difference(*sides, 0.95, lower=True).verdict == "better"

    def test_undefined_in_one_run(self):
        rng = np.random.default_rng(0)
        a = rng.normal(0.9, 0.001, (3, 50))
        values = a[:, 0].copy()
        values[1] = math.nan
        found = group_difference((a[:, 0], a), (values, a), 0.95)
        assert found.verdict == "undefined"
        assert found.to_dict()["value"] is None

    def test_two_equal_runs_a_side(self):
        same = np.full((2, 50), 0.5)
        found = group_difference((same[:, 0], same), (same[:, 0], same), 0.95)
        assert (found.verdict, found.low, found.high) == ("cannot tell", 0.0, 0.0)


@pytest.fixture(scope="module")
def runs():
    """Four trainings: boxes of the example, each moved by a random pixel or two."""
    truth = dm.read_ground_truth("fixtures/ground_truth.json")
    found = dm.read_detections("fixtures/detections.json", truth)
    rng = np.random.default_rng(3)
    return [
        dm.evaluate(truth, found.keep(rng.random(len(found)) > share))
        for share in (0.1, 0.1, 0.1, 0.6, 0.6, 0.6)
    ]


class TestResults:
    """Of results: every metric, sentences, and nothing that is matched again."""

    def test_means_and_spreads_are_those_of_the_runs(self, runs):
        found = compare_groups({"A": runs[:3], "B": runs[3:]}, 60)
        values = [run.summary["AP50"] for run in runs]
        a, b = found.means["A"]["AP50"], found.means["B"]["AP50"]
        assert a.values == tuple(values[:3])
        assert a.mean == pytest.approx(np.mean(values[:3]))
        assert a.seed_spread == pytest.approx(np.std(values[:3], ddof=1))
        assert 0 < a.image_error < 0.2
        difference = found.differences["B"]["AP50"]
        assert difference.value == pytest.approx(b.mean - a.mean)
        assert difference.verdict == "worse"
        assert found.conclusions[0].startswith("B is worse than A: mean AP of B differs from that")

    def test_the_image_error_of_one_run_is_that_of_its_interval(self, runs):
        from detmetrics.analysis.bootstrap import Samples, sample_seeds

        found = compare_groups({"A": runs[:1]}, 60, seed=5)
        samples, _ = Samples(runs[0]).all(sample_seeds(5, 60))
        assert found.means["A"]["AP"].image_error == pytest.approx(np.std(samples[:, 0], ddof=1))
        assert found.conclusions == ()

    def test_seeds_that_spread_make_no_gain(self, runs):
        mixed = [runs[0], runs[3]], [runs[1], runs[4]]
        found = compare_groups(dict(zip("AB", mixed, strict=True)), 60)
        assert found.differences["B"]["AP"].verdict == "cannot tell"
        assert found.conclusions[0].startswith("Inconclusive: mean AP of B differs")
        assert "A has 2 runs: the spread between seeds is hardly known" in found.attention[0]

    def test_one_run_is_said(self, runs):
        found = compare_groups({"A": runs[:1], "B": runs[3:]}, 60)
        assert found.conclusions[0].startswith("Cannot tell: A has one run")
        assert found.attention[0] == "A has one run: the spread between seeds cannot be told"

    def test_runs_that_are_one_are_said(self, runs):
        found = compare_groups({"A": [runs[0], runs[0]], "B": runs[3:]}, 60)
        assert any("hold the same detections: they are one run" in said for said in found.attention)

    def test_the_same_seed_gives_the_same(self, runs):
        groups = {"A": runs[:2], "B": runs[2:4], "C": runs[4:]}
        first, again = (compare_groups(groups, 40, seed=2).to_dict() for _ in range(2))
        assert first == again
        json.dumps(first, allow_nan=False)
        assert [*first["differences"]] == ["B", "C"]

    def test_what_cannot_be_compared(self, runs):
        other = dm.evaluate("fixtures/ground_truth.json", "fixtures/detections.json", dm.VOC2007)
        with pytest.raises(dm.InputError, match="two results under one rule set are needed"):
            compare_groups({"A": runs[:2], "B": [other]}, 40)
        with pytest.raises(dm.InputError, match="groups without runs: 'B'"):
            compare_groups({"A": runs[:2], "B": []}, 40)
        with pytest.raises(dm.InputError, match="each with one run or more, got none"):
            compare_groups({}, 40)
