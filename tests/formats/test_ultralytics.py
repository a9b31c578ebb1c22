"""``predictions.json``: stems as ids, and what its class numbers mean."""

from __future__ import annotations

import json

import pytest

import detmetrics as dm
from detmetrics.tables.id_causes import COCO_91

COCO_IDS = sorted(COCO_91)
IMAGES = 5


def labels(root, classes: int):
    """Each image shows two of the classes; with 80 all over COCO's range."""
    folder = root / "labels"
    folder.mkdir()
    for at in range(IMAGES):
        first, second = shown(at, classes)
        (folder / f"{at:012}.txt").write_text(f"{first} .5 .5 .2 .2\n{second} .3 .3 .1 .2\n")
    (folder / "classes.txt").write_text("".join(f"c{k}\n" for k in range(classes)))
    sizes = root / "sizes.csv"
    sizes.write_text("image,width,height\n" + "".join(f"{n:012},100,200\n" for n in range(IMAGES)))
    return folder, dm.Reading(image_sizes=sizes)


def shown(at: int, classes: int) -> tuple[int, int]:
    return (at * classes) // IMAGES, classes - 1 - at


def predictions(root, classes: int, number, *, named: bool = True):
    """Boxes as they are, with class numbers as ``number`` makes them of indices."""
    rows = []
    for at in range(IMAGES):
        boxes = [[40, 80, 20, 40], [25, 40, 10, 40]]
        for known, box in zip(shown(at, classes), boxes, strict=True):
            row = {"image_id": at, "category_id": number(known), "bbox": box, "score": 0.5}
            rows.append({**row, "file_name": f"{at:012}.jpg"} if named else row)
    if not named:
        for row in rows:
            row["image_id"] = f"{row['image_id']:012}"
    path = root / "predictions.json"
    path.write_text(json.dumps(rows))
    return path


def ap50(folder, found, reading) -> float:
    return dm.evaluate(folder, found, reading=reading).summary["AP50"]


def test_coco_ids_of_91(tmp_path):
    folder, reading = labels(tmp_path, 80)
    found = predictions(tmp_path, 80, COCO_IDS.__getitem__)
    assert ap50(folder, found, reading) == pytest.approx(1)


def test_counting_from_one(tmp_path):
    folder, reading = labels(tmp_path, 6)
    assert ap50(folder, predictions(tmp_path, 6, lambda k: k + 1), reading) == pytest.approx(1)


@pytest.mark.parametrize("first", [0, 1])
def test_old_releases_show_it_in_the_numbers(tmp_path, first):
    folder, reading = labels(tmp_path, 6)
    found = predictions(tmp_path, 6, lambda k: k + first, named=False)
    assert ap50(folder, found, reading) == pytest.approx(1)


def test_where_both_fit_it_asks(tmp_path):
    folder, reading = labels(tmp_path, 80)
    found = predictions(tmp_path, 80, lambda k: k + 1)
    with pytest.raises(dm.FormatError, match="--class-numbers coco91 or index1"):
        ap50(folder, found, reading)
    asked = dm.Reading(image_sizes=reading.image_sizes, class_numbers="index1")
    assert ap50(folder, found, asked) == pytest.approx(1)


def test_old_releases_where_both_fit(tmp_path):
    folder, reading = labels(tmp_path, 20)
    found = predictions(tmp_path, 20, lambda k: min(k + 1, 18), named=False)
    with pytest.raises(dm.FormatError, match="--class-numbers index0 or index1"):
        ap50(folder, found, reading)


def test_coco_ground_truth_takes_its_own_ids(tmp_path):
    truth = {
        "images": [{"id": n, "file_name": f"{n:012}.jpg"} for n in range(IMAGES)],
        "categories": [{"id": known, "name": f"c{known}"} for known in COCO_IDS],
        "annotations": [
            {"id": at + 1, "image_id": at, "category_id": COCO_IDS[k], "bbox": [40, 80, 20, 40]}
            for at in range(IMAGES)
            for k in shown(at, 80)[:1]
        ],
    }
    path = tmp_path / "truth.json"
    path.write_text(json.dumps(truth))
    found = predictions(tmp_path, 80, COCO_IDS.__getitem__)
    assert dm.evaluate(path, found).summary["AP50"] == pytest.approx(1)
