"""``detmetrics rules``, ``evaluate --rules``, and that every view says what the rules count."""

from __future__ import annotations

import csv
import dataclasses
import io
import json
from pathlib import Path

import pytest
from builders import annotation, category, detection, document, image, write
from click.testing import CliRunner, Result

import detmetrics as dm
from detmetrics.cli import cli
from detmetrics.metrics.summary import metrics_of
from detmetrics.reports.csv import to_csv
from detmetrics.reports.markdown import to_markdown
from detmetrics.reports.rules import settings_table
from detmetrics.reports.tables import summary_table
from detmetrics.reports.text import to_text
from detmetrics.rules.by_name import described
from detmetrics.rules.toml import read_rules

COCO = dm.COCO
FIXTURES = ("fixtures/ground_truth.json", "fixtures/detections.json")
SETS = list(dm.RULE_SETS)
XML = """<annotation><filename>a.jpg</filename>
<size><width>50</width><height>50</height><depth>3</depth></size>
<object><name>cat</name><bndbox><xmin>1</xmin><ymin>1</ymin><xmax>10</xmax><ymax>10</ymax></bndbox>
</object></annotation>"""


def run(*arguments: object) -> Result:
    return CliRunner().invoke(cli, [*map(str, arguments)])


def done(*arguments: object) -> str:
    ran = run(*arguments)
    assert ran.exit_code == 0, (ran.stderr, ran.exception)
    return ran.stdout


def evaluated(rules: dm.Rules) -> dm.Evaluation:
    try:
        return dm.evaluate(*FIXTURES, rules)
    except dm.RulesError:
        pytest.skip("the example lacks what the rule set needs")


class TestList:
    """All rule sets, a line each."""

    def test_has_a_line_for_each(self):
        shown = done("rules")
        names = [line.split()[0] for line in shown.splitlines() if not line.startswith(" ")]
        assert names[2:] == SETS
        assert "COCO detection challenge" in shown

    def test_as_json(self):
        listed = json.loads(done("rules", "--json"))
        assert [rules["name"] for rules in listed] == SETS
        assert all(rules["description"] and rules["signature"] for rules in listed)

    @pytest.mark.parametrize("name", SETS)
    def test_every_set_has_a_description_that_names_its_source(self, name):
        text = described(dm.RULE_SETS[name])
        assert "Source: " in text or "(" in text.partition("\n\n")[0]
        assert "``" not in text
        assert ":data:" not in text

    def test_changed_rules_are_not_described_as_the_named_ones(self):
        assert described(COCO.replace(pixel=1)) == ""


class TestShow:
    """All settings of one, what differs from COCO, the signature and the description."""

    @pytest.mark.parametrize("name", SETS)
    def test_shows_every_setting(self, name):
        rules = dm.RULE_SETS[name]
        shown = done("rules", "show", name.upper())
        assert shown.startswith(described(rules))
        assert shown.rstrip().endswith(rules.signature)
        rows = {row[0]: row for row in settings_table(rules).rows}
        assert list(rows) == [field.name for field in dataclasses.fields(rules)][1:]
        for setting, (_, ours, cocos) in rows.items():
            assert f"\n{setting} " in shown
            assert bool(cocos) == (getattr(rules, setting) != getattr(COCO, setting))
            assert ours != cocos

    @pytest.mark.parametrize("name", SETS)
    def test_as_toml_reads_back(self, name, tmp_path):
        path = tmp_path / "mine.toml"
        path.write_text(done("rules", "show", name, "--toml"))
        assert read_rules(path) == dm.RULE_SETS[name]
        assert done("rules", "show", path, "--toml") == done("rules", "show", name, "--toml")

    def test_as_json(self):
        shown = json.loads(done("rules", "show", "voc2007", "--json"))
        assert shown["settings"]["max_detections"] == ["inf"]
        assert shown["settings"]["strict"] is True
        assert shown["settings"]["area_ranges"][0]["low"] == "-inf"
        assert len(shown["settings"]) == len(dataclasses.fields(dm.Rules)) - 1

    def test_of_a_file(self, tmp_path):
        path = tmp_path / "mine.toml"
        path.write_text('base = "voc2007"\nname = "mine"\nmin_score = 0.1\niou_thresholds = [0.4]')
        shown = done("rules", "show", path)
        assert shown.startswith("setting")
        assert "min_score        0.1              none" in shown
        assert "|min-score:.1|" in shown

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            (["show"], "Missing argument 'NAME|FILE'"),
            (["show", "voc207"], "no rule set 'voc207' (do you mean voc2007?); there are coco, "),
            (["show", "coco", "--toml", "--json"], "choose one of --toml and --json"),
            (["--json", "show", "coco"], "--json stands behind show NAME"),
            (["voc2007"], "No such command 'voc2007'"),
        ],
    )
    def test_wrong_usage(self, arguments, message):
        ran = run("rules", *arguments)
        assert ran.exit_code == 2
        assert message in ran.stderr

    def test_a_faulty_file_is_bad_input(self, tmp_path):
        path = tmp_path / "mine.toml"
        path.write_text("pixels = 1")
        ran = run("rules", "show", path)
        assert ran.exit_code == 1
        assert f"error: {path}: no setting 'pixels' (do you mean pixel?)" in ran.stderr


class TestEvaluate:
    """``--rules`` chooses, and options change the chosen rules only where they are given."""

    def signature(self, *options: object) -> str:
        return json.loads(done("evaluate", *FIXTURES, "-q", "--json", "-", *options))["signature"]

    def test_coco_unless_given(self):
        assert self.signature() == COCO.signature

    @pytest.mark.parametrize("name", SETS)
    def test_by_name(self, name):
        ran = run("evaluate", *FIXTURES, "--rules", name, "--per-class")
        if ran.exit_code == 1:
            pytest.skip("the example lacks what the rule set needs")
        assert dm.RULE_SETS[name].signature in ran.stdout

    def test_by_file(self, tmp_path):
        path = tmp_path / "mine.toml"
        path.write_text('base = "voc2012"\nname = "mine"\nstrict = false')
        expected = dm.VOC2012.replace(name="mine", strict=False)
        assert self.signature("--rules", path) == expected.signature

    @pytest.mark.parametrize(
        ("options", "changes"),
        [
            (["--difficult", "drop"], {"difficult": "drop"}),
            (["--difficult", "crowd"], {"difficult": "crowd"}),
            (["--ignore", "region"], {"ignore": "region"}),
            (["--class-agnostic"], {"class_agnostic": True}),
            (["--max-detections", "10,inf"], {"max_detections": (10, float("inf"))}),
            (["--iou-thresholds", "0.5,0.75"], {"iou_thresholds": (0.5, 0.75)}),
        ],
    )
    @pytest.mark.parametrize("name", ["coco", "voc2012"])
    def test_options_change_the_chosen_rules(self, name, options, changes):
        expected = dm.RULE_SETS[name].replace(**changes)
        assert self.signature("--rules", name, *options) == expected.signature

    def test_area_ranges_are_reported_and_leave_all_as_it_is(self):
        asked = ["--rules", "voc2012", "--area-ranges", "small:0:1024,far:0:60:height"]
        result = json.loads(done("evaluate", *FIXTURES, "-q", "--json", "-", *asked))
        assert list(result["metrics"]) == ["AP", "AP_far", "APs"]  # keys are sorted
        assert "|areas:any,small=0-1024,far=0-60-height|" in result["signature"]

    @pytest.mark.parametrize(
        ("options", "message"),
        [
            (["--rules", "voc207"], "no rule set 'voc207' (do you mean voc2007?)"),
            (["--rules", "voc2007", "--sort", "AP50", "--per-class"], "cannot sort by 'AP50'"),
            (["--rules", "voc2007", "--fail-under", "AR=1"], "no metric 'AR'; there are AP"),
            (["--max-detections", "1,all"], "expected whole numbers such as 1,10,100, or inf"),
            (["--area-ranges", "a:0:1:width"], "expected one of area, share, height"),
            (["--area-ranges", "a:0:1:area:2"], "area_ranges: expected (name, low, high)"),
        ],
    )
    def test_wrong_usage(self, options, message):
        ran = run("evaluate", *FIXTURES, *options)
        assert ran.exit_code == 2
        assert message in ran.stderr

    def test_crosscheck_of_other_rules_is_refused_before_anything_is_read(self):
        ran = run("evaluate", "nowhere", "nowhere", "--rules", "voc2007", "--crosscheck")
        assert ran.exit_code == 2
        assert "--crosscheck: pycocotools cannot follow the rules voc2007" in ran.stderr
        for part in ("ties 'file'", "pixel 1", "assignment 'nearest'", "limit of inf"):
            assert part in ran.stderr

    @pytest.mark.parametrize(
        "changes",
        [{"crowd": "group"}, {"max_detections": (10, float("inf"))}, {"interpolation": "every"}],
    )
    def test_crosscheck_of_other_settings_is_refused(self, changes):
        with pytest.raises(dm.RulesError, match="cannot follow the rules coco: it has no "):
            dm.crosscheck(dm.evaluate(*FIXTURES, COCO.replace(**changes)))

    def test_fail_under(self):
        ran = run("evaluate", *FIXTURES, "--rules", "voc2012", "--fail-under", "AP=0.9")
        assert ran.exit_code == 3
        assert "AP is 0.570" in ran.stderr


class TestDescriptions:
    """What a number is, in the words of its rules."""

    @pytest.mark.parametrize(
        ("changes", "expected"),
        [
            ({}, "mean precision at IoU 0.5 to 0.95, all areas, 100 detections"),
            (
                {"max_detections": (1,), "strict": True},
                "mean precision at IoU > 0.5 to 0.95, all areas, 1 detection",
            ),
            (
                {"recall_points": [0, 0.5, 1], "max_detections": "inf"},
                "mean precision of 3 recall points at IoU 0.5 to 0.95, all areas, all detections",
            ),
            (
                {"interpolation": "trapezoid", "image_limit": 300, "max_detections": "inf"},
                "mean area under the curve at IoU 0.5 to 0.95, all areas, 300 detections an image",
            ),
            (
                {"interpolation": "linear", "min_score": 0.25, "max_detections": "inf"},
                (
                    "mean area under the envelope, read at 101 points, at IoU 0.5 to 0.95, "
                    "all areas, scores above 0.25"
                ),
            ),
            (
                {"interpolation": "every", "class_limit": 7},
                (
                    "mean area under the envelope at IoU 0.5 to 0.95, all areas, 100 detections, "
                    "7 detections a class"
                ),
            ),
        ],
    )
    def test_of_ap(self, changes, expected):
        if changes.get("max_detections") == "inf":
            changes = changes | {"max_detections": (float("inf"),)}
        rows = summary_table(dm.evaluate(*FIXTURES, COCO.replace(**changes))).rows
        assert rows[0][0] == "AP"
        assert rows[0][2] == expected

    def test_of_voc(self):
        for name, what in [
            ("voc2007", "mean precision of 11 recall points"),
            ("voc2012", "mean area under the envelope"),
        ]:
            rows = summary_table(dm.evaluate(*FIXTURES, dm.RULE_SETS[name])).rows
            assert [(row[0], row[2]) for row in rows] == [
                ("AP", f"{what} at IoU > 0.5, all areas, all detections")
            ]

    def test_of_ranges(self):
        ranges = [("tiny", 0, 16), ("far", 0, 25, "height"), ("half", 0, 0.5, "share")]
        rules = COCO.replace(area_ranges=ranges, metrics=["ap_area"])
        catalog = dm.read_ground_truth(FIXTURES[0]).catalog
        assert catalog.sized
        rows = summary_table(dm.evaluate(*FIXTURES, rules)).rows
        assert rows[0][2] == "undefined: no ground truth in range tiny (0 to 16 px²)"
        assert "far (0 to 25 px high)" in rows[1][2]
        assert "half (0 to 0.5 of the image)" in rows[2][2]


class TestViews:
    """Every view shows every metric of every rule set, and nothing of COCO's that is not there."""

    @pytest.mark.parametrize("name", SETS)
    def test_show_every_metric(self, name):
        result = evaluated(dm.RULE_SETS[name])
        metrics = [metric.name for metric in metrics_of(result.rules)]
        rows = list(csv.reader(io.StringIO(to_csv(result))))
        assert rows[0][4:-1] == metrics
        assert list(result.to_dict()["metrics"]) == metrics
        text, markdown = to_text(result, per_class=True), to_markdown(result, per_class=True)
        for metric in metrics:
            assert f"\n{metric} " in text
            assert f"\n| {metric.replace('_', chr(92) + '_')} " in markdown
        assert json.loads(json.dumps(result.to_dict(), allow_nan=False))["per_class"]

    @pytest.mark.parametrize(
        ("changes", "columns"),
        [
            ({}, "AP AP50 AP75 APs APm APl AR100"),
            ({"max_detections": (10, float("inf"))}, "AP AP50 AP75 APs APm APl AR"),
            ({"area_ranges": [("tiny", 0, 9)]}, "AP AP50 AP75 AP_tiny AR100"),
            ({"metrics": ["ap"]}, "AP"),
        ],
    )
    def test_of_classes_have_what_fits_a_terminal(self, changes, columns):
        text = to_text(dm.evaluate(*FIXTURES, COCO.replace(**changes)), per_class=True)
        head = next(line for line in text.splitlines() if line.startswith("class "))
        assert head.split() == ["class", "objects", "detections", *columns.split()]


class TestRemarks:
    """What the reader should know is told in the words of the rules at hand."""

    def attention(self, tmp_path: Path, rules: dm.Rules, **more: object) -> str:
        truth = document()
        truth["images"].append(image(3))
        truth["categories"].append(category(3, "bird"))
        truth["annotations"].append(annotation(9, **more))
        found = [detection(1, score=score) for score in (0.1, 0.2, 0.3, 0.4, 0.5)]
        return "\n".join(dm.evaluate(*write(tmp_path, truth, found), rules).attention)

    @pytest.mark.parametrize(
        ("changes", "expected"),
        [
            (
                {"max_detections": (2,)},
                ["3 detections beyond the limit of 2 an image and class: not counted"],
            ),
            ({"image_limit": 2}, ["3 detections beyond the limit of 2 an image or 100 an image"]),
            (
                {"class_limit": 4, "max_detections": (float("inf"),)},
                ["1 detection beyond the limit of 4 a class: not counted"],
            ),
            (
                {"min_score": 0.2, "image_limit": 2, "max_detections": (float("inf"),)},
                [
                    "2 detections with a score not above 0.2: not counted",
                    "1 detection beyond the limit of 2 an image: not counted",
                ],
            ),
            ({"classes": "detected"}, ["without a detection (dog): they are left out of means"]),
            ({"classes": "truth"}, ["without a detection (dog): recall and AP are 0 there"]),
            ({"classes": "all"}, ["1 class without ground truth: 0 in every mean, as coco has it"]),
            ({"difficult": "ignore"}, ["marks no object as difficult, which coco would set aside"]),
            ({"pixel": 1}, ["rules coco add a pixel to width and height"]),
        ],
    )
    def test_of_settings(self, tmp_path, changes, expected):
        attention = self.attention(tmp_path, COCO.replace(**changes))
        for sentence in expected:
            assert sentence in attention
        usual = self.attention(tmp_path, COCO)
        if changes != {"classes": "truth"}:
            assert not any(sentence in usual for sentence in expected)

    @pytest.mark.filterwarnings("ignore::detmetrics.DetmetricsWarning")
    def test_of_boxes_of_negative_size(self, tmp_path):
        files = write(tmp_path, document(), [detection(1), detection(1, bbox=[9, 9, -3, 5])])
        said = "rules voc2012 count the 1 box of negative size too"
        assert any(said in note for note in dm.evaluate(*files, dm.VOC2012).attention)
        assert not any("negative size too" in note for note in dm.evaluate(*files).attention)
        liable = dm.evaluate(*files, dm.VOC2012).matches()["verdict"].tolist()
        assert liable.count("false positive") == 1

    @pytest.mark.filterwarnings("ignore::detmetrics.DetmetricsWarning")
    def test_of_ignore_flags_names_the_rules(self, tmp_path):
        usual = self.attention(tmp_path, COCO, ignore=1)
        assert "rules coco count them, as pycocotools does; .replace(ignore='honour')" in usual
        voc = self.attention(tmp_path, dm.VOC2012, ignore=1)
        assert "rules voc2012 count them; .replace(ignore='honour')" in voc


class TestPixels:
    """The last pixel is added once: by the reader or by the rules."""

    @pytest.fixture
    def scene(self, tmp_path) -> tuple[Path, Path]:
        (tmp_path / "truth").mkdir()
        (tmp_path / "truth/a.xml").write_text(XML)
        (tmp_path / "found").mkdir()
        (tmp_path / "found/comp4_det_test_cat.txt").write_text("a 0.9 1 1 10 6\n")
        return tmp_path / "truth", tmp_path / "found"

    def test_twice_is_an_error(self, scene):
        with pytest.raises(dm.RulesError, match="rules voc2012 add it again: read with pixels="):
            dm.evaluate(*scene, dm.VOC2012, reading=dm.Reading(pixels="inclusive"))

    def test_twice_is_an_error_for_tables_too(self, scene):
        reading = dm.Reading(pixels="inclusive")
        truth = dm.read_ground_truth(scene[0], reading)
        found = dm.read_detections(scene[1], truth, reading)
        with pytest.raises(dm.RulesError, match="which adds the last pixel"):
            dm.evaluate(truth, found, dm.VOC2012)

    def test_once_is_none(self, scene):
        # IoU is 0.556 without the pixel, 0.6 with it, 0.636 with two.
        voc = dm.VOC2012.replace(iou_thresholds=(0.58, 0.62))
        without = voc.replace(pixel=0)
        inclusive = dm.Reading(pixels="inclusive")
        assert dm.evaluate(*scene, voc).summary["AP"] == pytest.approx(0.5)
        read = dm.evaluate(*scene, without, reading=inclusive)
        assert read.summary["AP"] == pytest.approx(0.5)
        assert dm.evaluate(*scene, without).summary["AP"] == 0

    def test_the_command_says_so(self, scene):
        ran = run("evaluate", *scene, "--rules", "voc2012", "--pixels", "inclusive")
        assert ran.exit_code == 1
        assert "(--pixels continuous)" in ran.stderr
