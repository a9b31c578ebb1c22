"""Where IoU is computed, for every kind of shape; it imports foundation.

A kind of shape is a file with a column of such shapes (:class:`~detmetrics.overlap.shapes.Shapes`)
and how it is made from what sources say. Rules choose the kind by its name; everything behind the
pairs is the same for all.
"""

from __future__ import annotations

from detmetrics.foundation.arrays import Bools, Floats, Ints
from detmetrics.overlap.boxes import Boxes
from detmetrics.overlap.kinds import KINDS, SHAPES, TITLES
from detmetrics.overlap.pairs import (
    ANY_OVERLAP,
    Neighbours,
    Pairs,
    candidate_pairs,
    largest,
    shared_groups,
)
from detmetrics.overlap.shapes import Kind, OutlineError, Outlines, Shapes

__all__ = [
    "ANY_OVERLAP",
    "KINDS",
    "SHAPES",
    "TITLES",
    "Bools",
    "Boxes",
    "Floats",
    "Ints",
    "Kind",
    "Neighbours",
    "OutlineError",
    "Outlines",
    "Pairs",
    "Shapes",
    "candidate_pairs",
    "largest",
    "shared_groups",
]
