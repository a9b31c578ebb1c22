"""Several models: each against the first, and the ranks that the intervals support."""

from __future__ import annotations

import csv
import io
import json
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

import detmetrics as dm
from detmetrics.analysis import compare_models
from detmetrics.analysis.model_ranks import worse_than_first
from detmetrics.cli import cli

TRUTH, FOUND = "fixtures/ground_truth.json", "fixtures/detections.json"


@pytest.fixture(scope="module")
def models() -> list[dm.Evaluation]:
    """The example, itself again, and what is left of it where more and more detections are lost."""
    truth = dm.read_ground_truth(TRUTH)
    found = dm.read_detections(FOUND, truth)
    rows = np.arange(len(found))
    kept = (rows >= 0, rows >= 0, rows % 3 != 0, rows % 12 == 0)
    return [dm.evaluate(truth, found.keep(some)) for some in kept]


class TestRanks:
    """One behind all that are certainly better, one before all that are certainly worse."""

    def test_of_two_the_comparison_is_that_of_compare(self, models):
        found = compare_models(models[::2], 40, seed=3, per_class=True)
        (own,) = found.comparisons
        assert own.to_dict() == dm.compare(*models[::2], 40, seed=3, per_class=True).to_dict()
        assert [rank.words for rank in found.ranks] == ["1", "2"]

    def test_equal_models_share_theirs(self, models):
        found = compare_models(models, 60)
        assert [rank.words for rank in found.ranks] == ["1 to 2", "1 to 2", "3", "4"]
        assert [rank.value for rank in found.ranks] == [one.summary["AP"] for one in models]
        assert found.metric == "AP"
        assert len(found.comparisons) == 3

    def test_follow_from_the_intervals_of_all_pairs(self, models):
        """By a loop over pairs, where a single level serves all six."""
        found = compare_models(models, 60)
        certain = 0
        for a, b in combinations(range(4), 2):
            interval = dm.compare(models[a], models[b], 60).metrics["AP"].interval
            certain += not interval.low <= 0 <= interval.high
        assert certain == 5
        assert found.level == 0.95  # five are told, so that the last is tested alone

    def test_a_lower_miss_rate_is_the_better_rank(self, models):
        truth, found = models[0].ground_truth, models[0].detections
        half = found.keep(np.arange(len(found)) % 2 == 0)
        pair = [dm.evaluate(truth, one, "crowdhuman") for one in (half, found)]
        rules = dm.CROWDHUMAN.replace(metrics=["mr"])
        pair = [dm.evaluate(one.ground_truth, one.detections, rules) for one in pair]
        ranks = compare_models(pair, 60).ranks
        assert ranks[1].value < ranks[0].value
        assert [rank.words for rank in ranks] == ["2", "1"]

    def test_one_model_is_none_to_compare(self, models):
        with pytest.raises(dm.InputError, match="expected two results or more, got 1"):
            compare_models(models[:1])

    def test_which_are_worse_than_the_first(self, models):
        found = compare_models(models, 60)
        assert worse_than_first(found.comparisons[:1]) == ()
        assert len(worse_than_first(found.comparisons)) == 2
        back = compare_models(models[::-1], 60)
        assert worse_than_first(back.comparisons) == ()


class TestCommand:
    """``compare`` with more than two files, and ``--fail-if-worse``."""

    @pytest.fixture
    def files(self, tmp_path) -> list[str]:
        rows = json.loads(Path(FOUND).read_text())
        kept = {"third": [row for n, row in enumerate(rows) if n % 3], "sixth": rows[::6]}
        for name, some in kept.items():
            (tmp_path / f"{name}.json").write_text(json.dumps(some))
        return [FOUND, *(str(tmp_path / f"{name}.json") for name in kept)]

    def run(self, *arguments) -> tuple[int, str, str]:
        told = CliRunner().invoke(cli, ["compare", TRUTH, *arguments, "--resamples", "50"])
        return told.exit_code, told.stdout, told.stderr

    def test_text(self, files):
        code, text, _ = self.run(*files, "--quiet")
        assert code == 0
        assert text.count(f"A {FOUND}, B ") == 2
        lines = text.partition("Ranks by AP\n")[2].splitlines()[2:5]
        assert [(line.split()[0], line.split()[-1]) for line in lines] == [
            *zip(files, "123", strict=True)
        ]

    def test_machines(self, files):
        document = json.loads(self.run(*files, "--json", "-", "--quiet")[1])
        truth = dm.read_ground_truth(TRUTH)
        results = [dm.evaluate(truth, path) for path in files]
        made = compare_models(results, 50, per_class=True)
        assert document == json.loads(json.dumps(made.to_dict()))
        rows = list(csv.DictReader(io.StringIO(self.run(*files, "--csv", "-", "--quiet")[1])))
        assert {row["model"] for row in rows} == {*files[1:]}
        assert len(rows) == 2 * 6 * 12
        assert "### Ranks by AP" in self.run(*files, "--markdown", "-", "--quiet")[1]

    def test_of_two_nothing_changes(self, files):
        document = json.loads(self.run(*files[:2], "--json", "-", "--quiet")[1])
        assert document["metrics"]["AP"]["a"] > document["metrics"]["AP"]["b"]
        assert "Ranks" not in self.run(*files[:2], "--quiet")[1]

    def test_fail_if_worse(self, files):
        assert self.run(*files, "--quiet")[0] == 0
        code, text, said = self.run(*files, "--fail-if-worse", "--quiet")
        assert code == 3
        assert said == f"worse than {FOUND}: {files[1]}, {files[2]}\n"
        assert "Ranks by AP" in text
        for other in (files[::-1], [FOUND, FOUND]):
            assert self.run(*other, "--fail-if-worse", "--quiet")[0] == 0

    def test_standard_input_once(self, files):
        code, _, said = self.run("-", "-", FOUND)
        assert code == 2
        assert "standard input can be one of the files" in said
