"""Several trainings in one journal: their names, and what is asked of which."""

from __future__ import annotations

import json
import warnings

import pytest
from click.testing import CliRunner

import detmetrics as dm
from detmetrics.cli import cli
from detmetrics.training.history import Row

OLD = [0.10, 0.30, 0.50, 0.49, 0.48, 0.47]
NEW = [0.05, 0.20, 0.25, 0.28]


def filled(path, values, *, run=None, start=0):
    """A journal after a training in a process of its own."""
    history = dm.History(path, run=run)
    for epoch, ap in enumerate(values, start=start):
        history.append(epoch, train={"loss": 1.0 - ap}, metrics={"AP": ap})
    return history


@pytest.fixture
def path(tmp_path):
    filled(tmp_path / "h.jsonl", OLD)
    return tmp_path / "h.jsonl"


class TestNames:
    """A second training in the same file is another run, and that is said."""

    def test_a_training_that_begins_again_gets_a_name_and_is_said(self, path):
        history = dm.History(path)
        said = "epoch 0 comes after epoch 5 of run 1, so a new run begins, named run 2"
        with pytest.warns(dm.DetmetricsWarning, match=said):
            history.append(0, metrics={"AP": NEW[0]})
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            history.append(1, metrics={"AP": NEW[1]})
        assert history.runs == ("run 1", "run 2")
        assert history.run == "run 2"
        assert [row.run for row in dm.History(path)] == [""] * 6 + ["run 2"] * 2
        with pytest.warns(dm.DetmetricsWarning, match="named run 3"):
            filled(path, NEW)
        assert dm.History.read(path).runs == ("run 1", "run 2", "run 3")

    def test_a_name_that_is_given_is_kept_and_nothing_is_said(self, path):
        history = filled(path, NEW, run="wide")
        assert history.runs == ("run 1", "wide")
        assert json.loads(path.read_text().splitlines()[-1])["run"] == "wide"
        assert dm.History(path).run == "wide"

    def test_the_same_name_for_a_second_training(self, path):
        """A script that names its run, started twice and then resumed."""
        filled(path, OLD, run="wide")
        with pytest.warns(dm.DetmetricsWarning, match=r"of wide, .* named wide \(2\)"):
            filled(path, NEW, run="wide")
        again = filled(path, [0.30], run="wide", start=len(NEW))
        assert again.runs == ("run 1", "wide", "wide (2)")
        assert len(again.of_run("wide (2)")) == len(NEW) + 1

    def test_a_training_that_goes_on_is_the_same_run(self, path):
        assert filled(path, [0.46], start=6).runs == ("run 1",)
        assert filled(path, [0.44, 0.45], start=4).runs == ("run 1",)

    def test_a_training_that_was_killed_in_its_second_epoch(self, tmp_path):
        filled(tmp_path / "h.jsonl", OLD[:1])
        with pytest.warns(dm.DetmetricsWarning, match="epoch 0 comes after epoch 0 of run 1"):
            filled(tmp_path / "h.jsonl", NEW)

    @pytest.mark.parametrize(
        "rows",
        [
            [{"epoch": 0, "train": {"loss": 1.0}, "role": "train"}, {"epoch": 0}],
            [{"epoch": 0}, {"epoch": 0}, {"epoch": 0}],
            [{"epoch": 3}, {"epoch": 4}, {"epoch": 3, "role": "test"}],
            [{"epoch": 3, "role": "test"}, {"epoch": 0}],
        ],
        ids=["parts", "an epoch that stays", "test data at the end", "test data first"],
    )
    def test_what_begins_no_training(self, tmp_path, rows):
        history = dm.History(tmp_path / "h.jsonl")
        for row in rows:
            history.append(metrics={"AP": 0.3}, **row)
        assert len(history.runs) == 1

    @pytest.mark.parametrize("run", ["", "  ", 3, b"a"])
    def test_a_name_is_a_text(self, tmp_path, run):
        with pytest.raises(dm.InputError, match="run: expected the name of a training"):
            dm.History(tmp_path / "h.jsonl", run=run)

    def test_a_name_in_a_file_is_a_text(self, tmp_path):
        (tmp_path / "h.jsonl").write_text('{"detmetrics.history":1,"epoch":1,"run":["a"]}\n')
        with pytest.raises(dm.FormatError, match="line 1: run: expected the name of a training"):
            dm.History(tmp_path / "h.jsonl")

    def test_rows_without_a_name_beside_one_that_is_called_like_theirs(self):
        history = dm.History.of([Row(epoch=0), Row(epoch=0, run="run 1")])
        assert history.runs == ("the run without a name", "run 1")
        assert [len(one) for one in history.by_run()] == [1, 1]

    def test_names_do_not_steer_a_terminal(self, tmp_path):
        filled(tmp_path / "h.jsonl", OLD, run="\x1b[31mred")
        filled(tmp_path / "h.jsonl", OLD, run="other")
        ran = CliRunner().invoke(cli, ["history", str(tmp_path / "h.jsonl")])
        assert ran.exit_code == 0
        assert "\x1b" not in ran.output


class TestAnswers:
    """Questions are about one training."""

    @pytest.fixture
    def history(self, path):
        return filled(path, NEW, run="wide")

    def test_are_of_the_last_run(self, history):
        best = history.best("AP")
        assert (best.epoch, best.value, best.row, best.of) == (3, 0.28, 4, 4)
        assert str(history.verdict()) == "too short"
        assert history.notes == (
            "2 runs in one file (run 1, wide): best and verdict are those of wide",
        )

    def test_are_of_another_one_where_asked(self, history):
        assert history.of_run("run 1").best("AP").value == 0.5
        assert history.of_run("wide").notes == ()
        with pytest.raises(dm.InputError, match="no run 'narrow'; the runs are run 1, wide"):
            history.of_run("narrow")

    def test_are_of_the_run_that_was_named_when_opened(self, path, history):
        assert dm.History(path, run="wide").best("AP").value == 0.28
        with pytest.raises(dm.InputError, match="no row of role val"):
            dm.History(path, run="narrow").best("AP")

    def test_a_frame_names_them(self, history):
        assert history.to_frame()["run"].isna().tolist() == [True] * 6 + [False] * 4

    def test_the_command_shows_each(self, path, history):
        ran = CliRunner().invoke(cli, ["history", str(path), "--json", "-"])
        found = json.loads(ran.stdout)["histories"]
        assert [(one["run"], one["best"]["value"]) for one in found] == [
            ("run 1", 0.5),
            ("wide", 0.28),
        ]
        text = CliRunner().invoke(cli, ["history", str(path)]).stdout
        assert "h.jsonl (wide), 4 rows: too short" in text


class TestEarlyStopping:
    """Begins anew with a training, and never names an epoch of another one."""

    def followed(self, history, values, stopping, start=0):
        stops = []
        for epoch, ap in enumerate(values, start=start):
            history.append(epoch, metrics={"AP": ap})
            stops.append(stopping.update(history))
        return stops

    @pytest.mark.parametrize("run", ["wide", None])
    def test_of_a_second_training_in_the_same_journal(self, path, run):
        history, stopping = dm.History(path, run=run), dm.EarlyStopping(patience=2)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", dm.DetmetricsWarning)
            stops = self.followed(history, [*NEW, 0.2, 0.2], stopping)
        assert stops == [False] * 5 + [True]
        assert (stopping.best, stopping.best_epoch, stopping.updates) == (0.28, 3, 6)

    def test_of_one_that_watched_the_first_training_too(self, path):
        stopping = dm.EarlyStopping(patience=2)
        assert stopping.update(dm.History(path))
        state = json.loads(json.dumps(stopping.state_dict()))
        stopping = dm.EarlyStopping(patience=2)
        stopping.load_state_dict(state)
        assert self.followed(dm.History(path, run="wide"), NEW, stopping) == [False] * 4
        assert stopping.best_epoch == 3

    def test_of_rows_without_names(self):
        """A history in memory, or a log of a framework that was started again."""
        history, stopping = dm.History(), dm.EarlyStopping(patience=2)
        self.followed(history, OLD, stopping)
        assert stopping.stopped_epoch == 4
        assert self.followed(history, NEW, stopping) == [False] * 4
        fresh = dm.EarlyStopping(patience=2)
        assert not fresh.update(history)
        assert fresh.state_dict() == stopping.state_dict()

    def test_of_one_that_goes_on_from_an_earlier_epoch(self):
        """The epochs that were left behind neither count as waiting nor as the best."""
        history, stopping = dm.History(), dm.EarlyStopping(patience=3)
        self.followed(history, [0.10, 0.20, 0.90, 0.80, 0.70], stopping)
        assert (stopping.best, stopping.waited) == (0.9, 2)
        assert self.followed(history, [0.25, 0.24], stopping, start=2) == [False] * 2
        assert (stopping.best, stopping.best_epoch, stopping.waited) == (0.25, 2, 1)

    def test_of_another_history(self):
        stopping = dm.EarlyStopping(patience=2)
        self.followed(dm.History(), OLD, stopping)
        assert not stopping.update(dm.History.of([Row(epoch=0, metrics={"AP": 0.1})]))
        assert stopping.best == 0.1
