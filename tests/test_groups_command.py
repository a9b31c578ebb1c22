"""``--group`` of ``compare`` and ``history``: several runs of one training."""

from __future__ import annotations

import csv
import io
import json
import random
from pathlib import Path

import pytest
import training_logs as logs
from click.testing import CliRunner

import detmetrics as dm
from detmetrics.analysis import compare_groups
from detmetrics.cli import cli
from detmetrics.training.history.groups import compare_groups as compare_trainings

TRUTH, FOUND = (
    str(Path("fixtures", n).resolve()) for n in ("ground_truth.json", "detections.json")
)
FAST = ("--resamples", "40", "--quiet")


@pytest.fixture
def folder(tmp_path, monkeypatch):
    rows = json.loads(Path(FOUND).read_text())
    for group, share in (("a", 0.6), ("b", 0.1)):
        (tmp_path / group).mkdir()
        for seed in range(3):
            chance = random.Random(f"{group} {seed}")
            kept = [row for row in rows if chance.random() > share]
            (tmp_path / group / f"{seed}.json").write_text(json.dumps(kept))
    for seed in range(3):
        for group, best in (("a", 0.31 + seed / 100), ("b", 0.51 + seed / 100)):
            (tmp_path / group / f"{seed}.csv").write_text(logs.YOLOV8.replace("0.31,", f"{best},"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(*arguments: str) -> tuple[int, str, str]:
    told = CliRunner().invoke(cli, [*arguments])
    return told.exit_code, told.stdout, told.stderr


GROUPS = ("--group", "a/*.json", "--group", "b/*.json")


class TestCompare:
    """Runs of detections."""

    def test_every_view_says_the_same(self, folder):
        truth = dm.read_ground_truth(TRUTH)
        given = {
            letter: [dm.evaluate(truth, f"{group}/{seed}.json") for seed in range(3)]
            for letter, group in (("A", "a"), ("B", "b"))
        }
        found = compare_groups(given, 40)
        options = ("compare", TRUTH, *GROUPS, *FAST)
        document = json.loads(run(*options, "--json", "-")[1])
        assert document == json.loads(json.dumps(found.to_dict()))
        ap = found.differences["B"]["AP"]
        code, text, _ = run(*options)
        assert code == 0
        for words in (f"{ap.value:+.4f}", f"{ap.low:+.4f}", "better", "A, 3 runs: a/0.json"):
            assert words in text
        assert "### B - A" in run(*options, "--markdown", "-")[1]
        rows = list(csv.DictReader(io.StringIO(run(*options, "--csv", "-")[1])))
        assert [row["group"] for row in rows] == ["A"] * (len(rows) // 2) + ["B"] * (len(rows) // 2)
        row = next(row for row in rows if (row["group"], row["metric"]) == ("B", "AP"))
        assert float(row["difference"]) == ap.value
        assert float(row["mean"]) == found.means["B"]["AP"].mean

    def test_the_contract_lists_every_key(self, folder):
        page = (Path(TRUTH).parent.parent / "docs/json.md").read_text()
        document = json.loads(run("compare", TRUTH, *GROUPS, *FAST, "--json", "-")[1])
        keys = (
            *document, *document["groups"]["A"], *document["groups"]["A"]["metrics"]["AP"],
            *document["differences"]["B"]["AP"],
        )  # fmt: skip
        for key in keys:
            assert f"`{key}`" in page or f'"{key}"' in page, key

    @pytest.mark.parametrize(
        ("arguments", "said"),
        [
            (("--group", "c/*.json"), "--group 'c/*.json': no file fits this pattern"),
            (("--group", "a/*.json", "--group", "a/0.json"), "is in two groups"),
            (("a/0.json", "b/0.json", *GROUPS), "either A and B or groups"),
            ((*GROUPS, "--per-class"), "compare two models, not groups"),
            ((*GROUPS, "--iou", "0.5"), "compare two models, not groups"),
            (("a/0.json",), "Missing argument 'A' or 'B'"),
            ((*GROUPS, "--json", "a/0.json"), "would write to the same file as an input"),
            (("--group", "a/0.json") * 27, "at most 26 groups, got 27"),
        ],
    )
    def test_wrong_usage(self, folder, arguments, said):
        code, _, error = run("compare", TRUTH, *arguments)
        assert code == 2
        assert said in error


class TestHistory:
    """Runs of logs."""

    def test_beyond_seeds(self, folder):
        options = ("history", "--group", "a/*.csv", "--group", "b/*.csv", "--quiet")
        code, text, _ = run(*options)
        assert code == 0
        assert "better beyond seeds" in text
        assert "Whether it exceeds that between images, logs do not tell" in text
        document = json.loads(run(*options, "--json", "-")[1])
        b = document["groups"]["B"]
        assert b["mean"] == pytest.approx(0.52)
        assert b["seed_spread"] == pytest.approx(0.01)
        assert document["differences"]["B"]["exceeds_images"] is None
        page = (Path(TRUTH).parent.parent / "docs/json.md").read_text()
        for key in (*document, *b, *document["differences"]["B"]):
            assert f"`{key}`" in page or f'"{key}"' in page, key

    def test_one_run_is_said(self, folder):
        text = run("history", "--group", "a/*.csv", "--group", "b/0.csv", "-q")[1]
        assert "Cannot tell: B has one run" in text

    @pytest.mark.parametrize("gain", [0.0, 0.2])
    def test_intervals_of_logs(self, gain):
        def training(ap: float) -> dm.History:
            history = dm.History()
            history.append(0, metrics={"AP": ap, "AP_low": ap - 0.02, "AP_high": ap + 0.02})
            return history

        noise = (0.0, 0.01, 0.02)
        runs = {
            "A": [training(0.3 + each) for each in noise],
            "B": [training(0.3 + gain + each) for each in noise],
        }
        found = compare_trainings(runs).gains["B"]
        expected = ("better", True) if gain else ("cannot tell", None)
        assert (found.verdict, found.exceeds_images) == expected

    def test_lower_is_better_and_not_comparable(self):
        def training(name: str, value: float) -> dm.History:
            history = dm.History()
            history.append(0, metrics={name: value})
            return history

        low = {
            "A": [training("MR", v) for v in (0.3, 0.31)],
            "B": [training("MR", v) for v in (0.1, 0.11)],
        }
        assert compare_trainings(low).gains["B"].verdict == "better beyond seeds"
        mixed = {"A": low["A"], "B": [training("AP", v) for v in (0.1, 0.11)]}
        assert compare_trainings(mixed).gains["B"].verdict == "not comparable"

    def test_wrong_usage(self, folder):
        assert "either logs or groups" in run("history", "a/0.csv", "--group", "b/*.csv")[2]
        assert "Missing argument" in run("history")[2]
        with pytest.raises(dm.InputError, match="groups: expected one or more"):
            compare_trainings({"A": []})
