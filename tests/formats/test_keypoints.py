"""Lines of a box and keypoints are read as boxes, and never as the polygons that they resemble."""

from __future__ import annotations

import re
import warnings
from pathlib import Path

import numpy as np
import pytest

import detmetrics as dm

FILES = 7


def drawn(rows: int, keypoints: int, numbers: int, seed: int = 0) -> list[list[float]]:
    """``cx cy w h`` and keypoints in each box; numbers: of a keypoint, 3 with a confidence."""
    rng = np.random.default_rng(seed)
    lines = []
    for _ in range(rows):
        side = rng.uniform(0.1, 0.4, 2)
        centre = rng.uniform(side / 2, 1 - side / 2)
        points = centre + rng.uniform(-0.5, 0.5, (keypoints, 2)) * side
        sight = rng.uniform(0, 1, (keypoints, numbers - 2))
        lines.append([*centre, *side, *np.column_stack([points, sight]).ravel()])
    return lines


def lay(folder: Path, lines: list[list[float]]) -> Path:
    folder.mkdir()
    for at, line in enumerate(lines):
        with (folder / f"img_{at % FILES}.txt").open("a") as file:
            file.write(" ".join(f"{number:.6g}" for number in (0, *line)) + "\n")
    return folder


def truth(folder: Path, lines: list[list[float]]) -> Path:
    return lay(folder, [line[:4] for line in lines])


def scored(lines: list[list[float]], *, tracked: bool = False) -> list[list[float]]:
    return [
        [*line, 0.9 - at / 400, *([at // FILES + 1] if tracked else [])]
        for at, line in enumerate(lines)
    ]


def polygons(rows: int, corners: int, seed: int = 0) -> list[list[float]]:
    rng = np.random.default_rng(seed)
    lines = []
    for _ in range(rows):
        centre = rng.uniform(0.1, 0.9, 2)
        reach = min(rng.uniform(0.02, 0.3), *centre, *(1 - centre))
        turn = np.sort(rng.uniform(0, 2 * np.pi, corners))
        spikes = rng.uniform(0.5, 1, (corners, 1)) * reach
        lines.append([*(centre + spikes * np.column_stack([np.cos(turn), np.sin(turn)])).ravel()])
    return lines


class TestPredictions:
    """Whether keypoints have confidences, and a track id follows, the boxes are the same."""

    @pytest.mark.parametrize("tracked", [False, True])
    @pytest.mark.parametrize("numbers", [2, 3])
    @pytest.mark.parametrize("keypoints", [2, 3, 4, 5, 17])
    def test_boxes_and_scores(self, tmp_path, keypoints, numbers, tracked):
        lines = drawn(60, keypoints, numbers)
        found = lay(tmp_path / "dt", scored(lines, tracked=tracked))
        result = dm.evaluate(truth(tmp_path / "gt", lines), found)
        assert result.summary["AP50"] == pytest.approx(1)
        assert sorted(result.detections.scores)[-1] == pytest.approx(0.9)
        assert any("keypoints: the boxes are read" in note for note in result.detections.notes)

    @pytest.mark.parametrize("numbers", [2, 3])
    def test_without_scores(self, tmp_path, numbers):
        lines = drawn(60, 5, numbers)
        with pytest.raises(dm.FormatError, match=r"have no score; save scores too"):
            dm.evaluate(truth(tmp_path / "gt", lines), lay(tmp_path / "dt", lines))

    def test_one_keypoint_leaves_it_open(self, tmp_path):
        """``class cx cy w h x y c``: the confidence of the keypoint or of the box."""
        lines = drawn(60, 1, 2)
        gt, dt = truth(tmp_path / "gt", lines), lay(tmp_path / "dt", scored(lines))
        with pytest.raises(dm.FormatError, match="may end with a score or not") as refused:
            dm.evaluate(gt, dt)
        asked = re.search(r"--columns '([^']+)'", str(refused.value))
        assert asked is not None
        result = dm.evaluate(gt, dt, reading=dm.Reading(columns=asked[1]))
        assert result.summary["AP50"] == pytest.approx(1)

    def test_a_line_that_may_be_a_polygon_is_a_warning_that_names_the_cure(self, tmp_path):
        line = [0.7, 0.7, 0.2, 0.3, 0.65, 0.65, 0.75, 0.75, 0.7, 0.6]
        gt, dt = truth(tmp_path / "gt", [line]), lay(tmp_path / "dt", scored([line]))
        with warnings.catch_warnings(record=True) as said:
            warnings.simplefilter("always")
            noted = dm.evaluate(gt, dt).attention
        assert any("may as well hold" in str(one.message) for one in said)
        asked = re.search(r"keypoints and a score.*--columns '([^']+)'", "".join(noted))
        assert asked is not None
        result = dm.evaluate(gt, dt, reading=dm.Reading(columns=asked[1]))
        assert result.summary["AP50"] == pytest.approx(1)

    @pytest.mark.parametrize("corners", [3, 5, 6, 12, 30])
    @pytest.mark.parametrize("rows", [3, 20, 200])
    def test_polygons_stay_polygons(self, tmp_path, rows, corners):
        lines = polygons(rows, corners)
        gt, dt = lay(tmp_path / "gt", lines), lay(tmp_path / "dt", scored(lines))
        with warnings.catch_warnings(record=True) as said:
            warnings.simplefilter("always")
            found = dm.evaluate(gt, dt)
        assert rows == 3 or not any("may as well hold" in str(one.message) for one in said)
        assert found.detections.shapes is not None
        assert found.ground_truth.shapes is not None


class TestLabels:
    """Keypoints without visibility and without a data.yaml that tells them."""

    @pytest.mark.parametrize("keypoints", [2, 5, 17])
    def test_boxes(self, tmp_path, keypoints):
        lines = drawn(60, keypoints, 2)
        labels = dm.read_ground_truth(lay(tmp_path / "gt", lines))
        assert labels.shapes is None
        assert labels.xywh[:, 2:].max() <= 0.4
