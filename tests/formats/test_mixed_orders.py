"""Files of one folder in different orders of columns are refused, and bad lines are not."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from profiles import examples

import detmetrics as dm

Rows = list[list[float]]
FILES = 36


def write(folder: Path, rows_of: Callable[[np.random.Generator, int], Rows], seed: int = 0) -> Path:
    folder.mkdir(parents=True)
    rng = np.random.default_rng(seed)
    for at in range(FILES):
        lines = [" ".join(f"{one:.6g}" for one in [0, *row]) for row in rows_of(rng, at)]
        (folder / f"shot_{at:03d}.txt").write_text("\n".join(lines) + "\n")
    return folder


def shares(rng: np.random.Generator, count: int) -> np.ndarray:
    """(n, 4) ``cx cy w h`` in the unit square."""
    sides = rng.uniform(0.05, 0.4, (count, 2))
    return np.column_stack([rng.random((count, 2)) * (1 - sides) + sides / 2, sides])


def scored(order: Callable[[np.ndarray, np.ndarray], np.ndarray]) -> Callable:
    def rows(rng: np.random.Generator, _: int) -> Rows:
        count = int(rng.integers(1, 8))
        return order(shares(rng, count), rng.uniform(0.01, 1, (count, 1))).tolist()

    return rows


BEHIND = scored(lambda box, score: np.hstack([box, score]))
IN_FRONT = scored(lambda box, score: np.hstack([score, box]))
PIXELS_BEHIND = scored(
    lambda box, score: np.hstack([(box[:, :2] - box[:, 2:] / 2) * 640, box[:, 2:] * 640, score])
)
PIXELS_IN_FRONT = scored(
    lambda box, score: np.hstack([score, (box[:, :2] - box[:, 2:] / 2) * 640, box[:, 2:] * 640])
)


def labels(rng: np.random.Generator, _: int) -> Rows:
    return shares(rng, int(rng.integers(1, 8))).tolist()


def corners(rng: np.random.Generator, _: int) -> Rows:
    box = shares(rng, int(rng.integers(1, 8)))
    return np.hstack([box[:, :2] - box[:, 2:] / 2, box[:, :2] + box[:, 2:] / 2]).tolist()


def mixed(one: Callable, other: Callable, every: int) -> Callable:
    return lambda rng, at: (other if at % every == 1 else one)(rng, at)


@pytest.mark.parametrize("every", [2, 3, 6])
@pytest.mark.parametrize(
    ("one", "other"), [(BEHIND, IN_FRONT), (IN_FRONT, BEHIND)], ids=["behind", "in front"]
)
def test_predictions_with_the_score_in_front_in_some_files(tmp_path, one, other, every):
    write(tmp_path / "truth", labels)
    write(tmp_path / "found", mixed(one, other, every))
    truth = dm.read_ground_truth(tmp_path / "truth")
    with pytest.raises(dm.FormatError, match=r"of 36 files have the columns 'class .*one order"):
        dm.read_detections(tmp_path / "found", truth)


@pytest.mark.parametrize("every", [3, 6])
def test_labels_that_are_corners_in_some_files(tmp_path, every):
    write(tmp_path / "truth", mixed(labels, corners, every))
    with pytest.raises(dm.FormatError, match=r"'class xmin ymin xmax ymax' \(first "):
        dm.read_ground_truth(tmp_path / "truth", dm.Reading(gt_format="yolo"))


@pytest.mark.parametrize("every", [2, 4])
def test_lines_in_pixels(tmp_path, every):
    write(tmp_path / "found", mixed(PIXELS_IN_FRONT, PIXELS_BEHIND, every))
    catalog = dm.Catalog.from_ids(
        images=range(FILES),
        categories=[0],
        image_names=[f"shot_{at:03d}.jpg" for at in range(FILES)],
    )
    truth = dm.GroundTruth.from_arrays(image_ids=[], categories=[], boxes=[], catalog=catalog)
    with pytest.raises(dm.FormatError, match="write all files in one order"):
        dm.read_detections(tmp_path / "found", truth, dm.Reading(det_format="text"))


@given(seed=st.integers(0, 10_000), bad=st.sampled_from([0.0, 0.01, 0.05, 0.1]))
@examples(30)
def test_bad_lines_here_and_there_are_no_other_order(tmp_path_factory, seed, bad):
    folder = tmp_path_factory.mktemp("bad")

    def rows(rng: np.random.Generator, at: int) -> Rows:
        made = np.array(BEHIND(rng, at))
        wrong = rng.random(len(made)) < bad
        made[wrong, 0] += 0.6  # beyond the right side
        return made.tolist()

    write(folder / "truth", labels, seed)
    write(folder / "found", rows, seed)
    truth = dm.read_ground_truth(folder / "truth")
    said = ""
    try:
        dm.read_detections(folder / "found", truth)
    except dm.FormatError as error:  # of too many bad lines
        said = str(error)
    assert "write all files" not in said
