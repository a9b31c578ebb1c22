"""The interval over orders of equal scores: its ends are AP of the worst and of the best order."""

from __future__ import annotations

import math

import pytest
import strategies
from hypothesis import given
from setting_scenes.curves import PLACES
from setting_scenes.scene import BASE, Detected, Object, Scene

import detmetrics as dm
from detmetrics.evaluation import attention

NOWHERE = [900, 0, 10, 10]
POINTS = (0, 0.2, 0.25, 0.5, 0.75, 1)


def result(ranks: list[str], objects: int, rules: dm.Rules, *, tied: bool) -> dm.Evaluation:
    """Detections that are right (T) or wrong (F), best first; tied: those of one text have one
    score, and otherwise each has its own, in the order of the text."""
    places, found, score = iter(PLACES), [], 0.9
    for letters in ranks:
        for letter in letters:
            found.append(Detected(score, next(places) if letter == "T" else NOWHERE))
            score -= 0 if tied else 0.01
        score -= 0.1
    scene = Scene(
        setting="ties",
        what="",
        objects=[Object(box) for box in PLACES[:objects]],
        found=found,
        expected={},
    )
    return dm.evaluate(*scene.tables(), rules)


@pytest.mark.parametrize("interpolation", ["points", "every", "linear", "slope"])
@pytest.mark.parametrize(
    ("tied", "objects"),
    [
        (["TF"], 1),
        (["FTF"], 2),
        (["T", "FTFT", "T"], 4),
        (["F", "TF", "F", "FTT"], 5),
        (["TTF", "TFF"], 4),
        (["T", "F", "T"], 3),
        (["FF"], 1),
    ],
)
def test_are_those_of_the_worst_and_of_the_best_order(interpolation, tied, objects):
    rules = BASE.replace(interpolation=interpolation, recall_points=POINTS)
    worst = ["".join(sorted(letters)) for letters in tied]  # F before T
    best = ["".join(sorted(letters, reverse=True)) for letters in tied]
    expected = [result(order, objects, rules, tied=False).summary["AP"] for order in (worst, best)]
    found = result(tied, objects, rules, tied=True)
    assert found.tie_interval() == pytest.approx(expected, abs=1e-12)
    assert found.tie_interval("AP", "a") == pytest.approx(expected, abs=1e-12)


def test_recall_does_not_depend_on_the_order():
    rules = BASE.replace(metrics="ar", max_detections=(1, 10))
    found = result(["TF"], 2, rules, tied=True)
    assert found.tie_interval("AR10") == (0.5, 0.5)


@pytest.mark.parametrize(("threshold", "ends"), [("AP50", (1 / 2, 1)), ("AP75", (0, 0))])
def test_is_of_the_threshold_of_the_metric(threshold, ends):
    rules = BASE.replace(iou_thresholds=(0.5, 0.75), metrics=("ap", "ap_iou"))
    found = [Detected(0.9, [0, 0, 10, 6]), Detected(0.9, NOWHERE)]
    objects = [Object([0, 0, 10, 10])]
    scene = Scene(setting="ties", what="", objects=objects, found=found, expected={})
    seen = dm.evaluate(*scene.tables(), rules)
    assert seen.tie_interval(threshold) == pytest.approx(ends, abs=1e-12)
    assert seen.tie_interval() == pytest.approx((1 / 4, 1 / 2), abs=1e-12)


def test_is_of_the_classes_of_a_frequency():
    """The rare class has a tie, the common one has none, and no class is frequent."""
    found = [
        Detected(0.9, PLACES[0]),
        Detected(0.9, NOWHERE),
        Detected(0.9, PLACES[1], "b"),
    ]
    scene = Scene(
        setting="ties",
        what="",
        objects=[Object(PLACES[0]), Object(PLACES[1], "b")],
        found=found,
        classes="ab",
        known=[],
        expected={},
    )
    seen = dm.evaluate(*scene.tables(), BASE.replace(metrics="ap_frequency"))
    assert seen.tie_interval("APr") == pytest.approx((1 / 2, 1), abs=1e-12)
    assert seen.tie_interval("APc") == pytest.approx((1, 1), abs=1e-12)
    assert all(map(math.isnan, seen.tie_interval("APf")))


def ends_from_the_definition(seen: dm.Evaluation) -> list[float]:
    """AP of all classes with false positives first among equal scores, and with them last."""
    rules, ends = seen.rules, []
    for right_first in (False, True):
        values = []
        for threshold in range(len(rules.iou_thresholds)):
            outcomes = seen.matching.outcomes(0, threshold)
            for category, objects in enumerate(outcomes.positives.tolist()):
                if not objects:
                    continue
                ranked = sorted(
                    (-score, right != right_first, right)
                    for of, score, right, wrong in zip(
                        seen.matching.category.tolist(),
                        seen.matching.score.tolist(),
                        outcomes.true_positive.tolist(),
                        outcomes.false_positive.tolist(),
                        strict=True,
                    )
                    if of == category and (right or wrong)
                )
                found, curve = 0, []
                for count, (_, _, right) in enumerate(ranked, start=1):
                    found += right
                    curve.append((found / objects, found / count))
                values += [
                    max((p for r, p in curve if r >= point), default=0.0)
                    for point in rules.recall_points
                ]
        ends.append(sum(values) / len(values) if values else math.nan)
    return ends


@pytest.mark.filterwarnings("ignore::detmetrics.DetmetricsWarning")
@given(strategies.scenes(), strategies.rules())
def test_equals_the_definition(scene, rules):
    """With crowds, ignored objects, limits, pooled classes and sizes that are out of range."""
    seen = dm.evaluate(*scene, rules)
    assert seen.tie_interval() == pytest.approx(
        ends_from_the_definition(seen), abs=1e-9, nan_ok=True
    )


def says(seen: dm.Evaluation) -> list[str]:
    return [line for line in seen.attention if "equal scores" in line]


class TestAttention:
    """Every view says how far AP depends on the order of equal scores."""

    def test_the_interval_and_how_many_share_their_score(self):
        (line,) = says(result(["FTF", "T"], 2, BASE, tied=True))
        low, high = result(["FTF", "T"], 2, BASE, tied=True).tie_interval()
        assert line.startswith(f"AP is {low:.4f} to {high:.4f}, ")
        assert "3 of 4 detections" in line

    @pytest.mark.parametrize("ranks", [["T", "F"], ["TT", "FF"], ["FF"], ["TT"]])
    def test_nothing_where_no_equal_scores_straddle_a_match(self, ranks):
        assert says(result(ranks, 2, BASE, tied=True)) == []

    @pytest.mark.parametrize(("factor", "lines"), [(0.99, 1), (1.01, 0)])
    def test_nothing_where_it_is_narrow(self, monkeypatch, factor, lines):
        seen = result(["T", "T", "FT"], 3, BASE, tied=True)
        low, high = seen.tie_interval()
        monkeypatch.setattr(attention, "TIE_WIDTH", factor * (high - low))
        assert len(says(seen)) == lines

    @pytest.mark.parametrize("interpolation", ["trapezoid", "cuts"])
    def test_nothing_where_no_interval_is_known(self, interpolation):
        rules = BASE.replace(interpolation=interpolation, recall_points=(0, 0.25, 0.5, 0.75, 1))
        assert says(result(["FT"], 2, rules, tied=True)) == []

    def test_it_is_no_warning(self):
        assert not [line for line in result(["FT"], 1, BASE, tied=True).warnings if "equal" in line]
