"""Reconciling: amounts that add up, spoiled files whose mistake is named, numbers traced back."""

from __future__ import annotations

import copy
import dataclasses
import functools
import itertools
import json
import re
import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import misread_scenes
import numpy as np
import pytest
import strategies
from hypothesis import given
from hypothesis import strategies as st
from profiles import examples

import detmetrics as dm
from detmetrics.analysis.reconcile.reported import Reported, candidates, ways
from detmetrics.analysis.reconcile.waterfall import settings_of_cause, waterfall
from detmetrics.analysis.reconcile.workbench import Workbench, lean
from detmetrics.rules.setting import CAUSES

pytestmark = pytest.mark.filterwarnings("ignore::detmetrics.DetmetricsWarning")

TRUTH, FOUND = "fixtures/ground_truth.json", "fixtures/detections.json"
WITH_AP = [rules for rules in dm.RULE_SETS.values() if "ap" in rules.metrics]


def applies(scene, rules) -> bool:
    try:
        dm.evaluate(*scene, rules)
    except dm.RulesError:
        return False
    return True


EVERY_SETTING = set(itertools.chain(*map(settings_of_cause, CAUSES)))


@functools.cache
def example() -> tuple[Workbench, dict[str, float]]:
    """The example, and its AP under every rule set that it has enough for."""
    truth = dm.read_ground_truth(TRUTH)
    scene = truth, dm.read_detections(FOUND, truth)
    fit = [rules for rules in WITH_AP if applies(scene, rules)]
    known = {rules.name: dm.evaluate(*scene, rules).summary["AP"] for rules in fit}
    return Workbench(*scene), known


class TestWaterfall:
    """Every setting is a cause, and the amounts lead from one number to the other."""

    def test_every_setting_belongs_to_one_cause(self):
        listed = [name for cause in CAUSES for name in settings_of_cause(cause)]
        assert sorted(listed) == sorted(set(listed))
        settings_of_rules = {field.name for field in dataclasses.fields(dm.Rules)}
        assert settings_of_rules - set(listed) <= {"name", "metrics", "description"}

    @given(scene=strategies.scenes(), pair=st.permutations(WITH_AP))
    @examples(15)
    def test_leads_from_the_one_number_to_the_other(self, scene, pair):
        ours, theirs = pair[:2]
        if not (applies(scene, ours) and applies(scene, theirs)):
            return
        fall = waterfall(Workbench(*scene), ours, theirs)
        start, end = (dm.evaluate(*scene, rules).summary["AP"] for rules in (ours, theirs))
        assert np.array_equal([fall.start, fall.end], [start, end], equal_nan=True)
        values = [fall.start, *(step.after for step in fall.steps)]
        assert all(
            np.array_equal(a, step.before, equal_nan=True)
            for a, step in zip(values, fall.steps, strict=False)
        )
        assert np.array_equal(values[-1], fall.end, equal_nan=True)
        if not np.isnan(values).any():
            steps = (Fraction(step.after) - Fraction(step.before) for step in fall.steps)
            assert sum(steps) == Fraction(end) - Fraction(start)

    @pytest.mark.heavy
    @pytest.mark.parametrize("ours", WITH_AP)
    def test_of_every_two_rule_sets_names_each_setting_that_differs(self, ours):
        bench, known = example()
        if ours.name not in known:
            pytest.skip("the example lacks what the rule set needs")
        for theirs in (rules for rules in WITH_AP if rules.name in known):
            fall = waterfall(bench, ours, theirs)
            causes = [step.cause for step in fall.steps]
            assert len(set(causes)) == len(causes)
            placed = [step.cause for step in fall.steps if not step.excluded]
            if ours.shape == theirs.shape:
                assert placed == causes == [cause for cause in CAUSES if cause in causes]
            said = ", ".join(step.changes for step in fall.steps)
            for name in EVERY_SETTING - {"area_ranges", "max_detections"}:
                differ = getattr(lean(ours), name) != getattr(lean(theirs), name)
                assert bool(re.search(rf"(^|, ){name} ", said)) == differ
            assert fall.end == known[theirs.name]

    def test_of_a_rule_set_with_itself_is_empty(self):
        found = dm.reconcile(TRUTH, FOUND, "coco", "coco")
        assert found.waterfall.steps == ()

    def test_an_amount_that_is_shared_is_marked(self):
        found = dm.reconcile(TRUTH, FOUND, "coco", "voc2007")
        shared = {step.cause: step.shared for step in found.waterfall.steps}
        assert shared["interpolation"] is True
        first = found.waterfall.steps[0]
        assert first.amount == first.alone
        assert not first.shared

    @pytest.mark.parametrize("rules", [r for r in dm.RULE_SETS.values() if r not in WITH_AP])
    def test_rules_without_ap_are_refused(self, rules):
        with pytest.raises(dm.InputError, match="report no AP"):
            dm.reconcile(TRUTH, FOUND, "coco", rules)


class TestSharing:
    """What rule sets share is computed once, and nothing else changes."""

    @given(scene=strategies.scenes(), order=st.permutations(list(dm.RULE_SETS.values())))
    @examples(15)
    def test_gives_what_evaluating_apart_gives(self, scene, order):
        bench = Workbench(*scene)
        for rules in order:
            if not applies(scene, rules):
                continue
            apart = dm.evaluate(*scene, rules)
            shared = bench.evaluation(rules)
            assert list(shared.summary) == list(apart.summary)
            values = [list(result.summary.values()) for result in (shared, apart)]
            np.testing.assert_array_equal(*values, err_msg=rules.name)
            if "ap" in rules.metrics:
                np.testing.assert_array_equal(bench.ap(rules), apart.summary["AP"])

    def test_lean_rules_keep_what_ap_depends_on(self):
        rules = lean(dm.COCO)
        assert rules.iou_thresholds == dm.COCO.iou_thresholds
        assert rules.max_limit == dm.COCO.max_limit


def spoiled(tmp_path: Path, change) -> dm.Reconciliation:
    """The example with its detections changed."""
    records = [change(copy.deepcopy(record)) for record in json.loads(Path(FOUND).read_text())]
    records = [one for some in records for one in (some if isinstance(some, list) else [some])]
    path = tmp_path / "spoiled.json"
    path.write_text(json.dumps([record for record in records if record]))
    return dm.reconcile(TRUTH, path)


def box(change):
    def changed(record):
        record["bbox"] = list(map(float, change(*record["bbox"])))
        return record

    return changed


SIZES = {
    image["id"]: (image["width"], image["height"])
    for image in json.loads(Path(TRUTH).read_text())["images"]
}


def resized(side: int, letterbox: bool):
    def changed(record):
        width, height = SIZES[record["image_id"]]
        sx, sy = side / width, side / height
        dx = dy = 0.0
        if letterbox:
            sx = sy = side / max(width, height)
            dx, dy = (side - width * sx) / 2, (side - height * sy) / 2
        x, y, w, h = record["bbox"]
        record["bbox"] = [x * sx + dx, y * sy + dy, w * sx, h * sy]
        return record

    return changed


def shifted_class(by: int):
    def changed(record):
        record["category_id"] += by
        return record

    return changed


class TestSpoiledFiles:
    """Files with one of the usual mistakes: it is named first, and undoing it gives the truth."""

    @pytest.mark.parametrize(
        ("change", "name"),
        [
            (box(lambda x, y, w, h: (x, y, x + w, y + h)), "corners x1 y1 x2 y2 read as x y w h"),
            (box(lambda x, y, w, h: (x, y, w - x, h - y)), "x y w h read as corners x1 y1 x2 y2"),
            (box(lambda x, y, w, h: (x + w / 2, y + h / 2, w, h)), "centres cx cy w h read as"),
            (box(lambda x, y, w, h: (x + 1, y + 1, w, h)), "pixels counted from 1"),
            (shifted_class(1), "class numbers off by one (-1)"),
            (shifted_class(-1), "class numbers off by one (+1)"),
            (resized(640, letterbox=False), "boxes in the stretched frame of 640"),
            (resized(416, letterbox=True), "boxes in the letterboxed frame of 416"),
            (lambda record: [record, record], "136 detections that repeat another one exactly"),
        ],
    )
    def test_the_mistake_is_named_first(self, tmp_path, change, name):
        found = spoiled(tmp_path, change)
        first = found.suspicions[0]
        assert first.name.startswith(name)
        assert first.value == pytest.approx(dm.evaluate(TRUTH, FOUND).summary["AP"], abs=1e-9)
        assert first.raises > 0
        assert first.cure

    def test_classes_in_another_order_are_named_first(self, tmp_path):
        ids = {one["name"]: one["id"] for one in json.loads(Path(TRUTH).read_text())["categories"]}
        became = {
            "person": "car",
            "car": "bicycle",
            "bicycle": "person",
            "bus": "dog",
            "dog": "bus",
        }
        order = {ids[name]: ids[other] for name, other in became.items()}

        def renamed(record):
            record["category_id"] = order[record["category_id"]]
            return record

        first = spoiled(tmp_path, renamed).suspicions[0]
        assert first.name.startswith("classes in another order, ")
        assert "car is person" in first.name
        assert "--class-names" in first.cure
        assert first.value > 0.25
        assert first.value > 10 * (first.value - first.raises)

    @pytest.mark.parametrize("least", [0.25, 0.5])
    def test_a_confidence_cut_is_named_first(self, tmp_path, least):
        found = spoiled(tmp_path, lambda record: record if record["score"] > least else None)
        assert found.suspicions[0].name.startswith(f"a confidence cut at {least:g}")
        assert np.isnan(found.suspicions[0].value)

    def test_a_limit_is_named_first(self):
        rng = np.random.default_rng(0)
        catalog = dm.Catalog.from_ids(images=range(40), categories=[1, 2])
        objects = dm.GroundTruth.from_arrays(
            image_ids=np.repeat(np.arange(40), 15),
            categories=rng.integers(1, 3, 600),
            boxes=np.column_stack([rng.uniform(0, 500, (600, 2)), rng.uniform(20, 90, (600, 2))]),
            catalog=catalog,
        )
        everything = dm.Detections.from_arrays(
            image_ids=objects.image,
            categories=catalog.category_ids[objects.category],
            boxes=objects.boxes + rng.normal(0, 4, (600, 4)),
            scores=rng.uniform(0.01, 1, 600),
            catalog=catalog,
        )
        ten = dm.evaluate(objects, everything, dm.COCO.replace(image_limit=10)).matching.row
        found = dm.reconcile(objects, everything.take(np.sort(ten)))
        assert found.suspicions[0].name.startswith("at most 10 detections an image: 40 have")

    def test_rounded_scores_are_told_with_what_they_leave_open(self, tmp_path):
        found = spoiled(tmp_path, lambda record: record | {"score": round(record["score"], 1)})
        low, high = dm.evaluate(TRUTH, tmp_path / "spoiled.json").tie_interval("AP")
        names = [suspicion.name for suspicion in found.suspicions]
        expected = (
            "scores rounded to 1 decimal: the order of equal ones leaves coco's AP between "
            f"{low:.4f} and {high:.4f}"
        )
        assert expected in names
        assert low < high

    def test_whole_coordinates_are_told(self, tmp_path):
        found = spoiled(tmp_path, box(lambda *sides: map(round, sides)))
        assert any(s.name.startswith("coordinates are whole numbers") for s in found.suspicions)

    @pytest.mark.parametrize(
        ("setting", "decimals", "how"),
        [
            ("score_decimals", 2, "with scores rounded to 2 decimals"),
            ("box_decimals", 0, "with coordinates rounded to whole numbers"),
        ],
    )
    def test_a_number_of_a_rounded_file_is_traced(self, setting, decimals, how):
        value = dm.evaluate(TRUTH, FOUND, dm.COCO.replace(**{setting: decimals})).summary["AP"]
        found = dm.reconcile(TRUTH, FOUND, reported=f"{value:.12f}")
        ways = {(one.rules, one.metric, one.how) for one in found.candidates if one.gives}
        assert ("coco", "AP", how) in ways

    def test_good_files_are_not_suspected(self):
        assert dm.reconcile(TRUTH, FOUND).suspicions == ()


class TestReported:
    """A number that somebody got is traced back to what gives it."""

    @pytest.mark.parametrize(
        ("given", "value", "unit"),
        [("0.523", 0.523, 1e-3), ("52.3", 0.523, 1e-3), ("52.3%", 0.523, 1e-3), (0.5, 0.5, 0.1),
         ("1", 1.0, 1.0), ("0.5%", 0.005, 1e-3), ("5.2e-1", 0.52, 1e-2)],
    )  # fmt: skip
    def test_is_read(self, given, value, unit):
        reported = Reported.parse(given)
        assert (reported.value, reported.unit) == pytest.approx((value, unit))

    @pytest.mark.parametrize("given", ["", "x", "nan", "inf", "-0.1", "101", "0,5", "1e999"])
    def test_what_is_no_number_is_refused(self, given):
        with pytest.raises(dm.InputError, match=r"--reported: expected a number such as 0\.523"):
            dm.reconcile(TRUTH, FOUND, reported=given)

    @pytest.mark.parametrize(
        ("text", "value", "gives"),
        [("0.52", 0.5249, True), ("0.52", 0.5299, True), ("0.52", 0.5301, False),
         ("0.52", 0.5151, True), ("0.52", 0.5149, False)],
    )  # fmt: skip
    def test_rounded_or_cut_off_digits_are_the_same_number(self, text, value, gives):
        assert Reported.parse(text).given_by(value, value) is gives

    @pytest.mark.parametrize("rules", [rules for rules in WITH_AP if rules.shape == "box"])
    def test_the_ap_of_a_rule_set_is_traced_to_it(self, rules):
        _, known = example()
        if rules.name not in known:
            pytest.skip("the example lacks what the rule set needs")
        found = dm.reconcile(TRUTH, FOUND, reported=repr(known[rules.name]))
        giving = [way for way in found.candidates if way.gives and not way.how]
        assert rules.name in {way.rules for way in giving}
        assert found.candidates[0].gives
        assert found.candidates[0].how == ""

    @pytest.mark.parametrize(
        ("rules", "how"),
        [
            (dm.COCO.replace(min_score=0.25), "a confidence cut at 0.25"),
            (dm.COCO.replace(min_score=0.5), "a confidence cut at 0.5"),
        ],
    )
    def test_a_cut_is_found(self, rules, how):
        value = dm.evaluate(TRUTH, FOUND, rules).summary["AP"]
        found = dm.reconcile(TRUTH, FOUND, reported=repr(value))
        giving = {(way.rules, way.how) for way in found.candidates if way.gives}
        assert ("coco", f"with {how}") in giving

    def test_ap50_reported_as_map_is_found(self):
        value = dm.evaluate(TRUTH, FOUND).summary["AP50"]
        found = dm.reconcile(TRUTH, FOUND, reported=repr(value))
        assert (found.candidates[0].rules, found.candidates[0].metric) == ("coco", "AP50")

    def test_nothing_gives_a_number_out_of_the_air(self):
        found = dm.reconcile(TRUTH, FOUND, reported="0.98765432")
        assert not any(way.gives for way in found.candidates)
        distances = [abs(way.value - 0.98765432) for way in found.candidates]
        assert distances == sorted(distances)


class TestViews:
    """Text, JSON, CSV and Markdown from the command."""

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "detmetrics", "reconcile", TRUTH, FOUND, "--quiet"]
        return subprocess.run([*command, *arguments], capture_output=True, text=True, check=False)

    def test_text_says_all(self):
        ran = self.run("--theirs", "voc2007", "--reported", "0.3635", "--per-class")
        assert ran.returncode == 0, ran.stderr
        assert ran.stderr == ""
        for part in ("What gives 0.3635", "The same files under every rule set", "by class",
                     "AP from coco 0.3635 to voc2007", "Mistakes that the detections"):  # fmt: skip
            assert part in ran.stdout

    def test_the_amounts_that_are_shown_add_up(self):
        document = self.run("--theirs", "voc2007").stdout
        lines = document[document.index("AP from") :].split("\n\n")[0].splitlines()
        shown = [re.findall(r"[+-]\d\.\d{4}", line) for line in lines[3:]]
        amounts = [float(amount) for amount, _ in filter(None, shown)]
        whole = float(lines[0].split(": ")[1].split(",")[0])
        assert sum(amounts) == pytest.approx(whole, abs=1e-9)

    def test_json_has_everything(self):
        ran = self.run("--json", "-", "--reported", "36.4%")
        document = json.loads(ran.stdout)
        assert document["rules"]["coco"]["metrics"]["AP"] == pytest.approx(0.3635, abs=1e-4)
        assert document["reported"]["candidates"][0]["gives"] is True
        assert {"steps", "start", "end", "ours", "theirs"} <= set(document["waterfall"])

    def test_csv_and_markdown(self, tmp_path):
        paths = [str(tmp_path / name) for name in ("out.csv", "out.md")]
        ran = self.run("--csv", paths[0], "--markdown", paths[1])
        assert ran.returncode == 0, ran.stderr
        rows = Path(paths[0]).read_text().splitlines()
        assert rows[0] == "section,rules,name,class,value,amount,alone,remark"
        assert any(row.startswith("waterfall,coco to") for row in rows)
        assert Path(paths[1]).read_text().startswith("### The same files")

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            (("--ours", "cocoo"), "cocoo"),
            (("--reported", "much"), "expected a number such as 0.523"),
            (("--json", "-", "--csv", "-"), "standard output"),
        ],
    )
    def test_wrong_usage_says_what_is_wrong(self, arguments, message):
        ran = self.run(*arguments)
        assert ran.returncode in (1, 2)
        assert message in ran.stderr
        assert "Traceback" not in ran.stderr

    def test_detections_on_unknown_images_can_be_left_out(self, tmp_path):
        rows = json.loads(Path(FOUND).read_text())
        path = tmp_path / "more.json"
        path.write_text(json.dumps([*rows, {**rows[0], "image_id": 1}]))
        command = [*(sys.executable, "-m", "detmetrics", "reconcile"), TRUTH, str(path), "--quiet"]
        refused = subprocess.run(command, capture_output=True, text=True, check=False)
        assert refused.returncode == 1
        assert "--unknown-images drop" in refused.stderr
        command += ["--unknown-images", "drop", "--json", "-"]
        ran = subprocess.run(command, capture_output=True, text=True, check=True)
        assert json.loads(ran.stdout)["waterfall"]["start"] == pytest.approx(0.363549, abs=1e-6)

    def test_no_detections(self, tmp_path):
        path = tmp_path / "none.json"
        path.write_text("[]")
        found = dm.reconcile(TRUTH, path)
        assert found.waterfall.start == 0.0
        assert found.suspicions == ()


def test_candidates_are_in_order():
    truth = dm.read_ground_truth(TRUTH)
    bench = Workbench(truth, dm.read_detections(FOUND, truth))
    found = candidates(ways(bench, [dm.COCO]), Reported.parse("0.36"))
    assert [way.gives for way in found] == sorted((way.gives for way in found), reverse=True)


class TestSharedMistakes:
    """What is told after every evaluation is named by reconcile too, with the same number."""

    @pytest.mark.parametrize("name", misread_scenes.EVERY)
    def test_is_named_first(self, name):
        truth, found = misread_scenes.scene(4, images=30)
        made = misread_scenes.EVERY[name]
        first = dm.reconcile(truth, made.spoil(found)).suspicions[0]
        if made.exact:
            value = dm.evaluate(truth, found).summary["AP"]
            assert first.value == pytest.approx(value, abs=1e-9)
        if name in misread_scenes.OF_BOXES:
            assert made.said in first.name

    def test_detections_of_a_part(self):
        truth, found = misread_scenes.scene(4, images=40)
        some = found.keep(found.image < 15)
        first = dm.reconcile(truth, some).suspicions[0]
        assert first.name == (
            "detections of a part of the images: 25 of 40 images with objects have none"
        )
        alone = dm.evaluate(truth, found, images=range(1, 16)).summary["AP"]
        assert first.value == pytest.approx(alone, abs=1e-9)

    def test_a_good_detector_is_not_suspected(self):
        found = dm.reconcile(*misread_scenes.scene(4, images=30)).suspicions
        assert [suspicion.name for suspicion in found if suspicion.raises > 0] == []
