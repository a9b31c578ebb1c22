"""KITTI as a rule set: who chooses, what a cut is, neighbours, regions, difficulties."""

from __future__ import annotations

import numpy as np
import pytest

import detmetrics as dm

pytestmark = pytest.mark.filterwarnings("ignore::detmetrics.DetmetricsWarning")

CAR = "Car 0.00 0 0 0 0 100 60 1 1 1 1 1 9 0"
FOUND = "Car -1 -1 0 0 0 100 60 1 1 1 1 1 9 0 0.9"


def line(kind: str, box: str, *, truncated=0.0, occluded=0, score=None) -> str:
    behind = "" if score is None else f" {score}"
    return f"{kind} {truncated} {occluded} 0 {box} 1 1 1 1 1 9 0{behind}\n"


def lay(folder, text: str):
    folder.mkdir()
    (folder / "000000.txt").write_text(text)
    return folder


@pytest.fixture
def street(tmp_path):
    def write(objects: str, found: str):
        truth = lay(tmp_path / "label_2", objects)
        return truth, lay(tmp_path / "results", found)

    return write


def summary(paths, rules=dm.KITTI) -> dict:
    return dict(dm.evaluate(*paths, rules).summary)


def test_metrics_and_difficulties(street):
    paths = street(
        line("Car", "0 0 100 60")  # easy
        + line("Car", "200 0 300 35")  # 35 pixels high: moderate
        + line("Car", "400 0 500 60", occluded=2)  # hard
        + line("Car", "600 0 700 60", truncated=0.6),  # none of them
        line("Car", "0 0 100 60", score=0.9),
    )
    values = summary(paths)
    assert list(values) == ["AP_easy", "AP_moderate", "AP_hard"]
    assert values["AP_easy"] == pytest.approx(0.0)  # one cut alone: at recall 0
    assert summary(paths, dm.KITTI_R11)["AP_easy"] == pytest.approx(1 / 11)
    truths = dm.evaluate(*paths, dm.KITTI).curves.positives
    assert truths.tolist() == [[4, 1, 2, 3], [0] * 4, [0] * 4]


@pytest.mark.parametrize(("bottom", "counts"), [("40", 0), ("40.01", 1)])
def test_an_object_must_be_higher_than_the_bound(street, bottom, counts):
    paths = street(line("Car", f"0 0 100 {bottom}"), FOUND)
    assert dm.evaluate(*paths, dm.KITTI).curves.positives[0, 1] == counts


def test_a_car_takes_what_fits_best_and_not_what_is_surest(street):
    paths = street(
        line("Car", "0 0 100 60"),
        line("Car", "0 0 100 50", score=0.9) + line("Car", "0 0 100 59", score=0.3),
    )
    rows = dm.evaluate(*paths, dm.KITTI).matches(0.5, "easy")
    assert [*rows["verdict"]] == ["false positive", "true positive"]
    surest = dm.evaluate(*paths, dm.KITTI.replace(assignment="free")).matches(0.5, "easy")
    assert [*surest["verdict"]] == ["true positive", "false positive"]
    # The only cut lies at 0.9, and above it there is one detection, which is right.
    assert summary(paths, dm.KITTI_R11)["AP_easy"] == pytest.approx(1 / 11)


def test_thresholds_are_of_classes(street):
    half = "0 0 100 36"  # IoU 0.6
    paths = street(
        line("Car", "0 0 100 60") + line("Pedestrian", "200 0 300 60"),
        line("Car", half, score=0.9) + line("Pedestrian", "200 0 300 36", score=0.9),
    )
    rows = dm.evaluate(*paths, dm.KITTI).matches(0.5, "moderate")
    car, person, missed = rows.itertuples()
    assert (car.verdict, car.reason) == ("false positive", "best overlap 0.600 is not above 0.7")
    assert (missed.verdict, missed.reason) == ("missed", car.reason)
    assert person.reason == "overlap above 0.5 with the ground truth that chose it"


def test_vans_and_regions_take_what_is_left_and_count_neither_way(street):
    paths = street(
        line("Van", "0 0 100 60") + line("DontCare", "200 0 400 100", truncated=-1, occluded=-1),
        line("Car", "0 0 100 60", score=0.9)
        + line("Car", "210 0 310 60", score=0.8)
        + line("Car", "500 0 600 60", score=0.7),
    )
    result = dm.evaluate(*paths, dm.KITTI)
    rows = result.matches(0.5, "easy")
    verdicts = rows[rows["category"] == "Car"]["verdict"]
    assert [*verdicts] == ["ignored", "ignored", "false positive"]
    assert any("5 other classes are left out" in note for note in result.attention)
    assert any("1 DontCare region is a crowd of each of 8 classes" in n for n in result.attention)


def test_each_cut_is_matched_without_what_is_below_it(street):
    """A detection of low score that fits better makes a false positive of a surer one only below
    its own score."""
    cars, found = "", ""
    for place in range(0, 4000, 200):
        cars += line("Car", f"{place} 0 {place + 100} 60")
        found += line("Car", f"{place} 0 {place + 100} 50", score=0.9 - place / 10_000)
    found += line("Car", "0 0 100 60", score=0.01)
    paths = street(cars, found)
    # Of 41 places the 20 cuts, all of them above 0.01, take the first: 0, 4, ... 16 are five of 11.
    assert summary(paths, dm.KITTI_R11)["AP_easy"] == pytest.approx(5 / 11)
    plain = dm.KITTI.replace(interpolation="every")
    assert summary(paths, plain)["AP_easy"] < 1


def test_attributes_and_boxes_are_read(street):
    truth = dm.read_ground_truth(
        street(line("Car", "1.5 2 3 4", truncated=0.25, occluded=2), "")[0]
    )
    assert truth.xyxy.tolist() == [[1.5, 2, 3, 4]]
    assert truth.attributes["truncation"].tolist() == [0.25]
    assert truth.attributes["occlusion"].tolist() == [2]
    assert truth.catalog.image_names == ("000000",)


def test_a_detector_that_finds_nothing_has_0(street):
    paths = street(CAR + "\n", "")
    assert summary(paths) == {"AP_easy": 0.0, "AP_moderate": 0.0, "AP_hard": 0.0}


@pytest.mark.parametrize("missing", [1, 3])
def test_a_line_of_another_length_is_named(street, missing):
    short = " ".join(CAR.split()[:-missing])
    truth, _ = street("\n".join([CAR, CAR, CAR, CAR, short]), "")
    with pytest.raises(dm.FormatError, match=r"000000\.txt:5: expected a type and 14 numbers, got"):
        dm.read_ground_truth(truth, dm.Reading(gt_format="kitti"))


def test_none_of_the_classes_is_an_error(street):
    paths = street(CAR.replace("Car", "lorry"), "")
    rules = dm.KITTI.replace(class_rules=[("Bus", 0.5)])
    with pytest.raises(dm.RulesError, match="kitti evaluate Bus, and the classes are"):
        dm.evaluate(*paths, rules)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"class_rules": [("Car", 0)]}, "class_rules: Car: expected 0 < iou <= 1, got 0"),
        ({"class_rules": [("Car", 0.5), ("car", 0.6)]}, "class_rules: a class is there twice"),
        ({"class_rules": [("Car", 0.5, ("CAR",))]}, "Car is named as its own neighbour"),
        ({"class_rules": ["Car"]}, r"class_rules: expected \(name, iou, neighbours\)"),
        ({"class_rules": [("Car", 0.5, "Van")]}, r"class_rules: expected \(name, iou, neigh"),
        ({"class_rules": [("", 0.5)]}, "class_rules: expected the name of a class, got ''"),
        ({"class_agnostic": True}, "class_agnostic pools the classes that they tell apart"),
        ({"iou_thresholds": (0.5, 0.7)}, "expected one of iou_thresholds, got 2"),
        ({"recall_points": (0, 0.33)}, "expected multiples of 1/40 for cuts, got 0.33"),
        ({"crowd": "group", "group_weight": 1}, "cuts where objects choose are not defined with"),
        ({"out_of_range": "region"}, "cuts are not defined with out_of_range or range_slack"),
    ],
)
def test_settings_that_do_not_fit(changes, message):
    with pytest.raises(dm.RulesError, match=message):
        dm.KITTI.replace(**changes)


def test_rules_in_a_file(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text(
        "base = 'voc2012'\n[class_rules]\nCar = { iou = 0.7, neighbours = ['Van'] }\n"
        "Bus = { iou = 0.5 }\n"
    )
    rules = dm.rule_set(path)
    assert rules.class_rules == (dm.ClassRule("Car", 0.7, ("Van",)), dm.ClassRule("Bus", 0.5))
    path.write_text("iou_thresholds = [0.5]\nclass_rules = [{ name = 'Car' }]\n")
    with pytest.raises(dm.FormatError, match=r'class_rules: expected \{ name = "Car", iou = 0.7'):
        dm.rule_set(path)


def test_evaluated_alone_a_class_keeps_its_neighbours(street):
    paths = street(CAR + "\n" + line("Van", "200 0 300 60"), FOUND + "\n")
    rules = dm.KITTI.replace(metrics=("ap", "ap_area"))
    alone = dm.evaluate(*paths, rules, classes=["Car"])
    assert np.sum(alone.ground_truth.beside) == 1


def test_the_difference_to_other_rules_is_split(street):
    paths = street(CAR + "\n" + line("Van", "200 0 300 60"), FOUND + "\n")
    ours = dm.KITTI.replace(metrics=("ap",))
    found = dm.reconcile(*paths, ours=ours, theirs="voc2007").waterfall
    assert found.start + sum(s.amount for s in found.steps) == pytest.approx(found.end, abs=1e-12)
    assert {"who may match", "IoU thresholds"} <= {step.cause for step in found.steps}
