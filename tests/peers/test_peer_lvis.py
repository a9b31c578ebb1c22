"""The lvis package on the same files: every cell of precision and recall, all thirteen results."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from profiles import examples

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


def theirs(truth_path, found, rules):
    """What lvis gives; the limit of a class, which no release has, as its main branch takes it."""
    import lvis

    vars(np).setdefault("float", float)  # NumPy took it away, and lvis 0.5.3 asks for it
    best = sorted(json.loads(json.dumps(found)), key=lambda row: row["score"], reverse=True)
    if rules.class_limit is None:
        kept, limit = json.loads(json.dumps(found)), rules.image_limit
    else:
        classes = {row["category_id"]: [] for row in best}
        for row in best:
            classes[row["category_id"]].append(row)
        kept, limit = [row for rows in classes.values() for row in rows[: rules.class_limit]], -1
    truth = lvis.LVIS(str(truth_path))
    evaluator = lvis.LVISEval(truth, lvis.LVISResults(truth, kept, max_dets=limit), "bbox")
    evaluator.run()
    return evaluator


def compare(folder, truth, found, rules=dm.LVIS):
    paths = folder / "truth.json", folder / "found.json"
    for path, content in zip(paths, (truth, found), strict=True):
        path.write_text(json.dumps(content))
    evaluator = theirs(paths[0], found, rules)
    result = dm.evaluate(*paths, rules)
    arrays = result.arrays()
    for name, cells in (
        ("precision", arrays["precision"][..., 0]), ("recall", arrays["recall"][..., 0])
    ):  # fmt: skip
        other = np.where(evaluator.eval[name] == -1, np.nan, evaluator.eval[name])
        np.testing.assert_array_equal(cells, other)
    assert len(evaluator.results) == len(RESULTS)
    for (name, value), ours in zip(evaluator.results.items(), RESULTS.values(), strict=True):
        mine = result.summary[ours]
        assert np.isnan(mine) if value == -1 else mine == pytest.approx(value, abs=1e-12), name


@given(both=files())
@examples(150)
def test_made_up_files(tmp_path_factory, both):
    compare(tmp_path_factory.mktemp("lvis"), *both)


def crowded(seed, levels):
    """More than 300 detections an image, near the objects; scores are one of so many levels."""
    random = np.random.default_rng(seed)
    images, classes = 3, 8

    def some(top, count):
        return (random.permutation(top)[:count] + 1).tolist()

    boxes = random.integers([0, 0, 1, 1], 120, (150, 4))
    truth = {
        "images": [
            {
                "id": number, "width": 300, "height": 300, "file_name": f"{number}.jpg",
                "neg_category_ids": some(classes, 2),
                "not_exhaustive_category_ids": some(classes, 2),
            }
            for number in range(1, images + 1)
        ],
        "categories": [
            {"id": number, "name": str(number), "frequency": "rcf"[number % 3]}
            for number in range(1, classes + 1)
        ],
        "annotations": [
            {
                "id": number, "image_id": some(images, 1)[0], "category_id": some(classes, 1)[0],
                "bbox": box, "area": box[2] * box[3],
                "ignore": int(random.random() < 0.15), "iscrowd": int(random.random() < 0.1),
            }
            for number, box in enumerate(boxes.tolist(), start=1)
        ],
    }  # fmt: skip
    found = []
    for _ in range(1500):
        near = truth["annotations"][random.integers(len(boxes))]
        moved = np.maximum(np.array(near["bbox"]) + random.integers(-3, 4, 4), [0, 0, 1, 1])
        elsewhere = random.random() < 0.3
        found.append(
            {
                "image_id": near["image_id"],
                "category_id": some(classes, 1)[0] if elsewhere else near["category_id"],
                "bbox": moved.tolist(),
                "score": int(random.integers(1, levels)) / levels,
            }
        )
    return truth, found


@pytest.mark.parametrize("levels", [20, 10**6])
@pytest.mark.parametrize(
    "rules", [dm.LVIS, dm.LVIS_FIXED.replace(class_limit=60)], ids=lambda rules: rules.name
)
def test_limits_that_cut(tmp_path, rules, levels):
    """300 an image, and the best of each class over all images, with equal scores at the cut."""
    for seed in range(3):
        truth, found = crowded(seed, levels)
        numbers = [row["image_id"] for row in found]
        assert min(map(numbers.count, (1, 2, 3))) > 300
        compare(tmp_path, truth, found, rules)


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
