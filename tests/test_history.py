"""Histories: rows, the journal on disk, the best epoch, and when to stop."""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys

import numpy as np
import pytest
import training_logs as logs
from hypothesis import given
from hypothesis import strategies as st
from profiles import examples

import detmetrics as dm
from detmetrics import analysis
from detmetrics.training.history import Row
from detmetrics.training.history.journal import line_of, read_lines

NAN = math.nan
VALUES = st.floats(allow_nan=True, allow_infinity=True) | st.sampled_from([0.1, 0.2, 0.3, NAN])
NAMES = st.dictionaries(st.text(min_size=1, max_size=8), VALUES, max_size=3)
ROWS = st.builds(
    Row,
    epoch=st.integers(-5, 10**9) | st.sampled_from([0.5, 1.25]),
    role=st.sampled_from(["train", "val", "test"]),
    step=st.none() | st.integers(0, 10**6),
    train=NAMES,
    val=NAMES,
    metrics=NAMES,
)


class TestRows:
    """What a training loop holds becomes numbers, or is refused by name."""

    def test_takes_numbers_of_any_kind(self):
        history = dm.History()
        history.append(np.int64(3), train={"loss": np.float32(0.5)}, metrics={"AP": np.array(0.25)})
        history.append(0.5, step=7.0)
        assert [row.epoch for row in history] == [3, 0.5]
        assert history.rows[0].train == {"loss": 0.5}
        assert history.rows[1].step == 7
        assert history.names("metrics") == ("AP",)
        assert repr(history) == "<History history: 2 rows>"

    def test_takes_the_scalars_of_a_result(self):
        result = dm.evaluate("fixtures/ground_truth.json", "fixtures/detections.json")
        history = dm.History()
        history.append(0, metrics=result.scalars("val/"))
        assert history.best("AP").value == result.summary["AP"]

    @pytest.mark.parametrize(
        ("given", "said"),
        [
            ({"epoch": "3"}, "epoch: expected a number, got '3'"),
            ({"epoch": NAN}, "epoch: expected a number below"),
            ({"epoch": 1, "role": "dev"}, "role: expected train, val or test, got 'dev'"),
            ({"epoch": 1, "train": [1]}, r"train: expected names and numbers, got \[1\]"),
            ({"epoch": 1, "val": {3: 1}}, "val: expected names that are texts, got 3"),
            ({"epoch": 1, "metrics": {"AP": "x"}}, r"metrics\['AP'\]: expected a number, got 'x'"),
            ({"epoch": 1, "metrics": {"AP": [1, 2]}}, r"metrics\['AP'\]: expected a number"),
            ({"epoch": 1, "step": 0.5}, "step: expected a whole number, got 0.5"),
        ],
    )
    def test_what_is_no_row_is_refused(self, given, said, tmp_path):
        history = dm.History(tmp_path / "h.jsonl")
        with pytest.raises(dm.InputError, match=said):
            history.append(**given)
        assert len(history) == 0
        assert not (tmp_path / "h.jsonl").exists()

    def test_a_frame_has_every_column(self):
        frame = dm.History.of([Row(epoch=1, train={"loss": 1.0}, metrics={"AP": 0.5})]).to_frame()
        assert frame.loc[0, "train:loss"] == 1.0
        assert frame.loc[0, "AP"] == 0.5

    def test_an_unknown_part_is_refused(self):
        with pytest.raises(dm.InputError, match="part: expected train, val, metrics"):
            dm.History().names("losses")


class TestJournal:
    """A row that was appended is there, whatever happens to the process."""

    @given(rows=st.lists(ROWS, max_size=3))
    @examples(30)
    def test_lines_hold_rows(self, rows):
        text = "".join(f"{line_of(row)}\n" for row in rows)
        assert text.isascii()
        for line in text.splitlines():
            json.loads(line, parse_constant=pytest.fail)
        found, notes = read_lines(text, "h.jsonl")
        assert repr(found) == repr(rows)
        assert notes == ()

    @given(rows=st.lists(ROWS, min_size=1, max_size=3), data=st.data())
    @examples(60)
    def test_a_kill_at_any_byte_keeps_all_complete_rows(self, tmp_path_factory, rows, data):
        """And the next row starts on a line of its own."""
        path = tmp_path_factory.getbasetemp() / "killed.jsonl"
        lines = [f"{line_of(row)}\n".encode() for row in rows]
        whole = b"".join(lines)
        cut = data.draw(st.integers(0, len(whole)))
        path.write_bytes(whole[:cut])
        ends = np.cumsum([len(line) for line in lines]) - 1  # the last byte is the line's end
        kept = int((ends <= cut).sum())
        history = dm.History(path)
        assert repr(history.rows) == repr(tuple(rows[:kept]))
        broken = cut > 0 and cut not in {*ends.tolist(), *(ends + 1).tolist()}
        assert bool(history.notes) == broken
        history.append(10**10, metrics={"AP": 0.5})
        again = dm.History.read(path)
        assert repr(again.rows) == repr((*rows[:kept], history.rows[-1]))

    def test_goes_on_where_it_stopped(self, tmp_path):
        path = tmp_path / "h.jsonl"
        first = dm.History(path)
        first.append(0, train={"loss": NAN}, metrics={"AP": 0.1})
        second = dm.History(str(path))
        second.append(1, val={"loss": math.inf}, metrics={"AP": 0.2})
        assert repr(dm.History(path).rows) == repr(second.rows)
        assert path.read_text().count("\n") == 2
        assert '"loss":null' in path.read_text()
        assert '"loss":"inf"' in path.read_text()

    def test_survives_a_killed_process(self, tmp_path):
        code = (
            "import os, detmetrics as dm\n"
            "history = dm.History('h.jsonl')\n"
            "for epoch in range(3): history.append(epoch, metrics={'AP': epoch / 10})\n"
            "os.kill(os.getpid(), 9)\n"
        )
        ran = subprocess.run(
            [sys.executable, "-c", code],
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": os.getcwd()},
        )
        assert ran.returncode == -9
        assert [row.epoch for row in dm.History(tmp_path / "h.jsonl")] == [0, 1, 2]

    def test_an_empty_file_is_a_journal_to_be(self, tmp_path):
        path = tmp_path / "h.jsonl"
        path.touch()
        history = dm.History(path)
        history.append(0)
        assert len(dm.History(path)) == 1

    def test_another_file_is_not_written_to(self, tmp_path):
        path = tmp_path / "results.csv"
        path.write_text(logs.YOLOV8)
        with pytest.raises(dm.FormatError, match="line 1: expected a JSON object, found 'epoch"):
            dm.History(path)
        path.write_bytes(b"\xff\xfe\x00")
        with pytest.raises(dm.FormatError, match="cannot be read as a journal"):
            dm.History(path)
        assert path.read_bytes() == b"\xff\xfe\x00"

    def test_what_cannot_be_written_is_said_and_not_kept(self, tmp_path):
        (tmp_path / "none").mkdir()
        history = dm.History(tmp_path / "none" / "h.jsonl")
        (tmp_path / "none").rmdir()
        with pytest.raises(dm.OutputError, match="the row cannot be added: No such file"):
            history.append(0)
        assert len(history) == 0

    def test_what_was_read_is_not_written_to(self, tmp_path):
        path = tmp_path / "results.csv"
        path.write_text(logs.YOLOV8)
        history = dm.History.read(path)
        history.append(4, metrics={"metrics/mAP50-95(B)": 0.5})
        assert history.best("AP").epoch == 4
        assert path.read_text() == logs.YOLOV8


def slow_best(values: list[float], *, lower: bool) -> int | None:
    """The first of the best, by a loop."""
    best = None
    for at, value in enumerate(values):
        if not math.isfinite(value):
            continue
        if best is None or (value < values[best] if lower else value > values[best]):
            best = at
    return best


class TestBest:
    """The first of the best values, how many equal it, and how many are as good."""

    @given(values=st.lists(VALUES, min_size=1, max_size=12), lower=st.booleans())
    def test_is_what_a_loop_finds(self, values, lower):
        history = logs.history(ap=values)
        found = history.best("AP", lower_is_better=lower)
        at = slow_best(values, lower=lower)
        if at is None:
            assert found.epoch is None
            assert math.isnan(found.value)
            assert "undefined in every row" in str(found)
            return
        assert (found.epoch, found.row, found.value) == (at, at + 1, values[at])
        assert found.tied == tuple(i for i, value in enumerate(values) if value == values[at])
        assert found.of == sum(map(math.isfinite, values))

    def test_losses_are_best_when_low(self):
        assert logs.history(ap=[0.1, 0.2, 0.3], val=[3.0, 1.0, 2.0]).best("loss").epoch == 1

    def test_ties_are_listed(self):
        text = str(logs.history(ap=[0.1, 0.3, 0.2, 0.3]).best())
        assert text.startswith("best AP 0.3000 at epoch 1, the same at epoch 3")

    def test_without_an_interval_nothing_is_guessed(self):
        found = logs.history(ap=[0.1, 0.3]).best()
        assert found.within is None
        assert math.isnan(found.standard_error)
        assert "no confidence interval" in found.reason

    def test_with_an_interval_epochs_within_one_standard_error_are_counted(self):
        history = dm.History()
        for epoch, ap in enumerate((0.30, 0.345, 0.35, 0.34, 0.33)):
            history.append(epoch, metrics={"AP": ap, "AP_low": ap - 0.0196, "AP_high": ap + 0.0196})
        found = history.best("AP")
        assert found.standard_error == pytest.approx(0.01)
        assert found.within == (1, 2, 3)
        assert "3 epochs are within one standard error (0.0100) of the best" in str(found)
        assert "the first of them 1" in str(found)

    @pytest.mark.parametrize(("low", "high"), [(NAN, 0.4), (0.5, 0.4), (-math.inf, 0.4)])
    def test_an_interval_that_is_none_is_not_used(self, low, high):
        history = dm.History()
        history.append(0, metrics={"AP": 0.3, "AP_low": low, "AP_high": high})
        assert history.best().within is None

    def test_an_unknown_name_lists_those_that_are_there(self):
        history = logs.history(ap=[0.1], val=[1.0])
        with pytest.raises(dm.InputError, match=r"no metric .*'F1'; there are AP, loss"):
            history.best("F1")

    def test_an_ambiguous_name_is_refused(self):
        history = dm.History()
        history.append(0, metrics={"val/AP": 0.1, "mAP": 0.2})
        with pytest.raises(dm.InputError, match="'AP' may be any of val/AP, mAP"):
            history.best("AP")
        assert history.best("mAP").value == 0.2

    def test_a_number_without_a_direction_is_refused(self):
        history = dm.History()
        history.append(0, metrics={"confidence": 0.1})
        with pytest.raises(dm.InputError, match="say lower_is_better"):
            history.best("confidence")
        assert history.best("confidence", lower_is_better=False).value == 0.1

    def test_train_data_do_not_choose(self):
        history = dm.History()
        history.append(0, train={"loss": 1.0}, role="train")
        with pytest.raises(dm.InputError, match="no row of role val"):
            history.best("loss")

    def test_test_rows_beside_others_are_left_aside(self):
        history = logs.history(ap=[0.1, 0.2])
        history.append(2, metrics={"AP": 0.9}, role="test")
        assert history.best("AP").epoch == 1
        assert history.notes == ()
        history.append(3, metrics={"AP": 0.9}, role="test")
        assert "looked at once" in history.notes[0]


def slow_stop(values, patience, delta, *, lower):
    """When to stop, by a loop that looks back."""
    best, best_at = None, -1
    for at, value in enumerate(values):
        better = math.isfinite(value) and (
            best is None or (value < best - delta if lower else value > best + delta)
        )
        if better:
            best, best_at = value, at
        elif at - best_at >= patience:
            return best, at
    return best, None


class TestEarlyStopping:
    """Stops after so many updates without an improvement, and says why."""

    @given(
        values=st.lists(VALUES, max_size=20),
        patience=st.integers(1, 5),
        delta=st.sampled_from([0.0, 0.05, 0.1]),
        lower=st.booleans(),
        cut=st.integers(0, 20),
    )
    @examples(150)
    def test_is_what_a_loop_finds(self, values, patience, delta, lower, cut):
        """Also from a history, and where it was stored in between."""
        best, stopped = slow_stop(values, patience, delta, lower=lower)
        fed = dm.EarlyStopping(patience, delta, lower_is_better=lower)
        followed = dm.EarlyStopping(patience, delta, lower_is_better=lower)
        history = dm.History()
        for at, value in enumerate(values):
            if at == cut:
                state = json.loads(json.dumps(fed.state_dict()))
                fed = dm.EarlyStopping(patience, delta, lower_is_better=lower)
                fed.load_state_dict(state)
            history.append(at, metrics={"AP": value})
            expected = stopped is not None and at >= stopped
            assert fed.update(value) is expected
            assert followed.update(history) is expected
            assert followed.update(history) is expected
        for stopping in (fed, followed):
            assert stopping.stopped_epoch == stopped
            assert stopping.best == best or (best is None and math.isnan(stopping.best))
        whole = dm.EarlyStopping(patience, delta, lower_is_better=lower)
        assert whole.update(history) is (stopped is not None)
        assert whole.state_dict() == followed.state_dict()

    def test_a_paired_interval_in_place_of_a_delta(self):
        """A gain that other images may not show is none, a clear one is."""
        truth = dm.read_ground_truth("fixtures/ground_truth.json")
        found = dm.read_detections("fixtures/detections.json", truth)
        rng = np.random.default_rng(0)
        parts = [found.keep(rng.random(len(found)) > share) for share in (0.6, 0.1, 0.1, 0.1)]
        results = [dm.evaluate(truth, part) for part in parts]
        order = sorted(range(1, 4), key=lambda at: results[at].summary["AP"])
        epochs = [results[0], *(results[at] for at in order)]
        stopping = dm.EarlyStopping(patience=2, improves=analysis.paired_gain(resamples=100))
        assert [stopping.update(result) for result in epochs] == [False, False, False, True]
        assert (stopping.best_epoch, stopping.stopped_epoch) == (1, 3)
        assert "by more than chance explains in 2 updates" in stopping.reason
        again = dm.EarlyStopping(patience=2, improves=analysis.paired_gain(resamples=100))
        again.load_state_dict(json.loads(json.dumps(stopping.state_dict())))
        assert again.stopped
        plain = dm.EarlyStopping(patience=2)
        assert not any(plain.update(result.summary["AP"]) for result in epochs)

    def test_a_paired_interval_needs_results(self):
        with pytest.raises(dm.InputError, match="expected the result of an epoch, got"):
            dm.EarlyStopping(improves=analysis.paired_gain()).update(0.5)
        with pytest.raises(dm.InputError, match="improves takes its place"):
            dm.EarlyStopping(min_delta=0.1, improves=analysis.paired_gain())

    def test_says_why(self):
        stopping = dm.EarlyStopping(patience=2, min_delta=0.01, metric="val_loss")
        assert [stopping.update(value) for value in (1.0, 0.995, NAN)] == [False, False, True]
        assert stopping.reason == (
            "val_loss has not fallen below 1 (epoch 0) by more than 0.01 in 2 updates; "
            "1 of all updates nan or infinite"
        )

    def test_nothing_but_nan_stops_and_is_said(self):
        stopping = dm.EarlyStopping(patience=2)
        assert [stopping.update(NAN), stopping.update(NAN)] == [False, True]
        assert stopping.reason.startswith("AP has had no finite value in 2 updates; 2 of all")
        assert stopping.undefined == 2

    def test_takes_scalars_by_any_spelling(self):
        stopping = dm.EarlyStopping(patience=1, metric="AP")
        assert not stopping.update({"val/AP": 0.3, "val/AP50": 0.5}, epoch=7)
        assert (stopping.best, stopping.best_epoch) == (0.3, 7)
        with pytest.raises(dm.InputError, match="no metric"):
            stopping.update({"val/AP50": 0.5})

    @pytest.mark.parametrize("value", ["0.5", None, [1, 2]])
    def test_takes_numbers_only(self, value):
        with pytest.raises(dm.InputError, match="expected a number, metrics or a history"):
            dm.EarlyStopping().update(value)

    def test_does_not_follow_test_data(self):
        history = dm.History()
        history.append(0, metrics={"AP": 0.3}, role="test")
        with pytest.raises(dm.InputError, match="looked at once"):
            dm.EarlyStopping().update(history)

    def test_waits_where_nothing_was_validated(self):
        history = dm.History()
        history.append(0, train={"loss": 0.3}, role="train")
        assert not dm.EarlyStopping(patience=1).update(history)

    @pytest.mark.parametrize(
        ("given", "said"),
        [
            ({"patience": 0}, "patience: expected a whole number from 1, got 0"),
            ({"min_delta": -1}, "min_delta: expected a number from 0, got -1"),
            ({"min_delta": NAN}, "min_delta: expected a number from 0, got nan"),
            ({"metric": "confidence"}, "neither better when higher nor when lower"),
        ],
    )
    def test_refuses_what_makes_no_sense(self, given, said):
        with pytest.raises(dm.InputError, match=said):
            dm.EarlyStopping(**given)

    def test_refuses_a_state_that_lacks_something(self):
        state = dm.EarlyStopping().state_dict()
        del state["rows_seen"]
        with pytest.raises(dm.InputError, match="rows_seen missing"):
            dm.EarlyStopping().load_state_dict(state)


def test_a_journal_in_a_folder_that_is_not_there_fails_before_the_training(tmp_path):
    with pytest.raises(dm.OutputError, match=r"h\.jsonl: .*its folder does not exist"):
        dm.History(tmp_path / "nowhere" / "h.jsonl")


def test_a_result_in_place_of_its_numbers():
    result = dm.evaluate("fixtures/ground_truth.json", "fixtures/detections.json")
    with pytest.raises(dm.InputError, match=r"metrics: .*give its scalars\(\)"):
        dm.History().append(0, metrics=result)
    with pytest.raises(dm.InputError, match=r"give its scalars\(\)"):
        dm.EarlyStopping().update(result)
