"""Miss rates, the Jaccard index and optimal LRP as slow and obvious loops, from their definitions.

What became of each detection comes from ``reference_rules``.
"""

from __future__ import annotations

import itertools
import math

import reference
import reference_rules

from detmetrics.metrics.miss_rate import RATES


def miss_rate(right: list[bool], truths: int, images: int, where: str) -> float:
    """Loops: the miss rate at each rate of false positives, and their geometric mean."""
    found = wrong = 0
    curve = []
    for one in right:
        found, wrong = found + one, wrong + (not one)
        curve.append((wrong / images, 1 - found / truths))
    chosen = []
    for rate in RATES.tolist():
        if not curve:
            chosen.append(1.0)
        elif where == "reached":
            chosen.append(next((miss for alarms, miss in curve if alarms >= rate), curve[-1][1]))
        else:
            within = [miss for alarms, miss in curve if alarms <= rate]
            chosen.append(within[-1] if within else curve[-1][1])  # as the script has it
    if 0.0 in chosen:
        return 0.0
    return math.exp(sum(map(math.log, chosen)) / len(chosen))


def pairings(edges: list[tuple[int, int]]) -> list[frozenset[tuple[int, int]]]:
    """All one-to-one pairings of the greatest size."""
    for size in range(len(edges), -1, -1):
        found = [
            frozenset(chosen)
            for chosen in itertools.combinations(edges, size)
            if len({d for d, _ in chosen}) == size == len({g for _, g in chosen})
        ]
        if found:
            return found
    raise AssertionError


def jaccard_bounds(truth, found, rules, category):
    """The least and the greatest index over all greatest pairings of each image."""
    objects = [reference_rules._object(truth, g, rules) for g in range(len(truth))]
    objects = [g for g in objects if g is not None and g["class"] == category]
    if all(g["excused"] for g in objects):
        return None, None
    dets = [reference_rules._detection(truth, found, d, rules) for d in range(len(found))]
    bounds, threshold = [], rules.iou_thresholds[0]
    for confidence in [0.1 * step for step in range(10)]:
        lows, highs, some = [], [], 0
        for image in range(len(truth.catalog.image_ids)):
            here = [g for g in objects if g["image"] == image]
            regions = [g for g in here if g["region"]]
            counting = [g for g in here if not g["excused"]]
            shown = [
                d
                for d in dets
                if d["image"] == image and d["class"] == category and d["score"] > confidence
            ]

            def covered(box, regions=regions):
                return any(reference_rules._overlap(box, r, rules) > threshold for r in regions)

            near = [
                (i, j)
                for i, d in enumerate(shown)
                for j, g in enumerate(counting)
                if reference_rules._overlap(d, g, rules) >= threshold
            ]
            values, there = [], []
            for made in pairings(near):
                taken, held = {i for i, _ in made}, {j for _, j in made}
                n = sum(i in taken or not covered(d) for i, d in enumerate(shown))
                m = sum(j in held or not covered(g) for j, g in enumerate(counting))
                values.append(len(made) / (m + n - len(made) + 1e-6))
                there.append(m > 0 or n > 0)
            assert len(set(there)) == 1 or 0.0 in values
            lows.append(min(values))
            highs.append(max(values))
            some += any(there)
            if len(set(there)) > 1:
                return 0.0, 1.0  # an image that is there in one pairing and not in another
        bounds.append((sum(lows) / some, sum(highs) / some) if some else (0.0, 0.0))
    return max(low for low, _ in bounds), max(high for _, high in bounds)


def optimal_lrp(  # noqa: C901 - one loop, as the definition has it
    truth, found, rules, category
) -> dict[str, float] | None:
    """Optimal LRP and its parts, each cut behind one more detection; None without objects."""
    (threshold,), area = rules.iou_thresholds, rules.area_ranges[0]
    boxes, truths = found.xywh.tolist(), truth.xywh.tolist()
    rows, objects = [], 0
    for image in range(len(truth.catalog.image_ids)):
        mine = list(_of(truth, image, category))
        crowd = [bool(truth.crowd[g] or truth.difficult[g]) for g in mine]
        out = [not area.low <= truth.area[g] <= area.high for g in mine]
        ignored = [a or b for a, b in zip(crowd, out, strict=True)]
        objects += ignored.count(False)
        seen = sorted(_of(found, image, category), key=lambda d: -found.scores[d])
        seen = seen[: rules.max_limit]
        corners = [boxes[d] for d in seen], [truths[g] for g in mine]
        chosen = reference.match_group(*corners, crowd, ignored, threshold)
        for d, g in zip(seen, chosen, strict=True):
            size = boxes[d][2] * boxes[d][3]
            if g >= 0 and not ignored[g]:
                apart = 1 - reference.overlap(boxes[d], truths[mine[g]], crowd[g])
                rows.append((float(found.scores[d]), True, apart))
            elif g < 0 and area.low <= size <= area.high:
                rows.append((float(found.scores[d]), False, 0.0))
    if not objects:
        return None
    rows.sort(key=lambda row: -row[0])
    best = {"oLRP": 1.0, "oLRP_Loc": math.nan, "oLRP_FN": 1.0}
    hits, wrong, apart = 0, 0, 0.0
    for _, hit, distance in rows:
        hits, wrong, apart = hits + hit, wrong + (not hit), apart + distance
        if hits:
            whole = (apart / (1 - threshold) + wrong + objects - hits) / (wrong + objects)
            if whole < best["oLRP"] - 1e-12:
                best = {"oLRP": whole, "oLRP_Loc": apart / hits, "oLRP_FN": 1 - hits / objects}
    return best


def _of(table, image, category):
    return [
        row for row in range(len(table))
        if table.image[row] == image and table.category[row] == category
    ]  # fmt: skip
