"""Every setting of rules as slow and obvious loops, written from its definition in ``Rules``.

Nothing here is taken from the package but the containers of input and settings.
"""

from __future__ import annotations

import numpy as np

from detmetrics import Detections, GroundTruth, Rules

CROWDED, OUT = "crowded", "out"


def evaluate(truth: GroundTruth, found: Detections, rules: Rules) -> dict:
    """ap : {(class, threshold, area): value or nan}; right, aside : {(threshold, area): rows};
    verdicts: {(class, threshold, area): of each detection, best first}.
    """
    objects = [_object(truth, g, rules) for g in range(len(truth))]
    objects = [one for one in objects if one is not None]
    dets = [_detection(truth, found, d, rules) for d in range(len(found))]
    if rules.empty_boxes == "drop":
        objects, dets = ([b for b in boxes if min(b["xywh"][2:]) > 0] for boxes in (objects, dets))
    groups, own = _groups_of_classes(truth, rules)
    dets = [d for d in dets if any(d["class"] in group for group in groups)]
    dets = _selected(dets, rules)
    if rules.federated:
        dets = [d for d in dets if _looked_for(truth, objects, d)]
    result: dict = {"ap": {}, "right": {}, "aside": {}, "truths": {}, "verdicts": {}}
    for a, area in enumerate(rules.area_ranges):
        for t, threshold in enumerate(rules.iou_thresholds):
            right_rows, aside_rows = set(), set()
            for k, group in enumerate(groups):
                ranked = [d for d in dets if d["class"] in group]
                here = [g for g in objects if g["class"] in group]
                least = threshold
                if own[k] is not None:
                    least = own[k].iou
                    here += _beside(truth, objects, own[k])
                verdicts, total = _match(ranked, here, rules, area, least)
                right_rows |= {d["row"] for d, v in zip(ranked, verdicts, strict=True) if v == "tp"}
                aside_rows |= {d["row"] for d, v in zip(ranked, verdicts, strict=True) if v == OUT}
                result["truths"][k, a] = total
                result["verdicts"][k, t, a] = verdicts
                if rules.interpolation == "cuts":
                    others = [] if rules.class_agnostic else [d for d in dets if d not in ranked]
                    ap = _ap_at_cuts(ranked, others, here, rules, area, least)
                else:
                    ap = _ap(verdicts, total, rules) if total else 0.0
                result["ap"][k, t, a] = ap if total else float("nan")
            result["right"][t, a], result["aside"][t, a] = right_rows, aside_rows
    result["detected"] = {k for k, g in enumerate(groups) if any(d["class"] in g for d in dets)}
    return result


def _groups_of_classes(truth: GroundTruth, rules: Rules) -> tuple[list, list]:
    """Lists of classes that are evaluated as one, and the rule of each."""
    classes = range(len(truth.catalog.category_ids))
    if not rules.class_rules:
        groups = [list(classes)] if rules.class_agnostic else [[k] for k in classes]
        return groups, [None] * len(groups)
    by_name = {rule.name.lower(): rule for rule in rules.class_rules}
    names = [name.lower() for name in truth.catalog.class_labels]
    groups = [[k] for k in classes if names[k] in by_name]
    return groups, [by_name[names[k]] for (k,) in groups]


def mean_ap(result: dict, rules: Rules, area: int = 0) -> float:
    """The mean over thresholds and over the classes that the rules take it over."""
    classes = sorted({k for k, _, _ in result["ap"]})
    known = [k for k in classes if result["truths"][k, area]]
    if rules.classes == "detected":
        known = [k for k in known if k in result["detected"]]
    chosen = classes if rules.classes == "all" and known else known
    thresholds = range(len(rules.iou_thresholds))
    values = [result["ap"][k, t, area] if k in known else 0.0 for t in thresholds for k in chosen]
    return sum(values) / len(values) if values else float("nan")


def _beside(truth: GroundTruth, objects: list[dict], own) -> list[dict]:
    """Objects of neighbouring classes, which count neither way."""
    near = [name.lower() for name in own.neighbours]
    labels = [name.lower() for name in truth.catalog.class_labels]
    return [
        {**g, "excused": True}
        for g in objects
        if labels[g["class"]] in near and not truth.crowd[g["row"]]
    ]


def _object(truth: GroundTruth, g: int, rules: Rules) -> dict | None:
    crowd, difficult = bool(truth.crowd[g]), bool(truth.difficult[g])
    if difficult and rules.difficult == "drop":
        return None
    crowded = crowd or (difficult and rules.difficult == "crowd")
    if crowded and rules.crowd == "drop":
        return None
    excused = crowded and rules.crowd != "count"
    group = crowded and rules.crowd == "group"
    if group and rules.group_weight == 1:
        excused = False
    region = crowded and rules.crowd in ("absorb", "group")
    if truth.ignore[g] and rules.ignore != "overwrite":
        excused = True
        region = region or rules.ignore == "region"
    if difficult and rules.difficult == "ignore":
        excused = True
    area = float(truth.area[g])
    box = _rounded(truth.boxes[g], rules.box_decimals)
    xyxy, xywh = _clipped(*_forms(box, truth.box_format), truth, int(truth.image[g]), rules)
    if rules.zero_area == "missing" and area == 0:
        area = xywh[2] * xywh[3]
    return {
        "row": g, "image": int(truth.image[g]), "class": int(truth.category[g]), "xyxy": xyxy,
        "xywh": xywh, "sizes": _sizes(truth, int(truth.image[g]), area, xywh),
        "excused": excused, "region": region, "group": group,
        "attributes": {name: float(values[g]) for name, values in truth.attributes.items()},
    }  # fmt: skip


def _detection(truth: GroundTruth, found: Detections, d: int, rules: Rules) -> dict:
    xyxy, xywh = _forms(_rounded(found.boxes[d], rules.box_decimals), found.box_format)
    image = int(found.image[d])
    xyxy, xywh = _clipped(xyxy, xywh, truth, image, rules)
    score = float(found.scores[d])
    if rules.score_decimals is not None:
        score = float(np.round(score, rules.score_decimals))
    return {
        "row": d, "image": image, "class": int(found.category[d]), "score": score, "xyxy": xyxy,
        "xywh": xywh, "sizes": _sizes(truth, image, xywh[2] * xywh[3], xywh),
        "open": rules.federated
        and [image, int(found.category[d])] in truth.federation.not_exhaustive.tolist(),
    }  # fmt: skip


def _rounded(box, decimals):
    return box if decimals is None else np.round(box, decimals)


def _forms(box, box_format):
    a, b, c, d = (float(value) for value in box)
    if box_format == "xyxy":
        return (a, b, c, d), (a, b, c - a, d - b)
    return (a, b, a + c, b + d), (a, b, c, d)


def _clipped(xyxy, xywh, truth: GroundTruth, image: int, rules: Rules):
    if not rules.clip:
        return xyxy, xywh
    x1, y1, x2, y2 = xyxy
    width, height = truth.catalog.image_sizes[image].tolist()
    x1, y1 = min(max(x1, 0), width - 1), min(max(y1, 0), height - 1)
    x2, y2 = min(max(x2, 0), width), min(max(y2, 0), height)
    return (x1, y1, x2, y2), (x1, y1, x2 - x1, y2 - y1)


def _sizes(truth: GroundTruth, image: int, area: float, xywh) -> dict:
    wide, high = truth.catalog.image_sizes[image]
    x, y, w, h = map(float, xywh)
    return {
        "area": area,
        "height": h,
        "share": area / (wide * high),
        "aspect": w / h if h else (np.nan if w == 0 else np.copysign(np.inf, w)),
        "x": min(max((x + w / 2) / wide, 0), 1),
        "y": min(max((y + h / 2) / high, 0), 1),
        "border": max(min(x / wide, y / high, (wide - (x + w)) / wide, (high - (y + h)) / high), 0),
    }


def _looked_for(truth: GroundTruth, objects: list[dict], d: dict) -> bool:
    known = {(g["image"], g["class"]) for g in objects}
    known |= set(map(tuple, truth.federation.verified.tolist()))
    return (d["image"], d["class"]) in known


def _selected(dets: list[dict], rules: Rules) -> list[dict]:
    """Those that count, best first; equal scores as the rules order them."""
    by_file = sorted(dets, key=lambda d: d["row"])
    if rules.ties == "image":
        by_file.sort(key=lambda d: (d["image"], d["class"] if rules.class_agnostic else 0))
    ranked = sorted(by_file, key=lambda d: -d["score"])
    in_file = sorted(sorted(dets, key=lambda d: d["row"]), key=lambda d: -d["score"])
    kept = []
    for d in ranked:
        same_class = [e for e in ranked if rules.class_agnostic or e["class"] == d["class"]]
        in_image = [e for e in same_class if e["image"] == d["image"]]
        class_in_file = [e for e in in_file if rules.class_agnostic or e["class"] == d["class"]]
        image_in_file = [e for e in in_file if e["image"] == d["image"]]
        if in_image.index(d) >= rules.max_limit:
            continue
        if rules.min_score is not None and d["score"] <= rules.min_score:
            continue
        limits = [(rules.class_limit, class_in_file), (rules.image_limit, image_in_file)]
        if any(limit is not None and of.index(d) >= limit for limit, of in limits):
            continue
        kept.append(d)
    return kept


def _overlap(d: dict, g: dict, rules: Rules) -> float:
    number = np.float32 if rules.arithmetic == "float32" else float
    p = rules.pixel
    if p or rules.arithmetic == "float32":
        dx1, dy1, dx2, dy2 = (number(v) for v in d["xyxy"])
        gx1, gy1, gx2, gy2 = (number(v) for v in g["xyxy"])
        d_area = (dx2 - dx1 + p) * (dy2 - dy1 + p)
        g_area = (gx2 - gx1 + p) * (gy2 - gy1 + p)
    else:
        dx1, dy1, dw, dh = d["xywh"]
        gx1, gy1, gw, gh = g["xywh"]
        dx2, dy2, gx2, gy2 = dx1 + dw, dy1 + dh, gx1 + gw, gy1 + gh
        d_area, g_area = dw * dh, gw * gh
    w, h = min(dx2, gx2) - max(dx1, gx1) + p, min(dy2, gy2) - max(dy1, gy1) + p
    if w <= 0 or h <= 0:
        return 0.0
    inter = w * h
    union = d_area if g["region"] else d_area + g_area - inter
    if rules.arithmetic == "float32":
        union = union + np.float32(1e-7)
    return float(inter / union)


def _enough(overlap: float, threshold: float, rules: Rules) -> bool:
    return overlap > threshold if rules.strict else overlap >= min(threshold, 1 - 1e-10)


def _in(one: dict, area, rules: Rules) -> bool:
    """Objects: by size, and by each attribute that the range asks for."""
    asked = all(low <= one["attributes"][name] <= high for name, low, high in area.also)
    size = one["sizes"][area.of]
    above = size > area.low if rules.low_end == "outside" else size >= area.low
    return asked and above and size <= area.high


def _found_in(d: dict, area, rules: Rules) -> bool:
    """Detections: by size alone, with slack where the rules give some."""
    size = d["sizes"][area.of]
    if rules.range_slack is None:
        return area.low <= size <= area.high
    return area.low / rules.range_slack <= size < area.high * rules.range_slack


def _match(ranked, objects, rules, area, threshold):
    """What becomes of each detection (tp, fp, out), and how many ground truths count."""
    ignored = {g["row"]: g["excused"] or not _in(g, area, rules) for g in objects}
    # On equal overlap the last in order of class and file is better, or the first; objects of
    # neighbouring classes stand where the file has them.
    if rules.out_of_range == "region":
        objects = [{**g, "region": g["region"] or ignored[g["row"]]} for g in objects]
    choice = sorted(objects, key=lambda g: (g["class"] * rules.class_agnostic, g["row"]))
    if rules.equal_overlaps == "last":
        choice = choice[::-1]
    taken: set[int] = set()
    verdicts: dict[int, str] = {}
    apart = rules.range_slack is not None
    left_out = {d["row"] for d in ranked if apart and not _found_in(d, area, rules)}
    if rules.assignment == "truths":
        verdicts = _truths(ranked, objects, ignored, left_out, rules, area, threshold)
    if rules.assignment == "overlap":
        verdicts = _closest(ranked, choice, ignored, left_out, rules, area, threshold)
    for d in ranked if rules.assignment in ("free", "nearest") else ():
        if d["row"] in left_out:
            verdicts[d["row"]] = OUT
            continue
        here = [g for g in choice if g["image"] == d["image"] and not g["group"]]
        if rules.assignment == "free":
            verdicts[d["row"]] = _free(d, here, taken, ignored, rules, threshold)
        else:
            verdicts[d["row"]] = _nearest(d, here, taken, ignored, rules, threshold)
    _groups(ranked, choice, verdicts, ignored, rules, threshold, area)
    return [verdicts[d["row"]] for d in ranked], sum(not v for v in ignored.values())


def _groups(ranked, choice, verdicts, ignored, rules, threshold, area):
    """What is left may belong to a group, or be set aside."""
    stood_for: set[int] = set()
    for d in _closest_to_groups(ranked, choice, rules):
        if verdicts[d["row"]] != "fp":
            continue
        groups = [g for g in choice if g["image"] == d["image"] and g["group"]]
        reached = [g for g in groups if _enough(_overlap(d, g, rules), threshold, rules)]
        if reached:
            best = max(reached, key=lambda g: _overlap(d, g, rules))
            first = best["row"] not in stood_for
            may = rules.assignment != "truths" or _found_in(d, area, rules)
            stood_for.add(best["row"])
            verdicts[d["row"]] = "tp" if first and may and not ignored[best["row"]] else OUT
        elif not _found_in(d, area, rules) or d["open"]:
            verdicts[d["row"]] = OUT


def _closest_to_groups(ranked, choice, rules):
    """Where pairs of the largest overlap come first, who lies in a group the most stands for it."""
    if rules.assignment != "overlap":
        return ranked
    groups = [g for g in choice if g["group"]]

    def share(d):
        here = [g for g in groups if g["image"] == d["image"]]
        return max((_overlap(d, g, rules) for g in here), default=0.0)

    return sorted(ranked, key=lambda d: -share(d))


def _closest(ranked, choice, ignored, left_out, rules, area, threshold):
    """Of all pairs those of the largest overlap first; both sides must be free."""
    verdicts = {d["row"]: OUT if d["row"] in left_out else "fp" for d in ranked}
    singles = [g for g in choice if not g["group"]]
    pairs = []
    for d in ranked:
        if d["row"] in left_out:
            continue
        here = [g for g in singles if g["image"] == d["image"]]
        reached = [g for g in here if _enough(_overlap(d, g, rules), threshold, rules)]
        others = [_overlap(d, g, rules) * (g in reached) for g in here]
        tie = (others, not _found_in(d, area, rules))
        for g in reached:
            late = ignored[g["row"]]
            pairs.append((late, -_overlap(d, g, rules), singles.index(g), tie, d["row"], d, g))
    taken: set[int] = set()
    placed: set[int] = set()
    for late, _, _, _, _, d, g in sorted(pairs, key=lambda pair: pair[:4]):
        if d["row"] in placed or g["row"] in taken:
            continue
        placed.add(d["row"])
        if not g["region"]:
            taken.add(g["row"])
        verdicts[d["row"]] = OUT if late else "tp"
    return verdicts


def _truths(ranked, objects, ignored, left_out, rules, area, threshold):
    """Objects choose, in the order of the file; regions take what is left."""
    verdicts = {d["row"]: OUT if d["row"] in left_out else "fp" for d in ranked}
    by_file = sorted((d for d in ranked if d["row"] not in left_out), key=lambda d: d["row"])
    taken: set[int] = set()
    for g in sorted(objects, key=lambda g: g["row"]):
        if g["region"] or g["group"]:
            continue
        options = [d for d in by_file if d["image"] == g["image"] and d["row"] not in taken]
        options = [d for d in options if _enough(_overlap(d, g, rules), threshold, rules)]
        inside = [d for d in options if _found_in(d, area, rules)]
        if not options:
            continue
        best = max(inside, key=lambda d: _overlap(d, g, rules)) if inside else options[0]
        taken.add(best["row"])
        verdicts[best["row"]] = "tp" if inside and not ignored[g["row"]] else OUT
    for d in by_file:
        regions = [
            g for g in objects if g["image"] == d["image"] and g["region"] and not g["group"]
        ]
        inside = any(_enough(_overlap(d, g, rules), threshold, rules) for g in regions)
        if d["row"] not in taken and inside:
            verdicts[d["row"]] = OUT
    return verdicts


def _ap_at_cuts(ranked, others, objects, rules, area, threshold):
    """KITTI's: scores of true positives spread over recall, each matched without those below."""
    verdicts, total = _match(ranked, objects, rules, area, threshold)
    scores = [d["score"] for d, v in zip(ranked, verdicts, strict=True) if v == "tp"]
    if rules.assignment == "truths":
        scores = _surest(ranked, others, objects, rules, area, threshold)
    cuts, recall = [], 0.0
    scores = sorted(scores, reverse=True)
    for n, score in enumerate(scores):
        here, last = (n + 1) / total, n == len(scores) - 1
        beyond = here if last else (n + 2) / total
        if beyond - recall < recall - here and not last:
            continue
        cuts.append(score)
        recall += 1 / 40.0
    precision = [0.0] * 41
    for n, cut in enumerate(cuts[:41]):
        above = [d for d in ranked if d["score"] >= cut]
        verdicts, _ = _match(above, objects, rules, area, threshold)
        right, wrong = verdicts.count("tp"), verdicts.count("fp")
        precision[n] = right / (right + wrong) if right + wrong else 0.0
    reached = [max(precision[round(point * 40) :]) for point in rules.recall_points]
    return sum(reached) / len(reached)


def _surest(ranked, others, objects, rules, area, threshold):
    """Scores of true positives where each object takes the surest detection that overlaps it
    enough, among them those out of range of any class."""
    ignored = {g["row"]: g["excused"] or not _in(g, area, rules) for g in objects}
    scores, taken = [], set()
    for g in sorted(objects, key=lambda g: g["row"]):
        if g["region"] or g["group"]:
            continue
        free = [*ranked, *(d for d in others if not _found_in(d, area, rules))]
        free = [d for d in free if d["image"] == g["image"] and d["row"] not in taken]
        free = [d for d in free if _enough(_overlap(d, g, rules), threshold, rules)]
        if not free:
            continue
        best = max(sorted(free, key=lambda d: d["row"]), key=lambda d: d["score"])
        taken.add(best["row"])
        if best in ranked and _found_in(best, area, rules) and not ignored[g["row"]]:
            scores.append(best["score"])
    return scores


def _free(d, here, taken, ignored, rules, threshold):
    free = [g for g in here if g["row"] not in taken or g["region"]]
    open_ones = [g for g in free if _enough(_overlap(d, g, rules), threshold, rules)]
    counting = [g for g in open_ones if not ignored[g["row"]]]
    wanted = counting or open_ones
    if not wanted:
        return "fp"
    best = max(wanted, key=lambda g: _overlap(d, g, rules))  # the first of equals, in order
    taken.add(best["row"])
    return OUT if ignored[best["row"]] else "tp"


def _nearest(d, here, taken, ignored, rules, threshold):
    if not here:
        return "fp"
    best = max(here, key=lambda g: _overlap(d, g, rules))
    if not _enough(_overlap(d, best, rules), threshold, rules):
        return "fp"
    if ignored[best["row"]]:
        return OUT
    if best["row"] in taken:
        return "fp"
    taken.add(best["row"])
    return "tp"


def _ap(verdicts, total, rules):
    right = wrong = 0
    recall, precision = [], []
    for verdict in verdicts:
        if verdict == OUT:
            continue
        right += verdict == "tp"
        wrong += verdict == "fp"
        recall.append(right / total)
        precision.append(right / (right + wrong))
    if rules.interpolation == "trapezoid":
        pairs = range(1, len(recall))
        return sum(
            (recall[n] - recall[n - 1]) * (precision[n] + precision[n - 1]) / 2 for n in pairs
        )
    envelope = [max(precision[n:]) for n in range(len(precision))]
    if rules.interpolation == "points":
        reached = [
            next((e for r, e in zip(recall, envelope, strict=True) if r >= point), 0.0)
            for point in rules.recall_points
        ]
        return sum(reached) / len(reached)
    if rules.interpolation == "every":
        area, before = 0.0, 0.0
        for r, e in zip(recall, envelope, strict=True):
            area += (r - before) * e
            before = r
        return area
    # linear: as the reference package has it, sentinels and all, which it does not ask for
    # classes without detections
    if not recall:
        return 0.0
    drops = rules.interpolation == "linear"  # at the highest recall, and not on a slope
    x = np.array([0.0, *recall, *recall[-1:] * drops, 1.0])
    y = np.array([1.0, *precision, *[0.0] * drops, 0.0])
    y = np.maximum.accumulate(y[::-1])[::-1]
    points = np.array(rules.recall_points)
    height = np.interp(points, x, y)
    steps = range(len(points) - 1)
    return sum((points[n + 1] - points[n]) * (height[n + 1] + height[n]) / 2 for n in steps)
