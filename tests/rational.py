"""Areas of polygons in fractions: exact, slow and obvious.

The plane is cut at every x of a corner or of a crossing of edges. Between two of these no lines
cross, so whatever lies between two lines is a trapezoid: its width times its height in the middle.
"""

from __future__ import annotations

from fractions import Fraction
from itertools import combinations, pairwise

Corners = list[tuple[int, int]]
Edge = tuple[tuple[int, int], tuple[int, int]]


def iou(one: Corners, two: Corners) -> Fraction | None:
    """What is in both over what is in either; None where there is nothing."""
    shared = shared_area(one, two)
    union = area(one) + area(two) - shared
    return shared / union if union else None


def area(one: Corners) -> Fraction:
    """What a polygon encloses; what it passes round twice or the other way counts once."""
    return shared_area(one, one)


def shared_area(one: Corners, two: Corners) -> Fraction:
    cuts = sorted({Fraction(x) for x, _ in [*one, *two]} | crossings([*edges(one), *edges(two)]))
    total = Fraction(0)
    for left, right in pairwise(cuts):
        middle = (left + right) / 2
        for low, high in spans(one, middle):
            for bottom, top in spans(two, middle):
                total += (right - left) * max(min(high, top) - max(low, bottom), Fraction(0))
    return total


def edges(corners: Corners) -> list[Edge]:
    return list(zip(corners, corners[1:] + corners[:1], strict=True))


def crossings(lines: list[Edge]) -> set[Fraction]:
    found = set()
    for ((ax, ay), (bx, by)), ((cx, cy), (dx, dy)) in combinations(lines, 2):
        across = (bx - ax) * (dy - cy) - (by - ay) * (dx - cx)
        if across:
            share = Fraction((cx - ax) * (dy - cy) - (cy - ay) * (dx - cx), across)
            if 0 <= share <= 1:
                found.add(ax + share * (bx - ax))
    return found


def spans(corners: Corners, x: Fraction) -> list[tuple[Fraction, Fraction]]:
    """Where a vertical line that meets no corner lies inside: the edges round it do not cancel."""
    passed = sorted(
        (a[1] + (x - a[0]) / (b[0] - a[0]) * (b[1] - a[1]), 1 if a[0] < b[0] else -1)
        for a, b in edges(corners)
        if min(a[0], b[0]) < x < max(a[0], b[0])
    )
    found, winding = [], 0
    for (low, turn), (high, _) in pairwise(passed):
        winding += turn
        if winding:
            found.append((low, high))
    return found
