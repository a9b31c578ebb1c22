"""``evaluate --ci`` and ``compare``: the same numbers in every view."""

from __future__ import annotations

import csv
import io
import json
import re
from pathlib import Path

import pytest
from click.testing import CliRunner

import detmetrics as dm
from detmetrics.analysis.bootstrap import confidence_intervals
from detmetrics.analysis.comparison import compare
from detmetrics.cli import cli

FIXTURES = "fixtures/ground_truth.json", "fixtures/detections.json"


def run(*arguments: str) -> tuple[int, str, str]:
    told = CliRunner().invoke(cli, [*arguments], catch_exceptions=False)
    return told.exit_code, told.stdout, told.stderr


class TestIntervals:
    """``--ci`` adds the ends of an interval to every metric."""

    def test_every_view_says_the_same(self):
        options = ("evaluate", *FIXTURES, "--ci", "--resamples", "50", "--seed", "4", "--quiet")
        result = dm.evaluate(*FIXTURES)
        found = confidence_intervals(result, 50, seed=4, per_class=True)
        low = found.metrics["AP50"].low
        code, text, _ = run(*options, "--per-class")
        assert code == 0
        line = next(line for line in text.splitlines() if line.startswith("AP50"))
        assert f"{low:.4f}" in line
        assert f"{found.metrics['AP50'].estimate:.4f}" in line
        assert "for the value on the population of images that these are drawn from" in text
        assert "(50 half-samples, seed 4)" in text
        small = next(line for line in text.splitlines() if line.startswith("APs"))
        assert found.metrics["APs"].few_objects
        assert "few objects" in small
        assert "few objects" not in line
        assert re.search(r"class +objects +detections +AP +AP_low +AP_high +AP_remark", text)
        rows = list(csv.DictReader(io.StringIO(run(*options, "--csv", "-")[1])))
        assert float(rows[0]["AP50_low"]) == low
        assert rows[1]["AP_high"] == str(found.classes["person"]["AP"].high)
        document = json.loads(run(*options, "--per-class", "--json", "-")[1])["intervals"]
        assert document == json.loads(json.dumps(found.to_dict()))
        assert (rows[0]["AP50_remark"], rows[0]["APs_remark"]) == ("", "few objects")
        markdown = run(*options, "--markdown", "-")[1]
        assert f"| {low:.4f} |" in markdown
        assert "| few objects: mean precision" in markdown

    def test_without_it_nothing_changes(self):
        assert "intervals" not in json.loads(run("evaluate", *FIXTURES, "--json", "-")[1])
        assert "_low" not in run("evaluate", *FIXTURES, "--csv", "-")[1]

    @pytest.mark.parametrize("options", [("--resamples", "1"), ("--level", "1"), ("--seed", "-1")])
    def test_what_makes_no_sense_is_wrong_usage(self, options):
        code, _, said = run("evaluate", *FIXTURES, "--ci", *options)
        assert code == 2
        assert options[0] in said


class TestCompare:
    """Two models on one ground truth."""

    @pytest.fixture
    def fewer(self, tmp_path) -> str:
        path = tmp_path / "fewer.json"
        rows = json.loads(Path(FIXTURES[1]).read_text())
        path.write_text(json.dumps([row for n, row in enumerate(rows) if n % 3]))
        return str(path)

    def test_every_view_says_the_same(self, fewer):
        options = ("compare", *FIXTURES, fewer, "--resamples", "40", "--quiet")
        truth = dm.read_ground_truth(FIXTURES[0])
        results = [dm.evaluate(truth, path) for path in (FIXTURES[1], fewer)]
        found = compare(*results, 40, per_class=True)
        code, text, _ = run(*options, "--per-class")
        assert code == 0
        ap = found.metrics["AP"]
        for value in (f"{ap.a:.4f}", f"{ap.interval.low:+.4f}", f"{100 * ap.better:.1f} %"):
            assert value in text
        assert re.search(rf"only A +{found.objects.counts['only_a']} ", text)
        assert "Images on which A finds more" in text
        assert "Images on which B finds more" not in text
        document = json.loads(run(*options, "--json", "-")[1])
        assert document == json.loads(json.dumps(found.to_dict()))
        alone = document["objects"]["found_by_a_alone"]
        assert len(alone) == document["objects"]["only_a"] > 0
        assert alone[0].keys() == {"image_id", "image", "class", "ground_truth", "box"}
        rows = list(csv.DictReader(io.StringIO(run(*options, "--csv", "-")[1])))
        assert rows[0]["metric"] == "AP"
        assert float(rows[0]["difference"]) == ap.interval.value
        remarks = {(row["class"], row["metric"]): row["remark"] for row in rows}
        assert remarks["", "APs"] == remarks["person", "AP"] == ""
        assert remarks["dog", "APs"] == "few objects"
        assert "for the difference on the population of images" in text
        assert {row["class"] for row in rows} == {"", *results[0].class_names}
        assert "### AP by class" in run(*options, "--per-class", "--markdown", "-")[1]

    def test_one_standard_input(self):
        code, _, said = run("compare", FIXTURES[0], "-", "-")
        assert code == 2
        assert "standard input can be one" in said

    def test_unknown_rules_and_thresholds(self, fewer):
        assert run("compare", *FIXTURES, fewer, "--rules", "cocoa")[0] == 2
        code, _, said = run("compare", *FIXTURES, fewer, "--iou", "0.51")
        assert code == 1
        assert "no IoU threshold 0.51; the rules have 0.5, 0.55" in said

    def test_an_input_is_not_overwritten(self, fewer):
        code, _, said = run("compare", *FIXTURES, fewer, "--json", fewer)
        assert code == 2
        assert "same file as an input" in said
