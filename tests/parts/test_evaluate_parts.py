"""Files in parts, evaluated part by part, give the numbers of all of them at once."""

from __future__ import annotations

import tempfile
import warnings
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from parts.part_files import DataSet, data_set, in_parts, write_table
from parts.sameness import assert_equal
from profiles import examples

import detmetrics as dm

pytestmark = pytest.mark.filterwarnings("ignore::detmetrics.DetmetricsWarning")

OF_BOXES = [
    *("coco", "voc2007", "voc2012", "openimages", "ultralytics", "ultralytics-2025"),
    *("torchmetrics", "olrp", "citypersons", "crowdhuman"),
]


class TestLaw:
    """A data set in parts has the metrics, cells, curves, ties, classes and counts of the whole,
    in every bit, whatever its parts; under ``ties="file"`` the whole is one part below the other.
    """

    @staticmethod
    def check(data: DataSet, rules: dm.Rules, ours: object, whole: object) -> None:
        with tempfile.TemporaryDirectory() as folder:
            files = data.write(Path(folder))
            assert_equal(in_parts(Path(folder), rules, **ours), dm.evaluate(*files, rules, **whole))

    @examples(1)
    @pytest.mark.parametrize("name", OF_BOXES)
    @given(seed=st.integers(0, 10**6), text=st.booleans(), ties=st.sampled_from(["image", "file"]))
    def test_of_boxes(self, name, seed, text, ties):
        rules = dm.RULE_SETS[name].replace(ties=ties)
        rules = rules.replace(metrics=[one for one in rules.metrics if one != "ji"])
        if name == "citypersons":  # whose visibility is no field of COCO
            rules = rules.replace(area_ranges=dm.COCO.area_ranges)
        boxes = {"shape": "box"}
        self.check(data_set(seed, text=text), rules, boxes, boxes)

    @examples(3)
    @given(seed=st.integers(0, 10**6), pooled=st.booleans())
    def test_of_masks(self, seed, pooled):
        rules = dm.COCO_SEGM.replace(class_agnostic=pooled)
        self.check(data_set(seed, masks=True), rules, {}, {})

    @examples(3)
    @given(seed=st.integers(0, 10**6), rules=st.sampled_from(["coco-oriented", "dota", "voc2012"]))
    def test_of_oriented_boxes_in_tables(self, seed, rules):
        """Parquet and CSV, which know neither all classes nor all images."""
        rng, data = np.random.default_rng(seed), data_set(seed)
        known = sorted({one["category_id"] for one in data.annotations})
        found = [one for one in data.detections if one["category_id"] in known]
        assume(known and found)
        box = ["cx", "cy", "w", "h", "angle"] if rules != "voc2012" else ["x", "y", "w", "h"]

        def row(one: dict) -> dict:
            values = [*one["bbox"], int(rng.integers(0, 3)) * 0.5][: len(box)]
            told = {"image": f"{one['image_id']}.jpg", "class": f"c{one['category_id']}"}
            return told | dict(zip(box, values, strict=True)) | {"score": one.get("score")}

        truth, found = ([*map(row, rows)] for rows in (data.annotations, found))
        part_of = {f"{known}.jpg": part for known, part in data.part_of.items()}
        images = [{"image": name} for name in part_of]
        classes = [f"c{number}" for number in known]
        with tempfile.TemporaryDirectory() as temporary:
            folder = Path(temporary)
            columns = ["image", "class", *box]
            for part in (None, *sorted({*part_of.values()})):
                suffix = "parquet" if part in (None, 1) else "csv"
                for side, rows, own in (
                    ("gt", truth, columns),
                    ("detections", found, [*columns, "score"]),
                ):
                    kept = [one for one in rows if part in (None, part_of[one["image"]])]
                    kept.sort(key=lambda one: part_of[one["image"]])
                    kept = [{name: one[name] for name in own} for one in kept]
                    name = side if part is None else f"{side}/part={part}/data"
                    write_table(folder / f"{name}.{suffix}", kept, own)
            write_table(folder / "gt" / "images.csv", images, ["image"])
            reading = {"angle": "radians-clockwise"} if len(box) == 5 else {}
            ours = in_parts(folder, rules, class_list=classes, reading=dm.Reading(**reading))
            told = dm.Reading(image_list=[one["image"] for one in images], **reading)
            whole = dm.evaluate(
                folder / "gt.parquet", folder / "detections.parquet", rules, reading=told
            )
            assert ours.summary == whole.summary
            assert ours.counts["images"] == whole.counts["images"]
            assert ours.counts["detections"] == whole.counts["detections"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    data_set(3).write(tmp_path)
    return tmp_path


class TestEngines:
    """Whoever maps, the numbers are the same."""

    @pytest.mark.parametrize("engine", ["threads", "callable", "processes"])
    def test_of_every_kind(self, folder, engine):
        whole = dm.evaluate(folder / "gt.json", folder / "detections.json", "coco", shape="box")
        asked = {"shape": "box"}
        if engine == "processes":
            ours = in_parts(folder, workers=2, **asked)
        elif engine == "threads":
            with ThreadPoolExecutor(2) as pool:
                ours = in_parts(folder, engine=pool, **asked)
        else:
            ours = in_parts(folder, engine=lambda f, tasks: [f(one) for one in tasks], **asked)
        assert_equal(ours, whole)

    def test_threads_leave_warnings_as_they_were(self, folder):
        before = [*warnings.filters]
        with ThreadPoolExecutor(2) as pool:
            in_parts(folder, engine=pool)
        assert warnings.filters == before
