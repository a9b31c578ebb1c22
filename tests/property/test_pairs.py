"""Candidate pairs are those of two loops, whatever the blocks in which they are listed."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import reference
from hypothesis import given
from hypothesis import strategies as st

from detmetrics.overlap import (
    Boxes,
    Pairs,
    bitmap_index,
    candidate_pairs,
    largest,
    pairs,
    shared_groups,
)

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


MEASURES = {
    "sides": {},
    "corners": {"corners": True},
    "pixels": {"corners": True, "pixel": 1},
    "float32": {"corners": True, "single": True},
}


def crowded_scene(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Objects, and detections of which most lie beside one, so that overlaps of all sizes occur."""
    objects = np.concatenate(
        [rng.uniform(0, 30, (40, 2)), np.exp(rng.normal(1.5, rng.choice([0.2, 1.0]), (40, 2)))], 1
    )
    if rng.random() < 0.3:
        objects = np.round(objects)
    found = objects[rng.integers(0, 40, 150)]
    near = found[:, 2:] * rng.normal(0, rng.choice([0.05, 0.3, 1.0]), (150, 2))
    found = np.concatenate([found[:, :2] + near, found[:, 2:] * rng.uniform(0.4, 2.5, (150, 2))], 1)
    found[rng.random(150) < 0.1, 2:] *= rng.choice([0.0, -1.0, 1e-20])
    scale, shift = rng.choice([1.0, 1.0, 1e-3, 1e9, 1e-17]), rng.choice([0.0, 0.0, 1e6, 1e14])
    for boxes in (objects, found):
        boxes *= scale
        boxes[:, :2] += shift * scale
    return objects, found


class TestBitmapIndex:
    """An index finds the pairs that a look at each finds, to the last bit."""

    @given(
        seed=st.integers(0, 2**32),
        lowest=st.sampled_from([5e-324, 0.001, 0.1, 0.5, 0.5, 0.9, 1.0]),
        measure=st.sampled_from(sorted(MEASURES)),
        sizes=st.sampled_from([(63, 32), (7, 32), (1, 1), (5, 3)]),
    )
    def test_is_a_look_at_each(self, seed, lowest, measure, sizes):
        rng = np.random.default_rng(seed)
        objects, found = crowded_scene(rng)
        if measure != "sides":
            for boxes in (objects, found):
                boxes[:, 2:] += boxes[:, :2]
        mine, targets = (Boxes(boxes, **MEASURES[measure]) for boxes in (found, objects))
        crowd = rng.random(40) < 0.1
        rows = rng.permutation(150)
        groups = np.sort(rng.integers(0, rng.choice([1, 4]), 40))
        near = shared_groups(rng.integers(0, 5, 150), groups)
        if rng.random() < 0.3:  # the first ground truths of a group alone
            near = replace(near, count=1 + rng.integers(0, near.count))

        def listed(cost: float) -> list[list[float]]:
            with pytest.MonkeyPatch.context() as patch:
                for name in ("ROW_COST", "GROUP_COST"):
                    patch.setattr(pairs, name, cost)
                patch.setattr(pairs, "BLOCK_ROWS", 50)
                for name, size in zip(("BITS", "BINS"), sizes, strict=True):
                    patch.setattr(bitmap_index, name, size)
                pairing = candidate_pairs(mine, rows, targets, crowd, near, lowest)
            columns = pairing.detection, pairing.ground_truth, pairing.overlap
            return [column.tolist() for column in columns]

        assert listed(cost=-1) == listed(cost=1e9)

    def test_few_pairs_are_worth_a_comparison(self):
        """Of 3 ground truths an image some 16 detections on each cost less than an index."""

        class Watched(Boxes):
            def indexed(self, *slices):
                asked.append(len(self))
                return super().indexed(*slices)

        asked: list[int] = []
        found = Watched(np.ones((200, 4)))
        for count in (3, 100):
            targets, alone = Watched(np.ones((count, 4))), np.zeros(count, np.int64)
            near = shared_groups(np.zeros(200, np.int64), alone)
            paired = candidate_pairs(found, np.arange(200), targets, alone > 0, near, 0.5)
            assert len(paired.overlap) == 200 * count
        assert asked == [100]


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
