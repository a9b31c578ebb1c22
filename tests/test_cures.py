"""The cure that is named after a measurement, followed in each kind of file, gives the number."""

from __future__ import annotations

import json
import re
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from misread_scenes import scene

import detmetrics as dm
from detmetrics.tables.box_columns import BoxColumns

TRUTH, FOUND = scene(seed=3, images=30, blur=0.03)
GOOD = dm.evaluate(TRUTH, FOUND).summary["AP"]
Numbers = np.ndarray
Write = Callable[[Path, Sequence[str], Numbers], Path]

SWAPPED = [1, 0, 3, 2]


def numbers(form: str) -> Numbers:
    """(D, 4) the boxes of the detections in a form."""
    boxes = FOUND.xywh
    corner, side = boxes[:, :2], boxes[:, 2:]
    if form == "x y w h":
        return boxes
    if form == "cx cy w h":
        return np.column_stack([corner + side / 2, side])
    return np.column_stack([corner, corner + side])


def truth(path: Path, *, sized: bool = True) -> Path:
    catalog = TRUTH.catalog
    document = {
        "images": [
            {"id": int(i), "file_name": name}
            | ({"width": float(w), "height": float(h)} if sized else {})
            for i, name, (w, h) in zip(
                catalog.image_ids, catalog.image_names, catalog.image_sizes, strict=True
            )
        ],
        "annotations": [
            {"id": at + 1, "image_id": int(image) + 1, "category_id": int(kind) + 1, "bbox": box}
            for at, (image, kind, box) in enumerate(
                zip(TRUTH.image, TRUTH.category, TRUTH.xywh.tolist(), strict=True)
            )
        ],
        "categories": [
            {"id": int(i), "name": name}
            for i, name in zip(catalog.category_ids, catalog.category_names, strict=True)
        ],
    }
    path.write_text(json.dumps(document))
    return path


def lines(*order: str, shares: bool = False) -> Write:
    """A text file per image; ``box`` stands for the four numbers; shares: with y before x."""

    def write(root: Path, names: Sequence[str], boxes: Numbers) -> Path:
        folder = root / "dt"
        folder.mkdir()
        sizes = np.tile(TRUTH.catalog.image_sizes[FOUND.image], 2)
        unit = sizes[:, SWAPPED] if shares else 1.0
        for at, box in enumerate((boxes / unit).tolist()):
            known = {"class": FOUND.category[at], "score": FOUND.scores[at], "id": at}
            known["box"] = " ".join(map(repr, box))
            name = Path(TRUTH.catalog.image_names[FOUND.image[at]]).stem
            with (folder / f"{name}.txt").open("a") as file:
                file.write(" ".join(str(known[what]) for what in order) + "\n")
        return folder

    return write


def frame(names: Sequence[str], boxes: Numbers) -> pd.DataFrame:
    columns = {
        "image": [TRUTH.catalog.image_names[at] for at in FOUND.image],
        "class": [TRUTH.catalog.category_names[at] for at in FOUND.category],
        "score": FOUND.scores,
    }
    return pd.DataFrame(columns | dict(zip(names, boxes.T, strict=True)))


def csv(root: Path, names: Sequence[str], boxes: Numbers) -> Path:
    frame(names, boxes).to_csv(root / "dt.csv", index=False)
    return root / "dt.csv"


def shares_in_csv(root: Path, names: Sequence[str], boxes: Numbers) -> Path:
    sizes = np.tile(TRUTH.catalog.image_sizes[FOUND.image], 2)
    return csv(root, names, boxes / sizes[:, SWAPPED])


def parquet(root: Path, names: Sequence[str], boxes: Numbers) -> Path:
    pytest.importorskip("pyarrow", reason="needs pyarrow")
    frame(names, boxes).to_parquet(root / "dt.parquet")
    return root / "dt.parquet"


def coco(root: Path, names: Sequence[str], boxes: Numbers) -> Path:
    rows = [
        {"image_id": int(i) + 1, "category_id": int(k) + 1, "bbox": box, "score": float(score)}
        for i, k, box, score in zip(
            FOUND.image, FOUND.category, boxes.tolist(), FOUND.scores, strict=True
        )
    ]
    (root / "dt.json").write_text(json.dumps(rows))
    return root / "dt.json"


def fix(result: dm.Evaluation) -> str:
    """What the one sentence that names another reading says to do."""
    made = [text for text in result.attention if "look like" in text and "Fix: " in text]
    assert len(made) == 1, result.attention
    return made[0].partition("Fix: ")[2]


def evaluated(*given: Any, **asked: Any) -> dm.Evaluation:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return dm.evaluate(*given, **asked)


class TestOptions:
    """Where ``--columns`` names columns, the cure names it in the form of the file."""

    @pytest.mark.parametrize(
        ("write", "form", "places"),
        [
            (lines("class", "box", "score", shares=True), "cx cy w h", SWAPPED),
            (lines("class", "score", "box", shares=True), "cx cy w h", SWAPPED),
            (csv, "x y w h", SWAPPED),
            (csv, "xmin ymin xmax ymax", SWAPPED),
            (csv, "x1 y1 x2 y2", SWAPPED),
            (csv, "cx cy w h", SWAPPED),
            (csv, "x y w h", [0, 1, 3, 2]),
            (shares_in_csv, "cx cy w h", SWAPPED),
            (shares_in_csv, "left top right bottom", SWAPPED),
            (parquet, "left top right bottom", SWAPPED),
        ],
    )
    def test_another_order(self, tmp_path, write, form, places):
        names = form.split()
        found = write(tmp_path, names, numbers(form)[:, places])
        said = fix(evaluated(truth(tmp_path / "gt.json"), found))
        self.followed(tmp_path, found, said)

    @pytest.mark.parametrize("order", [("class", "score", "box"), ("class", "box", "score")])
    @pytest.mark.parametrize(
        ("form", "places"),
        [("x y w h", SWAPPED), ("xmin ymin xmax ymax", SWAPPED), ("x y w h", [0, 1, 3, 2])],
    )
    def test_another_order_of_lines_in_pixels(self, tmp_path, order, form, places):
        """Where the sizes of images are known the error names it, else the measurement."""
        found = lines(*order)(tmp_path, (), numbers(form)[:, places])
        with pytest.raises(dm.FormatError, match="no usual order of columns") as refused:
            evaluated(truth(tmp_path / "gt.json"), found)
        self.followed(tmp_path, found, str(refused.value))
        said = fix(evaluated(truth(tmp_path / "gt.json", sized=False), found))
        self.followed(tmp_path, found, said)

    @pytest.mark.parametrize(
        ("write", "read", "form"),
        [
            (csv, "x y w h", "xmin ymin xmax ymax"),
            (csv, "x y w h", "cx cy w h"),
            (csv, "xmin ymin xmax ymax", "x y w h"),
            (csv, "x y w h", "ymin xmin ymax xmax"),
            (csv, "xmin ymin xmax ymax", "cx cy w h"),
        ],
    )
    def test_another_form(self, tmp_path, write, read, form):
        boxes = numbers(form)[:, SWAPPED] if form.startswith("y") else numbers(form)
        found = write(tmp_path, read.split(), boxes)
        said = fix(evaluated(truth(tmp_path / "gt.json"), found))
        self.followed(tmp_path, found, said)

    def followed(self, tmp_path: Path, found: Path, said: str) -> None:
        asked = re.search(r"use --columns '([^']+)'", said)
        assert asked is not None, said
        result = evaluated(tmp_path / "gt.json", found, reading=dm.Reading(columns=asked[1]))
        assert result.summary["AP"] == pytest.approx(GOOD, abs=1e-9)

    @pytest.mark.parametrize("names", ["a,b", "a=b", "it's"])
    def test_names_that_the_option_cannot_hold(self, tmp_path, names):
        columns = BoxColumns("xywh", (names, "y", "w", "h"))
        assert columns.order(("y", "x", "h", "w")) is None

    def test_names_as_the_file_has_them(self, tmp_path):
        found = csv(tmp_path, ("xmin", "ymin", "xmax", "ymax"), numbers("corners")[:, SWAPPED])
        found.write_text(found.read_text().replace("xmin,ymin", "a,Top left"))
        columns = dm.Reading(columns="xmin=a,ymin=Top left")
        said = fix(evaluated(truth(tmp_path / "gt.json"), found, reading=columns))
        assert "--columns 'ymin=a,xmin=Top left,ymax=xmax,xmax=ymax'" in said
        self.followed(tmp_path, found, said)


class TestNoOptions:
    """Where no option names columns, the cure is to write the numbers in another order."""

    def test_json(self, tmp_path):
        found = coco(tmp_path, (), numbers("x y w h")[:, SWAPPED])
        said = fix(evaluated(truth(tmp_path / "gt.json"), found))
        assert said == "write the numbers in the order x y w h"
        found = coco(tmp_path, (), numbers("x y w h"))
        assert evaluated(tmp_path / "gt.json", found).summary["AP"] == pytest.approx(GOOD)

    def test_arrays(self):
        found = dm.Detections.from_arrays(
            image_ids=FOUND.image + 1,
            categories=FOUND.category + 1,
            boxes=FOUND.xywh[:, SWAPPED],
            scores=FOUND.scores,
            catalog=TRUTH.catalog,
        )
        assert "--" not in fix(evaluated(TRUTH, found))

    @pytest.mark.parametrize("form", ["x y w h", "xmin ymin xmax ymax"])
    def test_data_frames(self, form):
        made = frame(form.split(), numbers(form)[:, SWAPPED])
        found = dm.Detections.from_frame(made, catalog=TRUTH.catalog)
        assert "--" not in fix(evaluated(TRUTH, found))
