"""Calibration is what a loop over bins gives, and 0 where scores tell the truth."""

from __future__ import annotations

import math

import builders
import numpy as np
import pytest
import strategies
from builders import annotation, detection, document
from hypothesis import given
from hypothesis import strategies as st

import detmetrics as dm
from detmetrics import analysis
from detmetrics.analysis.reliability import calibration, detection_ece
from detmetrics.evaluation.match_table import verdicts

pytestmark = pytest.mark.filterwarnings("ignore::detmetrics.DetmetricsWarning")

FIXTURES = "fixtures/ground_truth.json", "fixtures/detections.json"


def rows_of(result: dm.Evaluation, iou: float) -> list[tuple]:
    """(category, score, right, overlap, box, image) of each detection that counts."""
    found, at = result.detections, result.rules.threshold_index(iou)
    table = verdicts(result.ground_truth, found, result.matching, at, 0)
    rows = []
    for d, verdict, overlap in zip(table.detection, table.verdict, table.overlap, strict=True):
        if verdict in ("true positive", "false positive"):
            right = verdict == "true positive"
            worth = overlap if right else 0.0
            place = found.xywh[d].tolist(), int(found.image[d])
            rows.append((int(found.category[d]), float(found.scores[d]), right, worth, *place))
    return rows


def bin_of(value: float, bins: int) -> int:
    edges = np.linspace(0, 1, bins + 1)
    return next(b for b in range(bins) if value <= edges[b + 1])


def gaps(rows: list[tuple], cell, worth) -> list[tuple[int, float]]:
    """The count of each bin that is not empty, and how far score and worth are apart in it."""
    cells: dict = {}
    for row in rows:
        cells.setdefault(cell(row), []).append(row)
    return [
        (len(own), abs(sum(r[1] for r in own) / len(own) - sum(worth(r) for r in own) / len(own)))
        for own in cells.values()
    ]


def error(rows: list[tuple], cell, worth) -> float:
    found = gaps(rows, cell, worth)
    return sum(n * gap for n, gap in found) / len(rows) if rows else math.nan


def close(one: float, other: float):
    return one == pytest.approx(other, rel=1e-9, abs=1e-12, nan_ok=True)


@given(
    scene=strategies.scenes(full=True),
    bins=st.sampled_from([1, 5, 10, 25]),
    iou=st.sampled_from([0.5, 0.75]),
)
def test_slow_loop(scene, bins, iou):
    result = dm.evaluate(*scene, dm.COCO.replace(ignore="honour"))
    found, rows = calibration(result, bins, iou), rows_of(result, iou)
    truths = result.curves.positives[:, 0]
    laece, laace = [], []
    for index, table in [(None, found.pooled), *enumerate(found.classes.values())]:
        own = [row for row in rows if index is None or row[0] == index]
        assert close(table.ece, error(own, lambda r: bin_of(r[1], bins), lambda r: r[2]))
        assert close(table.laece, error(own, lambda r: bin_of(r[1], 25), lambda r: r[3]))
        assert close(table.laace, sum(abs(r[1] - r[3]) for r in own) / len(own) if own else np.nan)
        apart = gaps(own, lambda r: bin_of(r[1], bins), lambda r: r[2])
        assert close(table.mce, max((gap for _, gap in apart), default=math.nan))
        for b in range(bins):
            inside = [r for r in own if bin_of(r[1], bins) == b]
            right = [r for r in inside if r[2]]
            assert table.count[b] == len(inside)
            if inside:
                assert close(table.score[b], sum(r[1] for r in inside) / len(inside))
                assert close(table.precision[b], len(right) / len(inside))
                assert close(table.gap[b], table.score[b] - table.precision[b])
            else:
                assert math.isnan(table.score[b])
            assert close(table.iou[b], sum(r[3] for r in right) / len(right) if right else np.nan)
        if index is not None and truths[index] and own:
            laece.append(table.laece)
            laace.append(table.laace)
    known = [row for row in rows if truths[row[0]]]
    assert close(found.d_ece, error(known, lambda r: bin_of(r[1], 25), lambda r: r[2]))
    assert close(found.laece, sum(laece) / len(laece) if laece else math.nan)
    assert close(found.laace, sum(laace) / len(laace) if laace else math.nan)


@given(scene=strategies.scenes(full=True), bins=st.sampled_from([2, 5]))
def test_bins_of_position_too(scene, bins):
    result = dm.evaluate(*scene)
    truths, sizes = result.curves.positives[:, 0], scene[0].catalog.image_sizes

    def cell(row):
        (x, y, w, h), (wide, high) = row[4], sizes[row[5]]
        shares = [(x + w / 2) / wide, (y + h / 2) / high, w / wide, h / high]
        return tuple(bin_of(min(max(v, 0), 1), bins) for v in (row[1], *shares))

    rows = [row for row in rows_of(result, 0.5) if truths[row[0]]]
    found = detection_ece(result, ["cx", "cy", "w", "h"], bins)
    assert close(found, error(rows, cell, lambda r: r[2]))
    plain = detection_ece(result, [], 25)
    assert close(plain, calibration(result).d_ece)


def scored(tmp_path, scores, right) -> dm.Evaluation:
    """Detections of one class, each on a place of its own; right: whether an object is there."""
    places = [[20.0 * n, 0, 10, 10] for n in range(len(scores))]
    objects = [annotation(n + 1, bbox=places[n]) for n in range(len(scores)) if right[n]]
    found = [detection(score=score, bbox=box) for score, box in zip(scores, places, strict=True)]
    rules = dm.COCO.replace(max_detections=math.inf)
    return builders.evaluate(tmp_path, document(annotations=objects), found, rules=rules)


def test_golden(tmp_path):
    found = calibration(scored(tmp_path, [0.0, 0.1, 0.15, 0.95], [False, True, False, True]))
    table = found.pooled
    assert table.count.tolist() == [2, 1, 0, 0, 0, 0, 0, 0, 0, 1]  # 0.1 is in the first bin
    assert table.precision[:2].tolist() == [0.5, 0]
    assert table.score[0] == 0.05
    assert table.iou[9] == 1
    assert math.isnan(table.iou[1])
    assert table.ece == pytest.approx((0.9 + 0.15 + 0.05) / 4)
    assert table.mce == pytest.approx(0.45)
    assert found.laace == pytest.approx((0 + 0.9 + 0.15 + 0.05) / 4)
    assert math.isnan(found.classes["dog"].ece)


def test_scores_that_tell_the_truth_have_no_error(tmp_path):
    rng = np.random.default_rng(0)
    scores = np.round(rng.uniform(0, 1, 4_000), 6)
    right = rng.uniform(0, 1, 4_000) < scores
    honest = analysis.calibration(scored(tmp_path, scores.tolist(), right))
    assert honest.pooled.ece < 0.02
    assert honest.d_ece < 0.03
    assert honest.laece < 0.03  # what is right fits exactly here
    boastful = analysis.calibration(scored(tmp_path, np.sqrt(scores).tolist(), right))
    assert boastful.pooled.ece > 0.1
    assert (boastful.pooled.gap[2:9] > 0).all()


def test_nothing_to_calibrate(tmp_path):
    found = calibration(builders.evaluate(tmp_path, None, []))
    for value in (found.pooled.ece, found.pooled.mce, found.d_ece, found.laece, found.laace):
        assert math.isnan(value)
    assert math.isnan(detection_ece(builders.evaluate(tmp_path, None, []), []))


def test_refused(tmp_path):
    result = scored(tmp_path, [1.5, 0.5], [True, True])
    for ask in (calibration, detection_ece):
        with pytest.raises(
            dm.InputError, match=r"from 0 to 1, and 1 score lies beyond, such as 1\.5"
        ):
            ask(result)
    with pytest.raises(dm.InputError, match="bins: expected one or more, got 0"):
        calibration(dm.evaluate(*FIXTURES), 0)
    with pytest.raises(dm.InputError, match="bins: expected one or more, got 0"):
        detection_ece(dm.evaluate(*FIXTURES), bins=0)
    with pytest.raises(dm.InputError, match="along: expected some of cx, cy, w, h, got 'x'"):
        detection_ece(dm.evaluate(*FIXTURES), ["x"])
    unsized = builders.evaluate(tmp_path)
    with pytest.raises(dm.InputError, match="sizes of images are unknown, so no bins of position"):
        detection_ece(unsized)


def test_real_data(shared):
    folder = shared / "voc2007" / "coco_json"
    files = folder / "ground_truth_difficult_as_crowd.json.gz", folder / "yolov2.json.gz"
    found = calibration(dm.evaluate(*files), 25)
    assert found.pooled.count.sum() > 100_000
    assert found.pooled.ece == pytest.approx(found.d_ece, rel=1e-12)  # every class has objects
    assert 0.02 < found.d_ece < 0.03
