"""A hierarchy of classes and image-level labels, as Open Images has them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

import detmetrics as dm
from detmetrics.cli import cli

pytestmark = pytest.mark.filterwarnings("ignore::detmetrics.DetmetricsWarning")

TREE = {
    "LabelName": "entity",
    "Subcategory": [
        {
            "LabelName": "animal",
            "Subcategory": [
                {"LabelName": "dog"},
                {"LabelName": "pet", "Subcategory": [{"LabelName": "dog"}, {"LabelName": "cat"}]},
            ],
        },
        {"LabelName": "car"},
    ],
}
BOXES = """\
ImageID,Source,LabelName,Confidence,XMin,XMax,YMin,YMax,IsOccluded,IsTruncated,IsGroupOf,IsDepiction,IsInside
a,x,dog,1,0.1,0.2,0.1,0.2,0,0,0,0,0
a,x,animal,1,0.5,0.9,0.5,0.9,0,0,1,0,0
b,x,car,1,0.1,0.2,0.1,0.2,0,0,0,0,0
"""
LABELS = """\
ImageID,Source,LabelName,Confidence
a,verification,pet,1
b,verification,animal,0
c,verification,cat,1
"""


@pytest.fixture
def files(tmp_path):
    (tmp_path / "boxes.csv").write_text(BOXES)
    (tmp_path / "tree.json").write_text(json.dumps(TREE))
    (tmp_path / "labels.csv").write_text(LABELS)
    return tmp_path


def predictions(folder: Path, *rows: str) -> Path:
    head = "ImageID,LabelName,Score,XMin,XMax,YMin,YMax"
    path = folder / "found.csv"
    path.write_text("\n".join([head, *rows]) + "\n")
    return path


def ap_by_class(result: dm.Evaluation) -> dict[str, float]:
    values: dict[str, float] = result.per_class()["AP"].to_dict()
    return values


def truth(folder: Path, *, hierarchy: bool = True, labels: bool = False) -> dm.GroundTruth:
    reading = dm.Reading(
        hierarchy=folder / "tree.json" if hierarchy else None,
        image_labels=folder / "labels.csv" if labels else None,
    )
    return dm.read_ground_truth(folder / "boxes.csv", reading)


def test_an_object_counts_for_every_class_above_its_own(files):
    table = truth(files)
    names = table.catalog.category_names
    images = table.catalog.image_names
    rows = [(images[i], names[c]) for i, c in zip(table.image, table.category, strict=True)]
    assert rows == [("a", "dog"), ("a", "animal"), ("a", "pet"), ("a", "animal"), ("b", "car")]
    assert table.crowd.tolist() == [False, False, False, True, False]
    assert set(names) == {"animal", "car", "cat", "dog", "pet"}  # the root is no class
    assert any(
        "3 boxes count for the classes above their own too, 5 in all" in n for n in table.notes
    )


def test_places_are_those_of_the_file(files):
    table = truth(files)
    assert [table.source.place(row, "boxes")[:7] for row in (0, 2, 3)] == [
        "line 2:",
        "line 2:",
        "line 3:",
    ]


def test_without_it_nothing_is_added(files):
    assert len(truth(files, hierarchy=False)) == 3


def test_labels_say_what_was_looked_for(files):
    table = truth(files, labels=True)
    images, names = table.catalog.image_names, table.catalog.category_names
    verified = {(images[i], names[c]) for i, c in table.federation.verified.tolist()}
    there = {("a", "pet"), ("a", "animal"), ("c", "cat"), ("c", "pet"), ("c", "animal")}
    not_there = {("b", name) for name in ("animal", "dog", "pet", "cat")}
    assert verified == there | not_there
    assert images == ("a", "b", "c")  # an image without a box, but with labels
    assert len(table.federation.not_exhaustive) == 0


def test_the_challenge_drops_what_nobody_looked_for(files):
    found = predictions(
        files,
        "a,dog,0.9,0.1,0.2,0.1,0.2",
        "a,car,0.95,0.1,0.2,0.1,0.2",  # nobody looked for cars in a
        "b,dog,0.99,0.1,0.2,0.1,0.2",  # known not to be in b
        "b,car,0.9,0.1,0.2,0.1,0.2",
    )
    reading = dm.Reading(hierarchy=files / "tree.json", image_labels=files / "labels.csv")
    result = dm.evaluate(files / "boxes.csv", found, dm.OPEN_IMAGES_CHALLENGE, reading=reading)
    values = ap_by_class(result)
    assert values["car"] == pytest.approx(1.0)  # the false one is not looked at
    assert values["dog"] == pytest.approx(0.5)  # the false one comes first
    assert values["animal"] == 0.0  # the box of the dog and the group: both missed
    assert result.counts["detections_of_classes_not_looked_for"] == 1
    plain = dm.evaluate(files / "boxes.csv", found, dm.OPEN_IMAGES, reading=reading)
    assert ap_by_class(plain)["car"] == pytest.approx(0.5)


def test_the_challenge_needs_the_labels(files):
    found = predictions(files, "b,car,0.9,0.1,0.2,0.1,0.2")
    with pytest.raises(dm.RulesError, match="--image-labels"):
        dm.evaluate(files / "boxes.csv", found, dm.OPEN_IMAGES_CHALLENGE)


def test_as_a_command(files):
    found = predictions(files, "b,car,0.9,0.1,0.2,0.1,0.2")
    options = ["--hierarchy", files / "tree.json", "--image-labels", files / "labels.csv"]
    rules = ["--rules", "openimages-challenge"]
    arguments = [str(part) for part in [files / "boxes.csv", found, *options, *rules]]
    ran = CliRunner().invoke(cli, ["evaluate", *arguments])
    assert ran.exit_code == 0, ran.stderr
    assert "openimages-challenge|" in ran.stdout
    assert "3 boxes count for the classes above their own too" in ran.stdout


@pytest.mark.parametrize(
    ("tree", "message"),
    [
        ("[]", "the root: expected an object with LabelName"),
        ('{"LabelName": "x"}', "no class stands below the root"),
        ('{"LabelName": "x", "Subcategory": [7]}', "below 'x', 0: expected an object"),
        ('{"LabelName": "x", "Subcategory": {}}', "expected an object with LabelName and a list"),
        (
            json.dumps(
                {"LabelName": "x", "Subcategory": [TREE["Subcategory"][0], {"LabelName": "y"}]}
            ).replace('"cat"', '"animal"'),
            "'animal' stands below itself",
        ),
        ('{"LabelName": "x", "Subcategory": [{"LabelName": "dog"}]}', "2 classes of .*'animal'"),
        ("{", "line 1"),
        ("[" * 100_000, "tree.json"),
    ],
)
def test_a_hierarchy_that_is_none(files, tree, message):
    (files / "tree.json").write_text(tree)
    with pytest.raises(dm.FormatError, match=message) as raised:
        truth(files)
    assert "tree.json" in str(raised.value)


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        ("", "the file is empty"),
        ("ImageID,LabelName\na,dog\n", "confidence missing"),
        (LABELS + "a,x,dog,0.5\n", "line 5: Confidence: expected 0 or 1, got '?0.5"),
        (LABELS + "a,x,dog,yes\n", "line 5: Confidence: expected 0 or 1, got 'yes'"),
    ],
)
def test_labels_that_are_none(files, labels, message):
    (files / "labels.csv").write_text(labels)
    with pytest.raises(dm.FormatError, match=message) as raised:
        truth(files, labels=True)
    assert "labels.csv" in str(raised.value)


def test_classes_without_names_are_refused(files):
    reading = dm.Reading(hierarchy=files / "tree.json")
    with pytest.raises(dm.FormatError, match="numbers its classes, and a hierarchy goes by names"):
        dm.read_ground_truth("fixtures/ground_truth.json", reading)
    reading = dm.Reading(image_labels=files / "labels.csv")
    with pytest.raises(dm.FormatError, match="numbers its classes, and labels go by names"):
        dm.read_ground_truth("fixtures/ground_truth.json", reading)


def test_a_missing_file_is_named(files):
    reading = dm.Reading(hierarchy=files / "nowhere.json")
    with pytest.raises(dm.FormatError, match=r"nowhere\.json"):
        dm.read_ground_truth(files / "boxes.csv", reading)
