"""Detections without scores: their numbers by hand, every view, and what they cannot have."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
from click.testing import CliRunner

import detmetrics as dm
from detmetrics import analysis
from detmetrics.cli import cli

FIXTURES = Path(__file__).parents[1] / "fixtures"
TRUTH = str(FIXTURES / "ground_truth.json")
NONE = dm.Reading(scores="none")


@pytest.fixture
def bare(tmp_path: Path) -> str:
    """The detections of the fixture without their scores."""
    rows = json.loads((FIXTURES / "detections.json").read_text())
    path = tmp_path / "bare.json"
    path.write_text(json.dumps([{k: v for k, v in row.items() if k != "score"} for row in rows]))
    return str(path)


def scene(
    objects: list[tuple[float, ...]], found: list[tuple[float, ...]], scores: Any = None
) -> tuple[dm.GroundTruth, dm.Detections]:
    """Boxes of one class on one image."""
    catalog = dm.Catalog.from_ids(images=[1], categories=[1], category_names=["cat"])
    truth = dm.GroundTruth.from_arrays(
        image_ids=[1] * len(objects), categories=["cat"] * len(objects), boxes=objects,
        catalog=catalog,
    )  # fmt: skip
    detections = dm.Detections.from_arrays(
        image_ids=[1] * len(found), categories=["cat"] * len(found), boxes=found, scores=scores,
        catalog=catalog,
    )  # fmt: skip
    return truth, detections


class TestByHand:
    """Two objects; one is found exactly, one by half of a box; one detection is on nothing."""

    # IoU 1, 50 / 100 and 0.
    TABLES: ClassVar[Any] = (
        [(0, 0, 10, 10), (50, 0, 10, 10)],
        [(0, 0, 10, 10), (50, 0, 10, 5), (80, 80, 10, 10)],
    )

    def test_at_the_point(self):
        summary = dm.evaluate(*scene(*self.TABLES)).summary
        assert summary["precision"] == pytest.approx(2 / 3)
        assert summary["recall"] == 1
        assert summary["F1"] == pytest.approx(4 / 5)
        assert summary["mean_IoU"] == pytest.approx(0.75)
        # (0 + 0.5) / (1 - 0.5) + 1 false positive, over 2 + 1
        assert summary["LRP"] == pytest.approx(2 / 3)

    def test_ap_as_a_range(self):
        """At 0.5 the false positive comes first or last; at 0.75 one object is found at most."""
        summary = dm.evaluate(*scene(*self.TABLES)).summary
        assert summary["AP50_min"] == pytest.approx(2 / 3)
        assert summary["AP50_max"] == pytest.approx(1)
        # 51 of 101 recall points; a true positive behind two others, or before them
        assert summary["AP75_min"] == pytest.approx(51 / 101 / 3)
        assert summary["AP75_max"] == pytest.approx(51 / 101)

    def test_nothing_found(self):
        summary = dm.evaluate(*scene([(0, 0, 10, 10)], [])).summary
        assert summary["precision"] == summary["recall"] == summary["F1"] == 0
        assert summary["LRP"] == 1
        assert np.isnan(summary["mean_IoU"])
        assert summary.undefined["mean_IoU"] == "nothing is found"

    def test_all_detections_count(self):
        """A limit would have to leave out the worse ones, and none is worse."""
        found = [(500.0, 500.0, 10, 10)] * 150 + [(0, 0, 10, 10)]
        result = dm.evaluate(*scene([(0, 0, 10, 10)], found))
        assert result.summary["recall"] == 1
        assert result.summary["precision"] == pytest.approx(1 / 151)

    def test_the_closest_pair_matches_first(self):
        """In the order of the file the first detection would take the object of the second."""
        objects = [(0, 0, 10, 10), (0, 4, 10, 10)]
        found = [(0, 2, 10, 10), (0, 0, 10, 10)]  # IoU 8 / 12 with both; 1, and 6 / 14
        summary = dm.evaluate(*scene(objects, found)).summary
        assert summary["precision"] == summary["recall"] == 1

    def test_of_equal_overlaps_the_one_that_fits_nothing_else(self):
        objects = [(0, 0, 10, 10), (0, 10, 10, 10)]
        both, one = (0, 0, 10, 20), (0, 0, 10, 5)  # 1/2 with both, and with the first alone
        for found in ([both, one], [one, both]):
            summary = dm.evaluate(*scene(objects, found)).summary
            assert summary["recall"] == 1

    def test_rules_of_other_benchmarks(self):
        for name, rules in dm.RULE_SETS.items():
            asks = rules.class_rules or rules.federated or rules.clip or rules.shape != "box"
            if asks or any(area.also for area in rules.area_ranges):
                continue  # for what this scene does not have
            summary = dm.evaluate(*scene(*self.TABLES), rules).summary
            assert {"precision", "recall", "F1", "mean_IoU", "LRP"} <= {*summary}, name

    def test_kitti_has_no_range(self):
        """Its AP is over cuts of the score."""
        truth, found = scene(*self.TABLES)
        kitti = dm.KITTI.replace(class_rules=(), area_ranges=dm.COCO.area_ranges, metrics="ap")
        summary = dm.evaluate(truth, found, kitti).summary
        assert "precision" in summary
        assert "AP_min" not in summary

    def test_scores_are_nan_and_no_number(self):
        result = dm.evaluate(*scene(*self.TABLES))
        assert not result.detections.scored
        assert result.matches()["score"].isna().all()

    def test_matches_survive_bytes(self):
        result = dm.evaluate(*scene(*self.TABLES))
        again = dm.Matches.from_bytes(result.matching.to_bytes())
        assert dm.summarize_matches(again) == result.summary

    def test_duplicates_are_told(self):
        result = dm.evaluate(*scene([(0, 0, 10, 10)], [(0, 0, 10, 10), (30, 0, 9, 9)] * 2))
        assert result.counts["duplicate_detections"] == 2


@pytest.mark.parametrize("missing", [float("nan"), None])
def test_arrays_of_nothing_name_the_option(missing):
    with pytest.raises(dm.TableError, match=r"without scores: scores=None"):
        scene([(0, 0, 10, 10)], [(0, 0, 10, 10)], [missing])


class TestFrames:
    def frame(self) -> Any:
        import pandas as pd

        columns = {"image": [1], "class": ["cat"], "x": [0], "y": [0], "w": [10], "h": [10]}
        return pd.DataFrame(columns)

    def test_without_a_column_of_scores(self):
        truth, _ = scene([(0, 0, 10, 10)], [])
        found = dm.Detections.from_frame(self.frame(), catalog=truth.catalog, scores="none")
        assert dm.evaluate(truth, found).summary["precision"] == 1

    def test_names_the_option(self):
        truth, _ = scene([(0, 0, 10, 10)], [])
        with pytest.raises(dm.TableError, match=r"score or confidence.*scores='none'"):
            dm.Detections.from_frame(self.frame(), catalog=truth.catalog)

    def test_leaves_a_column_out(self):
        truth, _ = scene([(0, 0, 10, 10)], [])
        frame = self.frame().assign(score=0.5)
        assert not dm.Detections.from_frame(frame, catalog=truth.catalog, scores="none").scored


class TestMetric:
    """In training loops."""

    BATCH: ClassVar[Any] = (
        ["a.jpg"],
        [{"boxes": [[0, 0, 10, 10], [50, 0, 60, 5]], "labels": [0, 0]}],
        [{"boxes": [[0, 0, 10, 10]], "labels": [0]}],
    )

    def test_takes_predictions_without_scores(self):
        metric = dm.DetectionMetric(["cat"], scores="none")
        metric.update(*self.BATCH)
        assert metric.compute().summary["precision"] == 0.5
        assert type(metric).from_bytes(metric.to_bytes()).compute().summary["F1"] == 2 / 3

    def test_names_the_option(self):
        for scores in ({}, {"scores": None}):
            batch = self.BATCH[0], [{**self.BATCH[1][0], **scores}], self.BATCH[2]
            with pytest.raises(dm.InputError, match=r"'scores'.*DetectionMetric.scores='none'"):
                dm.DetectionMetric(["cat"]).update(*batch)

    def test_leaves_scores_out(self):
        metric = dm.DetectionMetric(["cat"], scores="none")
        metric.update(self.BATCH[0], [{**self.BATCH[1][0], "scores": [0.5, 0.5]}], self.BATCH[2])
        assert not metric.compute().detections.scored

    def test_does_not_merge_with_one_of_scores(self):
        one, other = dm.DetectionMetric(["cat"]), dm.DetectionMetric(["cat"], scores="none")
        with pytest.raises(dm.InputError, match="different scores"):
            one.merge(other)

    def test_refuses_another_word(self):
        with pytest.raises(dm.InputError, match="scores: expected"):
            dm.DetectionMetric(["cat"], scores="some")


ASKED = {
    "operating_curves": analysis.operating_curves,
    "operating_points": analysis.operating_points,
    "calibration": analysis.calibration,
    "detection_ece": analysis.detection_ece,
    "confusion_matrix": analysis.confusion_matrix,
    "error_types": analysis.error_types,
    "blind_spots": analysis.blind_spots,
    "by_bins": analysis.by_bins,
    "crosscheck": dm.crosscheck,
    "curve": lambda result: result.curve("person"),
    "arrays": lambda result: result.arrays(),
    "reconcile": lambda result: dm.reconcile(result.ground_truth, result.detections),
    "plot pr": lambda result: result.plot.pr(),
    "plot confidence": lambda result: result.plot.confidence(),
    "plot reliability": lambda result: result.plot.reliability(),
    "compare": lambda result: analysis.compare(result, result, confidence=0.5, resamples=2),
}


class TestRefusals:
    """What ranks by score is refused in one sentence that says why and what to do."""

    @pytest.mark.parametrize("name", ASKED)
    def test_in_python(self, bare, name):
        result = dm.evaluate(TRUTH, bare, reading=NONE)
        with pytest.raises(dm.InputError, match=r"needs scores, and these .* have none") as refused:
            ASKED[name](result)
        assert "\n" not in str(refused.value)

    @pytest.mark.parametrize(
        "command", ["errors", "thresholds", "plot pr", "plot reliability", "reconcile"]
    )
    def test_on_the_command_line(self, bare, tmp_path, command):
        name, *kind = command.split()
        more = ["--kind", *kind, "-o", str(tmp_path / "figure.png")] if kind else []
        done = CliRunner().invoke(cli, [name, TRUTH, bare, *more, "--scores", "none", "-q"])
        assert done.exit_code == 1, done.output
        assert "needs scores" in done.output

    def test_detections_are_not_written(self, bare, tmp_path):
        with pytest.raises(dm.InputError, match="detections without scores are not written"):
            dm.convert(bare, tmp_path / "made.csv", to="csv", ground_truth=TRUTH, reading=NONE)

    def test_analyses_that_need_none_work(self, bare):
        result = dm.evaluate(TRUTH, bare, reading=NONE)
        both = analysis.compare(result, result, resamples=10)
        assert next(iter(both.metrics)) == "F1"
        assert analysis.confidence_intervals(result, 10).metrics["F1"].low <= 1
        assert result.plot.classes("F1").axes


def run(*words: str) -> Any:
    return CliRunner().invoke(cli, [*words])


class TestCommand:
    def test_prints_the_metrics(self, bare):
        done = run("evaluate", TRUTH, bare, "--scores", "none", "--per-class", "-q")
        assert done.exit_code == 0, done.output
        for name in ("precision", "recall", "F1", "mean_IoU", "LRP", "AP_min", "AP50_max"):
            assert name in done.output

    def test_every_view(self, bare, tmp_path):
        names = {"json": "r.json", "csv": "r.csv", "markdown": "r.md"}
        options = [w for kind, name in names.items() for w in (f"--{kind}", str(tmp_path / name))]
        done = run("evaluate", TRUTH, bare, "--scores", "none", "-q", *options)
        assert done.exit_code == 0, done.output
        written = json.loads((tmp_path / "r.json").read_text())
        assert written["metrics"]["AP_min"] <= written["metrics"]["AP_max"]
        assert "NaN" not in (tmp_path / "r.json").read_text()
        for name in names.values():
            assert "mean_IoU" in (tmp_path / name).read_text().replace("\\", "")

    def test_refuses_what_needs_scores(self, bare):
        for option in (("--crosscheck",), ("--max-detections", "10")):
            done = run("evaluate", TRUTH, bare, "--scores", "none", *option)
            assert done.exit_code == 2
            assert f"{option[0]} needs scores" in done.output

    def test_bounds_are_those_of_the_metrics(self, bare):
        options = ("--scores", "none", "-q", "--fail-under")
        assert run("evaluate", TRUTH, bare, *options, "F1=0.9").exit_code == 3
        assert run("evaluate", TRUTH, bare, *options, "F1=0.1").exit_code == 0
        refused = run("evaluate", TRUTH, bare, *options, "AP=0.1")
        assert refused.exit_code == 2
        assert "no metric 'AP'" in refused.output

    def test_check_looks_at_the_rest(self, bare):
        done = run("check", TRUTH, bare, "--scores", "none")
        assert not {"D301", "D302", "D303", "D305"} & {*done.output.split()}
        assert "D204" in done.output

    def test_slices_are_sorted_by_the_first_metric(self, bare):
        by = ("--slices-by-pattern", r"(\d)\.jpg", "--resamples", "9")
        done = run("slices", TRUTH, bare, "--scores", "none", "-q", *by)
        assert done.exit_code == 0, done.output
        assert "F1" in done.output

    def test_report_leaves_out_what_it_cannot_show(self, bare, tmp_path):
        page = tmp_path / "report.html"
        done = run("report", TRUTH, bare, "--scores", "none", "-o", str(page), "--no-ci")
        assert done.exit_code == 0, done.output
        assert "needs scores" in done.output
        assert "mean_IoU" in page.read_text()
