"""``compute(distributed=True)``: several ranks of one process give the bits of one metric."""

from __future__ import annotations

import pickle
import sys
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from match_scenes import assert_same, boxes
from profiles import examples
from ranks_in_threads import at_once
from test_metric import CAT, FOUND, example, fed

import detmetrics as dm
from detmetrics.metrics.summary import metrics_of
from detmetrics.parts.condensing import Marks

pytestmark = pytest.mark.filterwarnings("ignore::detmetrics.DetmetricsWarning")

CLASSES = ["Car", "Pedestrian", "Van"]
HIGH, WIDE = 180, 240
FORMS = {"box": "xywh", "mask": "xywh", "oriented": "cxcywhr", "probabilistic": "cxcywhr"}
REFUSED = ("kitti", "kitti-r11", "lvis-fixed", "crowdhuman")
RULES = [name for name in dm.RULE_SETS if name not in REFUSED]


def side(rng: np.random.Generator, count: int, shape: str) -> dict[str, Any]:
    """Objects or predictions of one image, on a coarse grid."""
    box = boxes(rng, count)
    one: dict[str, Any] = {"labels": rng.integers(0, len(CLASSES), count)}
    if shape == "mask":
        planes = np.zeros((count, HIGH, WIDE), bool)
        for plane, (x, y, w, h) in zip(planes, box.astype(int).tolist(), strict=True):
            plane[y : y + h, x : x + w] = True
        return {**one, "boxes": box, "masks": planes}
    if FORMS[shape] == "cxcywhr":
        middle = box[:, :2] + box[:, 2:] / 2
        box = np.column_stack([middle, box[:, 2:], box[:, 0] / 40])
    return {**one, "boxes": box}


def image_of(rng: np.random.Generator, shape: str) -> tuple[dict, dict, tuple[int, int]]:
    """Predictions and targets of one image; most scores are equal."""
    found, there = side(rng, rng.integers(0, 12), shape), side(rng, rng.integers(0, 7), shape)
    found["scores"] = rng.choice([0.25, 0.5, 0.5, 0.75], len(found["labels"]))
    for flag in ("iscrowd", "ignore", "difficult"):
        there[flag] = rng.random(len(there["labels"])) < 0.15
    if rng.random() < 0.5:
        there["area"] = rng.choice([500.0, 2000.0, 9216.0], len(there["labels"]))
    return found, there, (WIDE, HIGH)


def metrics(
    seed: int,
    given: list[list[int]],
    rules: dm.Rules,
    *,
    text: bool = False,
    drawn: str | None = None,
    lacking: str = "",
    **options: Any,
) -> list[dm.DetectionMetric]:
    """A metric per rank; given: which images each is fed with. An image that comes again is another
    one, as nobody says that it is not. drawn: what images have, that of the rules unless given;
    lacking: the side that has no masks.
    """
    rng = np.random.default_rng(seed)
    ids: Any = rng.permutation(50).tolist()
    ids = [f"im{number}" for number in ids] if text else ids
    made = []
    for numbers in given:
        metric = dm.DetectionMetric(CLASSES, rules, FORMS[rules.shape], **options)
        for number in numbers:
            found, there, size = image_of(rng, drawn or rules.shape)
            {"predictions": found, "targets": there}.get(lacking, {}).pop("masks", None)
            metric.update([ids[number]], [found], [there], [size])
        made.append(metric)
    return made


def gathered(parts: list[dm.DetectionMetric]) -> dm.DetectionMetric:
    """What sync gives to each rank."""
    whole, *others = [dm.DetectionMetric.from_bytes(part.to_bytes()) for part in parts]
    for other in others:
        whole.merge(other)
    return whole


def columns(result: Any) -> dict[str, np.ndarray]:
    cells = {one.name: result.measured.of_each_class(one) for one in metrics_of(result.rules)}
    return {**{f"cells of {name}": cell for name, cell in cells.items()}, **result.class_columns()}


def same(ours: Any, theirs: dm.Evaluation) -> None:
    """Two results in every number and every bit."""
    if isinstance(ours, Exception):
        raise ours
    assert ours.signature == theirs.signature
    assert ours.class_names == theirs.class_names
    assert ours.counts == theirs.counts
    assert ours.summary.undefined == theirs.summary.undefined
    assert list(ours.summary) == list(theirs.summary)
    assert_same(np.array([*ours.summary.values()]), np.array([*theirs.summary.values()]))
    told = columns(theirs)
    for name, column in columns(ours).items():
        assert_same(np.ascontiguousarray(column), np.ascontiguousarray(told[name]), name)
    contract, expected = ours.to_dict(), theirs.to_dict()
    for name in ("metrics", "undefined", "per_class", "counts", "shape", "schema"):
        assert repr(contract[name]) == repr(expected[name])


def check(parts: list[dm.DetectionMetric]) -> None:
    """Every rank has what one metric with all images has, or the same kind of error."""
    results, _ = at_once(parts)
    whole: Any
    try:
        whole = gathered(parts).compute()
    except dm.DetmetricsError as error:
        whole = error
    if isinstance(whole, Exception):
        assert {type(one) for one in results} == {type(whole)}
        return
    for one in results:
        same(one, whole)


shares = st.lists(st.lists(st.integers(0, 7), unique=True, max_size=5), min_size=2, max_size=4)


class TestRanks:
    """Whatever the ranks were fed with, each has the result of one metric with all images."""

    @examples(6)
    @pytest.mark.parametrize("name", RULES)
    @given(seed=st.integers(0, 10**6), given=shares, text=st.booleans(), data=st.data())
    def test_under_every_named_rule_set(self, name, seed, given, text, data):
        rules = dm.RULE_SETS[name].replace(federated=False)
        rules = rules.replace(
            metrics=[one for one in rules.metrics if one not in ("ji", "ap_frequency")],
            area_ranges=[area._replace(also=()) for area in rules.area_ranges],
            ties=data.draw(st.sampled_from(["image", "file"])),
            class_agnostic=data.draw(st.booleans()) and not rules.class_rules,
        )
        on_repeat = data.draw(st.sampled_from(["replace", "keep", "error"]))
        check(metrics(seed, given, rules, text=text, on_repeat=on_repeat))

    @examples(10)
    @pytest.mark.parametrize(
        "more", [("pr",), ("olrp",), ("mr", "mr_area"), ("point", "ap_range"), ()]
    )
    @given(seed=st.integers(0, 10**6), given=shares, limits=st.sampled_from([(1, 3), (2,), (100,)]))
    def test_under_metrics_that_look_at_every_detection(self, more, seed, given, limits):
        rules = dm.COCO.replace(metrics=("ap", "ar", *more), max_detections=limits)
        check(metrics(seed, given, rules))

    @examples(12)
    @given(
        seed=st.integers(0, 10**6),
        given=shares,
        shape=st.sampled_from(["auto", "box", "mask"]),
        lacking=st.sampled_from(["", "", "predictions", "targets"]),
    )
    def test_of_masks(self, seed, given, shape, lacking):
        if shape == "mask":
            lacking = ""
        check(metrics(seed, given, dm.COCO, drawn="mask", lacking=lacking, shape=shape))

    def test_without_numbers_of_one_side(self):
        check(metrics(0, [[], [], [1, 2, 3]], dm.COCO))
        check(metrics(1, [[0, 1, 2, 3], []], dm.VOC2007))


def example_ranks(**options: Any) -> tuple[list[dm.DetectionMetric], dm.DetectionMetric]:
    """The example on three ranks, the last without an image, and all of it in one metric."""
    images, whole = example(**options)
    given = images[::2], images[1::2], []
    return [fed(example(**options)[1], part) for part in given], fed(whole, images)


def errors(parts: list[dm.DetectionMetric], kind: type[Exception] = dm.InputError) -> list[str]:
    """What every rank says; all of them end in an error."""
    results, _ = at_once(parts)
    assert {type(one) for one in results} == {kind}
    return [str(one) for one in results]


class TestRefusals:
    """What does not fit is refused in every rank, and no rank waits for another."""

    @pytest.mark.parametrize(
        ("other", "what"),
        [
            (dm.DetectionMetric(["dog"]), "classes"),
            (dm.DetectionMetric({1: "cat"}), "classes"),
            (dm.DetectionMetric(["cat"], dm.VOC2007), "rules"),
            (dm.DetectionMetric(["cat"], dm.COCO.replace(max_detections=(1, 10))), "rules"),
            (dm.DetectionMetric(["cat"], box_format="xywh"), "box_format"),
            (dm.DetectionMetric(["cat"], normalized=True), "normalized"),
            (dm.DetectionMetric(["cat"], shape="mask"), "shape"),
            (dm.DetectionMetric(["cat"], scores="none"), "scores"),
        ],
    )
    def test_of_settings_that_differ(self, other, what):
        first = dm.DetectionMetric(["cat"])
        said = errors([first, dm.DetectionMetric(["cat"]), other])
        alike = "Fix: make the metric of every process alike"
        assert said == [f"ranks 0 and 2: cannot measure metrics of different {what}. {alike}"] * 3

    def test_of_another_release(self, monkeypatch):
        from detmetrics.training.ranks import shares

        first, second = dm.DetectionMetric(["cat"]), dm.DetectionMetric(["cat"])
        release = iter(["1", "2"])
        pack = shares.archived

        def archived(kind: str, version: int, header: Mapping[str, Any], arrays: Any) -> bytes:
            told = {**header["settings"], "release of detmetrics": next(release)}
            return pack(kind, version, {**header, "settings": told}, arrays)

        monkeypatch.setattr(shares, "archived", archived)
        assert "different release of detmetrics" in errors([first, second])[1]

    def test_without_any_image(self):
        said = errors([dm.DetectionMetric(["cat"]), dm.DetectionMetric(["cat"])])
        assert said[0].startswith("no image yet in any process: update(image_ids")

    def test_of_ids_of_two_kinds(self):
        parts = [dm.DetectionMetric(["cat"]) for _ in range(3)]
        parts[0].update([1], [FOUND], [CAT])
        parts[2].update(["1"], [FOUND], [CAT])
        assert "expected whole numbers or text, got both: 1 and '1'" in errors(parts)[0]

    def test_of_ids_that_no_catalog_takes(self):
        parts = [dm.DetectionMetric(["cat"]) for _ in range(2)]
        parts[0].update([1], [FOUND], [CAT])
        parts[1].update([1 << 63], [FOUND], [CAT])
        (first, second), _ = at_once(parts)
        assert str(first) == f"rank 1: {second}"
        assert "images: expected whole numbers of 64 bits" in str(second)

    def test_of_masks_and_boxes(self):
        parts = [dm.DetectionMetric(["cat"]) for _ in range(2)]
        parts[0].update([1], [FOUND], [CAT])
        plane = np.ones((1, 9, 9), bool)
        parts[1].update([2], [{**FOUND, "masks": plane}], [{**CAT, "masks": plane}])
        assert errors(parts)[0] == (
            "ranks 0 and 1: cannot measure a metric of masks and one of boxes alone"
        )

    def test_of_an_image_that_comes_again(self):
        parts = [dm.DetectionMetric(["cat"], on_repeat="error") for _ in range(2)]
        for part in parts:
            part.update(["a"], [FOUND], [CAT])
        assert errors(parts)[1] == "ranks 0 and 1: image 'a' was given before (on_repeat='error')"

    @pytest.mark.parametrize(
        ("rules", "why"),
        [
            ("kitti", "matching is repeated at each score threshold.* or gather all images"),
            ("lvis-fixed", "10,000 best detections of a class .*class_limit=None"),
            ("crowdhuman", "the Jaccard index .*or gather all images with metric.sync"),
        ],
    )
    def test_of_rules_that_need_all_images(self, rules, why):
        parts = [dm.DetectionMetric(["cat"], rules) for _ in range(2)]
        parts[0].update([1], [FOUND], [CAT], [(99, 99)])
        with pytest.raises(dm.RulesError, match=f"rules {rules} cannot be .*distributed.*{why}"):
            raise at_once(parts)[0][1]

    def test_of_detections_without_scores(self):
        parts = [dm.DetectionMetric(["cat"], scores="none") for _ in range(2)]
        parts[0].update([1], [CAT], [CAT])
        assert "detections without scores have no order" in errors(parts, dm.RulesError)[1]

    def test_of_rules_that_lack_something(self):
        parts = [dm.DetectionMetric(["cat"], "lvis") for _ in range(2)]
        parts[1].update([1], [FOUND], [CAT])
        first, second = errors(parts, dm.RulesError)
        assert first == f"rank 1: {second}"
        assert "need to know which classes were looked for" in second

    def test_of_sizes_that_some_lack(self):
        rules = dm.COCO.replace(area_ranges=(dm.COCO.area_ranges[0], ("low", 0, 0.5, "share")))
        parts = [dm.DetectionMetric(["cat"], rules) for _ in range(3)]
        parts[0].update([1], [FOUND], [CAT], [(99, 99)])
        parts[1].update([2], [FOUND], [CAT])
        assert errors(parts)[2].startswith("rank 0 and rank 1: the sizes of all images are known")

    def test_of_a_fault_that_nobody_expects(self, monkeypatch):
        """It is raised as it is where it happened, and told to the others."""
        parts, _ = example_ranks()

        def broken(*_: Any, **__: Any) -> None:
            raise ZeroDivisionError("of one rank")

        monkeypatch.setattr(parts[1], "_evaluated", broken)
        first, second, third = at_once(parts)[0]
        assert type(second) is ZeroDivisionError
        assert str(first) == str(third) == "rank 1: ZeroDivisionError: of one rank"


def test_without_torch_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "torch.distributed", None)
    with pytest.raises(dm.InputError, match=r"distributed=True.* needs torch: pip install torch"):
        dm.DetectionMetric(["cat"]).compute(distributed=True)


class TestResult:
    """What can be asked of it, and what is refused with the reason."""

    def test_looks_as_any_measurement(self):
        parts, whole = example_ranks()
        (result, *_), _ = at_once(parts)
        same(result, whole.compute())
        assert result.per_class().equals(whole.compute().per_class())
        assert result.scalars("val/")["val/AP"] == whole.compute().summary["AP"]
        assert repr(result).startswith("<RanksEvaluation coco: AP 0.3635")
        assert "over processes it is not looked" in result.attention[-1]

    def test_notes_of_all_are_said_once(self):
        parts, _ = example_ranks(rules="voc2012")
        attention = at_once(parts)[0][2].attention
        assert sum("add a pixel" in text for text in attention) == 1
        assert sum("rank 0: ground-truth arrays: " in text for text in attention) == 0

    def test_repeats_are_said(self):
        parts, whole = example_ranks()
        twice = parts[0]._images
        image = next(iter(twice))
        parts[1]._images[image] = twice[image]
        result = at_once(parts)[0][0]
        assert result.attention[0] == "1 image was given more than once; the last of each counts"
        same(result, whole.compute())

    @pytest.mark.parametrize(
        "ask",
        [
            lambda result: result.arrays(),
            lambda result: result.curve("car"),
            lambda result: result.tie_interval("AP"),
            lambda result: result.tie_interval("AP", "car"),
        ],
    )
    def test_what_needs_other_detections_is_refused(self, ask):
        result = at_once(example_ranks()[0])[0][1]
        with pytest.raises(dm.InputError, match=r"in its own process alone.*sync\(\)\.compute"):
            ask(result)

    @pytest.mark.parametrize("name", ["matches", "ground_truth", "plot", "notes", "inputs"])
    def test_what_an_evaluation_has_is_refused(self, name):
        result = at_once(example_ranks()[0])[0][0]
        with pytest.raises(dm.InputError, match=rf"{name} is not available over .*Fix: metric"):
            getattr(result, name)
        with pytest.raises(AttributeError, match="no attribute nothing"):
            _ = result.nothing

    @pytest.mark.parametrize("limits", [(100,), (1, 10, 100)])
    def test_arrays_and_curves_where_they_are_known(self, limits):
        """Of one limit, and of all where every detection is exchanged."""
        more = ("pr",) if len(limits) > 1 else ()
        rules = dm.COCO.replace(max_detections=limits, metrics=("ap", *more))
        parts, whole = example_ranks(rules=rules)
        result, expected = at_once(parts)[0][2], whole.compute()
        for name, array in expected.arrays().items():
            assert_same(np.ascontiguousarray(result.arrays()[name]), np.ascontiguousarray(array))
        if more:
            assert_same(result.curve("car", limit=10), expected.curve("car", limit=10))
            assert result.tie_interval("AP") == expected.tie_interval("AP")

    def test_is_copied(self):
        result = at_once(example_ranks()[0])[0][0]
        again = pickle.loads(pickle.dumps(result))
        assert again.summary == result.summary
        assert again.counts == result.counts


class TestCosts:
    """Anchors and counts are sent, and nothing for any other detection."""

    def exchanged(self, copies: int, rules: dm.Rules) -> tuple[Any, Any]:
        """The example so many times on two ranks."""
        images, _ = example()
        parts = [example(rules=rules)[1] for _ in range(2)]
        for copy in range(copies):
            again = [(int(image) + 1000 * copy, *rest) for image, *rest in images]
            fed(parts[0], again[::2], 100)
            fed(parts[1], again[1::2], 100)
        results, meeting = at_once(parts)
        return results[0], meeting

    @pytest.mark.parametrize("rules", [dm.COCO, dm.VOC2007])
    def test_at_most_45_bytes_per_anchor_and_4_per_range_and_slot(self, rules):
        result, meeting = self.exchanged(40, rules)
        index = result.index
        anchors = int(sum(part.head.anchors.sum() for part in index.parts))
        slots = len(rules.area_ranges) * (anchors + index.categories)
        assert meeting.sent[0][-1] == meeting.sent[1][-1] == ("counts", 4 * slots)
        assert Marks(rules).anchors(index.images).itemsize <= 45
        settings = 2 * 5000  # of two ranks: rules, class names, sums, checksums
        assert meeting.bytes_of("anchors") <= 45 * anchors + index.images + settings
        assert meeting.bytes_of("settings and image ids") <= 9 * index.images + settings

    def test_detections_that_nothing_settles_cost_nothing(self):
        few, many = (dm.DetectionMetric(["cat"]) for _ in range(2))
        far = {"boxes": [[500, 500, 600, 600]] * 90, "scores": [0.5] * 90, "labels": [0] * 90}
        near = {name: [*far[name], *FOUND[name]] for name in far}
        few.update([1, 2], [FOUND, FOUND], [CAT, CAT])
        many.update([1, 2], [near, near], [CAT, CAT])
        sizes = [at_once([one, dm.DetectionMetric(["cat"])])[1].sent[0] for one in (few, many)]
        assert sizes[0][2] == sizes[1][2]
        assert abs(sizes[0][1][1] - sizes[1][1][1]) < 20  # counts in decimal
