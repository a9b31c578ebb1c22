"""What convert writes is read back with no option, and gives the numbers of its source."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given
from hypothesis import strategies as st
from profiles import examples

import detmetrics as dm
from detmetrics.datasets.conversion import written
from detmetrics.formats import formats
from detmetrics.foundation.outputs import write_tree
from detmetrics.tables.catalog import Catalog

pytestmark = pytest.mark.filterwarnings("ignore::detmetrics.DetmetricsWarning")

GROUND_TRUTH = sorted(known.name for known in formats() if known.write_ground_truth)
DETECTIONS = sorted(known.name for known in formats() if known.write_detections)
IMAGE_NAMES = [
    ["a.jpg", "b.png", "c.jpg", "d.jpg"],
    ["cam1/0001.jpg", "cam2/0001.jpg", "cam1/0002.jpg", "0003.jpg"],
    ["000004.jpg", "000002.jpg", "000001.jpg", "000003.jpg"],
    ["x.y.1.jpg", "x.y.2.jpg", "1.jpg", "2.jpg"],
    ["a\rb.jpg", "c\nd.jpg", 'e,"f".jpg', "g\u2028h.jpg"],
]
CLASS_NAMES = [
    ["cat", "dog", "bird"],
    ["2", "3", "1"],
    ["0", "1", "2"],
    ["1", "2", "3"],
    ["07", "7", "no"],
    ["traffic light", "train", "test"],
    ["a\rb", "c\r\nd", 'e,"f"'],
]


def asks(said: str) -> bool:
    """Whether ids are to be asked about, or names that a list of lines cannot hold are left out."""
    return "--image-ids ids" in said or said.startswith("names of classes")


@st.composite
def tables(draw) -> tuple[dm.GroundTruth, dm.Detections]:
    """Ground truth and detections of few or many rows; some classes and images have none."""
    names = draw(st.sampled_from(IMAGE_NAMES))
    classes = draw(st.sampled_from(CLASS_NAMES))
    random = np.random.default_rng(draw(st.integers(0, 2**32)))
    first = draw(st.sampled_from([0, 1, 5]))
    catalog = Catalog.from_ids(
        images=range(first, first + len(names)),
        image_names=names,
        image_sizes=random.integers(200, 900, (len(names), 2)),
        categories=range(first, first + len(classes)),
        category_names=classes,
    )
    truths, found = draw(st.sampled_from([1, 3, 20])), draw(st.sampled_from([0, 1, 2, 5, 40]))

    def ids(count: int, below: int) -> np.ndarray:
        return first + random.integers(0, draw(st.integers(1, below)), count)

    image, category = ids(truths, len(names)), ids(truths, len(classes))
    boxes = random.uniform(5, 90, (truths, 4))
    like = random.integers(0, truths, found)
    near = boxes[like] + random.uniform(-9, 9, (found, 4))
    near[:, 2:] = np.abs(near[:, 2:]) + 1
    ground_truth = dm.GroundTruth.from_arrays(
        image_ids=image, categories=category, boxes=boxes, catalog=catalog
    )
    detections = dm.Detections.from_arrays(
        image_ids=image[like],
        categories=category[like],
        boxes=near,
        scores=random.uniform(0, 1, found),
        catalog=catalog,
    )
    return ground_truth, detections


def number_of(ground_truth, detections) -> dict[str, float]:
    return dm.evaluate(ground_truth, detections, rules="coco", shape="box").scalars()


ALL_AREAS = ("AP", "AP50", "AP75", "AR1", "AR10", "AR100")
PAIRS = [
    *((name, name) for name in GROUND_TRUTH if name in DETECTIONS),
    *(("coco", name) for name in DETECTIONS if name != "coco"),
]


class TestReadBack:
    """Both sides in one format, and detections in any beside ground truth with ids and names."""

    @examples(8, HealthCheck.filter_too_much)
    @pytest.mark.parametrize(("truth_as", "found_as"), PAIRS)
    @given(tables())
    def test_same_numbers(self, tmp_path_factory, truth_as, found_as, scene):
        ground_truth, detections = scene
        folder = tmp_path_factory.mktemp("converted")
        try:
            for name, table, to in (
                ("truth", ground_truth, truth_as),
                ("found", detections, found_as),
            ):
                done = written(table, to)
                write_tree(str(folder / name), done.files)
                assume(not any(map(asks, done.lost)))
        except dm.OutputError:  # a name that the format cannot hold is said
            assume(False)
        expected, got = number_of(*scene), number_of(folder / "truth", folder / "found")
        if truth_as == "openimages":  # which has no sizes of images, as convert says
            expected, got = ({name: one[name] for name in ALL_AREAS} for one in (expected, got))
        assert got == pytest.approx(expected, abs=1e-6, nan_ok=True)


class TestBesideTheSource:
    """Detections that were converted, beside the ground truth that gave them its ids."""

    @examples(2, HealthCheck.filter_too_much)
    @pytest.mark.parametrize("found_as", DETECTIONS)
    @pytest.mark.parametrize("truth_as", GROUND_TRUTH)
    @given(tables())
    def test_same_numbers(self, tmp_path_factory, truth_as, found_as, scene):
        folder = tmp_path_factory.mktemp("converted")
        own = truth_as if truth_as in DETECTIONS else "coco"
        try:
            for name, table, to in (("truth", scene[0], truth_as), ("found", scene[1], own)):
                done = written(table, to)
                write_tree(str(folder / name), done.files)
                assume(not any(map(asks, done.lost)))
            done = dm.convert(
                folder / "found", folder / "made", to=found_as, ground_truth=folder / "truth"
            )
        except dm.OutputError:  # a name or a size that the format cannot hold is said
            assume(False)
        assume(not any(map(asks, done.lost)))
        expected = number_of(folder / "truth", folder / "found")
        got = number_of(folder / "truth", folder / "made")
        assert got == pytest.approx(expected, abs=1e-6, nan_ok=True)
