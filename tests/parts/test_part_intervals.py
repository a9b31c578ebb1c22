"""Intervals of a result in parts: halves of the parts are evaluations of these parts alone."""

from __future__ import annotations

import dataclasses
import json
import tempfile
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st
from parts.part_files import DataSet, data_set, in_parts
from profiles import examples

import detmetrics as dm
from detmetrics.analysis import part_intervals
from detmetrics.analysis.bootstrap import interval_of, sample_seeds
from detmetrics.analysis.resampling import half_samples
from detmetrics.cli import cli
from detmetrics.cli.exit_codes import BAD_INPUT
from detmetrics.metrics.summary import per_category, summarize

pytestmark = pytest.mark.filterwarnings("ignore::detmetrics.DetmetricsWarning")

NAMED = ["coco", "voc2012", "voc2007", "openimages", "ultralytics", "torchmetrics", "olrp"]


def even(seed: int, parts: int = 24, each: int = 2) -> DataSet:
    """Parts of so many images each."""
    data = data_set(seed, images=parts * each)
    owners = [number % parts for number in range(parts * each)]
    return data._replace(part_of=dict(zip(data.part_of, owners, strict=True)))


def only(data: DataSet, parts: list[int]) -> DataSet:
    """Some of the parts as a data set of their own."""
    kept = {image for image, part in data.part_of.items() if part in parts}
    return data._replace(
        images=[one for one in data.images if one["id"] in kept],
        part_of={image: part for image, part in data.part_of.items() if image in kept},
        annotations=[one for one in data.annotations if one["image_id"] in kept],
        detections=[one for one in data.detections if one["image_id"] in kept],
    )


class TestSomeParts:
    """Some of the parts measure as if they were the data set."""

    @examples(12)
    @given(
        seed=st.integers(0, 10**6),
        name=st.sampled_from(NAMED),
        ties=st.sampled_from(["image", "file"]),
        chosen=st.sets(st.integers(0, 5), min_size=1),
    )
    def test_as_alone(self, seed, name, ties, chosen):
        rules = dm.RULE_SETS[name].replace(ties=ties)
        data = even(seed, parts=6)
        with tempfile.TemporaryDirectory() as folder:
            data.write(Path(folder))
            result = in_parts(Path(folder), rules, shape="box")
            (measured,) = result.of_parts([sorted(chosen)])
            files = only(data, sorted(chosen)).write(Path(folder))
            whole = dm.evaluate(*files, rules, shape="box")
        assert_same_values(summarize(measured), whole.summary)
        for metric, values in per_category(whole.measured).items():
            np.testing.assert_array_equal(per_category(measured)[metric], values)
        np.testing.assert_array_equal(measured.positives, whole.measured.positives)


def assert_same_values(ours, theirs) -> None:
    assert [*map(float.hex, ours.values())] == [*map(float.hex, theirs.values())]
    assert ours.undefined == theirs.undefined


@pytest.fixture(scope="module")
def many(tmp_path_factory) -> tuple[DataSet, dm.PartsEvaluation]:
    folder, data = tmp_path_factory.mktemp("many"), even(4)
    data.write(folder)
    return data, in_parts(folder)


class TestIntervals:
    def test_are_those_of_halves_that_are_evaluated(self, many, tmp_path):
        data, result = many
        found = part_intervals(result, resamples=6, seed=3, per_class=True)
        seeds, values = sample_seeds(3, 6), []
        for sample in range(6):
            half = half_samples(24, seeds[sample - sample % 2])[sample % 2]
            files = only(data, np.flatnonzero(half).tolist()).write(tmp_path)
            values.append([*dm.evaluate(*files).summary.values()])
        expected = [
            interval_of(whole, column, 0.95, 24, freedom=2)
            for whole, column in zip(result.summary.values(), np.array(values).T, strict=True)
        ]
        defined = [one for one in expected if one.defined]
        ours = [one for one in found.metrics.values() if one.defined]
        assert [dataclasses.replace(one, few_objects=False) for one in ours] == defined
        assert len(ours) > 8
        assert [*found.classes] == [*result.class_names]

    def test_workers_change_nothing(self, many):
        result = many[1]
        alone, together = (part_intervals(result, 8, seed=1, workers=n) for n in (1, 2))
        assert alone.to_dict() == together.to_dict()
        assert part_intervals(result, 8, seed=2).to_dict() != alone.to_dict()

    def test_say_what_they_are_of(self, many):
        found = part_intervals(many[1], 8)
        assert found.parts == found.to_dict()["parts"] == 24
        assert "(8 half-samples of the 24 parts, seed 0)" in found.words

    def test_few_objects_are_those_in_few_parts(self, tmp_path):
        data = even(4)
        first = next(image for image, part in data.part_of.items() if part == 0)
        rare = [one for one in data.annotations if one["category_id"] != 5]
        rare.append({**rare[0], "id": 1_000, "image_id": first, "category_id": 5, "iscrowd": 0})
        data._replace(annotations=rare).write(tmp_path)
        found = part_intervals(in_parts(tmp_path), per_class=True)
        names = {one["id"]: one["name"] for one in data.categories}
        assert found.classes[names[5]]["AP"].few_objects
        assert not found.classes[names[1]]["AP"].few_objects
        assert "in fewer than 5 parts" in found.words

    def test_too_few_parts_are_refused(self, tmp_path):
        even(1, parts=19).write(tmp_path)
        with pytest.raises(dm.InputError, match=r"need 20 parts or more, got 19\. Fix: divide"):
            part_intervals(in_parts(tmp_path))

    def test_uneven_parts_are_refused(self, tmp_path):
        data = even(1)
        crowded = {image: 7 if part in (1, 2) else part for image, part in data.part_of.items()}
        data._replace(part_of=crowded).write(tmp_path)
        with pytest.raises(
            dm.InputError, match=r"part part-007 has 6, the mean is 2\. Fix: divide"
        ):
            part_intervals(in_parts(tmp_path))


class TestCommand:
    def run(self, folder: Path, *more: str, code: int = 0):
        sides = [str(folder / "gt"), str(folder / "detections")]
        state = ["--in-parts", "--state", str(folder / "state")]
        ran = CliRunner().invoke(cli, ["evaluate", *sides, *state, "--ci", *more])
        assert ran.exit_code == code, ran.output
        return ran

    def test_every_view_has_them(self, tmp_path):
        even(4).write(tmp_path)
        told = json.loads(self.run(tmp_path, "--json", "-").stdout)
        found = part_intervals(in_parts(tmp_path))
        assert told["intervals"] == found.to_dict()
        text = " ".join(self.run(tmp_path).stdout.split())
        assert "(40 half-samples of the 24 parts, seed 0)" in text
        assert "AP_low" in self.run(tmp_path, "--csv", "-").stdout

    def test_too_few_parts_are_refused_before_the_work(self, tmp_path):
        even(1, parts=4).write(tmp_path)
        told = self.run(tmp_path, code=BAD_INPUT).stderr
        assert "need 20 parts or more, got 4" in told
        assert not (tmp_path / "state").exists()
