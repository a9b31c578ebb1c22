"""What a column of shapes is: rows that can be taken, hulls, areas, and overlap of pairs.

A kind of shape is one file of this room with one class of this kind. Whoever pairs shapes
(:mod:`detmetrics.overlap.pairs`) and everything behind it knows no more of them than stands here.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Generic, Protocol, Self, TypeVar, overload

import numpy as np

from detmetrics.foundation.arrays import Bools, Floats, Ints

__all__ = ["Edges", "Kind", "OutlineError", "Outlines", "Shapes", "remembered", "touching"]

Value = TypeVar("Value")

Edges = tuple[Floats, Floats, Floats, Floats]
"""x1, x2, y1, y2 of upright boxes, each a contiguous column."""


class remembered(Generic[Value]):  # noqa: N801 (as functools.cached_property)
    """A property that is computed once.

    ``functools.cached_property`` of Python 3.11 holds one lock for all instances, and blocks of
    pairs are worked on by several threads. Two of them may both compute it: what is remembered
    depends on nothing but the instance, and either value will do.
    """

    def __init__(self, compute: Callable[[Any], Value]) -> None:
        self._compute = compute
        self.__doc__ = compute.__doc__

    def __set_name__(self, _: type, name: str) -> None:
        self._name = name

    @overload
    def __get__(self, instance: None, owner: type) -> Self: ...

    @overload
    def __get__(self, instance: object, owner: type) -> Value: ...

    def __get__(self, instance: object, owner: type) -> Self | Value:
        if instance is None:
            return self
        # This class has no __set__, so from now on the instance's own attribute is found first.
        value = instance.__dict__[self._name] = self._compute(instance)
        return value


class Shapes(ABC):
    """A column of shapes of one kind, one a row; frozen.

    Two columns can be compared where they are of the same class.
    """

    @abstractmethod
    def __len__(self) -> int: ...

    @abstractmethod
    def take(self, rows: Ints) -> Self:
        """These rows, in this order; a row may come more than once."""

    @property
    @abstractmethod
    def hulls(self) -> Floats:
        """(R, 4) corners ``x1 y1 x2 y2`` of upright boxes: where these do not touch, no overlap."""

    @property
    @abstractmethod
    def areas(self) -> Floats:
        """(R,) areas, in the square of the unit of the hulls."""

    @property
    def frames(self) -> Floats:
        """(R, 2) width and height of the images that they are drawn on, and can be compared on
        alone; nan where they are drawn on none.
        """
        return np.full((len(self), 2), np.nan)

    @abstractmethod
    def overlaps(
        self, mine: Ints, other: Self, theirs: Ints, crowd: Bools, lowest: float
    ) -> Floats:
        """(P,) the overlap of pairs of rows: IoU, or the share of mine inside where it is a crowd.

        mine, theirs : (P,) rows of this column and of the other; crowd : (P,); lowest: what
        overlaps less may be given any number below it.

        Raises:
            TableError: what can be measured of single rows, and not of two together.
        """

    def outline(self, row: int, detail: float) -> tuple[Floats, ...]:  # noqa: ARG002
        """Rings of corners, (C, 2) x and y each, that a shape is drawn by.

        Holes are rings that run the other way (the nonzero rule of filling). detail: what is
        smaller may be left out, in the unit of the hulls. None where boxes are all there is.
        """
        return ()

    @remembered
    def edges(self) -> Edges:
        """The hulls as columns."""
        x1, y1, x2, y2 = (np.ascontiguousarray(column) for column in self.hulls.T)
        return x1, x2, y1, y2

    def near(
        self, other: Self, first: Ints, count: Ints, crowd: Bools, lowest: float
    ) -> tuple[Ints, Ints, Floats]:
        """Pairs with ``overlap >= lowest``, by row: my row, the row of the other, the overlap.

        first, count : (R,) the slice of the other's rows that each of my rows is compared with;
        crowd: by row of the other.

        Raises:
            TableError: as :meth:`overlaps`.
        """
        mine, theirs, _, _ = touching(self.edges, other.edges, first, count)
        return self.reaching(other, mine, theirs, crowd, lowest)

    def reaching(
        self, other: Self, mine: Ints, theirs: Ints, crowd: Bools, lowest: float
    ) -> tuple[Ints, Ints, Floats]:
        """Those of the pairs with ``overlap >= lowest``, as of :meth:`near`.

        mine, theirs : (P,) rows; crowd: by row of the other.

        Raises:
            TableError: as :meth:`overlaps`.
        """
        overlap = self.overlaps(mine, other, theirs, crowd[theirs], lowest)
        kept = np.flatnonzero(overlap >= lowest)
        return mine[kept], theirs[kept], overlap[kept]

    def indexed(
        self,
        crowd: Bools,  # noqa: ARG002
        first: Ints,  # noqa: ARG002
        count: Ints,  # noqa: ARG002
        lowest: float,  # noqa: ARG002
    ) -> PairIndex | None:
        """What tells which rows of this column others may reach; None for kinds that have none.

        crowd: by row; first, count : (n,) groups of rows, which others are compared with.
        """
        return None


class PairIndex(Protocol):
    """Pairs that may reach an overlap, found without a look at each."""

    def candidates(self, mine: Any, first: Ints, count: Ints) -> tuple[Ints, Ints]:
        """Rows of mine, and of the column that was indexed, in the order of :meth:`Shapes.near`.

        first, count : (R,) the slice of each row.
        """


def touching(
    mine: Edges, other: Edges, first: Ints, count: Ints, pixel: int = 0
) -> tuple[Ints, Ints, Floats, Floats]:
    """Pairs of upright boxes that share an area, and the width and the height of what they share.

    first, count: as for :meth:`Shapes.near`; pixel: added to what is shared.
    """
    # for d in my rows:
    #     for g in range(first[d], first[d] + count[d]):
    #         w, h = min(x2, x2') - max(x1, x1') + pixel, the same of y
    #         if w > 0 and h > 0: the pair is kept
    dx1, dx2, dy1, dy2 = mine
    gx1, gx2, gy1, gy2 = other
    # Each d as often as it has pairs. Repeating costs more than looking up, so it is done once.
    d = np.repeat(np.arange(len(count)), count)
    # g counts up from first[d] inside each run of d: a running number less where the run begins.
    g = (first - (np.cumsum(count) - count))[d]
    g += np.arange(len(g))
    # w = min(x2, x2') - max(x1, x1') (+ 1); most pairs end here
    w = np.minimum(dx2[d], gx2[g])
    w -= np.maximum(dx1[d], gx1[g])
    if pixel:
        w += pixel
    kept = np.flatnonzero(w > 0)
    w, g, d = w[kept], g[kept], d[kept]
    # h = min(y2, y2') - max(y1, y1') (+ 1)
    h = np.minimum(dy2[d], gy2[g])
    h -= np.maximum(dy1[d], gy1[g])
    if pixel:
        h += pixel
    kept = np.flatnonzero(h > 0)
    return d[kept], g[kept], w[kept], h[kept]


class Outlines(Protocol):
    """What a source says of shapes, one a row; some of them are a column of shapes already.

    natural: the kind that they are measured as where nothing else is asked for.
    """

    natural: ClassVar[str]

    def __len__(self) -> int: ...

    def take(self, rows: Ints) -> Self:
        """These rows, in this order; a row may come more than once."""

    def scaled(self, sides: Floats) -> Outlines:
        """With x and y of each row times a width and a height; sides : (R, 2)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """A kind of shape, and how a column of it comes from what sources say.

    Attributes:
        name: what rules and ``--shape`` call it.
        title: what is measured, in words.
        takes: the outlines that it can be made of.
        made: of outlines, the (R, 2) width and height of the image of each row (nan where unknown),
            and whether arithmetic is in float32; raises :class:`OutlineError`.
        pixels: shares of images of unknown size are no such shapes.
    """

    name: str
    title: str
    takes: tuple[type, ...]
    made: Callable[[Any, Floats, bool], Shapes]
    pixels: bool = False


class OutlineError(Exception):
    """Rows that can be made no shape; faults: row, what was expected and found.

    count: how many there are in all, where ``faults`` are the first of them.
    """

    def __init__(self, faults: Sequence[tuple[int, str]], count: int | None = None) -> None:
        super().__init__(faults[0][1])
        self.faults = tuple(faults)
        self.count = len(faults) if count is None else count
