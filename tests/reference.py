"""COCO's rules once more, as slow and obvious loops written from their definition.

Nothing here is taken from the package but the containers of input and settings.
"""

from __future__ import annotations

import numpy as np

from detmetrics import Detections, GroundTruth, Rules


def overlap(detection: list[float], truth: list[float], crowd: bool) -> float:
    """IoU of two boxes x, y, w, h; for a crowd the share of the detection inside."""
    dx, dy, dw, dh = detection
    gx, gy, gw, gh = truth
    w = min(dx + dw, gx + gw) - max(dx, gx)
    h = min(dy + dh, gy + gh) - max(dy, gy)
    if w <= 0 or h <= 0:
        return 0.0
    inter = w * h
    union = dw * dh if crowd else dw * dh + gw * gh - inter
    return inter / union


def match_group(
    detections: list[list[float]],
    truths: list[list[float]],
    crowd: list[bool],
    ignored: list[bool],
    threshold: float,
) -> list[int]:
    """For each detection, best score first, the index of the ground truth it takes, or -1."""
    order = sorted(range(len(truths)), key=lambda g: ignored[g])
    taken: set[int] = set()
    result = []
    for box in detections:
        best, chosen = min(threshold, 1 - 1e-10), -1
        for g in order:
            if g in taken and not crowd[g]:
                continue
            if chosen >= 0 and not ignored[chosen] and ignored[g]:
                break
            iou = overlap(box, truths[g], crowd[g])
            if iou >= best:
                best, chosen = iou, g
        if chosen >= 0:
            taken.add(chosen)
        result.append(chosen)
    return result


def evaluate(truth: GroundTruth, found: Detections, rules: Rules) -> dict[str, np.ndarray]:
    """precision, recall and scores as detmetrics.Evaluation.arrays gives them."""
    T, R = len(rules.iou_thresholds), len(rules.recall_points)
    A, M = len(rules.area_ranges), len(rules.max_detections)
    classes = len(truth.catalog.category_ids)
    groups = [range(classes)] if rules.class_agnostic else [[k] for k in range(classes)]
    K = len(groups)
    cells = {
        "precision": np.full((T, R, K, A, M), np.nan),
        "recall": np.full((T, K, A, M), np.nan),
        "scores": np.full((T, R, K, A, M), np.nan),
    }
    for k, group in enumerate(groups):
        for a, area in enumerate(rules.area_ranges):
            for t, threshold in enumerate(rules.iou_thresholds):
                images = [
                    _image(truth, found, rules, image, group, area, threshold)
                    for image in range(len(truth.catalog.image_ids))
                ]
                total = sum(count for _, count in images)
                if total == 0:
                    continue
                for m, limit in enumerate(rules.max_detections):
                    rows = [row for entries, _ in images for row in entries[:limit]]
                    rows.sort(key=lambda row: -row[0])
                    precision, scores, recall = curve(rows, total, rules.recall_points)
                    cells["precision"][t, :, k, a, m] = precision
                    cells["scores"][t, :, k, a, m] = scores
                    cells["recall"][t, k, a, m] = recall
    return cells


def _image(truth, found, rules, image, group, area, threshold):
    """(score, is right, is ignored) of each detection that may count, and the ground truths."""
    here = [
        g
        for k in group
        for g in range(len(truth))
        if truth.image[g] == image and truth.category[g] == k
    ]
    seen = [
        d
        for k in group
        for d in range(len(found))
        if found.image[d] == image and found.category[d] == k
    ]
    seen = sorted(seen, key=lambda d: -found.scores[d])[: rules.max_limit]
    crowd = [bool(truth.crowd[g]) for g in here]
    honoured = [bool(truth.ignore[g]) and rules.ignore == "honour" for g in here]
    ignored = [
        crowd[n] or honoured[n] or truth.area[g] < area.low or truth.area[g] > area.high
        for n, g in enumerate(here)
    ]
    boxes, truths = found.xywh.tolist(), truth.xywh.tolist()
    chosen = match_group(
        [boxes[d] for d in seen], [truths[g] for g in here], crowd, ignored, threshold
    )
    entries = []
    for d, g in zip(seen, chosen, strict=True):
        size = boxes[d][2] * boxes[d][3]
        out = size < area.low or size > area.high
        entries.append((float(found.scores[d]), g >= 0, ignored[g] if g >= 0 else out))
    return entries, ignored.count(False)


def curve(rows, total, points):
    right = wrong = 0
    recalls, precisions = [], []
    for _, matched, ignored in rows:
        right += matched and not ignored
        wrong += not matched and not ignored
        recalls.append(right / total)
        precisions.append(right / (wrong + right + np.spacing(1)))
    for n in range(len(precisions) - 2, -1, -1):
        precisions[n] = max(precisions[n], precisions[n + 1])
    sampled, scores = [], []
    for point in points:
        reached = next((n for n, recall in enumerate(recalls) if recall >= point), None)
        sampled.append(0.0 if reached is None else precisions[reached])
        scores.append(0.0 if reached is None else rows[reached][0])
    return sampled, scores, recalls[-1] if recalls else 0.0
