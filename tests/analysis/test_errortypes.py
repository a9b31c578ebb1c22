"""TIDE's error types: hand-made cases of each, slow loops from the definition, laws."""

from __future__ import annotations

import math
import subprocess
import sys
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
import strategies
from hypothesis import assume, given
from hypothesis import strategies as st
from profiles import examples
from reference import overlap

import detmetrics as dm
from detmetrics import analysis
from detmetrics.analysis import assignment, blind_spots, error_types
from detmetrics.analysis.error_kinds import ERROR_KINDS, MENDED_TOGETHER
from detmetrics.matching import roles
from detmetrics.matching.matching import match
from detmetrics.reports import error_kinds as views

pytestmark = pytest.mark.filterwarnings("ignore::detmetrics.DetmetricsWarning")

FIXTURES = "fixtures/ground_truth.json", "fixtures/detections.json"
OBJECT = [0, 0, 10, 10]
RULES = [
    dm.COCO,
    dm.COCO.replace(ignore="honour"),
    dm.COCO.replace(ignore="region", class_agnostic=True),
    dm.COCO.replace(crowd="drop", max_detections=(2,)),
    dm.COCO.replace(difficult="ignore", equal_overlaps="first", min_score=0.2),
]


def scene(objects, found, images=2, classes=("cat", "dog"), **more) -> dm.Evaluation:
    """objects: (image, class, box); found: (image, class, box, score)."""
    catalog = dm.Catalog.from_ids(images=range(images), categories=classes)
    truth = dm.GroundTruth.from_arrays(
        image_ids=[row[0] for row in objects],
        categories=[row[1] for row in objects],
        boxes=np.array([row[2] for row in objects], float).reshape(-1, 4),
        catalog=catalog,
        **more,
    )
    detections = dm.Detections.from_arrays(
        image_ids=[row[0] for row in found],
        categories=[row[1] for row in found],
        boxes=np.array([row[2] for row in found], float).reshape(-1, 4),
        scores=[row[3] for row in found],
        catalog=catalog,
    )
    return dm.evaluate(truth, detections)


CAT = (0, "cat", OBJECT)
GOLDEN = {
    # IoU 0.4 with its object, which nobody found: mended, it is found
    "localisation": ([CAT], [(0, "cat", [0, 0, 10, 4], 0.9)], 0, 0.0, 1.0),
    # on a cat, called a dog; without dogs, the mean is over cats and dogs as it stands
    "classification": ([CAT], [(0, "dog", OBJECT, 0.9)], 0, 0.0, 1.0),
    # IoU 0.4 with a cat, called a dog; once it is deleted there are cats alone
    "both": ([CAT], [(0, "dog", [0, 0, 10, 4], 0.9), (0, "cat", OBJECT, 0.8)], 0, 0.5, 0.5),
    # the second on the same cat, before the cat on another image
    "duplicate": (
        [CAT, (1, "cat", OBJECT)],
        [
            (0, "cat", OBJECT, 0.9),
            (0, "cat", [0, 0, 10, 9], 0.8),
            (1, "cat", OBJECT, 0.7),
        ],
        1,
        (51 + 50 * 2 / 3) / 101,
        1 - (51 + 50 * 2 / 3) / 101,
    ),
    # on nothing, with the best score
    "background": ([CAT], [(1, "cat", OBJECT, 0.9), (0, "cat", OBJECT, 0.8)], 0, 0.5, 0.5),
}


@pytest.mark.parametrize("kind", GOLDEN)
def test_each_kind(kind):
    objects, found, row, ap, dap = GOLDEN[kind]
    errors = error_types(scene(objects, found))
    assert {name: count for name, count in errors.counts.items() if count} == {
        kind: 1,
        "false positives": 1,
        **({} if kind not in ("localisation", "classification") else {"false negatives": 1}),
    }
    assert errors.of(kind)[0].tolist() == [row]
    assert errors.of(kind)[1].tolist() == [-1 if kind == "background" else 0]
    assert errors.ap == pytest.approx(ap, abs=1e-12)
    assert errors.dap[kind] == pytest.approx(dap, abs=1e-12)
    others = [name for name in ERROR_KINDS if name != kind]
    assert [errors.dap[name] for name in others] == pytest.approx([0] * 5, abs=1e-12)


def test_missed():
    errors = error_types(scene([CAT, (1, "cat", OBJECT)], [(0, "cat", OBJECT, 0.9)]))
    assert errors.of("missed")[1].tolist() == [1]
    assert errors.ap == pytest.approx(51 / 101)
    assert errors.dap["missed"] == errors.dap["false negatives"] == pytest.approx(50 / 101)
    assert errors.true_positives == 1


def test_an_object_that_an_error_aims_at_is_not_missed_and_is_mended_once():
    found = [(0, "dog", OBJECT, 0.9), (0, "cat", [0, 0, 10, 4], 0.8), (0, "dog", OBJECT, 0.7)]
    errors = error_types(scene([CAT], found))
    assert errors.counts["missed"] == 0
    assert errors.counts["false negatives"] == 1
    assert errors.counts["classification"] == 2
    assert errors.ap == 0
    # the best of the three is mended, the others of its kind are deleted; localisation deletes
    assert errors.dap["classification"] == pytest.approx(1)
    assert errors.dap["localisation"] == 0


@pytest.mark.parametrize(
    ("box", "kind"),
    [
        ([0, 0, 10, 5], "true positive"),
        ([0, 0, 5, 2], "localisation"),
        ([0, 0, 3, 3], "background"),
    ],
)
def test_at_the_thresholds(box, kind):
    """An IoU of exactly 0.5 is right, of exactly 0.1 a localisation error."""
    errors = error_types(scene([CAT], [(0, "cat", box, 0.9)]))
    assert errors.true_positives == (kind == "true positive")
    assert errors.counts.get(kind, 0) == (kind != "true positive")


def test_exactly_half_of_a_found_object_is_badly_placed_and_not_a_duplicate():
    errors = error_types(scene([CAT], [(0, "cat", OBJECT, 0.9), (0, "cat", [0, 0, 10, 5], 0.8)]))
    assert (errors.counts["localisation"], errors.counts["duplicate"]) == (1, 0)


def test_an_error_on_a_found_object_is_deleted_and_not_made_right():
    found = [(0, "cat", OBJECT, 0.8), (0, "cat", [0, 0, 10, 4], 0.9), (0, "dog", OBJECT, 0.9)]
    objects = [CAT, (1, "cat", OBJECT), (1, "dog", OBJECT)]
    errors = error_types(scene(objects, found))
    assert errors.ap == pytest.approx(51 / 101 * 0.5 / 2)
    assert errors.dap["localisation"] == pytest.approx(51 / 101 * 0.5 / 2)
    assert errors.dap["classification"] == 0


def test_equal_scores():
    """As it stands by image; once something is mended, errors stand before what is right."""
    objects = [CAT, (0, "cat", [50, 0, 10, 10])]
    found = [(0, "cat", OBJECT, 0.5), (1, "cat", OBJECT, 0.5)]
    errors = error_types(scene(objects, found))
    assert errors.ap == pytest.approx(51 / 101)
    assert errors.dap["missed"] == 0  # 0.5, which is less
    assert errors.dap["false negatives"] == pytest.approx(0.5 - 51 / 101)


def test_what_lies_in_a_crowd_is_set_aside():
    found = [(0, "cat", [20, 20, 2, 2], 0.9), (0, "dog", [20, 20, 2, 2], 0.8)]
    objects = [CAT, (0, "cat", [20, 20, 9, 9])]
    errors = error_types(scene(objects, found, crowd=[False, True]))
    assert errors.set_aside == 1
    assert errors.counts["background"] == 1
    assert errors.class_counts["background"].tolist() == [0, 1]


def test_the_best_hundred_of_an_image_count():
    found = [(0, "dog", OBJECT, 0.5)] * 100 + [(0, "cat", OBJECT, 0.4)]
    result = scene([CAT], found)
    assert error_types(result).counts["false positives"] == 100
    assert error_types(result).true_positives == 0
    assert error_types(result, image_limit=101).true_positives == 1
    assert [error_types(result, image_limit=n).left_out for n in (100, 101)] == [1, 0]
    said = views.to_text(error_types(result), blind_spots(result))
    assert "0 set aside, 1 beyond the best of their image left out" in said


def test_undefined_has_a_reason():
    nothing = error_types(scene([], []))
    assert math.isnan(nothing.ap)
    assert nothing.undefined["AP"] == "no ground truth and no detections"
    assert set(nothing.undefined) == {"AP", *ERROR_KINDS, *MENDED_TOGETHER}
    alone = error_types(scene([], [(0, "cat", OBJECT, 0.9)]))
    assert alone.ap == 0
    assert alone.undefined == {"background": "no class is left once they are mended"}
    assert np.isnan(alone.class_dap["background"]).all()
    assert alone.to_dict()["errors"]["background"] == {"count": 1, "dAP": None}


def test_frame_and_rows_agree():
    result = dm.evaluate(*FIXTURES)
    errors = error_types(result)
    frame = errors.frame()
    assert frame["error"].value_counts().to_dict() == {
        kind: errors.counts[kind] for kind in ERROR_KINDS
    }
    wrong = frame[frame["error"] == "classification"]
    assert (wrong["class"] != wrong["true_class"]).all()
    assert (wrong["iou"] >= 0.5).all()
    missed = frame[frame["error"] == "missed"]
    assert missed["class"].isna().all()
    assert (missed["detection"] == -1).all()
    assert set(missed["ground_truth"]) <= set(result.ground_truth.ids)
    json = errors.to_dict()
    assert sum(row["missed"]["count"] for row in json["per_class"].values()) == 16
    assert json["per_class"]["bus"]["AP"] is None


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"iou": 0}, "iou: expected 0 < iou <= 1, got 0"),
        ({"background": math.nan}, "background: expected 0 < background <= 1, got nan"),
        ({"iou": 0.3, "background": 0.3}, "expected background < iou, got 0.3 and 0.3"),
    ],
)
def test_what_makes_no_sense_is_refused(changes, message):
    with pytest.raises(dm.InputError, match=message):
        error_types(dm.evaluate(*FIXTURES), **changes)


def test_unknown_kinds_and_limits_are_refused():
    with pytest.raises(dm.InputError, match="no kind of error 'Cls'; there are classification"):
        error_types(dm.evaluate(*FIXTURES)).of("Cls")
    with pytest.raises(dm.RulesError, match="image_limit: expected a whole number from 1"):
        error_types(dm.evaluate(*FIXTURES), image_limit=0)


def test_the_surface():
    assert analysis.__all__ == sorted(analysis.__all__)
    assert set(dir(analysis)) == set(analysis.__all__)
    assert all(getattr(analysis, name).__doc__ for name in analysis.__all__)
    with pytest.raises(AttributeError, match="attribute tide"):
        _ = analysis.tide


@given(scene=strategies.scenes(full=True), rules=strategies.any_rules())
def test_whatever_the_rules_every_detection_stands_somewhere(scene, rules):
    try:
        result = dm.evaluate(*scene, rules)
    except dm.RulesError:  # these tables lack what the rules need
        assume(False)
    errors = error_types(result)
    wrong = sum(errors.counts[kind] for kind in ERROR_KINDS[:-1])
    assert errors.true_positives + wrong + errors.set_aside == len(result.matching.row)
    matrix = analysis.confusion_matrix(result, 0.0)
    assert matrix.counts[:, :-1].sum() + matrix.set_aside == len(result.matching.row)
    assert matrix.counts[:-1].sum() == errors.true_positives + errors.counts["false negatives"]
    assert set(analysis.blind_spots(result).repeated) <= set(result.matching.row)


def test_asking_needs_numpy_alone():
    code = (
        "import sys, detmetrics as dm; from detmetrics import analysis;"
        f"result = dm.evaluate(*{FIXTURES});"
        "[getattr(analysis, name)(result).to_dict()"
        " for name in ('error_types', 'confusion_matrix', 'blind_spots')];"
        "print(*set(sys.modules) & {'pandas', 'rich', 'click', 'pycocotools'})"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == ""


# --- the definition as loops ----------------------------------------------------------------------


class Slow:
    """One detection at a time; all is rows of the tables."""

    def __init__(self, result: dm.Evaluation, iou: float, background: float, limit: int) -> None:
        self.truth, self.found, self.rules = result.ground_truth, result.detections, result.rules
        self.iou, self.background = iou, background
        self.enough = min(iou, 1 - 1e-10)  # a match at 1 forgives the last digits, as everywhere
        pooled = self.rules.class_agnostic
        self.of_truth = [0 if pooled else int(k) for k in self.truth.category]
        self.of_found = [0 if pooled else int(k) for k in self.found.category]
        self.excused, self.region = (
            roles.excused(self.truth, self.rules),
            roles.regions(self.truth, self.rules),
        )
        self.right, self.aside, self.errors, self.partner = set(), set(), [], {}
        considered = result.matching.row.tolist()
        for image in range(len(self.truth.catalog.image_ids)):
            mine = sorted(d for d in considered if self.found.image[d] == image)
            self.image(image, sorted(mine, key=lambda d: -self.found.scores[d])[:limit])
        self.aimed = {}
        for kind, d, g in self.errors:
            if kind in ("localisation", "classification") and g not in self.partner:
                self.aimed.setdefault(g, d)  # the best of them comes first
        counted = [g for g in range(len(self.truth)) if not self.excused[g]]
        self.unfound = [g for g in counted if g not in self.partner]
        self.missed = [g for g in self.unfound if g not in self.aimed]
        self.objects = Counter(self.of_truth[g] for g in counted)

    def between(self, d: int, g: int, region: bool = False) -> float:
        return overlap(self.found.xywh[d].tolist(), self.truth.xywh[g].tolist(), region)

    def image(self, image: int, mine: list[int]) -> None:
        there = [g for g in range(len(self.truth)) if self.truth.image[g] == image]
        objects = [g for g in there if not self.excused[g]]
        for d in mine:
            own = [g for g in objects if self.of_truth[g] == self.of_found[d]]
            iou, best = self.best(d, [g for g in own if g not in self.partner])
            if iou >= self.enough:
                self.partner[best] = d
                self.right.add(d)
        for d in mine:
            if d not in self.right and self.lies_in_any(d, there):
                self.aside.add(d)
            elif d not in self.right:
                self.errors.append(self.error(d, objects))

    def best(self, d: int, objects: list[int]) -> tuple[float, int]:
        best = max(objects, key=lambda g: self.between(d, g), default=-1)
        return (0.0, -1) if best < 0 else (self.between(d, best), best)

    def lies_in_any(self, d: int, there: list[int]) -> bool:
        return any(
            self.excused[g]
            and self.of_truth[g] == self.of_found[d]
            and self.between(d, g, bool(self.region[g])) >= self.enough
            for g in there
        )

    def error(self, d: int, objects: list[int]) -> tuple[str, int, int]:
        own, a = self.best(d, [g for g in objects if self.of_truth[g] == self.of_found[d]])
        other, b = self.best(d, [g for g in objects if self.of_truth[g] != self.of_found[d]])
        if self.background <= own <= self.iou:
            return "localisation", d, a
        if other >= self.iou:
            return "classification", d, b
        if own >= self.iou:
            return "duplicate", d, a
        if max(own, other) <= self.background:
            return "background", d, -1
        return "both", d, b

    def point(self, d: int) -> tuple[int, float, bool]:
        return self.of_found[d], float(self.found.scores[d]), d in self.right

    def ap(self) -> float:
        """Equal scores by image, as they stand in the image."""
        points = sorted(
            self.right | {d for _, d, _ in self.errors},
            key=lambda d: (self.found.image[d], -self.found.scores[d], d),
        )
        return mean_ap([self.point(d) for d in points], self.objects)

    def mended(self, fixed: str) -> float:
        """Errors stand before what is right, among equal scores."""
        points = []
        for kind, d, g in self.errors:
            if kind != fixed:
                points.append(self.point(d))
            elif self.aimed.get(g) == d:
                points.append((self.of_truth[g], float(self.found.scores[d]), True))
        points += [self.point(d) for d in self.right]
        gone = {"missed": self.missed, "false negatives": self.unfound}.get(fixed, ())
        if fixed == "false positives":
            points = [(k, float(right), right) for k, _, right in points]
        return mean_ap(points, self.objects - Counter(self.of_truth[g] for g in gone))

    def dap(self) -> dict[str, float]:
        won = {kind: self.mended(kind) - self.ap() for kind in (*ERROR_KINDS, *MENDED_TOGETHER)}
        return {
            kind: 0.0 if value < 0 and kind in ERROR_KINDS else value for kind, value in won.items()
        }


def mean_ap(points: list, counts: dict) -> float:
    """points: (class, score, right), equal scores in this order; counts: objects by class."""
    classes = {k for k, _, _ in points} | {k for k, count in counts.items() if count}
    values = []
    for k in classes:
        curve, found = [], 0
        own = sorted((p for p in points if p[0] == k), key=lambda p: -p[1])
        for place, (_, _, right) in enumerate(own, 1):
            found += right
            curve.append((found, found / place))
        total = counts.get(k, 0)
        sampled = [
            max((p for hits, p in curve if total and hits / total >= r / 100), default=0.0)
            for r in range(101)
        ]
        values.append(sum(sampled) / 101 if total else 0.0)
    return sum(values) / len(values) if values else math.nan


@examples(40)
@given(
    scene=strategies.scenes(max_objects=8, max_detections=16)
    | strategies.scenes().map(strategies.on_one_image),
    rules=st.sampled_from(RULES),
    numbers=st.sampled_from([(0.5, 0.1, 100), (0.75, 0.25, 3), (1.0, 1 / 3, 10)]),
)
def test_slow_loops(scene, rules, numbers):
    result = dm.evaluate(*scene, rules)
    ours, expected = error_types(result, *numbers), Slow(result, *numbers)
    kinds = [ERROR_KINDS[kind] for kind in ours.kind]
    rows = zip(kinds, ours.detection.tolist(), ours.ground_truth.tolist(), strict=True)
    missed = [("missed", -1, g) for g in expected.missed]
    assert list(rows) == [*expected.errors, *missed]
    assert (ours.true_positives, ours.set_aside) == (len(expected.right), len(expected.aside))
    assert ours.ap == pytest.approx(expected.ap(), abs=1e-12, nan_ok=True)
    assert ours.dap == pytest.approx(expected.dap(), abs=1e-12, nan_ok=True)


@given(scene=strategies.scenes())
def test_every_detection_is_right_or_one_error_or_set_aside(scene):
    result = dm.evaluate(*scene)
    errors = error_types(result)
    wrong = errors.detection[errors.detection >= 0]
    assert len(np.unique(wrong)) == len(wrong) == errors.counts["false positives"]
    assert errors.true_positives + len(wrong) + errors.set_aside == len(result.matching.row)
    objects = result.curves.positives[:, 0].sum()
    assert errors.true_positives + errors.counts["false negatives"] == objects
    for kind in (*ERROR_KINDS, *MENDED_TOGETHER):
        assert errors.class_counts[kind].sum() == errors.counts[kind]


@given(scene=strategies.scenes())
def test_the_order_of_images_changes_nothing(scene):
    """Where no two scores are equal."""
    truth, found = scene
    scores = np.random.default_rng(0).permutation(len(found)) / 64
    found = replace(found, scores=scores)
    one = error_types(dm.evaluate(truth, found))
    images = len(truth.catalog.image_ids)
    back = replace(
        truth.catalog,
        image_ids=np.arange(images),
        image_names=truth.catalog.image_names[::-1],
        image_sizes=truth.catalog.image_sizes[::-1],
    )
    turned = (
        replace(table, catalog=back, image=images - 1 - table.image) for table in (truth, found)
    )
    other = error_types(dm.evaluate(*turned))
    assert one.counts == other.counts
    assert one.dap == pytest.approx(other.dap, abs=1e-12, nan_ok=True)
    for kind in ERROR_KINDS:
        assert sorted(zip(*one.of(kind), strict=True)) == sorted(zip(*other.of(kind), strict=True))


@examples(40)
@given(
    scene=strategies.scenes(8, 16, full=True),
    rules=strategies.any_rules(),
    iou=st.sampled_from([0.25, 0.5, 1.0]),
    across=st.booleans(),
    image_limit=st.sampled_from([None, 1, 3]),
)
def test_partners_are_those_of_an_evaluation(scene, rules, iou, across, image_limit):
    """Of the detections that are looked at and the objects that count, under such rules."""
    try:
        result = dm.evaluate(*scene, rules=rules, shape="box")
        terms = assignment.at_one_threshold(
            result.rules,
            iou,
            class_agnostic=across or result.rules.class_agnostic,
            image_limit=image_limit,
            ties="file",
        )
        found = assignment.assigned(result, terms)
    except dm.InputError:
        assume(False)
    truth = result.ground_truth.take(found.positives)
    rows = np.sort(result.matching.row)
    looked_at = result.detections.take(rows)
    if terms.class_agnostic:  # equal overlaps go by the file, and not by class
        truth = replace(truth, category=np.zeros_like(truth.category))
    matches = match(truth, looked_at, terms)
    pair, _ = matches.matched[0].at(0)
    holder = rows[matches.row[matches.pairs.detection[pair]]]
    partner = dict.fromkeys(rows[matches.row].tolist(), -1)
    taken = found.positives[matches.truth_row[matches.pairs.ground_truth[pair]]]
    partner |= dict(zip(holder.tolist(), taken.tolist(), strict=True))
    assert dict(zip(found.detection.tolist(), found.partner.tolist(), strict=True)) == partner
    np.testing.assert_array_equal(
        found.overlap[np.searchsorted(found.detection, holder)], matches.pairs.overlap[pair]
    )
    assert np.isnan(found.overlap[found.partner < 0]).all()
