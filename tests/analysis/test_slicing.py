"""A slice is an evaluation of its images alone, without matching again."""

from __future__ import annotations

import csv
import io
import json
import math
from dataclasses import fields

import builders
import numpy as np
import pandas as pd
import pytest
import strategies
from builders import annotation, detection, document, image
from click.testing import CliRunner
from hypothesis import assume, given
from hypothesis import strategies as st

import detmetrics as dm
from detmetrics import analysis
from detmetrics.analysis.attributes import Attribute, by_column, by_pattern, in_quantiles, ungrouped
from detmetrics.analysis.bootstrap import confidence_intervals
from detmetrics.analysis.slice_chance import chance_of, holm, of_random_subsets
from detmetrics.analysis.slicing import part_of, slices
from detmetrics.cli import cli
from detmetrics.formats.reading import Reading

pytestmark = pytest.mark.filterwarnings("ignore::detmetrics.DetmetricsWarning")

FIXTURES = "fixtures/ground_truth.json", "fixtures/detections.json"
READING = Reading()


@given(
    scene=strategies.scenes(full=True),
    rules=strategies.any_rules(pixel=0),
    marks=st.lists(st.booleans(), min_size=3, max_size=3),
)
def test_a_part_is_an_evaluation_of_its_images(scene, rules, marks):
    """To the last bit, under every rule set without a limit of a class over all images."""
    rules = rules.replace(class_limit=None)
    ids = scene[0].catalog.image_ids
    images = np.array(marks[: len(ids)])
    assume(images.any())
    try:
        result = dm.evaluate(*scene, rules)
    except dm.RulesError:
        assume(False)
    got = part_of(result, images)
    expected = dm.evaluate(*scene, rules, images=ids[images].tolist())
    np.testing.assert_array_equal([*got.summary.values()], [*expected.summary.values()])
    assert got.counts == expected.counts
    ours, theirs = got.class_columns(), expected.class_columns()
    for name, column in theirs.items():
        np.testing.assert_array_equal(ours[name], column)
    for name in ("row", "category", "image", "score", "rank"):
        np.testing.assert_array_equal(
            getattr(got.matching, name), getattr(expected.matching, name), err_msg=name
        )


@pytest.mark.parametrize("rules", ["voc2007", "ultralytics", "olrp", "crowdhuman", "openimages"])
def test_a_part_under_other_metrics(rules):
    result, images = dm.evaluate(*FIXTURES, rules), np.arange(24) % 3 > 0
    ids = result.ground_truth.catalog.image_ids[images].tolist()
    expected = dm.evaluate(*FIXTURES, rules, images=ids)
    got = part_of(result, images)
    np.testing.assert_array_equal([*got.summary.values()], [*expected.summary.values()])


@pytest.mark.parametrize("rules", ["coco", "voc2007", "ultralytics", "olrp", "crowdhuman"])
def test_all_images_are_the_whole(rules):
    result = dm.evaluate(*FIXTURES, rules)
    same = part_of(result, np.ones(24, bool))
    np.testing.assert_array_equal([*same.summary.values()], [*result.summary.values()])
    for one in fields(result.matching.pairs):
        ours, theirs = (getattr(x.matching.pairs, one.name) for x in (same, result))
        np.testing.assert_array_equal(ours, theirs)
    metric = next(iter(result.summary))
    found = slices(result, ["a"] * 24, metric, resamples=3)
    assert found.overall.metrics == found.slices[0].metrics == dict(result.summary)
    assert found.overall.interval == found.slices[0].interval
    assert same.matches(result.rules.iou_thresholds[0]).equals(
        result.matches(result.rules.iou_thresholds[0])
    )


def test_a_partition_adds_up_and_the_worst_is_first():
    result = dm.evaluate(*FIXTURES)
    values = [["a", "b", None, "d"][n % 4] for n in range(24)]
    found = analysis.slices(result, values, by="letter", resamples=20, seed=3, smallest=6)
    assert [one.name for one in found.slices].count("(none)") == 1
    assert found.without_value == 6
    for count in ("images", "objects", "detections"):
        assert sum(getattr(one, count) for one in found.slices) == getattr(found.overall, count)
    assert found.overall.images == 24
    order = [one.metrics["AP"] for one in found.slices]
    assert order == sorted(order)
    for one in found.slices:
        of = None if one.name == "(none)" else one.name
        images = np.array([value == of for value in values])
        part = part_of(result, images)
        assert one.metrics == dict(part.summary)
        assert one.interval == confidence_intervals(part, 20, seed=3).metrics["AP"]
        assert not one.small
    assert found.overall.interval == confidence_intervals(result, 20, seed=3).metrics["AP"]


def test_few_images_and_undefined_stand_last(tmp_path):
    truth = document(
        images=[image(n) for n in range(1, 7)],
        annotations=[annotation(n, image_id=n) for n in (1, 2, 3, 4)],
    )
    result = builders.evaluate(tmp_path, truth, [detection(n) for n in (1, 2, 3)])
    found = slices(result, ["good", "good", "half", "half", "empty", "empty"], smallest=2)
    assert [one.name for one in found.slices] == ["half", "good", "empty"]
    assert math.isnan(found.slices[2].metrics["AP"])
    assert found.slices[2].undefined["AP"] == "no ground truth"
    found = slices(result, ["good", "good", "half", "bad", "good", "good"], smallest=2)
    assert [(one.name, one.small) for one in found.slices] == [
        ("good", False),
        ("bad", True),
        ("half", True),
    ]
    assert found.to_dict()["slices"][1]["metrics"]["AP"] == 0
    assert found.to_dict()["overall"]["interval"] is None


def test_a_single_image_has_no_interval():
    result = dm.evaluate(*FIXTURES)
    found = slices(result, ["one"] + ["rest"] * 23, resamples=5)
    assert {one.name: one.interval is None for one in found.slices} == {"one": True, "rest": False}


def test_lower_is_better_where_it_is():
    result = dm.evaluate(*FIXTURES, "olrp")
    found = slices(result, ["a", "b"] * 12, "oLRP")
    worst, best = found.slices
    assert worst.metrics["oLRP"] > best.metrics["oLRP"]


def test_refused():
    result = dm.evaluate(*FIXTURES)
    with pytest.raises(dm.InputError, match="no metric 'mAP'; there are AP, AP50"):
        slices(result, ["a"] * 24, "mAP")
    with pytest.raises(dm.InputError, match="expected one for each of the 24 images, got 3"):
        slices(result, ["a"] * 3)
    with pytest.raises(
        dm.InputError, match="expected 24 marks and some of them set, got 24 with 0"
    ):
        part_of(result, np.zeros(24, bool))
    truth = dm.GroundTruth.from_arrays(
        image_ids=list(range(201)), categories=[1] * 201, boxes=[[0, 0, 1, 1]] * 201
    )
    found = dm.Detections.from_arrays(
        image_ids=[], categories=[], boxes=np.zeros((0, 4)), scores=[], catalog=truth.catalog
    )
    many = dm.evaluate(truth, found)
    with pytest.raises(dm.InputError, match="name: 201 different values are too many slices"):
        slices(many, [str(n) for n in range(201)], by="name")


# Where values come from


CATALOG = dm.Catalog.from_ids(
    images=[1, 2, 30], categories=[1], image_names=["x/a.jpg", "b.png", "c"]
)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.csv", "image,day\nx/a.jpg,mon\nb.png,\n"),
        ("a.tsv", "file_name\tday\na.jpg\tmon\n"),
        ("a.csv", "day;image_id\nmon;1\n;2\n"),
        ("a.csv", "image,day\na,mon\nelse,tue\n"),
        ("a.csv", "image,day\na,mon\na,mon\n"),
    ],
)
def test_tables(tmp_path, name, content):
    path = tmp_path / name
    path.write_text(content)
    found = by_column(CATALOG, str(path), "day", READING)
    assert found.values == ("mon", None, None)
    assert bool(found.notes) == ("else" in content)


def test_parquet(tmp_path):
    pytest.importorskip("pyarrow", reason="needs pyarrow")
    path = tmp_path / "a.parquet"
    frame = pd.DataFrame({"image_id": [1, 2, 30], "hour": pd.array([7, None, 9], "Int64")})
    frame.to_parquet(path)
    assert by_column(CATALOG, str(path), "hour", READING).values == ("7", None, "9")


@pytest.mark.parametrize("word", ["NA", "nan", "None", "null"])
def test_words_for_nothing_are_values_and_said(tmp_path, word):
    path = tmp_path / "a.csv"
    path.write_text(f"image,day\na,mon\nb,{word}\n")
    found = by_column(CATALOG, str(path), "day", READING)
    assert found.values == ("mon", word, None)
    assert found.notes == (f"{path}: day: {word} is a value like any other; an empty cell is none",)


def test_many_numbers_are_better_grouped(tmp_path):
    catalog = dm.Catalog.from_ids(images=range(30), categories=[1])
    path = tmp_path / "a.csv"
    path.write_text("image,light\n" + "".join(f"{n},{n / 7}\n" for n in range(30)))
    found = by_column(catalog, str(path), "light", READING)
    (note,) = ungrouped(found).notes
    assert note == "light: 30 different numbers, a slice each: --slices-bins 4 groups them"
    assert in_quantiles(found, 4).notes == ()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("image,day\na.jpg,mon\nx/a.jpg,tue\n", "has two values of 'day', 'mon' and 'tue'"),
        ("image,night\na.jpg,mon\n", "no column 'day'; there are image, night"),
        ("day,night\nmon,1\n", "no column of images, such as image or file_name; there are day"),
        ("image,day\nq.jpg,mon\n", "none of its images is evaluated: q.jpg; those are x/a.jpg"),
        ('{"images": []}', "expected a table"),
    ],
)
def test_tables_that_do_not_fit(tmp_path, content, message):
    path = tmp_path / "a.csv"
    path.write_text(content)
    with pytest.raises(dm.InputError, match=message):
        by_column(CATALOG, str(path), "day", READING)


def test_patterns():
    assert by_pattern(CATALOG, r"\.(\w+)$").values == ("jpg", "png", None)
    assert by_pattern(CATALOG, "^[ab]").values == (None, "b", None)
    with pytest.raises(dm.InputError, match="pattern: no regular expression"):
        by_pattern(CATALOG, "(")
    with pytest.raises(dm.InputError, match="expected one group, got 2"):
        by_pattern(CATALOG, "(a)(b)")
    with pytest.raises(dm.InputError, match="fits no image name, such as x/a"):
        by_pattern(CATALOG, "q")


def test_bins_of_numbers():
    values = ("1", "2", None, "3", "4", "1e1")
    found = in_quantiles(Attribute("light", values), 2).values
    assert found == ("1 to 3", "1 to 3", None, "1 to 3", "3 to 10", "3 to 10")
    assert in_quantiles(Attribute("light", ("5", "5")), 3).values == ("5", "5")
    assert in_quantiles(Attribute("light", (None,)), 3).values == (None,)
    with pytest.raises(dm.InputError, match="light: bins are of numbers, got 'bright'"):
        in_quantiles(Attribute("light", ("1", "bright")), 3)


# The command


def run(*arguments: object):
    return CliRunner().invoke(cli, ["slices", *map(str, arguments)])


@pytest.fixture
def table(tmp_path):
    path = tmp_path / "images.csv"
    with open(FIXTURES[0]) as file:
        names = [one["file_name"] for one in json.load(file)["images"]]
    rows = [f"{name},{['sun', 'rain', '', 'fog|<b>'][n % 4]},{n}" for n, name in enumerate(names)]
    path.write_text("\n".join(["image,weather,light", *rows, "other.jpg,sun,1"]))
    return path


def test_table(table):
    ran = run(*FIXTURES, "--slices-by", f"{table}:weather", "--resamples", 30, "--smallest", 6)
    assert ran.exit_code == 0, ran.output
    lines = ran.stdout.splitlines()
    assert lines[0] == "AP in 4 slices by weather, worst first"
    assert [line.split()[0] for line in lines[4:9]] == ["all", "(none)", "fog|<b>", "sun", "rain"]
    assert "6 images without a value: the slice (none)" in lines
    assert "1 image is not among those evaluated: other.jpg" in ran.stderr
    assert ran.stdout.endswith("detmetrics:0.1.0\n")
    quiet = run(
        *FIXTURES,
        "--slices-by",
        f"{table}:light",
        "--slices-bins",
        2,
        "--no-ci",
        "-q",
        "--metric",
        "AP50",
    )
    assert quiet.stderr == ""
    assert "few images" in quiet.stdout
    assert quiet.stdout.startswith("AP50 in 2 slices by light")


def test_files_say_what_the_table_says(table, tmp_path):
    paths = [tmp_path / f"out.{kind}" for kind in ("json", "csv", "md")]
    options = [
        part for pair in zip(["--json", "--csv", "--markdown"], paths, strict=True) for part in pair
    ]
    ran = run(*FIXTURES, "--slices-by", f"{table}:weather", "--resamples", 20, "-q", *options)
    assert ran.exit_code == 0, ran.output
    told = json.loads(paths[0].read_text())
    rows = [*csv.DictReader(io.StringIO(paths[1].read_text()))]
    whole = dm.evaluate(*FIXTURES)
    assert told["overall"]["metrics"]["AP"] == whole.summary["AP"] == float(rows[0]["AP"])
    assert [row["slice"] for row in rows[1:]] == [one["name"] for one in told["slices"]]
    for row, one in zip(rows, [told["overall"], *told["slices"]], strict=True):
        assert float(row["AP_low"]) == one["interval"]["low"]
        assert int(row["objects"]) == one["objects"]
    assert told["images_without_value"] == 6
    assert r"fog\|\<b\>" in paths[2].read_text()


def test_fields_and_patterns(tmp_path):
    with open(FIXTURES[0]) as file:
        truth = json.load(file)
    for number, one in enumerate(truth["images"]):
        one["night"] = number % 3 == 0
    path = tmp_path / "truth.json"
    path.write_text(json.dumps(truth))
    ran = run(path, FIXTURES[1], "--slices-by-field", "night", "--no-ci", "-q", "--json", "-")
    assert {one["name"]: one["images"] for one in json.loads(ran.stdout)["slices"]} == {
        "True": 8,
        "False": 16,
    }
    ran = run(*FIXTURES, "--slices-by-pattern", "street_0(.)", "--no-ci", "-q", "--json", "-")
    assert {one["name"] for one in json.loads(ran.stdout)["slices"]} == {"0", "1", "2"}


@pytest.mark.parametrize(
    ("asked", "code", "message"),
    [
        (
            [],
            2,
            "expected one of --slices-by FILE:COLUMN, --slices-by-field and --slices-by-pattern",
        ),
        (
            ["--slices-by-field", "a", "--slices-by-pattern", "b"],
            2,
            "expected one of --slices-by FILE:COLUMN",
        ),
        (["--slices-by", "images.csv"], 2, "--slices-by: expected FILE:COLUMN, got 'images.csv'"),
        (["--slices-by-field", "a", "--metric", "mAP"], 2, "--metric: no metric 'mAP'"),
        (["--slices-by-field", "a", "--resamples", "1"], 2, "1 is not in the range x>=2"),
        (["--slices-by-field", "night"], 1, "no field 'night' of images; there are id, file_name"),
        (["--slices-by", "nowhere.csv:day"], 1, "nowhere.csv: no such file"),
        (["--slices-by-pattern", "("], 1, "pattern: no regular expression"),
    ],
)
def test_wrong_usage(asked, code, message):
    ran = run(*FIXTURES, *asked)
    assert ran.exit_code == code
    assert message in ran.stderr
    assert ran.stdout == ""


def test_fields_of_what_has_none(tmp_path):
    ran = run("-", FIXTURES[1], "--slices-by-field", "night")
    assert "--slices-by-field reads the ground truth twice" in ran.stderr
    (tmp_path / "truth.csv").write_text("image,class,x,y,w,h\nstreet_000.jpg,car,1,1,9,9\n")
    ran = run(
        *(tmp_path / "truth.csv", FIXTURES[1], "--slices-by-field", "x"),
        *("--unknown-images", "drop", "--unknown-categories", "drop"),
    )
    assert ran.exit_code == 1
    assert "expected a COCO file: other formats have no fields of images" in ran.stderr


def test_real_data(shared):
    folder = shared / "voc2007" / "coco_json"
    files = folder / "ground_truth_difficult_as_crowd.json.gz", folder / "yolov2.json.gz"
    result = dm.evaluate(*files)
    wide = result.ground_truth.catalog.image_sizes @ [1, -1] > 0
    found = slices(result, np.where(wide, "wide", "high").tolist(), resamples=10)
    for one in found.slices:
        ids = result.ground_truth.catalog.image_ids[wide == (one.name == "wide")].tolist()
        alone = dm.evaluate(result.ground_truth, result.detections, images=ids)
        assert dict(alone.summary) == one.metrics


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (1, r"values\[1\]: expected text or None, got 1"),
        ("(none)", "is the slice of images without"),
    ],
)
def test_values_that_name_no_slice(value, message):
    result = dm.evaluate("fixtures/ground_truth.json", "fixtures/detections.json")
    with pytest.raises(dm.InputError, match=message):
        slices(result, ["a", value] * 12)


class TestChance:
    """A slice stands out where random subsets of as many images are hardly ever as far away."""

    @given(st.lists(st.floats(0, 1) | st.just(math.nan), max_size=9), st.floats(0.001, 0.2))
    def test_holm_rejects_what_the_procedure_rejects(self, chances, level):
        """From the smallest: rejected while chance * (how many are left) is below the level."""
        rejected, left = set(), sum(not math.isnan(chance) for chance in chances)
        for chance, at in sorted((c, at) for at, c in enumerate(chances) if not math.isnan(c)):
            if not left * chance < level:
                break
            rejected.add(at)
            left -= 1
        assert {at for at, chance in enumerate(holm(chances)) if chance < level} == rejected

    @pytest.mark.parametrize(
        ("t", "count", "chance"), [(2.228, 11, 0.05), (1.972, 200, 0.05), (3.646, 31, 0.001)]
    )
    def test_is_the_tail_of_student(self, monkeypatch, t, count, chance):
        """Tables of t; the subsets are of mean 0 and standard deviation 1."""
        monkeypatch.setattr(analysis.slice_chance, "WIDER", 1.0)
        subsets = np.linspace(-1, 1, count)
        subsets /= subsets.std(ddof=1)
        assert chance_of(t * math.sqrt(1 + 1 / count), subsets)[1] == pytest.approx(
            chance, rel=0.02
        )

    def test_nothing_is_told_without_values(self):
        assert all(map(math.isnan, chance_of(math.nan, np.ones(9))))
        assert all(map(math.isnan, chance_of(0.5, np.array([0.1, 0.2, math.nan]))))
        assert chance_of(0.5, np.full(9, 0.5)) == (0.5, 1.0)
        assert chance_of(0.4, np.full(9, 0.5)) == (0.5, 0.0)

    def test_subsets_are_evaluations_of_their_images(self):
        result = dm.evaluate(*FIXTURES)
        seeds = np.random.SeedSequence(3).spawn(4)
        for value, seed in zip(of_random_subsets(result, "AP", 9, seeds), seeds, strict=True):
            images = np.zeros(24, bool)
            images[np.random.default_rng(seed).permutation(24)[:9]] = True
            assert value == pytest.approx(part_of(result, images).summary["AP"], nan_ok=True)

    def made_up(self, worse: int) -> dm.Evaluation:
        """One object an image; of the first 40 images so many more are missed."""
        random = np.random.default_rng(5)
        missed = random.random(200) < 0.3
        missed[:worse] = True
        ground_truth = dm.GroundTruth.from_arrays(
            image_ids=range(200), categories=[1] * 200, boxes=[[0, 0, 10, 10]] * 200
        )
        found = np.flatnonzero(~missed)
        detections = dm.Detections.from_arrays(
            catalog=ground_truth.catalog,
            image_ids=found,
            categories=[1] * len(found),
            boxes=[[0, 0, 10, 10]] * len(found),
            scores=random.random(len(found)),
        )
        return dm.evaluate(ground_truth, detections)

    def test_a_weak_slice_is_below_and_the_others_are_not(self):
        values = [str(at // 40) for at in range(200)]
        found = slices(self.made_up(40), values, "AP50", resamples=100)
        assert found.stands_out(found.slices[0]) == "below"
        assert "below" not in [found.stands_out(one) for one in found.slices[1:]]
        assert found.slices[0].name == "0"
        assert found.slices[0].chance < 0.001

    def test_random_slices_do_not(self):
        values = [str(at // 40) for at in range(200)]
        found = slices(self.made_up(0), values, "AP50", resamples=100)
        assert not any(map(found.stands_out, found.slices))

    def test_small_slices_and_one_of_all_are_compared_with_nothing(self):
        result = self.made_up(0)
        alone = slices(result, ["a"] * 200, "AP50", resamples=20)
        small = slices(result, ["a"] * 190 + ["b"] * 10, "AP50", resamples=20)
        assert math.isnan(alone.slices[0].chance)
        assert [math.isnan(one.chance) for one in small.slices] == [False, True]

    def test_views_say_it(self):
        found = slices(self.made_up(40), [str(at // 40) for at in range(200)], resamples=100)
        from detmetrics.reports.slices import to_csv, to_json, to_text

        assert "below random, p" in to_text(found, width=200)
        first = json.loads(to_json(found))["slices"][0]
        assert first["chance"] < 0.001 < first["expected"]
        row = next(row for row in csv.DictReader(io.StringIO(to_csv(found))) if row["slice"] == "0")
        assert float(row["AP_chance"]) == first["chance"]
