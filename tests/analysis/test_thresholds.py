"""Thresholds give, when applied to the file, exactly what was promised, and none is better."""

from __future__ import annotations

import json
import math

import builders
import numpy as np
import pytest
import strategies
import yaml
from builders import CAT, DOG, annotation, category, detection, document, write
from click.testing import CliRunner
from hypothesis import assume, given
from hypothesis import strategies as st

import detmetrics as dm
from detmetrics import analysis
from detmetrics.analysis.objectives import Objective
from detmetrics.analysis.score_curves import operating_curves
from detmetrics.analysis.thresholds import operating_points
from detmetrics.cli import cli
from detmetrics.evaluation.match_table import verdicts

pytestmark = pytest.mark.filterwarnings("ignore::detmetrics.DetmetricsWarning")

FIXTURES = "fixtures/ground_truth.json", "fixtures/detections.json"
OBJECTIVES = ["f1", "f2", "f0.5", "precision:0.7", "recall:0.4", "fppi:0.5", "fppi:0"]


def counted(result: dm.Evaluation, iou: float, name: str | None = None, least: float = -math.inf):
    """TP, FP and ground truths from the table of matches, row by row; name: of this class alone."""
    truth, found = result.ground_truth, result.detections
    at = result.rules.threshold_index(iou)
    table = verdicts(truth, found, result.matching, at, 0)
    labels = truth.catalog.class_labels
    right = wrong = missed = 0
    for d, g, verdict in zip(table.detection, table.ground_truth, table.verdict, strict=True):
        own = truth.category[g] if verdict == "missed" else found.category[d]
        if name is not None and not result.rules.class_agnostic and labels[own] != name:
            continue
        if verdict == "missed":
            missed += 1
        elif verdict == "true positive":
            right += found.scores[d] >= least
            missed += found.scores[d] < least
        elif verdict == "false positive":
            wrong += found.scores[d] >= least
    return right, wrong, right + missed


def numbers(point) -> tuple[int, int, int]:
    right = point.true_positives
    return right, point.false_positives, right + point.false_negatives


@given(scene=strategies.scenes(full=True), rules=strategies.rules())
def test_curves_are_a_loop_over_cuts(scene, rules):
    result = dm.evaluate(*scene, rules)
    iou = rules.iou_thresholds[0]
    curves = operating_curves(result, iou)
    for name, curve in [*curves.classes.items(), (None, curves.pooled)]:
        assert list(curve.thresholds) == sorted(set(curve.thresholds), reverse=True)
        for at, threshold in enumerate(curve.thresholds):
            right, wrong, truths = counted(result, iou, name, threshold)
            assert (curve.true_positives[at], curve.false_positives[at]) == (right, wrong)
            assert curve.positives == truths
            assert curve.precision[at] == right / (right + wrong)
            assert curve.fp_an_image[at] == wrong / len(scene[0].catalog.image_ids)
            if truths:
                assert curve.recall[at] == right / truths
                below = 5 * right + 4 * (truths - right) + wrong
                assert curve.f(2.0)[at] == 5 * right / below
            else:
                assert math.isnan(curve.recall[at])
                assert math.isnan(curve.f()[at])
        assert (np.diff(curve.recall) >= 0).all() or not curve.positives


@given(scene=strategies.scenes())
def test_means_are_a_loop_over_classes(scene):
    result = dm.evaluate(*scene)
    curves = operating_curves(result)
    known = [name for name, curve in curves.classes.items() if curve.positives]
    if not known:
        return
    mean = curves.mean
    for at, threshold in enumerate(mean.thresholds):
        each = [counted(result, 0.5, name, threshold) for name in known]
        recall = sum(right / truths for right, _, truths in each) / len(known)
        f1 = sum(2 * right / (right + wrong + truths) for right, wrong, truths in each)
        kept = [right / (right + wrong) for right, wrong, _ in each if right + wrong]
        assert mean.recall[at] == pytest.approx(recall, rel=1e-12)
        assert mean.f()[at] == pytest.approx(f1 / len(known), rel=1e-12)
        precision = sum(kept) / len(kept) if kept else math.nan
        assert mean.precision[at] == pytest.approx(precision, rel=1e-12, nan_ok=True)


@given(
    scene=strategies.scenes(full=True),
    rules=strategies.any_rules(pixel=0),
    cut=st.sampled_from([0.1, 0.3, 0.3000001, 0.5, 0.9]),
)
def test_filtering_and_matching_again_gives_the_same(scene, rules, cut):
    """Under every rule set that is not refused, at one threshold for all classes."""
    truth, found = scene
    try:
        result = dm.evaluate(truth, found, rules)
        iou = rules.iou_thresholds[0]
        curves = operating_curves(result, iou)
    except (dm.RulesError, dm.InputError):
        assume(False)  # the scene is not for these rules, or no threshold is
    if cut not in curves.pooled.thresholds:
        return
    again = dm.evaluate(truth, found.keep(found.scores >= cut), rules)
    for name, curve in curves.classes.items():
        right, wrong, truths = counted(again, iou, name)
        assert (*curve.kept(cut), curve.positives) == (right, wrong, truths)


@given(
    scene=strategies.scenes(full=True),
    rules=strategies.any_rules(pixel=0, assignment="free", class_agnostic=False),
    objective=st.sampled_from(OBJECTIVES),
)
def test_thresholds_of_classes_hold_together(scene, rules, objective):
    """Each class filtered at its own, all at once; or it is refused."""
    truth, found = scene
    try:
        result = dm.evaluate(truth, found, rules)
        iou = rules.iou_thresholds[0]
        promised = operating_points(result, objective, iou, per_class=True)
    except (dm.RulesError, dm.InputError):
        assume(False)
    kept = np.zeros(len(found), bool)
    for name, threshold in promised.thresholds.items():
        own = found.category == truth.catalog.class_labels.index(name)
        kept |= own & (found.scores >= (math.inf if threshold is None else threshold))
    again = dm.evaluate(truth, found.keep(kept), rules)
    for name, point in promised.classes.items():
        assert counted(again, iou, name) == numbers(point)
    assert counted(again, iou) == numbers(promised.overall)


@given(
    scene=strategies.scenes(),
    objective=st.sampled_from(OBJECTIVES),
    average=st.sampled_from(["micro", "macro"]),
    per_class=st.booleans(),
)
def test_no_other_threshold_is_better(scene, objective, average, per_class):
    result = dm.evaluate(*scene)
    found = operating_points(result, objective, per_class=per_class, average=average)
    curves, sought = operating_curves(result), Objective.parse(objective)
    chosen = [(curves.classes[name], point) for name, point in found.classes.items()]
    if not per_class:
        chosen = [(curves.pooled if average == "micro" else curves.mean, found.overall)]
    for curve, point in chosen:
        best = None
        if any(one.positives for one in curves.classes.values()):
            for at, threshold in enumerate(curve.thresholds.tolist()):
                precision, recall = curve.precision[at], curve.recall[at]
                rate, beta = curve.fp_an_image[at], sought.beta
                within, wanted = {
                    "f": (True, curve.f(beta)[at]),
                    "precision": (precision >= sought.value, recall),
                    "recall": (recall >= sought.value, precision),
                    "fppi": (rate <= sought.value, recall),
                }[sought.kind]
                within = within and curve.true_positives[at] > 0
                if within and not math.isnan(wanted) and (best is None or wanted > best[0]):
                    best = wanted, threshold
        assert point.threshold == (None if best is None else best[1])
        assert bool(point.reason) == (best is None)


@pytest.fixture
def golden(tmp_path) -> dm.Evaluation:
    """Three cats and a dog; of the cats' detections two share the score 0.8."""
    cats = [annotation(n, bbox=[20 * n, 0, 10, 10]) for n in (1, 2, 3)]
    dogs = [annotation(4, image_id=2, category_id=DOG)]
    found = [
        detection(score=0.9, bbox=[20, 0, 10, 10]),
        detection(score=0.8, bbox=[200, 0, 10, 10]),
        detection(score=0.8, bbox=[40, 0, 10, 10]),
        detection(score=0.7, bbox=[300, 0, 10, 10]),
        detection(2, DOG, 0.1 + 0.2, bbox=[100, 0, 10, 10]),
    ]
    return builders.evaluate(tmp_path, document(annotations=cats + dogs), found)


def test_golden(golden):
    cat = operating_curves(golden).classes["cat"]
    assert cat.thresholds.tolist() == [0.9, 0.8, 0.7]
    assert cat.true_positives.tolist() == [1, 2, 2]
    assert cat.false_positives.tolist() == [0, 1, 2]
    assert cat.false_negatives.tolist() == [2, 1, 1]
    assert cat.precision.tolist() == [1, 2 / 3, 0.5]
    assert cat.fp_an_image.tolist() == [0, 0.5, 1]
    found = operating_points(golden, "f1", per_class=True)
    assert found.thresholds == {"cat": 0.8, "dog": None}
    assert found.classes["dog"].reason == "no detection is right"
    assert found.classes["cat"].best == found.classes["cat"].f1 == 2 / 3
    assert numbers(found.overall) == (2, 1, 4)
    assert found.overall.threshold is None
    assert found.mean["recall"] == 1 / 3
    assert operating_points(golden, "f0.5").overall.threshold == 0.9
    assert analysis.operating_points(golden, "recall:0.5").overall.threshold == 0.8


@pytest.mark.parametrize(
    ("objective", "reason"),
    [
        ("precision:1", ""),
        ("recall:0.75", "not reached: recall is 0.5 at most, at 0.8"),
        ("recall:0.50001", "not reached: recall is 0.5 at most, at 0.8"),
        ("fppi:0", ""),
    ],
)
def test_what_is_not_reached_says_what_was(golden, objective, reason):
    assert operating_points(golden, objective).overall.reason == reason


def test_reasons(tmp_path):
    wrong_first = [detection(score=0.9, bbox=[90, 0, 9, 9]), detection(score=0.8)]
    result = builders.evaluate(tmp_path, None, wrong_first)
    assert operating_points(result, "fppi:0.1").overall.reason == (
        "not reached: 0.5 false positives an image down to the first that is right, at 0.8"
    )
    assert operating_points(result, "precision:0.9").classes["cat"].reason == (
        "not reached: precision is 0.5 at most, at 0.8"
    )
    nothing = builders.evaluate(tmp_path, None, [])
    assert operating_points(nothing).overall.reason == "no detections that count"
    empty = builders.evaluate(tmp_path, document(annotations=[]))
    point = operating_points(empty).overall
    assert point.reason == "no ground truth"
    assert math.isnan(point.recall)
    assert point.to_dict()["recall"] is None


@pytest.mark.parametrize("text", ["", "f", "f0", "f1:2", "precision", "precision:1.1", "recall:0"])
def test_no_objective(text):
    with pytest.raises(dm.InputError, match="objective: expected f1, f2"):
        Objective.parse(text)


@pytest.mark.parametrize("text", OBJECTIVES)
def test_an_objective_is_its_text(text):
    assert str(Objective.parse(text)) == text


def test_what_would_be_promised_wrongly_is_refused():
    rules = dm.COCO.replace(assignment="truths")
    with pytest.raises(dm.InputError, match="ground truths choose among detections of all scores"):
        operating_points(dm.evaluate(*FIXTURES, rules))
    rounding = dm.COCO.replace(score_decimals=2)
    with pytest.raises(dm.InputError, match="round scores to 2 decimals"):
        operating_points(dm.evaluate(*FIXTURES, rounding))
    with pytest.raises(dm.InputError, match="average: expected 'micro' or 'macro', got 'mean'"):
        operating_points(dm.evaluate(*FIXTURES), average="mean")
    with pytest.raises(dm.RulesError, match=r"no IoU threshold 0\.4"):
        operating_points(dm.evaluate(*FIXTURES), iou=0.4)


def test_a_limit_of_an_image_lets_nobody_move_up_in_silence(tmp_path):
    """Without the dog of 0.9, which its class leaves out, the cat of 0.5 would come in."""
    objects = [annotation(1), annotation(2, category_id=DOG, bbox=[50, 0, 9, 9])]
    found = [
        detection(1, DOG, 0.95, bbox=[50, 0, 9, 9]),
        detection(1, DOG, 0.9, bbox=[90, 0, 9, 9]),
        detection(1, CAT, 0.5),
        detection(1, CAT, 0.5, bbox=[30, 0, 9, 9]),
    ]
    scene = document(annotations=objects)
    rules = dm.COCO.replace(image_limit=3)
    result = builders.evaluate(tmp_path, scene, found, rules=rules)
    assert operating_points(result).overall.threshold is not None
    with pytest.raises(dm.InputError, match="1 detection beyond that would move up and count"):
        operating_points(result, per_class=True)
    rules = dm.COCO.replace(image_limit=4)
    result = builders.evaluate(tmp_path, scene, found, rules=rules)
    assert operating_points(result, per_class=True).thresholds == {"cat": 0.5, "dog": 0.95}


def test_areas_of_unknown_size_are_refused(tmp_path):
    (tmp_path / "labels").mkdir()
    (tmp_path / "labels" / "a.txt").write_text("0 .5 .5 .2 .2\n")
    (tmp_path / "found").mkdir()
    (tmp_path / "found" / "a.txt").write_text("0 .5 .5 .2 .2 .9\n")
    result = dm.evaluate(tmp_path / "labels", tmp_path / "found")
    assert operating_points(result).overall.threshold == 0.9
    with pytest.raises(
        dm.InputError, match="image sizes are unknown, so no box is known to be small"
    ):
        operating_points(result, area="small")


# The command


def run(*arguments: object):
    return CliRunner().invoke(cli, ["thresholds", *map(str, arguments)])


ODD_NAMES = ["no", "on", "07", "1e3", "null", "~", "- a: b", "=", "<<", "ümlaut\n", "'\"\\", "1:30"]


@pytest.mark.parametrize("suffix", ["yaml", "json"])
def test_class_names_survive(tmp_path, suffix):
    names = [category(number + 1, name) for number, name in enumerate(ODD_NAMES)]
    objects = [annotation(n + 1, category_id=n + 1) for n in range(len(names))]
    found = [detection(1, n + 1, 0.1 + n / 30) for n in range(len(names))]
    files = write(tmp_path, document(categories=names, annotations=objects), found)
    target = tmp_path / f"thresholds.{suffix}"
    ran = run(*files, "--per-class", "-o", target, "-q")
    assert ran.exit_code == 0, ran.output
    text = target.read_text(encoding="utf-8")
    loaded = yaml.safe_load(text)
    assert list(loaded["thresholds"]) == ODD_NAMES == list(loaded["classes"])
    assert list(loaded["thresholds"].values()) == [one["score"] for one in found]
    if suffix == "json":
        assert json.loads(text) == loaded


def applied(detections: list[dict], names: dict, loaded: dict) -> list[dict]:
    """What a deployment does with the file."""
    kept = []
    for one in detections:
        threshold = loaded["thresholds"][names[one["category_id"]]]
        if threshold is not None and one["score"] >= threshold:
            kept.append(one)
    return kept


def keeps_its_promise(truth_path, detections, names, loaded, tmp_path) -> None:
    kept = tmp_path / "kept.json"
    kept.write_text(json.dumps(applied(detections, names, loaded)))
    again = dm.evaluate(truth_path, kept, dm.COCO.replace(iou_thresholds=loaded["iou"]))
    assert again.signature == loaded["signature"]
    verdicts = again.matches(loaded["iou"]).groupby("category")["verdict"].value_counts()
    for name, promised in loaded["classes"].items():
        right = int(verdicts.get((name, "true positive"), 0))
        wrong = int(verdicts.get((name, "false positive"), 0))
        missed = int(verdicts.get((name, "missed"), 0))
        assert promised["precision"] == (right / (right + wrong) if right + wrong else None)
        assert promised["recall"] == (right / (right + missed) if right + missed else None)
        assert promised["fp_an_image"] == wrong / loaded["images"]


@pytest.mark.parametrize(
    ("objective", "per_class", "suffix"),
    [
        ("f1", True, "yaml"),
        ("precision:0.8", True, "json"),
        ("recall:0.5", False, "yaml"),
        ("fppi:0.1", False, "json"),
    ],
)
def test_promises_are_kept(tmp_path, objective, per_class, suffix):
    target = tmp_path / f"thresholds.{suffix}"
    asked = ["--objective", objective, *(["--per-class"] if per_class else []), "--iou", "0.75"]
    ran = run(*FIXTURES, *asked, "-o", target)
    assert ran.exit_code == 0, ran.output
    with open(FIXTURES[0]) as file:
        names = {one["id"]: one["name"] for one in json.load(file)["categories"]}
    with open(FIXTURES[1]) as file:
        found = json.load(file)
    loaded = yaml.safe_load(target.read_text())
    keeps_its_promise(FIXTURES[0], found, names, loaded, tmp_path)


def test_promises_are_kept_on_real_data(shared, tmp_path):
    import gzip

    folder = shared / "voc2007" / "coco_json"
    truth = folder / "ground_truth_difficult_as_crowd.json.gz"
    target = tmp_path / "thresholds.yaml"
    ran = run(truth, folder / "yolov2.json.gz", "--per-class", "-o", target, "-q")
    assert ran.exit_code == 0, ran.output
    with gzip.open(truth) as file:
        names = {one["id"]: one["name"] for one in json.load(file)["categories"]}
    with gzip.open(folder / "yolov2.json.gz") as file:
        found = json.load(file)
    loaded = yaml.safe_load(target.read_text())
    assert len(loaded["thresholds"]) == 20
    keeps_its_promise(truth, found, names, loaded, tmp_path)


def test_table():
    ran = run(*FIXTURES, "--objective", "f2", "--per-class")
    assert ran.exit_code == 0
    assert ran.stdout.startswith(
        "The best F2 at IoU 0.5; of each class\nkeep: score >= threshold\n"
    )
    lines = [line.split() for line in ran.stdout.splitlines()]
    assert lines[3][:6] == ["class", "threshold", "precision", "recall", "F1", "F2"]
    assert next(line for line in lines if line[:1] == ["bicycle"])[1] == "0.282"
    assert "no threshold for bus: no ground truth" in ran.stdout
    assert "no metric counts them" in ran.stderr
    assert ran.stdout.endswith("|detmetrics:0.1.0\n")
    shown = run(*FIXTURES, "--average", "macro", "--area", "small", "-q")
    assert "one threshold, means over classes" in shown.stdout
    assert "IoU 0.5, area small" in shown.stdout
    assert shown.stderr == ""
    nothing = run(*FIXTURES, "--objective", "precision:1", "--iou", "0.99", "-q")
    assert "no threshold: not reached: precision is 0.25 at most, at 0.904" in nothing.stdout


def test_json_is_the_table():
    ran = run(*FIXTURES, "--json", "-", "-q")
    result = dm.evaluate(*FIXTURES, dm.COCO.replace(iou_thresholds=0.5))
    assert json.loads(ran.stdout) == operating_points(result).to_dict()


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        (["--objective", "f"], "expected f1, f2, f0.5, precision:P, recall:R or fppi:F, got 'f'"),
        (["-o", "thresholds.txt"], "--output: expected a name that ends in .yaml or .json"),
        (["-o", "-"], "--output: expected a name that ends in .yaml or .json, got -"),
        (["-o", FIXTURES[0]], "--output would write to the same file as an input"),
        (["-o", "a.json", "--json", "a.json"], "--output would write to the same file as --json"),
        (["--iou", "2"], "iou_thresholds: expected 0 < t <= 1"),
        (["--area", "tiny"], "no area range 'tiny'"),
        (["--rules", "mine"], "no rule set 'mine'"),
        (["--rules", "kitti", "--iou", "0.5"], "--iou: rules kitti have one for each class"),
    ],
)
def test_wrong_usage(asked, message):
    ran = run(*FIXTURES, *asked)
    assert ran.exit_code == 2
    assert message in ran.stderr
    assert ran.stdout == ""


def test_written_whole_or_not_at_all(tmp_path):
    target = tmp_path / "thresholds.yaml"
    ran = run(*FIXTURES, "-o", target, "--json", tmp_path / "nowhere" / "a.json", "-q")
    assert ran.exit_code == 1
    assert "its folder does not exist" in ran.stderr
    assert not target.exists()
