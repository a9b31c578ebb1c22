"""Candidate pairs are those of two loops, whatever the blocks in which they are listed."""

from __future__ import annotations

import numpy as np
import pytest
import reference
from hypothesis import given
from hypothesis import strategies as st

from detmetrics.overlap import Boxes, Pairs, candidate_pairs, largest, pairs, shared_groups

BOX = st.tuples(*(st.integers(0, 4),) * 2, *(st.integers(1, 4),) * 2).map(
    lambda box: [float(number) for number in box]
)
ROWS = st.lists(st.tuples(BOX, st.integers(0, 3)), max_size=12)
TRUTHS = st.lists(st.tuples(BOX, st.integers(0, 3), st.booleans()), max_size=12)


def listed(detections, truths, lowest: float) -> list[tuple[int, int, float]]:
    """Each detection with each ground truth of its group, if they overlap by ``lowest``."""
    found = []
    for d, (box, group) in enumerate(detections):
        for g, (truth, truth_group, crowd) in enumerate(truths):
            overlap = reference.overlap(box, truth, crowd)
            if group == truth_group and overlap >= lowest:
                found.append((d, g, overlap))
    return found


def boxes(rows) -> Boxes:
    return Boxes(np.array([row[0] for row in rows], float).reshape(-1, 4))


class TestPairs:
    """A pair of a group is there where it overlaps enough, in order of detection."""

    @given(detections=ROWS, truths=TRUTHS, lowest=st.sampled_from([0.1, 0.5, 1.0]))
    def test_are_those_of_two_loops(self, detections, truths, lowest):
        truths = sorted(truths, key=lambda row: row[1])
        group = np.array([row[1] for row in detections], np.int64)
        near = shared_groups(group, np.array([row[1] for row in truths], np.int64))
        crowd = np.array([row[2] for row in truths], bool)
        rows = np.arange(len(detections))

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(pairs, "BLOCK_PAIRS", 3)
            found = candidate_pairs(boxes(detections), rows, boxes(truths), crowd, near, lowest)

        columns = (found.detection, found.ground_truth, found.overlap)
        assert [*zip(*(column.tolist() for column in columns), strict=True)] == listed(
            detections, truths, lowest
        )


class TestLargest:
    """The allowed pair of largest overlap on one side, the first of equal ones."""

    @given(
        rows=st.lists(
            st.tuples(st.integers(0, 3), st.sampled_from([0.25, 0.5, 0.75]), st.booleans()),
            max_size=20,
        )
    )
    def test_is_that_of_a_loop(self, rows):
        side = np.array([row[0] for row in rows], np.int64)
        overlap = np.array([row[1] for row in rows], float)
        allowed = np.array([row[2] for row in rows], bool)
        every = Pairs(detection=side, ground_truth=side, overlap=overlap)

        best: dict[int, int] = {}
        for place, (index, value, may) in enumerate(rows):
            if may and (index not in best or value > rows[best[index]][1]):
                best[index] = place

        assert largest(every, side, allowed).tolist() == [best[index] for index in sorted(best)]
