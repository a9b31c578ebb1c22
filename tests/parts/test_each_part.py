"""What is a sum over images is the sum of the answers of parts."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from parts.part_files import data_set, in_parts
from profiles import examples

import detmetrics as dm
from detmetrics.analysis import calibration, confusion_matrix, error_types

pytestmark = pytest.mark.filterwarnings("ignore::detmetrics.DetmetricsWarning")


def counts_by_size(result: dm.Evaluation) -> np.ndarray:
    """True and false positives and missed objects in each range of sizes."""
    matches = [result.matches(area=area.name)["verdict"] for area in result.rules.area_ranges]
    kinds = ("true positive", "false positive", "missed")
    return np.array([[(one == kind).sum() for kind in kinds] for one in matches])


def bins(result: dm.Evaluation) -> np.ndarray:
    """How many detections a bin of scores has, and how many of them are right."""
    found = calibration(result).pooled
    return np.rint([found.count, np.nan_to_num(found.precision * found.count)])


def worst_images(result: dm.Evaluation) -> list[tuple[int, object]]:
    """The three images with the most false positives, then by id."""
    table = result.matches()
    wrong = table[table["verdict"] == "false positive"].groupby("image_id").size()
    return sorted(((-int(many), image) for image, many in wrong.items()))[:3]


@examples(8)
@given(seed=st.integers(0, 10**6), masks=st.booleans())
def test_sums_are_those_of_the_whole(seed, masks):
    with tempfile.TemporaryDirectory() as home:
        folder = Path(home)
        files = data_set(seed, masks=masks).write(folder)
        result, whole = in_parts(folder), dm.evaluate(*files, "coco")
        for ask in (counts_by_size, bins, lambda one: confusion_matrix(one).counts):
            answers = result.each_part(ask)
            assert [*answers] == [*result.parts]
            np.testing.assert_array_equal(sum(answers.values()), ask(whole))
        few = sorted(one for some in result.each_part(worst_images).values() for one in some)
        assert few[:3] == worst_images(whole)


def test_in_processes(folder):
    result = in_parts(folder)
    assert {name: one.tolist() for name, one in result.each_part(bins, workers=2).items()} == {
        name: one.tolist() for name, one in result.each_part(bins).items()
    }


def test_a_part_that_changed_is_refused(folder):
    result = in_parts(folder)
    path = next((folder / "detections").iterdir())
    path.write_text(path.read_text() + "\n")
    with pytest.raises(dm.PartsError, match=r"changed after it was evaluated. Fix: evaluate again"):
        result.each_part(error_types)


def test_a_question_that_fails_names_the_parts(folder):
    with pytest.raises(dm.PartsError, match=r"3 parts of 3 failed:\n(?s:.*)part-002: ZeroDivision"):
        in_parts(folder).each_part(lambda _: 1 / 0)
