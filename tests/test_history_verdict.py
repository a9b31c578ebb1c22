"""Verdicts: each by its definition, laws that hold for all, and the four real logs."""

from __future__ import annotations

import math

import numpy as np
import pytest
import training_logs as logs
from hypothesis import given
from hypothesis import strategies as st

import detmetrics as dm
from detmetrics.training.history.comparing import compare
from detmetrics.training.history.smoothing import running_median, window
from detmetrics.training.history.verdict import VERDICTS

NAN = math.nan
COUNT = 60
EPOCHS = np.arange(COUNT)
FALLING = (0.2 + 2.0 * np.exp(-EPOCHS / 15)).tolist()
RISING = (0.6 - 0.5 * np.exp(-EPOCHS / 30)).tolist()
RESTING = (0.6 - 0.5 * np.exp(-EPOCHS / 4)).tolist()
TURNING = (0.5 - 0.0004 * (EPOCHS - 20.0) ** 2 * np.where(EPOCHS > 20, 0.2, 1)).tolist()
TURNED_LOSS = (1.0 + 0.001 * (EPOCHS - 20.0) ** 2).tolist()
FLAT = [1.0] * COUNT


def said(*curves, **named) -> str:
    return str(logs.history(*curves, **named).verdict())


class TestDefinitions:
    """The word for courses that are clear."""

    def test_overfitting_by_the_metric(self):
        verdict = logs.history(TURNING, FALLING, FALLING).verdict()
        assert (str(verdict), verdict.since) == ("overfitting since epoch 20", 20)
        assert verdict.evidence[0].startswith(
            "AP peaks at 0.5000 at epoch 20; the median of the last 3"
        )
        assert any("the train loss falls from" in sentence for sentence in verdict.evidence)

    def test_overfitting_by_the_loss_where_the_metric_rests_or_is_not_there(self):
        assert said(RESTING, FALLING, TURNED_LOSS) == "overfitting since epoch 20"
        assert said(None, FALLING, TURNED_LOSS) == "overfitting since epoch 20"

    def test_a_loss_that_turns_while_the_metric_improves_is_said(self):
        verdict = logs.history(RISING, FALLING, TURNED_LOSS).verdict()
        assert str(verdict) == "still improving"
        assert any("the metric does not follow it" in sentence for sentence in verdict.evidence)

    def test_still_improving(self):
        assert said(RISING, FALLING, FALLING) == "still improving"
        assert said(None, FALLING, FALLING) == "still improving"
        assert said(RISING) == "still improving"

    def test_still_improving_by_less_than_the_scatter(self):
        """Best at the last epoch, and a slope that no chance explains."""
        rng = np.random.default_rng(1)
        slow = 0.40 + 0.0005 * EPOCHS + rng.normal(0, 0.002, COUNT)
        slow[-1] = slow.max() + 0.0005
        verdict = logs.history(slow.tolist(), FALLING, FALLING).verdict()
        assert str(verdict) == "still improving"
        assert verdict.evidence[0].endswith("is at epoch 59, the last")
        assert "a line through the last 20 epochs rises by 0.0" in verdict.evidence[1]
        assert "its slope is significant, p = " in verdict.evidence[1]
        losses = (2 - slow).tolist()
        verdict = logs.history(None, losses, losses).verdict()
        assert str(verdict) == "still improving"
        assert "20 epochs falls by 0.0" in verdict.evidence[1]

    def test_best_at_the_last_epoch_by_chance(self):
        """A level that rests, and one last epoch that happens to be the best."""
        named = []
        for seed in range(60):
            ap = 0.4 + np.random.default_rng(seed).normal(0, 0.01, 30)
            ap[-1] = ap.max() + 0.001
            named.append(said(ap.tolist(), FALLING[:30]))
        assert named.count("still improving") <= 3

    def test_a_rise_that_is_no_gain(self):
        ap = [0.5 + 1e-6 * epoch for epoch in EPOCHS.tolist()]
        assert said(ap, FALLING, FALLING) == "converged"

    def test_a_steady_rise_over_five_epochs(self):
        assert said([0.30, 0.31, 0.32, 0.33, 0.34], FALLING[:5]) == "still improving"

    def test_converged(self):
        verdict = logs.history(RESTING, FALLING, [NAN] * COUNT).verdict()
        assert str(verdict) == "converged"
        assert "loss is nan or infinite in every row" in verdict.notes

    def test_underfitting(self):
        assert said([0.01] * COUNT, FLAT, FLAT) == "underfitting"
        assert said(None, FLAT, FLAT) == "underfitting"
        assert said([0.6] * COUNT, FLAT, FLAT) == "converged"
        assert said([5.0] * COUNT, FLAT, FLAT) == "underfitting"  # percent
        assert said([60.0] * COUNT, FLAT, FLAT) == "converged"

    def test_collapsed(self):
        assert said([*RISING[:50], *[0.01] * 10], FALLING) == "collapsed since epoch 49"
        assert said(None, TURNED_LOSS, TURNED_LOSS) == "collapsed since epoch 20"

    def test_failed(self):
        lost = [*FALLING[:30], *[NAN] * 30]
        assert said([0.1] * COUNT, lost) == "converged"  # only the log is wrong
        assert said([*RISING[:30], *[0.0] * 30], lost) == "failed since epoch 30"
        assert said(None, lost, FALLING) == "failed since epoch 30"
        assert said([0.0] * COUNT, FALLING) == "failed"
        assert said([NAN] * COUNT, FALLING) == "failed"
        assert said([0.5], [NAN]) == "too short"

    def test_a_train_loss_that_is_not_logged_at_the_end_is_no_failure(self):
        history = logs.history(RESTING, FALLING)
        history.append(COUNT, metrics={"AP": 0.6})
        verdict = history.verdict()
        assert str(verdict) == "converged"
        assert f"the train loss was measured in {COUNT} of {COUNT + 1} epochs" in verdict.notes

    def test_not_comparable(self):
        verdict = logs.history(TURNING).verdict()
        assert str(verdict) == "not comparable"
        assert "without a train loss" in verdict.evidence[-1]
        assert said(None, FALLING) == "not comparable"
        history = dm.History()
        for epoch in range(9):
            history.append(epoch, train={"a_loss": 1.0}, val={"b_loss": 2.0})
        verdict = history.verdict()
        assert str(verdict) == "not comparable"
        assert "have no counterpart, and there is no metric" in verdict.evidence[0]

    def test_too_short(self):
        assert str(dm.History().verdict()) == "too short"
        for count in (1, 2, 4):
            verdict = logs.history(RISING[:count], FALLING[:count]).verdict()
            assert str(verdict) == "too short"
            assert "and a verdict needs 5" in verdict.evidence[0]

    def test_a_loss_may_be_what_is_judged(self):
        history = logs.history(RISING, FALLING, TURNED_LOSS)
        assert str(history.verdict("loss")) == "overfitting since epoch 20"


class TestLogs:
    """Epochs that go back, stay, or are missing."""

    def test_a_resumed_training_takes_the_place_of_what_it_repeats(self):
        epochs = [*range(40), *range(30, 60)]
        ap = [*RISING[:30], *[0.9] * 10, *RISING[30:]]
        verdict = logs.history(ap, [FALLING[e] for e in epochs], epochs=epochs).verdict()
        assert str(verdict) == "still improving"
        assert verdict.notes[0] == (
            "the training was started again (row 41: from epoch 39 back to 30); "
            "10 earlier rows of the same epochs and later ones are left aside"
        )

    def test_a_best_epoch_that_a_restart_left_behind_is_said(self):
        epochs = [*range(40), *range(30, 60)]
        ap = [*RISING[:30], *[0.9] * 10, *RISING[30:]]
        (standing,) = compare([logs.history(ap, epochs=epochs)]).standings
        assert standing.best.row == 31
        assert standing.notes[-1] == (
            "the best epoch stands in row 31, which a restart left behind"
        )

    def test_too_few_rows_after_a_restart_are_judged_with_those_before(self):
        history = logs.history([*RISING[:20], 0.001, 0.001], epochs=[*range(20), 0, 0])
        verdict = history.verdict()
        assert str(verdict) == "collapsed since epoch 19"
        where = "2 times (row 21: from epoch 19 back to 0, row 22: epoch 0 again)"
        assert where in verdict.notes[0]
        assert "epoch 19 (row 20)" in verdict.evidence[0]

    def test_an_epoch_column_that_stays_is_not_counted_by(self):
        verdict = logs.history(TURNING, FALLING, FALLING, epochs=[0] * COUNT).verdict()
        assert str(verdict) == "overfitting since row 21"
        assert "the epoch is 0 in every one of 60 rows: rows are counted instead" in verdict.notes

    def test_gaps_are_said(self):
        verdict = logs.history(RISING[:9], epochs=[0, 1, 2, 3, 7, 8, 9, 10, 11]).verdict()
        assert "epochs are missing: 3 to 7 follow each other" in verdict.notes

    def test_columns_that_are_missing_in_some_rows(self):
        history = dm.History()
        for epoch in range(30):
            metrics = {"AP": RISING[epoch]} if epoch % 3 == 2 else {}
            history.append(epoch, train={"loss": FALLING[epoch]}, metrics=metrics)
        verdict = history.verdict()
        assert str(verdict) == "still improving"
        assert "AP was measured in 10 of 30 epochs" in verdict.notes
        assert "no validation loss is logged" in verdict.notes

    def test_nan_in_some_rows(self):
        ap = [*RISING]
        ap[4] = ap[9] = NAN
        assert "AP is nan or infinite in 2 epochs, first in epoch 4" in (
            logs.history(ap, FALLING).verdict().notes
        )

    def test_an_epoch_in_parts_is_one(self):
        parts, whole = dm.History(), logs.history(TURNING, FALLING, FALLING)
        for epoch in range(COUNT):
            parts.append(epoch, train={"loss": FALLING[epoch]}, role="train")
            parts.append(epoch, val={"loss": FALLING[epoch]}, metrics={"AP": TURNING[epoch]})
        assert parts.verdict() == whole.verdict()

    def test_test_rows_are_no_part_of_it(self):
        history = logs.history(RESTING, FALLING)
        before = history.verdict()
        history.append(COUNT, metrics={"AP": 0.0}, role="test")
        assert history.verdict() == before

    def test_one_of_several_losses_is_nan_throughout(self):
        history = dm.History()
        for epoch in range(COUNT):
            history.append(
                epoch,
                train={"train/a_loss": FALLING[epoch], "train/b_loss": 1.0},
                val={"val/a_loss": TURNED_LOSS[epoch], "val/b_loss": NAN},
            )
        verdict = history.verdict()
        assert str(verdict) == "overfitting since epoch 20"
        assert "val/b_loss is nan or infinite in every row" in verdict.notes


CURVES = st.lists(
    st.floats(-1e3, 1e3) | st.sampled_from([0.0, 0.25, 0.5, NAN, math.inf, 1e300]),
    min_size=1,
    max_size=30,
)


class TestLaws:
    """What holds for every history."""

    @given(curves=st.tuples(CURVES, CURVES, CURVES), data=st.data())
    def test_there_is_always_one(self, curves, data):
        ap, train, val = curves
        count = min(map(len, curves))
        epochs = data.draw(st.lists(st.integers(0, 9), min_size=count, max_size=count))
        verdict = logs.history(ap[:count], train, val, epochs=epochs).verdict()
        assert verdict.name in VERDICTS
        assert verdict.evidence

    @given(
        curves=st.tuples(CURVES, CURVES, CURVES),
        power=st.integers(-20, 20),
        metric=st.booleans(),
    )
    def test_scaling_losses_changes_nothing(self, curves, power, metric):
        """By powers of two, which no rounding disturbs."""
        ap, train, val = curves
        count = min(map(len, curves))
        scaled = [[value * 2.0**power for value in curve[:count]] for curve in (train, val)]
        first = logs.history(ap[:count] if metric else None, train[:count], val[:count])
        second = logs.history(ap[:count] if metric else None, *scaled)
        one, other = first.verdict(), second.verdict()
        assert (one.name, one.since) == (other.name, other.since)

    @given(curves=st.tuples(CURVES, CURVES, CURVES))
    def test_columns_that_nobody_asks_for_change_nothing(self, curves):
        ap, train, val = curves
        first, second = dm.History(), dm.History()
        for epoch, (a, t, v) in enumerate(zip(ap, train, val, strict=False)):
            first.append(epoch, train={"loss": t}, val={"loss": v}, metrics={"AP": a})
            metrics = {"AP": a, "AP_low": 0.1, "recall": 0.5, "AP50": epoch}
            train_losses = {"loss": t, "loss_cls": epoch}
            second.append(epoch, train=train_losses, val={"loss": v}, metrics=metrics)
        assert first.verdict() == second.verdict()

    @given(values=st.lists(st.floats(-10, 10), min_size=1, max_size=70))
    def test_the_running_median_is_what_a_loop_finds(self, values):
        width = window(len(values))
        half = width // 2
        expected = [
            np.median(values[max(0, at - half) : at + half + 1]) for at in range(len(values))
        ]
        assert running_median(np.array(values), width).tolist() == expected

    @pytest.mark.parametrize("scatter", [0.002, 0.01, 0.03])
    def test_noise_about_a_level_is_hardly_ever_a_change(self, scatter):
        verdicts = []
        for seed in range(40):
            noise = np.random.default_rng(seed).normal(0, scatter, (3, COUNT))
            curves = np.array([RESTING, FALLING, FALLING]) + noise
            verdicts.append(said(*curves.tolist()))
        assert verdicts.count("converged") >= 39


@pytest.mark.heavy
def test_many_rows():
    count = 60_000
    at = np.arange(count)
    history = logs.history(
        (0.5 - np.exp(-at / 1e4)).tolist(), np.exp(-at / 1e4).tolist(), np.exp(-at / 1e4).tolist()
    )
    assert history.verdict().name in ("still improving", "converged")
    assert history.best().epoch == count - 1


REAL = {
    "WheatWeed_train.csv": ("overfitting since epoch 2", 2, 0.53833, 102),
    "CourtVision_train.csv": ("still improving", 225, 0.66962, 225),
    "Jinops_obb_exp.csv": ("collapsed since epoch 9", 9, 0.36347, 12),
    "Stockasaurus_exp2.csv": ("converged", 72, 0.53167, 100),
}


class TestReal:
    """Four trainings of other people."""

    @pytest.mark.parametrize(("name", "expected"), REAL.items(), ids=REAL)
    def test_is_judged_as_its_readme_describes(self, shared, name, expected):
        history = dm.History.read(shared / "training_logs" / name)
        best = history.best("AP")
        assert (str(history.verdict()), best.epoch, best.value, len(history)) == expected

    def test_evidence_of_overfitting(self, shared):
        verdict = dm.History.read(shared / "training_logs/WheatWeed_train.csv").verdict()
        metric, loss, train = verdict.evidence
        assert "peaks at 0.5383 at epoch 2" in metric
        assert metric.endswith("the last 0.5040")
        assert loss.startswith("the validation loss is lowest at epoch 2, 3.658")
        assert "falls from 3.267 at epoch 2 to 2.324" in train

    def test_losses_that_are_nan_are_said(self, shared):
        verdict = dm.History.read(shared / "training_logs/CourtVision_train.csv").verdict()
        assert "val/box_loss, val/cls_loss, val/dfl_loss are nan or infinite in every row" in (
            verdict.notes
        )

    def test_the_restart_is_said(self, shared):
        """Its epochs are 0 to 9, and then 0 twice: the two rows of the collapse."""
        history = dm.History.read(shared / "training_logs/Jinops_obb_exp.csv")
        assert [row.epoch for row in history] == [*range(10), 0, 0]
        assert "row 11: from epoch 9 back to 0" in history.verdict().notes[0]

    def test_they_have_one_metric_under_four_names(self, shared):
        histories = [dm.History.read(shared / "training_logs" / name) for name in REAL]
        found = compare(histories)
        assert found.reasons == ()
        assert len({standing.best.column for standing in found.standings}) == 3


class TestComparing:
    """Best values stand side by side only where they are of one metric."""

    def test_the_first_metric_that_all_have(self):
        both, one = dm.History(), dm.History()
        both.append(0, metrics={"AP": 0.1, "AP50": 0.2})
        one.append(0, metrics={"mAP50": 0.3})
        found = compare([both, one])
        assert [standing.best.value for standing in found.standings] == [0.2, 0.3]
        assert found.reasons == ()

    def test_different_metrics_are_not_comparable(self):
        one, other, neither = dm.History(), dm.History(), dm.History()
        one.append(0, metrics={"AP": 0.1})
        other.append(0, metrics={"MR": 0.1})
        neither.append(0, train={"loss": 0.1}, role="train")
        (reason,) = compare([one, other, neither]).reasons
        assert reason == (
            "not comparable: history is judged by AP, history by MR, history by nothing"
        )

    def test_percent_beside_shares_are_not_comparable(self):
        found = compare([logs.history([0.3]), logs.history([30.0])])
        assert found.reasons == ("not comparable: history in percent, the others not",)


class TestLowerIsBetter:
    """Miss rates and errors are judged by the same words, turned round."""

    def test_a_perfect_miss_rate_is_no_failure(self):
        history = dm.History()
        for epoch in range(8):
            history.append(epoch, train={"loss": 1.0}, val={"loss": 1.0}, metrics={"MR": 0.0})
        assert history.verdict("MR").name != "failed"

    def test_an_error_that_falls_shows_that_only_the_log_is_wrong(self):
        history = dm.History()
        for epoch, error in enumerate(np.linspace(0.60, 0.38, 12)):
            loss = float("nan") if epoch > 8 else 1.0 / (epoch + 1)
            history.append(epoch, train={"loss": loss}, metrics={"oLRP": error})
        assert history.verdict("oLRP").name == "still improving"
        for epoch in range(12, 20):
            history.append(epoch, train={"loss": float("nan")}, metrics={"oLRP": 0.9})
        assert history.verdict("oLRP").name == "failed"
