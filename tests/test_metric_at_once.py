"""Batches that are checked at once: what reading each image by itself gives, or says."""

from __future__ import annotations

import contextlib
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from profiles import examples

import detmetrics as dm
from detmetrics.training import metric as module

pytestmark = pytest.mark.filterwarnings("ignore::detmetrics.DetmetricsWarning")

IMPOSSIBLE = (KeyError, TypeError, AttributeError, ValueError, OverflowError)
"""What changes end in that cannot be made, as of whole numbers or after another change."""
CLASSES = {1: "cat", 3: "dog", 7: "car"}
ODD = {
    "a label that is none": lambda d: d.update(labels=d["labels"] + 1),
    "labels as floats": lambda d: d.update(labels=d["labels"].astype(np.float32)),
    "labels as names": lambda d: d.update(labels=[CLASSES[int(k)] for k in d["labels"]]),
    "a list": lambda d: d.update(boxes=d["boxes"].tolist()),
    "no boxes": lambda d: d.pop("boxes"),
    "no labels": lambda d: d.pop("labels"),
    "None": lambda d: d.update(labels=None),
    "another length": lambda d: d.update(labels=np.append(d["labels"], 1)),
    "a column": lambda d: d.update(labels=d["labels"][:, None]),
    "flat boxes": lambda d: d.update(boxes=d["boxes"].ravel()),
    "another type": lambda d: d.update(boxes=d["boxes"].astype(np.float16)),
    "nan": lambda d: d["boxes"].__setitem__(slice(0, 1), np.nan),
    "beyond any pixel": lambda d: d["boxes"].__setitem__(slice(0, 1), 3e38),
    "turned round": lambda d: d.update(boxes=-d["boxes"]),
    "masked": lambda d: d.update(boxes=np.ma.masked_array(d["boxes"], d["boxes"] > 20)),
    "objects": lambda d: d.update(labels=d["labels"].astype(object)),
    "an area below 0": lambda d: d.update(area=np.full(len(d["labels"]), -1.0)),
    "an area in one": lambda d: d.update(area=np.ones(len(d["labels"]))),
    "crowds in one": lambda d: d.update(crowd=np.ones(len(d["labels"]), bool)),
    "an odd score": lambda d: d.update(scores=np.full(len(d["labels"]), np.inf)),
    "scores that are whole": lambda d: d.update(scores=np.ones(len(d["labels"]), int)),
    "no scores": lambda d: d.pop("scores", None),
    "masks": lambda d: d.update(masks=np.zeros((len(d["labels"]), 4, 4), bool)),
}


@st.composite
def batches(draw: st.DrawFn) -> tuple[list[dict], list[dict], Any]:
    """Predictions and targets of some images, and their sizes."""
    kind = draw(st.sampled_from([np.float32, np.float64, np.int64, np.dtype(">f4")]))
    whole = draw(st.sampled_from([np.int64, np.int32, np.uint8]))
    extra = draw(st.sets(st.sampled_from(["area", "iscrowd", "crowd", "ignore", "difficult"])))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))

    def side(scored: bool) -> dict:
        count = draw(st.integers(0, 4))
        boxes = rng.integers(0, 30, (count, 4))
        boxes[:, 2:] += boxes[:, :2]
        one: dict[str, Any] = {
            "boxes": boxes.astype(kind),
            "labels": rng.choice([*CLASSES], count).astype(whole),
        }
        if scored:
            return {**one, "scores": rng.random(count).astype(np.float32)}
        return {**one, **{name: rng.integers(0, 2, count) for name in extra}}

    count = draw(st.integers(0, 4))
    both = [side(True) for _ in range(count)], [side(False) for _ in range(count)]
    for odd in draw(st.lists(st.sampled_from([*ODD]), max_size=2)) if count else []:
        with contextlib.suppress(*IMPOSSIBLE):
            ODD[odd](both[draw(st.integers(0, 1))][draw(st.integers(0, count - 1))])
    sizes = draw(st.sampled_from([None, (40, 30), (0, 3)]))
    return *both, None if sizes is None else [sizes] * count


def taken(batch: tuple, **options: Any) -> Any:
    """What a metric holds afterwards, or what it says."""
    predictions, targets, sizes = batch
    metric = dm.DetectionMetric(CLASSES, **options)
    try:
        metric.update(range(len(predictions)), predictions, targets, sizes)
    except dm.InputError as error:
        return str(error)
    return [
        (one.predictions.tolist(), one.targets.tolist(), one.size, one.dropped, one.masks is None)
        for one in metric._images.values()
    ]


@examples(300)
@given(
    batches(),
    st.sampled_from(["xyxy", "xywh", "cxcywh"]),
    st.sampled_from(["error", "drop"]),
    st.booleans(),
)
def test_as_image_by_image(batch, box_format, on_invalid, scored):
    options = {"box_format": box_format, "on_invalid": on_invalid}
    options |= {} if scored else {"scores": "none"}
    found = taken(batch, **options)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "taken_at_once", lambda *_: None)
        assert repr(taken(batch, **options)) == repr(found)


def test_a_usual_batch_is_checked_at_once(monkeypatch):
    monkeypatch.setattr(module, "image_of", None)
    boxes = np.array([[0, 0, 10, 10]], np.float32)
    one = {"boxes": boxes, "labels": np.array([1]), "scores": np.array([0.5], np.float32)}
    assert len(taken(([one] * 3, [{"boxes": boxes, "labels": np.array([1])}] * 3, None))) == 3
