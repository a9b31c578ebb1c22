"""The pairs that deferred acceptance matches are those of the greedy loop, and so are the first."""

from __future__ import annotations

import numpy as np
from hypothesis import example, given
from hypothesis import strategies as st

from detmetrics.matching.deferred_acceptance import deferred_acceptance
from detmetrics.matching.first_come import contested, crowds_apart, first_come

CHOICES = st.lists(st.lists(st.integers(0, 5), unique=True, max_size=6), max_size=8)


def greedy(choices: list[list[int]], crowd: list[bool]) -> list[tuple[int, int]]:
    """Detections, best first, each take the first of their choices that is free, or a crowd."""
    taken: set[int] = set()
    pairs = []
    for detection, wanted in enumerate(choices):
        for truth in wanted:
            if crowd[truth] or truth not in taken:
                taken.add(truth)
                pairs.append((detection, truth))
                break
    return pairs


class TestGreedy:
    """Detections take the best ground truth that is free, best detection first."""

    @given(choices=CHOICES, crowd=st.lists(st.booleans(), min_size=6, max_size=6))
    @example(choices=[[0, 1], [0, 1], [0, 1]], crowd=[False] * 6)  # refused twice
    @example(choices=[[1], [1, 0], [0]], crowd=[False] * 6)  # displaced by one that was refused
    @example(choices=[[0, 2], [1], [1, 0]], crowd=[False] * 6)  # a holder stays where it is
    @example(choices=[[1], [1, 0], [0, 2]], crowd=[True] + [False] * 5)  # a better one comes later
    def test_is_the_loop(self, choices, crowd):
        detection = np.repeat(np.arange(len(choices)), [len(wanted) for wanted in choices])
        truth = np.array([one for wanted in choices for one in wanted], np.int64)

        matched = deferred_acceptance(detection, crowds_apart(truth, np.array(crowd)))

        pairs = list(zip(detection[matched].tolist(), truth[matched].tolist(), strict=True))
        assert pairs == greedy(choices, crowd)


class TestFirstCome:
    """Where no detection has a choice, who is first to reach a threshold takes the ground truth."""

    @given(pairs=st.lists(st.tuples(st.integers(0, 4), st.integers(0, 5)), max_size=20))
    @example(pairs=[(0, 2), (0, 5), (0, 4), (1, 1)])
    def test_is_the_loop_at_every_threshold(self, pairs):
        truth, reached = np.array(pairs, np.int64).reshape(-1, 2).T
        start = first_come(truth, reached)

        for threshold in range(5):
            matched = np.flatnonzero((start <= threshold) & (threshold < reached))
            choices = [[one] if threshold < count else [] for one, count in pairs]
            taken = [(detection, truth[detection]) for detection in matched]
            assert taken == greedy(choices, [False] * 5)

    @given(choices=CHOICES)
    def test_contested_is_what_a_detection_with_several_choices_wants(self, choices):
        detection = np.repeat(np.arange(len(choices)), [len(wanted) for wanted in choices])
        truth = np.array([one for wanted in choices for one in wanted], np.int64)
        of_several = {one for wanted in choices for one in wanted if len(wanted) > 1}
        assert contested(detection, truth).tolist() == [one in of_several for one in truth]
