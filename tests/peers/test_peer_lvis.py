"""The lvis package on the same files: every cell of precision and recall, all thirteen results."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import detmetrics as dm

pytest.importorskip("lvis", reason="needs lvis: make test-peers")

pytestmark = [
    pytest.mark.filterwarnings("ignore::detmetrics.DetmetricsWarning"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
]

RESULTS = {
    "AP": "AP", "AP50": "AP50", "AP75": "AP75", "APs": "APs", "APm": "APm", "APl": "APl",
    "APr": "APr", "APc": "APc", "APf": "APf", "AR@300": "AR", "ARs@300": "ARs",
    "ARm@300": "ARm", "ARl@300": "ARl",
}  # fmt: skip


@st.composite
def files(draw):
    """Ground truth and detections as documents, made to collide."""
    images, classes = range(1, 4), range(1, 5)
    side = st.integers(0, 60)
    box = st.tuples(side, side, st.integers(1, 60), st.integers(1, 60)).map(list)
    some = st.lists(st.sampled_from(classes), max_size=3, unique=True)
    annotations = draw(
        st.lists(
            st.fixed_dictionaries(
                {
                    "image_id": st.sampled_from(images),
                    "category_id": st.sampled_from(classes),
                    "bbox": box,
                    "ignore": st.sampled_from([0, 0, 1]),
                }
            ),
            min_size=1,
            max_size=12,
        )
    )
    for number, row in enumerate(annotations, start=1):
        row |= {"id": number, "area": row["bbox"][2] * row["bbox"][3]}
    truth = {
        "images": [
            {
                "id": number, "width": 100, "height": 100, "file_name": f"{number}.jpg",
                "neg_category_ids": draw(some), "not_exhaustive_category_ids": draw(some),
            }
            for number in images
        ],
        "categories": [
            {"id": number, "name": str(number), "frequency": draw(st.sampled_from("rcf"))}
            for number in classes
        ],
        "annotations": annotations,
    }  # fmt: skip
    copies = st.sampled_from([row["bbox"] for row in annotations])
    found = draw(
        st.lists(
            st.fixed_dictionaries(
                {
                    "image_id": st.sampled_from(images),
                    "category_id": st.sampled_from(classes),
                    "bbox": st.one_of(box, copies),
                    "score": st.sampled_from([0.1, 0.3, 0.5, 0.9]),
                }
            ),
            min_size=1,
            max_size=24,
        )
    )
    return truth, found


def theirs(truth_path, found):
    import lvis

    vars(np).setdefault("float", float)  # NumPy took it away, and lvis 0.5.3 asks for it
    evaluator = lvis.LVISEval(str(truth_path), json.loads(json.dumps(found)), "bbox")
    evaluator.run()
    return evaluator


def compare(folder, truth, found):
    paths = folder / "truth.json", folder / "found.json"
    for path, content in zip(paths, (truth, found), strict=True):
        path.write_text(json.dumps(content))
    evaluator = theirs(paths[0], found)
    result = dm.evaluate(*paths, dm.LVIS)
    arrays = result.arrays()
    for name, cells in (
        ("precision", arrays["precision"][..., 0]), ("recall", arrays["recall"][..., 0])
    ):  # fmt: skip
        other = np.where(evaluator.eval[name] == -1, np.nan, evaluator.eval[name])
        np.testing.assert_array_equal(cells, other)
    for name, ours in RESULTS.items():
        value = evaluator.results[name]
        mine = result.summary[ours]
        assert np.isnan(mine) if value == -1 else mine == pytest.approx(value, abs=1e-12), name


@given(both=files())
@settings(max_examples=150)
def test_made_up_files(tmp_path_factory, both):
    compare(tmp_path_factory.mktemp("lvis"), *both)


def test_real_boxes(tmp_path, shared):
    """COCO's sample, with lists of classes made up from a seed."""
    folder = shared / "coco_val2014_100"
    truth = json.loads((folder / "instances_val2014_100.json").read_text())
    found = json.loads((folder / "instances_val2014_fakebbox100_results.json").read_text())
    random = np.random.default_rng(0)
    numbers = [row["id"] for row in truth["categories"]]
    for image in truth["images"]:
        for key, count in (("neg_category_ids", 10), ("not_exhaustive_category_ids", 3)):
            image[key] = random.choice(numbers, count, replace=False).tolist()
    for row in truth["categories"]:
        row["frequency"] = str(random.choice(list("rcf")))
    compare(tmp_path, truth, found)
