"""Baseline files: what they hold, how large they are, and which are refused."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
import strategies
from hypothesis import given
from hypothesis import strategies as st
from match_scenes import scene_of
from profiles import examples
from real_data import real_data

import detmetrics as dm
from detmetrics.analysis import GateSettings, baseline_bytes, gate, part_of, read_baseline
from detmetrics.analysis.gating.baseline import KIND, is_baseline
from detmetrics.analysis.resampling import resampled
from detmetrics.foundation.archives import archived, opened
from detmetrics.matching.compact import compacted, expanded

pytestmark = pytest.mark.filterwarnings("ignore::detmetrics.DetmetricsWarning")

FIXTURES = "fixtures/ground_truth.json", "fixtures/detections.json"
GOLDEN = Path(__file__).parent / "baseline-0.1.0.detm"
settings = strategies.any_rules() | strategies.any_rules(interpolation="cuts", assignment="truths")


@pytest.fixture
def saved(tmp_path):
    """Write a result as a baseline file, and give its path."""

    def written(result: dm.Evaluation) -> str:
        path = tmp_path / "baseline.detm"
        path.write_bytes(baseline_bytes(result))
        return str(path)

    return written


def check(matches: dm.Matches) -> None:
    """Every metric of what comes back is that of what was kept, in every bit."""
    again = expanded(compacted(matches))
    for reported in ("ap", *matches.rules.metrics):
        rules = matches.rules.replace(metrics=(reported,))
        one, other = (dataclasses.replace(some, rules=rules) for some in (matches, again))
        ours, theirs = dm.summarize_matches(one), dm.summarize_matches(other)
        np.testing.assert_array_equal([*ours.values()], [*theirs.values()])


class TestCompact:
    """Fewer bytes, the same numbers."""

    @examples(6)
    @pytest.mark.parametrize("name", dm.RULE_SETS)
    @given(seed=st.integers(0, 10**6))
    def test_under_every_named_rule_set(self, name, seed):
        rules = dm.RULE_SETS[name]
        check(dm.evaluate(*scene_of(seed, rules.shape), rules, shape=rules.shape).matching)

    @given(scene=strategies.scenes(full=True), rules=settings)
    def test_under_any_settings(self, scene, rules):
        check(dm.evaluate(*scene, rules, shape="box").matching)

    def test_of_nothing(self):
        catalog = dm.Catalog.from_ids(images=[], categories=[])
        nothing = {"image_ids": [], "categories": [], "boxes": [], "catalog": catalog}
        truth = dm.GroundTruth.from_arrays(**nothing)
        check(dm.evaluate(truth, dm.Detections.from_arrays(**nothing, scores=[])).matching)

    def test_of_extreme_numbers(self):
        catalog = dm.Catalog.from_ids(images=[3, "b"], categories=["ä", "\ud800"])
        rows = {"image_ids": [3, "b"], "categories": ["ä", "ä"], "catalog": catalog}
        truth = dm.GroundTruth.from_arrays(**rows, boxes=[[0, 0, 1, 1]] * 2)
        scores = [1.7e308, -1.7e308]
        found = dm.Detections.from_arrays(**rows, boxes=[[0, 0, 1, 1]] * 2, scores=scores)
        matches = dm.evaluate(truth, found).matching
        again = expanded(compacted(matches))
        assert again.score.tolist() == scores
        assert again.catalog.category_names == ("ä", "\ud800")


class TestSize:
    """At most 40 bytes per detection that a pair settled and 14 per other one."""

    def measured(self, truth, found, rules=None) -> tuple[int, int]:
        result = dm.evaluate(truth, found, rules)
        pairs = np.concatenate([own.pair for own in result.matching.matched])
        settled = len(np.unique(result.matching.pairs.detection[pairs]))
        allowed = 40 * settled + 14 * (len(result.detections) - settled)
        return len(baseline_bytes(result)), allowed

    @pytest.mark.parametrize("rules", ["coco", "crowdhuman", "voc2012"])
    def test_of_voc2007(self, rules):
        folder = real_data("voc2007/coco_json")
        size, allowed = self.measured(
            folder / "ground_truth_difficult_as_crowd.json.gz", folder / "yolov2.json.gz", rules
        )
        assert size < 0.7 * allowed

    def test_of_random_scores_and_places(self):
        """No digit of the scores repeats, and pairs are in no order."""
        random = np.random.default_rng(0)
        count, images = 20_000, 2_000
        image, category = random.integers(0, images, count), random.integers(0, 5, count)
        boxes = np.concatenate([random.uniform(0, 400, (count, 2)), np.full((count, 2), 60.0)], 1)
        catalog = dm.Catalog.from_ids(images=range(images), categories=range(5))
        rows = {"image_ids": image, "categories": category, "catalog": catalog}
        truth = dm.GroundTruth.from_arrays(**rows, boxes=boxes)
        moved = boxes + random.normal(0, 6, (count, 4))
        found = dm.Detections.from_arrays(**rows, boxes=moved, scores=random.random(count))
        size, allowed = self.measured(truth, found)
        assert size < allowed


class TestFile:
    """What a file holds replaces the detections."""

    def test_the_same_gate_as_with_detections(self, saved):
        truth = dm.read_ground_truth(FIXTURES[0])
        found = dm.read_detections(FIXTURES[1], truth)
        a = dm.evaluate(truth, found)
        b = dm.evaluate(truth, found.keep(np.arange(len(found)) % 3 != 0))
        asked = GateSettings(resamples=40, per_class=True)
        by_file = gate(read_baseline(saved(a)), b, asked, slices=["x", "y"] * 12)
        assert by_file.to_dict() == gate(a, b, asked, slices=["x", "y"] * 12).to_dict()

    def test_no_pickle(self, saved):
        data = Path(saved(dm.evaluate(*FIXTURES))).read_bytes()
        assert data.startswith(b"detmetrics bytes 1\n")

    def test_is_told_by_its_first_bytes(self, saved, tmp_path):
        assert is_baseline(saved(dm.evaluate(*FIXTURES)))
        assert not is_baseline(FIXTURES[1])
        assert not is_baseline(tmp_path)

    def test_what_it_is_of(self, saved):
        result = dm.evaluate(*FIXTURES)
        baseline = read_baseline(saved(result))
        assert (baseline.name, baseline.signature) == (FIXTURES[1], result.signature)
        assert baseline.counts["detections"] == 136
        assert baseline.attention == tuple(result.attention)

    def test_a_file_of_the_first_release_is_read(self):
        """Kept as 0.1.0 wrote it; ``python tests/gating/test_baseline.py`` did."""
        result = dm.evaluate(*FIXTURES)
        assert read_baseline(GOLDEN).beside(result).summary == result.summary

    def test_another_release_is_no_reason(self, saved, monkeypatch):
        monkeypatch.setattr("detmetrics.foundation.archives.__version__", "9.9.9")
        monkeypatch.setattr("detmetrics.foundation.version.__version__", "9.9.9")
        path = saved(dm.evaluate(*FIXTURES))
        monkeypatch.undo()
        baseline = read_baseline(path)
        assert baseline.release == "9.9.9"
        assert baseline.signature.endswith("detmetrics:9.9.9")
        result = dm.evaluate(*FIXTURES)
        assert gate(baseline, result, GateSettings(resamples=9)).outcome == "pass"


class TestParts:
    """A slice of what a file holds is a slice of the result, under every rule set."""

    @examples(6)
    @pytest.mark.parametrize("name", dm.RULE_SETS)
    @given(seed=st.integers(0, 10**6))
    def test_metrics(self, tmp_path_factory, name, seed):
        rules = dm.RULE_SETS[name]
        result = dm.evaluate(*scene_of(seed, rules.shape), rules, shape=rules.shape)
        path = tmp_path_factory.mktemp("parts") / "baseline.detm"
        path.write_bytes(baseline_bytes(result))
        images = np.arange(result.matching.images) % 2 == 0
        parts = [part_of(one, images) for one in (result, read_baseline(path).beside(result))]
        ours, theirs = (one.summary for one in parts)
        np.testing.assert_array_equal([*ours.values()], [*theirs.values()])
        weights = np.arange(result.matching.images) % 3
        ours, theirs = (
            dm.summarize_matches(resampled(one, weights))
            for one in (result, read_baseline(path).beside(result))
        )
        np.testing.assert_array_equal([*ours.values()], [*theirs.values()])


class TestRefusals:
    """A file of other inputs is refused with what differs."""

    @pytest.fixture
    def baseline(self, saved):
        return read_baseline(saved(dm.evaluate(*FIXTURES)))

    def refused(self, baseline, *arguments, match, **options):
        with pytest.raises(dm.InputError, match=match) as told:
            baseline.beside(dm.evaluate(*arguments, **options))
        assert str(told.value).startswith(baseline.path)
        assert "Fix: gate with the inputs" in str(told.value)

    @pytest.mark.parametrize(
        ("rules", "match"),
        [
            (
                "voc2012",
                r"rules: coco in the baseline, voc2012 here \(--rules\)\nFix",
            ),
            (dm.COCO.replace(strict=True), "rules: strict no in the baseline, yes here"),
            (dm.COCO.replace(max_detections=9), "max_detections 100 in the baseline, 9 here"),
        ],
    )
    def test_other_rules(self, baseline, rules, match):
        result = dm.evaluate(*FIXTURES)
        named = dm.rule_set(rules) if isinstance(rules, str) else rules
        with pytest.raises(dm.InputError, match=match):
            baseline.beside(dataclasses.replace(result, rules=named))

    def test_another_selection(self, baseline):
        images = dm.read_ground_truth(FIXTURES[0]).catalog.image_ids[:10]
        self.refused(
            baseline, *FIXTURES, images=images, match="images: 24 in the baseline, 10 here"
        )
        self.refused(
            baseline,
            *FIXTURES,
            classes=["dog", "car"],
            match=r"classes: 5 in the baseline, 2 here \(--classes\)",
        )

    @pytest.mark.parametrize(
        ("change", "match"),
        [
            (lambda d: d["annotations"].pop(), "objects: 106 in the baseline, 105 here"),
            (
                lambda d: d["annotations"][3]["bbox"].__setitem__(0, 1.5),
                "objects: boxes.* differ",
            ),
            (lambda d: d["annotations"][3].update(iscrowd=1), "objects: .*crowds"),
            (lambda d: d["annotations"][3].update(area=3.0), "objects: areas.* differ"),
            (lambda d: d["annotations"][3].update(category_id=6), "objects: classes"),
            (lambda d: d["categories"][0].update(name="people"), "classes: others in the baseline"),
            (
                lambda d: d["images"].append({"id": 9, "file_name": "a.jpg"}),
                "images: 24 in the baseline, 25 here",
            ),
        ],
    )
    def test_another_ground_truth(self, baseline, tmp_path, change, match):
        document = json.loads(Path(FIXTURES[0]).read_text())
        change(document)
        path = tmp_path / "gt.json"
        path.write_text(json.dumps(document))
        options = {"unknown_images": "drop"}
        self.refused(baseline, path, FIXTURES[1], match=match, **options)

    def test_matches_of_other_tables_behind_the_same_digests(self, baseline):
        part = dm.evaluate(*FIXTURES, images=["street_000"]).matching
        made_up = dataclasses.replace(baseline, matching=part)
        self.refused(made_up, *FIXTURES, match="objects: 7 in the baseline, 106 here")

    def test_the_same_ground_truth_elsewhere_is_none(self, baseline, tmp_path):
        path = tmp_path / "moved.json"
        path.write_text(Path(FIXTURES[0]).read_text())
        result = dm.evaluate(path, FIXTURES[1])
        assert baseline.beside(result).summary == result.summary


class TestDamage:
    """Files that are changed, cut, foreign or made up."""

    DATA = baseline_bytes(dm.evaluate(*FIXTURES))

    @given(cut=st.floats(0, 0.9999), at=st.floats(0, 0.9999), bits=st.integers(1, 255))
    def test_anywhere(self, tmp_path_factory, cut, at, bits):
        path = tmp_path_factory.mktemp("damaged") / "baseline.detm"
        changed = bytearray(self.DATA)
        changed[int(at * len(changed))] ^= bits
        for data in (self.DATA[: int(cut * len(self.DATA))], bytes(changed)):
            path.write_bytes(data)
            with pytest.raises(dm.FormatError, match=r"baseline\.detm"):
                read_baseline(path)

    def header(self):
        return opened(self.DATA, KIND, 1, lambda *both: both)

    @pytest.mark.parametrize(
        "change",
        [
            lambda header, arrays: arrays.pop("columns"),
            lambda header, arrays: arrays.update(columns=arrays["columns"][:-3]),
            lambda header, arrays: arrays.update(told=arrays["columns"]),
            lambda header, arrays: header.pop("digests"),
            lambda header, arrays: header.update(counts=3),
        ],
    )
    def test_what_somebody_wrote(self, tmp_path, change):
        header, arrays = self.header()
        header = {**header}
        change(header, arrays)
        path = tmp_path / "made.detm"
        path.write_bytes(archived(KIND, 1, header, arrays))
        with pytest.raises(
            dm.FormatError, match=r"made\.detm: no baseline file: the bytes are dam"
        ):
            read_baseline(path)

    def test_a_small_file_asks_for_little_memory(self, tmp_path):
        """A thousand bytes that say they hold a terabyte."""
        import zlib

        header, arrays = self.header()
        told = json.loads(zlib.decompress(arrays["told"].tobytes()))
        told["layout"][1][2] = [1 << 37]
        packed = np.frombuffer(zlib.compress(json.dumps(told).encode()), np.uint8)
        path = tmp_path / "bomb.detm"
        path.write_bytes(archived(KIND, 1, header, {**arrays, "told": packed}))
        with pytest.raises(dm.FormatError, match="bytes that unpack to"):
            read_baseline(path)

    def test_of_another_kind_or_a_later_layout(self, tmp_path):
        path = tmp_path / "other.detm"
        path.write_bytes(dm.evaluate(*FIXTURES).matching.to_bytes())
        with pytest.raises(dm.FormatError, match=r"expected detmetrics\.Baseline, found 'detmetri"):
            read_baseline(path)
        path.write_bytes(archived(KIND, 2, *self.header()))
        with pytest.raises(dm.FormatError, match="written as version 2, this release reads 1"):
            read_baseline(path)
        with pytest.raises(dm.FormatError, match="no such file"):
            read_baseline(tmp_path / "nowhere.detm")


if __name__ == "__main__":
    GOLDEN.write_bytes(baseline_bytes(dm.evaluate(*FIXTURES)))
