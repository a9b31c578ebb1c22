"""Real files in their own formats give the numbers that are known for them."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from builders import unpacked
from real_data import real_data

import detmetrics as dm

pytestmark = pytest.mark.filterwarnings("ignore::detmetrics.DetmetricsWarning")

# NumPy 2.3 adds the numbers of a mean in another order than before, and so the last bit differs, of
# pycocotools' results too, which are the reference.
SAME_MEANS = np.lib.NumpyVersion(np.__version__) >= "2.3.0"
TWELVE = ["AP", "AP50", "AP75", "APs", "APm", "APl", "AR1", "AR10", "AR100", "ARs", "ARm", "ARl"]


class TestVOC2007:
    """XML and comp4 files directly: the twelve numbers of the reference, to the last digits."""

    @pytest.mark.parametrize("detector", ["yolov2", "yolo2_e150", "yolov1_18_classes"])
    def test_twelve_numbers(self, voc, detector):
        known = json.loads((voc / "reference.json").read_text())[detector]
        classes = [*known["voc11"]]  # one detector lacks two classes, and so does its reference
        result = dm.evaluate(voc / "Annotations", voc / detector, classes=classes)
        assert result.counts["images"] == known["images"]
        assert len(result.detections) == known["dets"]
        found = [result.summary[name] for name in TWELVE]
        if detector == "yolov1_18_classes":
            assert found == pytest.approx(known["coco12"], abs=1e-12)
        else:
            bound = 0 if SAME_MEANS else 1e-15
            assert found == pytest.approx(known["coco12"], rel=bound, abs=0)

    def test_class_that_the_detector_lacks_counts_as_zero(self, voc):
        result = dm.evaluate(voc / "Annotations", voc / "yolov1_18_classes")
        known = json.loads((voc / "reference.json").read_text())["yolov1_18_classes"]["coco12"]
        assert result.summary["AP"] == pytest.approx(known[0] * 18 / 20, abs=1e-12)

    def test_a_list_of_images(self, voc):
        with pytest.raises(dm.InputError, match="no image 'nobody'"):
            dm.evaluate(voc / "Annotations", voc / "yolov2", images=["nobody"])
        result = dm.evaluate(voc / "Annotations", voc / "yolov2", images=["000001", "000002"])
        assert result.counts["images"] == 2


@pytest.fixture(scope="module")
def review(tmp_path_factory) -> Path:
    archive = real_data("many_formats/padilla_review.tar.gz")
    return unpacked(archive, tmp_path_factory.mktemp("review"))


PUBLISHED = [
    *(0.503647, 0.696973, 0.571667, 0.593252, 0.557991, 0.489363),
    *(0.386813, 0.593680, 0.595353, 0.654764, 0.603130, 0.553744),
]


class TestManyFormats:
    """One set in many formats: the same numbers from each, and the published ones."""

    def published(self, review: Path) -> tuple[Path, Path]:
        root = review / "tests" / "test_coco_eval"
        return next((root / "gts").glob("*.json")), next((root / "dets").glob("*.json"))

    def test_published(self, review):
        summary = dm.evaluate(*self.published(review)).summary
        assert [summary[name] for name in TWELVE] == pytest.approx(PUBLISHED, abs=1e-6)

    @pytest.mark.parametrize("to", ["coco", "csv", "parquet", "yolo", "openimages", "voc"])
    def test_published_through_every_format(self, review, tmp_path, to):
        truth, found = self.published(review)
        dm.convert(truth, tmp_path / "truth", to=to)
        dm.convert(found, tmp_path / "found", to=to, ground_truth=truth)
        names = json.loads(truth.read_text())["categories"]
        ordered = [row["name"] for row in sorted(names, key=lambda row: row["id"])]
        reading = dm.Reading(
            class_names=ordered, image_sizes=sizes_of(truth), columns=ORDER if to == "yolo" else ()
        )
        result = dm.evaluate(tmp_path / "truth", tmp_path / "found", reading=reading)
        values = [result.summary[name] for name in TWELVE]
        # One box of this set lies so exactly on a threshold that YOLO's division tips it over.
        assert values == pytest.approx(PUBLISHED, abs=1e-3 if to == "yolo" else 1e-6)

    TRUTHS = (
        "coco_format_v1/instances_default.json",
        "coco_format_v2/instances_v2.json",
        "pascalvoc_format",
        "imagenet_format",
        "openimages_format/all_bounding_boxes.csv",
        "yolo_format",
    )
    FOUND = ("abs_xywh", "abs_xyx2y2", "rel_xywh", "coco_format/coco_dets.json")

    @pytest.mark.parametrize("found", FOUND)
    @pytest.mark.parametrize("truth", TRUTHS)
    def test_every_pair_agrees(self, review, truth, found):
        root = review / "data" / "database"
        sizes = sizes_of(root / "gts" / "coco_format_v2" / "instances_v2.json")
        reading = dm.Reading(class_names=review / "toyexample" / "voc.names", image_sizes=sizes)
        rules = dm.COCO.replace(difficult="count")
        known = dm.evaluate(
            root / "gts" / self.TRUTHS[1], root / "dets" / self.FOUND[0], rules, reading=reading
        ).summary
        summary = dm.evaluate(
            root / "gts" / truth, root / "dets" / found, rules, reading=reading
        ).summary
        assert known["AP"] == pytest.approx(0.3470, abs=1e-4)
        shares = "openimages" in truth or "yolo" in truth or "rel" in found
        assert dict(summary) == pytest.approx(dict(known), abs=2e-3 if shares else 1e-12)


ORDER = "class cx cy w h score"


def sizes_of(coco: Path) -> dict[str, tuple[float, float]]:
    rows = json.loads(coco.read_text())["images"]
    return {Path(row["file_name"]).stem: (row["width"], row["height"]) for row in rows}
