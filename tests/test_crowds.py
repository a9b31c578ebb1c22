"""CrowdHuman and CityPersons as rule sets: their files, their words, what they refuse."""

from __future__ import annotations

import json

import numpy as np
import pytest

import detmetrics as dm

pytestmark = pytest.mark.filterwarnings("ignore::detmetrics.DetmetricsWarning")

# Seen in full, half hidden, small, and a person on a poster.
PEOPLE = [
    {"bbox": [0, 0, 40, 100], "vis_ratio": 1.0},
    {"bbox": [100, 0, 40, 100], "vis_ratio": 0.5},
    {"bbox": [200, 0, 16, 40], "vis_ratio": 0.9},
    {"bbox": [300, 0, 40, 100], "vis_ratio": 1.0, "ignore": 1},
]


@pytest.fixture
def street(tmp_path):
    def write(people, found, *, size=(400, 200)):
        document = {
            "images": [
                {"id": 1, "file_name": "a.png", "width": size[0], "height": size[1]}
                if size
                else {"id": 1, "file_name": "a.png"}
            ],
            "categories": [{"id": 1, "name": "pedestrian"}],
            "annotations": [
                {"id": n, "image_id": 1, "category_id": 1, **person}
                for n, person in enumerate(people, start=1)
            ],
        }
        rows = [
            {"image_id": 1, "category_id": 1, "bbox": box, "score": score} for box, score in found
        ]
        paths = tmp_path / "truth.json", tmp_path / "found.json"
        for path, content in zip(paths, (document, rows), strict=True):
            path.write_text(json.dumps(content))
        return paths

    return write


def test_the_subsets_of_citypersons(street):
    boxes = [(person["bbox"], 0.9) for person in PEOPLE]
    summary = dm.evaluate(*street(PEOPLE, boxes), dm.CITYPERSONS).summary
    assert list(summary) == ["MR_reasonable", "MR_small", "MR_heavy", "MR"]
    assert summary["MR_reasonable"] == summary["MR_heavy"] == summary["MR"] == 0.0
    assert np.isnan(summary["MR_small"])  # nobody is 50 to 75 pixels high and seen so far
    missed = dm.evaluate(*street(PEOPLE, boxes[1:]), dm.CITYPERSONS).summary
    assert missed["MR_reasonable"] == 1.0
    assert missed["MR_heavy"] == 0.0


def test_people_outside_a_subset_take_any_number_of_detections(street):
    hidden = PEOPLE[1]["bbox"]
    found = [(hidden, 0.9), (hidden, 0.8), (PEOPLE[0]["bbox"], 0.7)]

    def verdicts(rules: dm.Rules) -> list[str]:
        return dm.evaluate(*street(PEOPLE, found), rules).matches(0.5, "reasonable")["verdict"]

    assert [*verdicts(dm.CITYPERSONS)] == ["ignored", "ignored", "true positive"]
    one_each = dm.CITYPERSONS.replace(out_of_range="ignore")
    assert [*verdicts(one_each)] == ["ignored", "false positive", "true positive"]


def test_visibility_that_is_unknown_is_refused(street):
    blind = [{"bbox": person["bbox"]} for person in PEOPLE]
    with pytest.raises(dm.RulesError, match="citypersons need the visibility of each object") as no:
        dm.evaluate(*street(blind, []), dm.CITYPERSONS)
    assert "unknown of 4 of 4" in str(no.value)


@pytest.mark.parametrize("odd", ["much", None, [1], True, {}])
def test_an_attribute_that_is_no_number_is_unknown_and_no_fault(street, odd):
    people = [{**PEOPLE[0], "vis_ratio": 0.5}, {**PEOPLE[1], "vis_ratio": odd}]
    values = dm.read_ground_truth(street(people, [])[0]).attributes["visibility"]
    assert values[0] == 0.5
    assert np.isnan(values[1]) or odd is True


def test_crowdhuman_clips_boxes_to_the_image(street):
    person = {"bbox": [-40, 0, 80, 100]}  # half of it is outside
    inside = [([0, 0, 39, 100], 0.9)]
    summary = dm.evaluate(*street([person], inside), dm.CROWDHUMAN).summary
    assert list(summary) == ["AP", "MR", "JI"]
    assert summary["JI"] == pytest.approx(1.0)
    without = dm.CROWDHUMAN.replace(clip=False)
    assert dm.evaluate(*street([person], inside), without).summary["JI"] == 0.0


def test_crowdhuman_needs_the_sizes_of_images(street):
    with pytest.raises(dm.RulesError, match=r"clip boxes to their images.*--image-sizes"):
        dm.evaluate(*street(PEOPLE, [], size=None), dm.CROWDHUMAN)


def test_a_jaccard_index_of_ranges_apart_is_refused():
    with pytest.raises(dm.RulesError, match="ji is not defined"):
        dm.CITYPERSONS.replace(metrics=("ji",))


@pytest.mark.parametrize("slack", [0.5, -1, "wide", True])
def test_slack_is_a_number_from_1(slack):
    with pytest.raises(dm.RulesError, match="range_slack"):
        dm.CITYPERSONS.replace(range_slack=slack)


@pytest.mark.parametrize("target", ["coco", "csv", "parquet"])
def test_attributes_survive_writing(street, tmp_path, target):
    out = tmp_path / f"out.{'json' if target == 'coco' else target}"
    truth = dm.read_ground_truth(street(PEOPLE, [])[0])
    dm.convert(street(PEOPLE, [])[0], out, to=target)
    again = dm.read_ground_truth(out)
    np.testing.assert_array_equal(again.attributes["visibility"], truth.attributes["visibility"])


def test_what_cannot_hold_them_says_so(street, tmp_path):
    done = dm.convert(street(PEOPLE, [])[0], tmp_path / "labels", to="yolo")
    assert any("the visibility of 4 objects" in lost for lost in done.lost)


def test_ranges_in_words():
    reasonable = dm.CITYPERSONS.area_ranges[1]
    assert reasonable.words == "from 50 px high, visibility from 0.65"


def test_no_interval_over_ties_is_made_up(street):
    paths = street(PEOPLE, [(PEOPLE[0]["bbox"], 0.9)])
    with pytest.raises(dm.InputError, match="no interval over equal scores for MR"):
        dm.evaluate(*paths, dm.CITYPERSONS).tie_interval("MR")


def test_attributes_in_a_file_of_rules(tmp_path):
    path = tmp_path / "mine.toml"
    also = "also = { visibility = [0.65, 1] }"
    path.write_text(
        f'area_ranges = {{ near = {{ low = 50, high = 1e10, of = "height", {also} }} }}\n'
    )
    area = dm.rule_set(str(path)).area_ranges[1]
    assert area == ("near", 50.0, 1e10, "height", (("visibility", 0.65, 1.0),))
    path.write_text(path.read_text().replace("[0.65, 1]", "[1, 0.65]"))
    with pytest.raises(dm.FormatError, match="visibility: expected low <= high"):
        dm.rule_set(str(path))
