"""Which shape rules measure, what is said of it, and what reconciling says where it matters."""

from __future__ import annotations

import json
import re
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import strategies
from builders import annotation, detection, document, image, unpacked, write
from click.testing import CliRunner, Result
from hypothesis import assume, given
from hypothesis import strategies as st
from real_data import real_data

import detmetrics as dm
from detmetrics.analysis.reconcile.mistakes import _first_of_equals
from detmetrics.analysis.reconcile.waterfall import _path
from detmetrics.cli import cli
from detmetrics.overlap import SHAPES
from detmetrics.overlap.polygons.polygons import Polygons, Rectangles
from detmetrics.reports.csv import to_csv
from detmetrics.reports.markdown import to_markdown
from detmetrics.reports.text import to_text

BOXES = ("fixtures/ground_truth.json", "fixtures/detections.json")
SQUARE = [[0, 0, 10, 0, 10, 10, 0, 10]]
TRIANGLE = [[0, 0, 10, 0, 0, 10]]
DOWN = "0 10 10 0 100 90 90 100"  # a bar along one diagonal, and one along the other
UP = "90 0 100 10 10 100 0 90"
OF_DOTA = ("coco-oriented", "dota", "dota-every")


def run(*arguments: object) -> Result:
    return CliRunner().invoke(cli, [*map(str, arguments)])


def done(*arguments: object) -> str:
    ran = run(*arguments)
    assert ran.exit_code == 0, (ran.stderr, ran.exception)
    return ran.stdout


@pytest.fixture
def bars(tmp_path) -> tuple[Path, Path]:
    """DOTA files: of two bars one is found, and another one has the hull of the second alone."""
    truth, found = tmp_path / "labelTxt", tmp_path / "Task1"
    truth.mkdir()
    found.mkdir()
    (truth / "P1.txt").write_text(f"imagesource:x\ngsd:1\n{DOWN} ship 0\n")
    (truth / "P2.txt").write_text(f"imagesource:x\ngsd:1\n{DOWN} ship 0\n")
    (found / "Task1_ship.txt").write_text(f"P1 0.9 {DOWN}\nP2 0.5 {UP}\n")
    return truth, found


def segmented(tmp_path: Path, *sides: str) -> tuple[Path, Path]:
    """A square, and a triangle that lies in it, with outlines on the sides that are named."""
    truth, found = document(), [detection(1)]
    truth["annotations"] = [annotation(1)]
    truth["images"] = [image(1) | {"width": 20, "height": 20}]
    if "truth" in sides:
        truth["annotations"][0]["segmentation"] = SQUARE
    if "found" in sides:
        found[0]["segmentation"] = TRIANGLE
    return write(tmp_path, truth, found)


def shape_notes(result: dm.Evaluation) -> list[str]:
    return [note for note in result.notes if "measured" in note]


class TestAuto:
    """Both sides have outlines: those are measured, and it is said. Else boxes, and it is said
    where outlines of detections, or oriented boxes, are not looked at.
    """

    def test_masks_of_both(self, tmp_path):
        result = dm.evaluate(*segmented(tmp_path, "truth", "found"))
        assert result.rules == dm.COCO.replace(shape="mask")
        assert shape_notes(result) == [
            "measured by masks, which both sides have (--shape box: by their upright boxes)"
        ]

    @pytest.mark.parametrize("sides", [(), ("truth",)])
    def test_boxes_as_everybody_has_them_need_no_word(self, tmp_path, sides):
        result = dm.evaluate(*segmented(tmp_path, *sides))
        assert result.rules == dm.COCO
        assert shape_notes(result) == []

    def test_masks_of_detections_alone_are_lost_and_said(self, tmp_path):
        result = dm.evaluate(*segmented(tmp_path, "found"))
        assert result.rules == dm.COCO
        (note,) = shape_notes(result)
        assert note.startswith("measured by upright boxes: ")
        assert "found.json has masks, and " in note
        assert note.endswith("truth.json has boxes alone")

    @pytest.mark.parametrize("empty", ["truth", "found"])
    def test_an_empty_side_has_no_shape(self, tmp_path, empty):
        truth, found = segmented(tmp_path, "truth", "found")
        if empty == "truth":
            truth.write_text(json.dumps(json.loads(truth.read_text()) | {"annotations": []}))
        else:
            found.write_text("[]")
        result = dm.evaluate(truth, found)
        assert result.rules == dm.COCO
        assert shape_notes(result) == []

    def test_rules_of_boxes_stay_with_them(self, bars):
        result = dm.evaluate(*bars, "voc2007")
        assert result.rules == dm.VOC2007
        (note,) = shape_notes(result)
        assert note == (
            "measured by upright boxes: rules voc2007 have pixel 1, which oriented boxes and "
            f"polygons have not; rules that measure them: {', '.join(OF_DOTA)}"
        )

    def test_rules_in_float32_stay_with_boxes(self, tmp_path):
        result = dm.evaluate(*segmented(tmp_path, "truth", "found"), "ultralytics")
        assert result.rules == dm.ULTRALYTICS
        (note,) = shape_notes(result)
        assert "rules ultralytics have arithmetic float32, which masks have not" in note

    @pytest.mark.parametrize("name", ["coco", "torchmetrics", "openimages"])
    def test_other_rules_measure_what_is_there(self, bars, name):
        result = dm.evaluate(*bars, name)
        assert result.rules == dm.RULE_SETS[name].replace(shape="oriented")

    def test_oriented_boxes_of_one_side(self, bars, tmp_path):
        truth, _ = bars
        found = tmp_path / "boxes.csv"
        found.write_text("image,class,score,x1,y1,x2,y2\nP1,ship,0.9,0,0,100,100\n")
        result = dm.evaluate(truth, found, "coco")
        assert result.rules == dm.COCO
        (note,) = shape_notes(result)
        assert note == (
            f"measured by upright boxes: {truth} has oriented boxes and polygons, and {found} has "
            "boxes alone (--shape oriented takes them as they stand)"
        )
        asked = dm.evaluate(truth, found, "coco", shape="oriented")
        (note,) = shape_notes(asked)
        assert note == (
            f"{found}: boxes alone, which are measured as they stand, upright "
            "(--shape box: both sides by upright boxes)"
        )
        assert asked.summary["AP50"] == 0
        assert result.summary["AP50"] > 0

    def test_polygons_and_masks_meet_as_masks(self, tmp_path):
        catalog = dm.Catalog.from_ids(images=[1], categories=[1], image_sizes=[(20, 20)])
        corners = np.array(SQUARE, float).reshape(1, 4, 2)
        truth = dm.GroundTruth.from_arrays(
            image_ids=[1], categories=[1], shapes=Polygons.from_corners(corners), catalog=catalog
        )
        path = tmp_path / "found.json"
        path.write_text(json.dumps([detection(1, segmentation=SQUARE)]))
        result = dm.evaluate(truth, dm.read_detections(path, truth))
        assert result.rules.shape == "mask"
        assert result.summary["AP"] == pytest.approx(1)
        (note,) = shape_notes(result)
        assert note.startswith(
            "measured by masks, drawn of the polygons of ground-truth arrays (--shape box"
        )


class TestAsked:
    """``shape=`` and ``--shape`` take what they name, or say why not and what there is."""

    def test_by_boxes(self, bars):
        result = dm.evaluate(*bars, shape="box")
        assert result.rules == dm.DOTA.replace(shape="box")
        assert result.summary["AP"] == pytest.approx(1)
        assert dm.evaluate(*bars).summary["AP"] == pytest.approx(6 / 11)

    @pytest.mark.parametrize("rules", [dm.COCO.replace(shape="mask"), "coco-segm"])
    def test_masks_of_box_files_are_refused(self, rules):
        expected = r"ground_truth.json: expected masks in the ground truth, got boxes alone: --sh"
        with pytest.raises(dm.RulesError, match=expected):
            dm.evaluate(*BOXES, rules)

    def test_the_side_that_lacks_them_is_named(self, tmp_path):
        expected = r"found.json: expected masks in the detections, got boxes alone: --shape box"
        with pytest.raises(dm.RulesError, match=expected):
            dm.evaluate(*segmented(tmp_path, "truth"), shape="mask")

    def test_masks_of_polygons_need_the_sizes_of_images(self, bars):
        with pytest.raises(dm.FormatError, match="image of known width and height"):
            dm.evaluate(*bars, shape="mask")

    def test_unknown(self):
        expected = r"shape: expected auto or one of box, oriented, .*mask.*, got 'masks'"
        with pytest.raises(dm.RulesError, match=expected):
            dm.evaluate(*BOXES, shape="masks")
        with pytest.raises(dm.RulesError, match=r"shape: expected one of 'box', 'oriented'"):
            dm.COCO.replace(shape="masks")

    def test_what_rules_cannot_measure(self, bars):
        expected = "shape: rules voc2007 have pixel 1, which oriented boxes and polygons have not"
        with pytest.raises(dm.RulesError, match=expected):
            dm.evaluate(*bars, "voc2007", shape="oriented")

    @pytest.mark.parametrize(
        "command",
        ["evaluate", "compare", "errors", "thresholds", "slices", "plot", "report", "reconcile"],
    )
    def test_every_command_that_measures_has_the_option(self, command):
        shown = " ".join(done(command, "--help").split())
        assert f"--shape [auto|{'|'.join(SHAPES)}]" in shown
        assert "What overlap is measured of; auto: the shapes that both sides have" in shown

    def test_in_a_file(self, tmp_path, bars):
        path = tmp_path / "mine.toml"
        path.write_text('base = "coco"\nshape = "oriented"\ndetection_area = "box"')
        rules = dm.COCO.replace(shape="oriented", detection_area="box")
        assert dm.evaluate(*bars, str(path)).rules == rules
        path.write_text('shape = "masks"')
        with pytest.raises(dm.FormatError, match=r"shape: expected one of 'box', 'oriented'"):
            dm.rule_set(path)
        path.write_text('base = "dota"\npixel = 1')
        with pytest.raises(dm.FormatError, match="oriented is not defined with pixel 1"):
            dm.rule_set(path)

    def test_masks_are_not_compared_with_boxes(self, tmp_path):
        truth, masks = segmented(tmp_path, "truth", "found")
        boxes = tmp_path / "boxes.json"
        boxes.write_text(json.dumps([detection(1)]))
        ran = run("compare", truth, masks, boxes)
        assert ran.exit_code == 1
        assert "; --shape box (shape='box') measures both by upright boxes" in ran.stderr
        done("compare", truth, masks, boxes, "--shape", "box", "--resamples", 10)


class TestDefaults:
    """Without ``--rules`` a format's own benchmark counts: DOTA's for DOTA, COCO's for others."""

    def test_of_dota(self, bars):
        assert dm.evaluate(*bars).rules == dm.DOTA
        shown = json.loads(done("evaluate", *bars, "-q", "--json", "-"))
        assert (shown["signature"], shown["shape"]) == (dm.DOTA.signature, "oriented")

    def test_of_tables_from_dota(self, bars):
        truth = dm.read_ground_truth(bars[0])
        assert dm.evaluate(truth, dm.read_detections(bars[1], truth)).rules == dm.DOTA

    def test_of_others(self):
        assert dm.evaluate(*BOXES).rules == dm.COCO

    def test_of_standard_input(self):
        text = Path(BOXES[0]).read_text()
        ran = CliRunner().invoke(cli, ["evaluate", "-", BOXES[1], "-q", "--json", "-"], input=text)
        assert json.loads(ran.stdout)["signature"] == dm.COCO.signature


class TestViews:
    """What overlap was measured of stands in every view, where it is not upright boxes."""

    def test_say_the_shape(self, bars):
        result = dm.evaluate(*bars)
        assert "|shape:oriented|" in result.signature
        assert "mean precision of 11 recall points at oriented IoU > 0.5" in to_text(result)
        assert "at oriented IoU" in to_markdown(result)
        assert "|shape:oriented|" in to_csv(result)
        assert result.to_dict()["shape"] == "oriented"

    def test_masks(self, tmp_path):
        text = to_text(dm.evaluate(*segmented(tmp_path, "truth", "found")))
        assert "mean precision at mask IoU 0.5 to 0.95, all areas, 100 detections" in text

    def test_rule_sets_are_listed_with_theirs(self):
        rows = [line.split()[:2] for line in done("rules").splitlines()]
        assert ["dota", "oriented"] in rows
        assert ["coco-segm", "mask"] in rows
        assert ["coco", "box"] in rows


def upright(scene: tuple[dm.GroundTruth, dm.Detections]) -> bool:
    """Whether no overlap lies within rounding of a threshold: polygons round otherwise."""
    result = dm.evaluate(*scene, dm.COCO.replace(iou_thresholds=(1e-6,)))
    overlaps = result.matches(iou=1e-6)["iou"].to_numpy(float)
    near = np.abs(overlaps[:, None] - np.array(dm.COCO.iou_thresholds)) < 1e-9
    return not near.any()


class TestUprightOrientedBoxes:
    """Oriented boxes that stand upright are boxes: COCO over polygons gives COCO."""

    @given(st.integers(0, 2**32 - 1))
    def test_gives_the_same_numbers(self, seed):
        rng = np.random.default_rng(seed)
        catalog = dm.Catalog.from_ids(images=[1, 2], categories=[1, 2])

        def table(kind, count, **more):
            return kind.from_arrays(
                image_ids=rng.integers(1, 3, count),
                categories=rng.integers(1, 3, count),
                boxes=np.column_stack(
                    [rng.integers(0, 9, (count, 2)), rng.integers(2, 9, (count, 2))]
                ),
                catalog=catalog,
                **more,
            )

        truth = table(dm.GroundTruth, 8, crowd=rng.random(8) < 0.2)
        found = table(dm.Detections, 16, scores=rng.permutation(16) / 16)
        pairs = [dm.evaluate(truth, found, shape=shape) for shape in ("box", "oriented")]
        assume(upright((truth, found)))
        shown = [list(result.summary.values()) for result in pairs]
        np.testing.assert_allclose(*shown, atol=1e-12)


@st.composite
def of_any_shape(draw: st.DrawFn) -> dm.Rules:
    rules = draw(strategies.any_rules())
    shape = draw(st.sampled_from(SHAPES))
    if shape == "box":
        return rules
    alone = {"pixel": 0, "clip": False, "arithmetic": "float64", "box_decimals": None}
    return rules.replace(shape=shape, **alone)


class TestPath:
    """From any rules to any others through rules that can be, though settings exclude others."""

    @given(of_any_shape(), of_any_shape())
    def test_leads_there_a_cause_at_a_time(self, ours, theirs):
        ours, theirs = (rules.replace(name="any", metrics=("ap",)) for rules in (ours, theirs))
        steps = list(_path(ours, theirs))
        assert len({cause for cause, _ in steps}) == len(steps)
        assert (steps[-1][1] if steps else ours) == theirs


class TestReconcile:
    """What the shape changes is said, split like any other cause, and tried for a number."""

    def test_of_dota_starts_from_dota(self, bars):
        found = dm.reconcile(*bars)
        assert (found.waterfall.ours, found.waterfall.theirs) == ("dota", "ultralytics-obb")
        measured = {one.rules.shape: one.summary["AP"] for one in found.shapes}
        assert measured["oriented"] == found.waterfall.start == pytest.approx(6 / 11)
        assert measured["box"] == pytest.approx(1)

    @pytest.mark.parametrize(("ours", "theirs"), [("dota", "voc2007"), ("voc2007", "dota")])
    def test_shape_and_pixel_are_two_causes_in_both_directions(self, bars, ours, theirs):
        fall = dm.reconcile(*bars, ours, theirs).waterfall
        steps = {step.cause: step for step in fall.steps}
        assert set(steps) == {"shape that is measured", "a pixel more"}
        forbidden = fall.steps[1]
        assert "oriented is not defined with pixel 1" in forbidden.excluded
        assert np.isnan(forbidden.alone)
        assert forbidden.shared
        assert fall.steps[0].excluded == ""
        assert abs(steps["shape that is measured"].amount) == pytest.approx(5 / 11)
        assert fall.steps[-1].after == fall.end

    def test_a_number_of_hulls_is_traced_to_them(self, bars):
        found = dm.reconcile(*bars, reported="1.000").candidates
        assert found[0].gives
        ways = {(way.rules, way.how) for way in found if way.gives and way.category is None}
        assert ("dota", "measured by upright boxes") in ways

    def test_views(self, bars, tmp_path):
        paths = [str(tmp_path / name) for name in ("a.csv", "a.md")]
        text = done("reconcile", *bars, "--theirs", "voc2007", "-q")
        for part in (
            "What the shape changes, under dota",
            "by upright boxes, AP is 0.4545 higher",
            "a number by one shape says nothing of one by another: compare like with like",
            "a pixel more: cannot be alone (shape: oriented is not defined with pixel 1), and",
            "voc2007: measured by upright boxes: rules voc2007 have pixel 1",
        ):
            assert part in text
        rows = {tuple(re.split(r" {2,}", line)) for line in text.splitlines()}
        assert ("voc2007", "upright boxes", "AP", "1.0000", "1.0000", "-") in rows
        assert ("dota", "oriented boxes and polygons", "AP", "0.5455", "0.5455", "-") in rows
        done("reconcile", *bars, "-q", "--csv", paths[0], "--markdown", paths[1])
        rows = Path(paths[0]).read_text().splitlines()
        assert any(row.startswith("shape,dota,AP,,1.0,0.4545") and "upright" in row for row in rows)
        assert any(row.startswith("rules,dota,AP,") and "oriented" in row for row in rows)
        assert "### What the shape changes, under dota" in Path(paths[1]).read_text()
        content = json.loads(done("reconcile", *bars, "--theirs", "voc2007", "-q", "--json", "-"))
        assert content["rules"]["dota"]["shape"] == "oriented"
        assert [one["shape"] for one in content["shapes"]][:2] == ["oriented", "box"]
        last = content["waterfall"]["steps"][-1]
        assert (last["alone"], last["excluded"][:16]) == (None, "shape: oriented ")

    def test_shape_is_that_of_all(self, bars):
        found = dm.reconcile(*bars, shape="box")
        assert {standing.rules.shape for standing in found.standings if standing.result} == {"box"}
        assert found.waterfall.start == pytest.approx(1)
        found = dm.reconcile(*bars, shape="oriented")
        assert (found.waterfall.ours, found.waterfall.theirs) == ("dota", "coco")
        reasons = {standing.rules.name: standing.reason for standing in found.standings}
        assert reasons["voc2007"].startswith("shape: rules voc2007 have pixel 1")

    def test_masks_against_boxes_and_the_areas_of_detections(self, tmp_path):
        found = dm.reconcile(*segmented(tmp_path, "truth", "found"))
        shown = {(one.rules.shape, one.rules.detection_area) for one in found.shapes}
        assert {("mask", "shape"), ("mask", "box"), ("box", "shape")} <= shown
        assert found.shapes[0].rules == dm.COCO.replace(shape="mask")

    def test_boxes_hear_nothing_of_other_shapes(self, tmp_path):
        for sides in ((), ("truth",)):
            found = dm.reconcile(*segmented(tmp_path, *sides), reported="0.5")
            assert {standing.rules.shape for standing in found.standings} == {"box"}
            assert found.shapes == ()
            assert not any("measured" in way.how for way in found.candidates)
            assert not any("measured" in note for note in found.notes)

    def test_boxes_by_rules_of_another_shape_where_asked(self):
        found = dm.reconcile(*BOXES, "dota", "voc2007")
        assert [s.rules.name for s in found.standings if s.rules.shape != "box"] == ["dota"]
        assert {step.cause for step in found.waterfall.steps} >= {"a pixel more"}

    def test_masks_that_are_not_there_are_refused(self):
        with pytest.raises(dm.RulesError, match="expected masks in the ground truth"):
            dm.reconcile(*BOXES, shape="mask")

    def test_boxes_of_the_same_hull_are_no_repeats(self, bars):
        (bars[1] / "Task1_ship.txt").write_text(f"P1 0.9 {DOWN}\nP1 0.9 {UP}\n")
        found = dm.read_detections(bars[1], dm.read_ground_truth(bars[0]))
        assert _first_of_equals(found).all()
        assert _first_of_equals(found.take(np.array([0, 0, 1]))).tolist() == [True, False, True]

    @pytest.mark.filterwarnings("ignore::detmetrics.DetmetricsWarning")
    def test_polygons_counted_from_one_are_named(self, tmp_path):
        rng = np.random.default_rng(0)
        truth, found = tmp_path / "labelTxt", tmp_path / "Task1"
        truth.mkdir()
        found.mkdir()
        lines = []
        corners = rng.uniform(0, 500, (60, 1, 2)) + 4 * np.array([[3, 0], [6, 3], [3, 6], [0, 3]])
        for number, bar in enumerate(corners):
            text = " ".join(f"{value:.3f}" for value in bar.ravel())
            (truth / f"P{number}.txt").write_text(f"{text} ship 0\n")
            moved = " ".join(f"{value:.3f}" for value in (bar + 1).ravel())
            lines.append(f"P{number} {rng.random():.6f} {moved}")
        (found / "Task1_ship.txt").write_text("\n".join(lines))
        first = dm.reconcile(truth, found, "coco").suspicions[0]
        assert first.name == "pixels counted from 1 in the detections alone"
        assert first.value == pytest.approx(1, abs=0.02)


@pytest.fixture(scope="module")
def dota(tmp_path_factory) -> tuple[Path, Path]:
    packed = real_data("dota_sample/evaluation_example.tar.gz")
    root = unpacked(packed, tmp_path_factory.mktemp("dota"))
    return root / "row_DOTA_labels", root / "result_classname"


KNOWN = {
    "dota": {"harbor": 0.6764, "large-vehicle": 0.8764, "ship": 0.4298, "small-vehicle": 0.8757},
    "dota-every": {
        "harbor": 0.6858,
        "large-vehicle": 0.9070,
        "ship": 0.4362,
        "small-vehicle": 0.9363,
    },
}
SEGM = {
    "AP": 0.3195, "AP50": 0.5623, "AP75": 0.2989, "APs": 0.3874, "APm": 0.3102, "APl": 0.3269,
    "AR1": 0.2682, "AR10": 0.4154, "AR100": 0.4168, "ARs": 0.4694, "ARm": 0.3768, "ARl": 0.3815,
}  # fmt: skip


class TestKnownNumbers:
    """What the official scripts give for real files."""

    @pytest.mark.parametrize("name", KNOWN)
    def test_of_every_class_of_dota(self, dota, name):
        shown = json.loads(done("evaluate", *dota, "-q", "--rules", name, "--json", "-"))
        columns = {label: round(row["AP"], 4) for label, row in shown["per_class"].items()}
        assert columns == KNOWN[name]

    @pytest.mark.parametrize("options", [(), ("--shape", "mask"), ("--rules", "coco-segm")])
    def test_of_coco_segmentation(self, shared, options):
        folder = shared / "coco_val2014_100"
        names = ("100", "fakesegm100_results")
        files = [folder / f"instances_val2014_{name}.json" for name in names]
        shown = json.loads(done("evaluate", *files, "-q", "--json", "-", *options))
        assert {name: round(value, 4) for name, value in shown["metrics"].items()} == SEGM

    def test_reconciling_dota_adds_up(self, dota):
        for ours, theirs in (("dota", "voc2007"), ("voc2007", "dota"), ("dota", "coco")):
            fall = dm.reconcile(*dota, ours, theirs).waterfall
            steps = (Fraction(step.after) - Fraction(step.before) for step in fall.steps)
            assert sum(steps) == Fraction(fall.end) - Fraction(fall.start)
            assert fall.end == dm.evaluate(*dota, theirs).summary["AP"]

    def test_a_number_of_hulls_of_dota_is_traced(self, dota):
        value = dm.evaluate(*dota, shape="box").summary["AP"]
        first = dm.reconcile(*dota, reported=f"{value:.6f}").candidates[0]
        assert (first.rules, first.metric, first.how) == ("dota", "AP", "measured by upright boxes")


class TestAreas:
    """Where the source has none they are of what is measured, and notes say so."""

    TURNED = Rectangles.from_cxcywhr(np.array([[50.0, 50, 40, 10, 0.8], [20.0, 20, 8, 4, 0.1]]))

    def tables(self, areas=None):
        rows = {"image_ids": [1, 1], "categories": ["a", "a"], "shapes": self.TURNED}
        truth = dm.GroundTruth.from_arrays(areas=areas, **rows)
        return truth, dm.Detections.from_arrays(scores=[0.5, 0.6], catalog=truth.catalog, **rows)

    @pytest.mark.parametrize("areas", [None, [np.nan, 7]])
    @pytest.mark.parametrize("of", ["shape", "box"])
    def test_tables_of_a_result_can_be_measured_by_boxes(self, areas, of):
        tables = self.tables(areas)
        rules = dm.COCO.replace(detection_area=of)
        result = dm.evaluate(*tables, rules)
        assert result.rules.shape == "oriented"
        again = dm.evaluate(result.ground_truth, result.detections, rules, shape="box")
        boxes = dm.evaluate(*tables, rules, shape="box")
        assert again.ground_truth.area.tolist() == boxes.ground_truth.area.tolist()
        assert again.detections.area.tolist() == boxes.detections.area.tolist()
        back = dm.evaluate(again.ground_truth, again.detections, rules)
        assert back.ground_truth.area.tolist() == result.ground_truth.area.tolist()
        assert back.detections.area.tolist() == result.detections.area.tolist()

    def test_missing_ones_are_not_said_to_be_of_boxes(self):
        truth, _ = self.tables([np.nan, 7])
        (note,) = truth.notes
        assert note == (
            "ground-truth arrays: 1 of 2 areas are missing: that of the shape that is measured is "
            "used"
        )

    def test_sizes_are_the_same_without_a_detection(self):
        """An epoch that finds nothing has the ranges of those that find something."""
        truth, found = self.tables()
        none = dm.Detections.from_arrays(
            image_ids=[], categories=[], boxes=np.zeros((0, 4)), scores=[], catalog=truth.catalog
        )
        some, empty = dm.evaluate(truth, found), dm.evaluate(truth, none)
        assert empty.rules.shape == "oriented"
        assert "boxes and polygons, which ground-truth arrays have (--shape box" in "".join(
            empty.notes
        )
        assert empty.summary.undefined.keys() == some.summary.undefined.keys()
        assert dm.evaluate(truth, found.take(np.zeros(0, int))).rules.shape == "oriented"

    def test_sizes_of_boxes_beside_shapes_are_not_spoken_of(self):
        truth, found = self.tables()
        with pytest.warns(dm.DetmetricsWarning, match="negative width or height"):
            found = dm.Detections.from_arrays(
                image_ids=[1, 1],
                categories=["a", "a"],
                boxes=[[0, 0, -1, 5]] * 2,
                shapes=found.shapes,
                scores=[0.5, 0.6],
                catalog=truth.catalog,
            )
        assert not any("negative size" in note for note in dm.evaluate(truth, found, "dota").notes)
