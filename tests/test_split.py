"""``split``: disjoint, complete, reproducible, stratified, whole groups; and its files."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pytest
import scenes
import yaml
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

import detmetrics as dm
from detmetrics.cli import cli
from detmetrics.tables.catalog import Catalog

EXAMPLE = "fixtures/ground_truth.json"


def data_set(classes_on: list[list[int]], names: list[str] | None = None) -> dm.GroundTruth:
    """Images by the classes that they show."""
    names = names or [f"{at:04}.jpg" for at in range(len(classes_on))]
    rows = [(at, known) for at, own in enumerate(classes_on) for known in own]
    catalog = Catalog.from_ids(
        images=range(len(classes_on)), image_names=names, categories=range(6)
    )
    return dm.GroundTruth.from_arrays(
        image_ids=[at for at, _ in rows],
        categories=[known for _, known in rows],
        boxes=np.tile([10.0, 20.0, 3.0, 4.0], (len(rows), 1)),
        catalog=catalog,
    )


images = st.lists(st.lists(st.integers(0, 5), max_size=4), min_size=1, max_size=60)
ratios = st.sampled_from([(6, 2, 2), (8, 1, 1), (8, 2), (1, 1, 1), (0.7, 0.3)])


class TestLaws:
    """Disjoint and complete; groups whole; the seed decides; sizes as near as groups allow."""

    @given(classes_on=images, shares=ratios, seed=st.integers(0, 99))
    def test_every_image_is_in_one_part_and_sizes_fit(self, classes_on, shares, seed):
        found = dm.split(data_set(classes_on), ratios=shares, seed=seed)
        names = [set(found.image_names(part)) for part in found.parts]
        assert sum(map(len, names)) == len(classes_on)
        assert len(set.union(*names)) == len(classes_on)
        for count, share in zip(found.images.values(), found.ratios, strict=True):
            assert abs(count - share * len(classes_on)) <= 1

    @given(classes_on=images, seed=st.integers(0, 99))
    def test_the_seed_reproduces_whatever_the_order_of_rows(self, classes_on, seed):
        first = dm.split(data_set(classes_on), seed=seed)
        turned = dm.split(data_set([own[::-1] for own in classes_on]), seed=seed)
        assert first.part.tolist() == turned.part.tolist()

    @given(
        keys=st.lists(st.integers(0, 9), min_size=1, max_size=50),
        shares=ratios,
    )
    def test_groups_are_never_divided(self, keys, shares):
        names = [f"seq{key}_{at}.jpg" for at, key in enumerate(keys)]
        truth = data_set([[key % 6] for key in keys], names)
        found = dm.split(truth, ratios=shares, group_by=r"^(seq\d+)_")
        part_of: dict[int, set[int]] = {}
        for key, part in zip(keys, found.part.tolist(), strict=True):
            part_of.setdefault(key, set()).add(part)
        assert all(len(parts) == 1 for parts in part_of.values())
        assert found.groups == len(set(keys))

    @given(rare=st.integers(3, 8), seed=st.integers(0, 99))
    def test_a_rare_class_reaches_every_part(self, rare, seed):
        truth = data_set([[0, 5] if at < rare else [0] for at in range(60)])
        assert (dm.split(truth, seed=seed).objects[5] > 0).all()

    def test_classes_are_spread(self):
        rng = np.random.default_rng(1)
        classes_on = [[*np.flatnonzero(rng.random(6) < 0.3)] for _ in range(500)]
        found = dm.split(data_set(classes_on))
        shares = found.objects / found.objects.sum(axis=1, keepdims=True)
        assert np.abs(shares - found.ratios).max() < 0.06

    def test_another_seed_gives_other_parts(self):
        assert dm.split(EXAMPLE, seed=0).part.tolist() != dm.split(EXAMPLE, seed=1).part.tolist()


def test_golden():
    """Written down once: the same on every machine and in every version."""
    found = dm.split(EXAMPLE, seed=0)
    stems = {part: [name[7:10] for name in found.image_names(part)] for part in ("val", "test")}
    assert stems == GOLDEN


GOLDEN = {
    "val": ["002", "005", "009", "016", "019"],
    "test": ["007", "010", "011", "012", "017"],
}


class TestErrors:
    """What cannot be split says why."""

    @pytest.mark.parametrize("bad", [(1,), (1, 2, 3, 4), (1, 0), (1, -1), (1, float("nan"))])
    def test_ratios(self, bad):
        with pytest.raises(dm.InputError, match="ratios: expected"):
            dm.split(EXAMPLE, ratios=bad)

    def test_no_images(self):
        empty = dm.GroundTruth.from_arrays(image_ids=[], categories=[], boxes=np.zeros((0, 4)))
        with pytest.raises(dm.InputError, match="no images to split"):
            dm.split(empty)

    def test_one_image(self):
        assert dm.split(data_set([[0]])).images == {"train": 1, "val": 0, "test": 0}

    def test_expression_that_does_not_fit(self):
        with pytest.raises(dm.InputError, match="no sequence is known for 24 images of 24, first"):
            dm.split(EXAMPLE, group_by="^seq")

    def test_expression_that_is_none(self):
        with pytest.raises(dm.InputError, match="no regular expression"):
            dm.split(EXAMPLE, group_by="(")


def run(*arguments: object):
    return CliRunner().invoke(cli, ["split", *map(str, arguments), "-q"])


class TestFiles:
    """COCO documents are cut, YOLO and others become lists; never outside, never over old ones."""

    def test_coco_keeps_every_key(self, tmp_path):
        content = json.loads(Path(EXAMPLE).read_text())
        content["info"] = {"year": 2026}
        for row in content["annotations"]:
            row["segmentation"] = [[1, 2, 3, 4, 5, 6]]
        source = tmp_path / "truth.json"
        source.write_text(json.dumps(content))
        ran = run(source, "-o", tmp_path / "out")
        assert ran.exit_code == 0, ran.output
        parts = [
            json.loads((tmp_path / "out" / f"{name}.json").read_text())
            for name in ("train", "val", "test")
        ]
        for part in parts:
            assert part["info"] == content["info"]
            assert part["categories"] == content["categories"]
            inside = {row["id"] for row in part["images"]}
            assert {row["image_id"] for row in part["annotations"]} <= inside
        for section in ("images", "annotations"):
            joined = sorted((row for part in parts for row in part[section]), key=lambda r: r["id"])
            assert joined == sorted(content[section], key=lambda row: row["id"])
        assert dm.check_parts(sorted((tmp_path / "out").iterdir())).errors == 0

    def test_yolo_lists_are_read_back(self, tmp_path):
        root = scenes.yolo_truth(tmp_path / "set")
        names = "abcdefghij"
        for at, name in enumerate(names):
            (root / "images" / f"{name}.png").write_bytes(scenes.png(10 + at, 20))
            (root / "labels" / f"{name}.txt").write_text("0 0.5 0.5 0.5 0.5\n")
        ran = run(root, "-o", root / "parts")
        assert ran.exit_code == 0, ran.output
        described = yaml.safe_load((root / "parts" / "data.yaml").read_text())
        assert described["names"] == {0: "cat", 1: "dog", 2: "no"}
        sizes = {}
        for part in ("train", "val", "test"):
            lines = (root / "parts" / described[part]).read_text().splitlines()
            assert all((root / "parts" / line).is_file() for line in lines)
            truth = dm.read_ground_truth(root / "parts" / "data.yaml", dm.Reading(split=part))
            assert len(truth.catalog.image_ids) == len(lines)
            sizes[part] = len(lines)
        assert sum(sizes.values()) == len(names) + 3
        lists = [root / "parts" / f"{part}.txt" for part in sizes]
        assert dm.check_parts(lists).errors == 0

    def test_equal_images_stay_together(self, tmp_path):
        root = scenes.yolo_truth(tmp_path / "set")
        for at in range(12):
            (root / "images" / f"{at}.png").write_bytes(scenes.png(30 + at // 4, 20))
            (root / "labels" / f"{at}.txt").write_text("0 0.5 0.5 0.5 0.5\n")
        ran = run(root, "-o", tmp_path / "out", "--json", "-")
        found = json.loads(ran.stdout)
        assert (found["groups"], found["duplicates"]) == (3 + 3, 9)
        split = dm.split(root)
        part_of = dict(
            zip(split.ground_truth.catalog.image_names, split.part.tolist(), strict=True)
        )
        for first in (0, 4, 8):
            assert len({part_of[f"{at}.png"] for at in range(first, first + 4)}) == 1

    @pytest.mark.parametrize("kind", ["voc", "csv"])
    def test_other_formats_become_lists(self, tmp_path, kind):
        source = scenes.TRUTHS[kind](tmp_path / "set")
        assert run(source, "-o", tmp_path / "out", "--ratios", "1:1:1").exit_code == 0
        lines = [
            line
            for name in ("train", "val", "test")
            for line in (tmp_path / "out" / f"{name}.txt").read_text().splitlines()
        ]
        assert sorted(Path(line).stem for line in lines) == sorted(scenes.IMAGES)
        listed = dm.evaluate(source, scenes.comp4_found(tmp_path), images=lines)
        assert listed.counts["images"] == 3

    def test_column_of_a_table(self, tmp_path):
        rows = [f"{at}.jpg,cat,1,1,5,5,video{at % 3}" for at in range(30)]
        table = tmp_path / "boxes.csv"
        table.write_text("\n".join(["image,class,x,y,w,h,video", *rows]) + "\n")
        ran = run(table, "-o", tmp_path / "out", "--group-by", "column=video", "--json", "-")
        assert json.loads(ran.stdout)["images"] == {"train": 10, "val": 10, "test": 10}
        wrong = run(table, "-o", tmp_path / "other", "--group-by", "column=film")
        assert wrong.exit_code == 1
        assert "no column 'film'" in wrong.stderr

    def test_field_of_coco_images(self, tmp_path):
        content = json.loads(Path(EXAMPLE).read_text())
        for at, row in enumerate(content["images"]):
            row["video_id"] = at % 3
        source = tmp_path / "truth.json"
        source.write_text(json.dumps(content))
        ran = run(source, "-o", tmp_path / "out", "--group-by", "column=video_id", "--json", "-")
        assert json.loads(ran.stdout)["groups"] == 3

    def test_what_is_there_is_kept(self, tmp_path):
        target = tmp_path / "out"
        assert run(EXAMPLE, "-o", target).exit_code == 0
        before = {path.name: path.read_bytes() for path in target.iterdir()}
        ran = run(EXAMPLE, "-o", target, "--seed", 5)
        assert ran.exit_code == 1
        assert "is there already; --force" in ran.stderr
        assert {path.name: path.read_bytes() for path in target.iterdir()} == before
        assert run(EXAMPLE, "-o", target, "--seed", 5, "--force").exit_code == 0

    def test_a_name_that_no_list_can_hold(self, tmp_path):
        folder = scenes.voc_truth(tmp_path / "set")
        os.rename(folder / "000001.xml", folder / "a\nb.xml")
        ran = run(folder, "-o", tmp_path / "out")
        assert ran.exit_code == 1
        assert "cannot stand in a list: nothing was written" in ran.stderr
        assert not (tmp_path / "out").exists()


class TestCommand:
    """The table, and wrong usage."""

    def test_table(self, tmp_path):
        lines = run(EXAMPLE, "-o", tmp_path / "out").stdout.splitlines()
        assert lines[0].split() == ["objects", "train", "share", "val", "share", "test", "share"]
        assert lines[2].split()[:2] == ["images", "14"]
        assert lines[-1] == f"{tmp_path / 'out'}: train, val, test written"

    @pytest.mark.parametrize("ratios", ["6", "6:2:1:1", "a:b", "1:0", "1:nan", "1:inf"])
    def test_wrong_ratios(self, ratios):
        ran = run(EXAMPLE, "--ratios", ratios)
        assert ran.exit_code == 2
        assert "two or three numbers above 0" in ran.stderr

    def test_standard_input(self):
        assert run("-").exit_code == 2
