"""May a model ship: the rule, Holm's correction, floors, and the gate as a whole."""

from __future__ import annotations

import dataclasses
import json
import math
from statistics import NormalDist

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

import detmetrics as dm
from detmetrics.analysis import GateSettings, compare, confidence_intervals, gate, part_of
from detmetrics.analysis.gating.families import Gain, settled
from detmetrics.analysis.gating.verdicts import images_to_settle, verdict_of

FIXTURES = "fixtures/ground_truth.json", "fixtures/detections.json"
ends = st.floats(-1, 1)


def rule(low: float, high: float, margin: float) -> str:
    """The rule, word for word."""
    if low > 1e-12:  # less is dust of floats
        return "better"
    if low >= -margin - 1e-12:
        return "not worse"
    if high < -margin - 1e-12:
        return "worse"
    return "cannot tell"


@pytest.fixture(scope="module")
def models() -> dict[str, dm.Evaluation]:
    """The example, what is left of it where detections are lost, and with its scores shuffled."""
    truth = dm.read_ground_truth(FIXTURES[0])
    found = dm.read_detections(FIXTURES[1], truth)
    rows = np.arange(len(found))
    return {
        "whole": dm.evaluate(truth, found),
        "third": dm.evaluate(truth, found.keep(rows % 3 != 0)),
        "some": dm.evaluate(truth, found.keep(rows % 20 != 0)),
    }


class TestRule:
    """The first that holds."""

    @given(st.tuples(ends, ends).map(sorted), st.sampled_from([0.0, 0.01]) | st.floats(0, 1))
    def test_as_it_is_written(self, interval, margin):
        assert verdict_of(*interval, margin) == rule(*interval, margin)

    @pytest.mark.parametrize(
        ("low", "high", "margin", "verdict"),
        [
            (1e-9, 0.1, 0, "better"),
            (0, 0.1, 0, "not worse"),
            (0, 0, 0, "not worse"),
            (-0.01, 0.1, 0.01, "not worse"),
            (-0.02, -0.005, 0.01, "cannot tell"),
            (-0.02, -0.01, 0.01, "cannot tell"),
            (-0.02, -0.011, 0.01, "worse"),
            (-0.02, -1e-9, 0, "worse"),
            (-7e-17, 7e-17, 0, "not worse"),
            (1.2e-17, 3e-16, 0, "not worse"),
            (-3e-16, -1.2e-17, 0, "not worse"),
            (-0.02, 0, 0, "cannot tell"),
            (math.nan, math.nan, 0.1, "cannot tell"),
        ],
    )
    def test_at_its_borders(self, low, high, margin, verdict):
        assert verdict_of(low, high, margin) == verdict

    @example(gain=0.0, half=0.5, margin=5e-264, images=2)
    @given(st.floats(-0.5, 0.5), st.floats(1e-3, 0.5), st.floats(0, 0.1), st.integers(2, 9999))
    def test_images_that_settle_it(self, gain, half, margin, images):
        distance = abs(gain + margin)
        more = images_to_settle(gain, gain - half, gain + half, margin, images)
        if more is None:
            assert half * math.sqrt(images / 1e9) >= distance * (1 - 1e-9)
            return
        assert more > images
        if more > images + 1:
            assert half * math.sqrt(images / more) < distance * (1 + 1e-9)
            assert half * math.sqrt(images / (more - 1)) >= distance * (1 - 1e-9)

    def test_where_no_number_would(self):
        assert images_to_settle(-0.01, -0.03, 0.01, 0.01, 100) is None


def holm(gains: list[Gain], alpha: float) -> list[bool]:
    """Holm's procedure as he wrote it, hypothesis by hypothesis; True is rejected."""
    normal = NormalDist()

    def evidence(gain: Gain) -> float:
        """The smallest alpha at which the interval is below the margin."""
        if gain.value >= gain.high:
            return 0.0 if gain.high < -gain.margin else 2.0
        usual = normal.inv_cdf(1 - alpha / 2)
        return 2 * normal.cdf(usual * (gain.margin + gain.value) / (gain.high - gain.value))

    order = sorted(range(len(gains)), key=lambda at: evidence(gains[at]))
    rejected = [False] * len(gains)
    for step, at in enumerate(order):
        if evidence(gains[at]) >= alpha / (len(gains) - step):
            break
        rejected[at] = True
    return rejected


class TestFamily:
    """One level for all lines, which rejects what Holm's procedure does."""

    @given(
        st.lists(
            st.builds(
                lambda value, half, margin: Gain(value, value - half, value + half, margin),
                st.floats(-0.1, 0.05),
                st.floats(0.01, 0.05),
                st.sampled_from([0.0, 0.01]),
            ),
            min_size=1,
            max_size=12,
        )
    )
    def test_the_same_lines_are_rejected(self, gains):
        level, found = settled(gains, 0.95)
        assert [one.verdict == "worse" for one in found] == holm(gains, 0.05)
        worse = sum(one.verdict == "worse" for one in found)
        assert level == pytest.approx(1 - 0.05 / max(len(gains) - worse, 1))

    def test_one_line_keeps_its_interval(self):
        alone = Gain(0.1, 0.05, 0.2, 0.0)
        assert settled([alone], 0.95) == (0.95, [alone])
        assert settled([], 0.95) == (0.95, [])

    def test_ends_move_by_the_quantiles_of_the_normal_distribution(self):
        level, found = settled([Gain(0.0, -0.1, 0.05, 1.0)] * 10, 0.95)
        ratio = NormalDist().inv_cdf(0.9975) / NormalDist().inv_cdf(0.975)
        assert level == pytest.approx(0.995)
        assert (found[0].low, found[0].high) == pytest.approx((-0.1 * ratio, 0.05 * ratio))

    def test_of_twenty_equal_models_few_are_called_worse(self):
        """In at most half of alpha of draws is any of 20 lines without a difference worse."""
        random = np.random.default_rng(3)
        false = 0
        for _ in range(2000):
            values = random.normal(0, 1, 20)
            gains = [Gain(v, v - 1.96, v + 1.96, 0.0) for v in values.tolist()]
            false += any(one.verdict == "worse" for one in settled(gains, 0.95)[1])
        assert false / 2000 < 0.035


class TestGate:
    """Lines of metrics, classes and slices; what follows from them."""

    def test_a_model_passes_beside_itself(self, models):
        found = gate(models["whole"], models["whole"], GateSettings(resamples=50))
        assert found.outcome == "pass"
        assert found.passes
        (candidate,) = found.candidates
        assert {line.verdict for line in candidate.lines} == {"not worse"}
        assert [line.metric for line in candidate.lines] == [*models["whole"].summary]
        assert candidate.worst_classes == []

    def test_of_one_metric_the_interval_is_that_of_compare(self, models):
        a, b = models["whole"], models["third"]
        found = gate(a, b, GateSettings(metrics=["AP50"], resamples=80, seed=5))
        (line,) = found.candidates[0].lines
        expected = compare(a, b, 80, seed=5).metrics["AP50"]
        assert (line.low, line.high) == (expected.interval.low, expected.interval.high)
        assert (line.baseline, line.candidate) == (expected.a, expected.b)
        assert (line.verdict, found.outcome, found.passes) == ("worse", "fail", False)
        assert found.level == 0.95

    @pytest.mark.parametrize("margins", [0.0, 0.02, {"AP": 0.3}, {"every": 0.1, "AP": 0.0}])
    def test_every_verdict_follows_the_rule(self, models, margins):
        settings = GateSettings(margins=margins, resamples=60, per_class=True)
        found = gate(models["whole"], models["third"], settings, slices=["a", "b"] * 12)
        lines = found.candidates[0].lines
        for line in lines:
            if line.verdict == "undefined":
                assert math.isnan(line.baseline)
                continue
            assert line.verdict == rule(line.low, line.high, line.margin)
            if line.verdict == "cannot tell":
                gain = line.difference + line.margin
                half = (line.high - line.low) / 2
                needed = math.floor(line.images * (half / gain) ** 2) + 1
                assert line.images_to_settle == max(needed, line.images + 1)
            else:
                assert line.images_to_settle is None
        assert found.family == sum(line.verdict != "undefined" for line in lines) == 18
        assert {line.scope for line in lines} == {"all", "class", "slice"}

    def test_margins_of_classes_and_slices(self, models):
        margins = {"AP": 0.1, "classes": {"dog": 0.2}, "slices": {"every": 0.3, "a": 0.4}}
        settings = GateSettings(
            metrics=["AP", "AP50"], margins=margins, per_class=True, resamples=9
        )
        found = gate(models["whole"], models["some"], settings, slices=["a", "b"] * 12)
        of = {line.title: line.margin for line in found.candidates[0].lines}
        assert of["AP"] == of["AP of class person"] == 0.1
        assert (of["AP50"], of["AP of class dog"]) == (0.0, 0.2)
        assert (of["AP of slice a"], of["AP of slice b"]) == (0.4, 0.3)

    def test_slices_are_those_of_their_images(self, models):
        a, b = models["whole"], models["third"]
        found = gate(
            a, b, GateSettings(metrics=["AP"], resamples=40), slices=["x"] * 10 + [None] * 14
        )
        line = next(one for one in found.candidates[0].lines if one.name == "x")
        parts = [part_of(one, np.arange(24) < 10) for one in (a, b)]
        assert [line.baseline, line.candidate] == [one.summary["AP"] for one in parts]
        assert line.images == 10
        assert [one.name for one in found.candidates[0].lines] == ["", "(none)", "x"]

    def test_one_image_tells_nothing_of_others(self, models):
        one = part_of(models["whole"], np.arange(24) == 0)
        found = gate(one, one, GateSettings(metrics=["AP"], resamples=9))
        assert found.outcome == "cannot tell"
        assert found.candidates[0].lines[0].images_to_settle is None
        assert found.family == 0

    def test_the_same_seed_the_same_verdict(self, models):
        settings = GateSettings(resamples=40, seed=3)
        one, two = (gate(models["whole"], models["some"], settings).to_dict() for _ in range(2))
        assert one == two
        other = GateSettings(resamples=40, seed=4)
        assert gate(models["whole"], models["some"], other).to_dict() != one

    def test_a_lower_miss_rate_is_better(self):
        truth = dm.read_ground_truth(FIXTURES[0])
        found = dm.read_detections(FIXTURES[1], truth)
        half = found.keep(np.arange(len(found)) % 2 != 0)
        a, b = (dm.evaluate(truth, one, "crowdhuman") for one in (found, half))
        settings = GateSettings(metrics=["MR"], resamples=60, floors={"MR": 0.0})
        worse, better = gate(a, b, settings), gate(b, a, settings)
        (line,) = worse.candidates[0].lines
        assert line.low > 0
        assert line.verdict == "worse"
        assert better.candidates[0].lines[0].verdict == "better"
        assert not better.candidates[0].floors[0].holds
        high = GateSettings(metrics=["MR"], resamples=9, floors={"MR": 0.999})
        assert gate(a, a, high).candidates[0].floors[0].holds

    def test_several_candidates_are_one_family(self, models):
        settings = GateSettings(metrics=["AP", "AR100"], resamples=40)
        found = gate(models["whole"], [models["whole"], models["third"]], settings)
        assert [one.outcome for one in found.candidates] == ["pass", "fail"]
        assert (found.outcome, found.family) == ("fail", 4)

    def test_undecided_passes_unless_it_must_not(self, models):
        for strict in (False, True):
            settings = GateSettings(metrics=["APl"], resamples=60, fail_undecided=strict)
            found = gate(models["whole"], models["third"], settings)
            assert found.outcome == "cannot tell"
            assert found.passes is not strict

    def test_classes_that_lost_most(self, models):
        a, b = models["whole"], models["third"]
        found = gate(a, b, GateSettings(metrics=["AP50"], resamples=9)).candidates[0]
        lost = b.class_columns()["AP50"] - a.class_columns()["AP50"]
        order = [a.class_names[row] for row in np.argsort(lost) if not np.isnan(lost[row])]
        assert [name for name, _, _ in found.worst_classes] == order[:3]

    def test_plain_values(self, models):
        settings = GateSettings(resamples=9, per_class=True, floors={"AP": 0.2})
        document = gate(models["whole"], models["some"], settings).to_dict()
        assert json.loads(json.dumps(document, allow_nan=False)) == document


class TestFloors:
    """A floor is held against the value, or against the end of its interval that is worse."""

    @pytest.mark.parametrize("on", ["value", "lower"])
    def test_of_metrics(self, models, on):
        result = models["whole"]
        tested = result.summary["AP"]
        if on == "lower":
            tested = confidence_intervals(result, 60, seed=2).metrics["AP"].low
        for floor, holds in ((tested, True), (tested + 1e-9, False)):
            settings = GateSettings(
                metrics=["AR1"], floors={"AP": floor}, floor_on=on, resamples=60, seed=2
            )
            found = gate(result, result, settings)
            (own,) = found.candidates[0].floors
            assert (own.tested, own.holds) == (tested, holds)
            assert found.outcome == ("pass" if holds else "fail")

    @pytest.mark.parametrize("on", ["value", "lower"])
    def test_of_classes_and_slices(self, models, on):
        floors = {"classes": {"every": 0.01, "dog": 0.9}, "slices": 0.2}
        settings = GateSettings(
            metrics=["AP"], floors=floors, floor_on=on, per_class=True, resamples=30
        )
        result = models["whole"]
        found = gate(result, result, settings, slices=["a", "b"] * 12).candidates[0].floors
        titles = [one.title for one in found]
        assert titles == [
            *(f"AP of class {name}" for name in ("person", "bicycle", "car", "dog")),
            *("AP of slice a", "AP of slice b"),
        ]
        tested = {one.title: one.tested for one in found}
        expected = result.class_columns()["AP"][0]
        if on == "lower":
            expected = confidence_intervals(result, 30, per_class=True).classes["person"]["AP"].low
        assert tested["AP of class person"] == expected
        assert not found[3].holds

    def test_an_undefined_value_reaches_none(self, models):
        settings = GateSettings(
            metrics=["AP"], floors={"classes": {"bus": 0.0}}, per_class=True, resamples=9
        )
        assert gate(models["whole"], models["whole"], settings).outcome == "fail"

    def test_a_value_is_not_rounded_to_the_other_side(self, models):
        result = models["whole"]
        floors = {name: value + 1e-12 for name, value in result.summary.items()}
        settings = GateSettings(metrics=["AP"], floors=floors, resamples=9)
        for floor in gate(result, result, settings).candidates[0].floors:
            shown = float(floor.reason.split(" is ")[1].partition(",")[0])
            assert shown < floor.floor
            assert "below its floor" in floor.reason


class TestRefusals:
    """Settings that are wrong, or that would have no effect."""

    @pytest.mark.parametrize(
        ("settings", "message"),
        [
            ({"margins": 5}, "margins: every: expected a number from 0 to below 1"),
            ({"floors": {"AP": 40}}, "floors: AP: expected a number from 0 to 1"),
            (
                {"margins": -0.1},
                "margins: every: expected a number from 0 to below 1",
            ),
            ({"margins": {"AP": math.nan}}, "margins: AP: expected a finite number, got nan"),
            ({"margins": {"AP": "1"}}, "margins: AP: expected a finite number, got '1'"),
            ({"margins": True}, "margins: expected a finite number, got True"),
            ({"floors": 0.4}, "floors: expected a floor by metric"),
            ({"floor_on": "low"}, "floor_on: expected 'value' or 'lower', got 'low'"),
            ({"metrics": "AP"}, "metrics: expected a list of names, got 'AP'"),
            ({"metrics": ["AP", "AP"]}, "metrics: expected each name once"),
            ({"per_class": 1}, "per_class: expected true or false, got 1"),
            ({"resamples": 1}, "resamples: expected 2 or more"),
            ({"resamples": True}, "expected numbers as resamples"),
            ({"level": 1.0}, "level: expected a share such as 0.95"),
            ({"metrics": 5}, "metrics: expected a list of names, got 5"),
            ({"margins": {"classes": {"dog": 0.1}}}, "margins: those of classes have no effect"),
            ({"floors": {"classes": 0.1}}, "floors: those of classes have no effect"),
        ],
    )
    def test_of_values(self, settings, message):
        with pytest.raises(dm.InputError, match=message):
            GateSettings(**settings)

    @pytest.mark.parametrize(
        ("settings", "message"),
        [
            (
                {"metrics": ["AP5"]},
                r"metrics: no metric 'AP5' \(do you mean AP75\?\); there are AP",
            ),
            ({"floors": {"mAP": 0.1}}, "floors: no metric 'mAP'"),
            ({"metrics": ["AP"], "margins": {"AR1": 0.1}}, "margins: AR1 is not among the metrics"),
            (
                {"per_class": True, "margins": {"classes": {"dgo": 0}}},
                r"no class 'dgo' \(do you mea",
            ),
            ({"margins": {"slices": {"night": 0.1}}}, "margins: those of slices have no effect"),
        ],
    )
    def test_of_names(self, models, settings, message):
        with pytest.raises(dm.InputError, match=message):
            gate(models["whole"], models["whole"], GateSettings(**settings))

    def test_of_slices(self, models):
        result, settings = models["whole"], GateSettings(margins={"slices": {"c": 0.1}})
        with pytest.raises(dm.InputError, match="no slice 'c'; there are a, b"):
            gate(result, result, settings, slices=["a", "b"] * 12)
        with pytest.raises(dm.InputError, match="expected a value for each of the 24 ima"):
            gate(result, result, slices=["a", "b"])
        with pytest.raises(dm.InputError, match="expected text or None, got 3"):
            gate(result, result, slices=[3] * 24)

    def test_of_what_does_not_compare(self, models):
        a = models["whole"]
        with pytest.raises(dm.InputError, match="two results under one rule set"):
            gate(a, dm.evaluate(a.ground_truth, a.detections, "voc2007"))
        with pytest.raises(dm.InputError, match="at least one candidate"):
            gate(a, [])


class TestFewImages:
    """A handful of images with objects decides nothing, however many are empty."""

    @pytest.mark.parametrize(("few", "decides"), [(1, False), (4, False), (9, True)])
    def test_a_candidate_that_finds_nothing(self, models, few, decides):
        whole = models["whole"]
        truth = whole.ground_truth
        with_objects = np.flatnonzero(np.bincount(truth.image, minlength=24))
        images = np.bincount(truth.image, minlength=24) == 0
        images[with_objects[:few]] = True
        nothing = dm.evaluate(truth, whole.detections.keep(whole.detections.scores > 2))
        pair = [part_of(one, images) for one in (whole, nothing)]
        settings = GateSettings(metrics=("AP",), resamples=40)
        (line,) = gate(*pair, settings).candidates[0].lines
        assert line.verdict == ("worse" if decides else "cannot tell")
        assert math.isnan(line.low) is not decides
        assert line.images_to_settle is None


class TestEqualScores:
    """What equal scores leave open decides nothing."""

    def test_another_order_of_the_same_detections(self, models):
        found = models["whole"].detections
        coarse = dm.evaluate(
            models["whole"].ground_truth, dataclasses.replace(found, scores=np.ones(len(found)))
        )
        backwards = dm.evaluate(
            coarse.ground_truth, coarse.detections.take(np.arange(len(found))[::-1].copy())
        )
        for pair in ((coarse, backwards), (backwards, coarse), (coarse, models["whole"])):
            settings = GateSettings(metrics=("AP", "AR100"), resamples=40, per_class=True)
            made = gate(*pair, settings).candidates[0]
            plain = compare(*pair, 40).metrics["AP"].interval
            (line,) = (one for one in made.lines if one.scope == "all" and one.metric == "AP")
            assert (line.verdict, line.images_to_settle) == ("cannot tell", None)
            low, high = pair[0].tie_interval("AP")
            assert line.low <= plain.low - (high - pair[0].summary["AP"]) + 1e-12
            assert line.high >= plain.high + pair[0].summary["AP"] - low - 1e-12
            assert made.outcome != "fail"
