"""Images without objects, which tables and label folders do not list: for every format."""

import json
from dataclasses import replace

import numpy as np
import pytest

import detmetrics as dm
from detmetrics.datasets.split_files import part_files
from tests import scenes
from tests.real_data import real_data

BOX = {"a": (1, 1, 11, 11), "b": (2, 2, 22, 12)}
NAMES = ("a", "b", "c")


def truth(folder, name, *, suffix=".jpg"):
    """Ground truth of images a and b in a format; c has no object and is not listed."""
    if name == "csv":
        rows = [f"{n}{suffix},cat,{','.join(map(str, BOX[n]))}" for n in BOX]
        (folder / "t.csv").write_text("\n".join(["image,class,xmin,ymin,xmax,ymax", *rows]))
        return folder / "t.csv"
    if name == "openimages":
        head = "ImageID,LabelName,XMin,XMax,YMin,YMax,IsGroupOf"
        rows = [
            f"{n},cat,{x / 100},{r / 100},{y / 100},{b / 100},0" for n, (x, y, r, b) in BOX.items()
        ]
        (folder / "t.csv").write_text("\n".join([head, *rows]))
        return folder / "t.csv"
    if name == "coco":
        images = [
            {"id": at, "file_name": f"{n}{suffix}", "width": 100, "height": 100}
            for at, n in enumerate(BOX, 7)
        ]
        boxes = [
            {"id": at, "image_id": at, "category_id": 1, "bbox": [x, y, r - x, b - y], "iscrowd": 0}
            for at, (x, y, r, b) in enumerate(BOX.values(), 7)
        ]
        document = {
            "images": images,
            "annotations": boxes,
            "categories": [{"id": 1, "name": "cat"}],
        }
        (folder / "t.json").write_text(json.dumps(document))
        return folder / "t.json"
    labels = folder / ("labelTxt" if name == "dota" else "truth")  # no images beside it
    labels.mkdir()
    for n, (x, y, r, b) in BOX.items():
        text = {
            "text": f"cat {x} {y} {r} {b}\n",
            "kitti": f"cat 0.0 0 0.0 {x} {y} {r} {b} 1 1 1 1 1 1 1\n",
            "dota": f"{x} {y} {r} {y} {r} {b} {x} {b} cat 0\n",
            "voc": f"<annotation><filename>{n}{suffix}</filename><object><name>cat</name><bndbox>"
            f"<xmin>{x}</xmin><ymin>{y}</ymin><xmax>{r}</xmax><ymax>{b}</ymax></bndbox></object>"
            "</annotation>",
            "yolo": f"0 {(x + r) / 200} {(y + b) / 200} {(r - x) / 100} {(b - y) / 100}\n",
        }[name]
        (labels / f"{n}{'.xml' if name == 'voc' else '.txt'}").write_text(text)
    if name == "yolo":
        (labels / "classes.txt").write_text("cat\n")
    return labels


def found(folder, suffix=".jpg"):
    """Detections on all three images; that on c is a false positive, and the best one."""
    boxes = {**BOX, "c": (5, 5, 15, 15)}
    scores = {"a": 0.8, "b": 0.7, "c": 0.9}
    rows = [f"{n}{suffix},cat,{scores[n]},{','.join(map(str, boxes[n]))}" for n in boxes]
    (folder / "d.csv").write_text("\n".join(["image,class,score,xmin,ymin,xmax,ymax", *rows]))
    return folder / "d.csv"


def lists(folder, names=NAMES):
    """The same images as a list, a table, a table of sizes, and pictures."""
    (folder / "images").mkdir()
    for name in names:
        (folder / "images" / f"{name}.jpg").write_bytes(scenes.png(100, 100))
    (folder / "list.txt").write_text("".join(f"../images/{name}.jpg\n" for name in names))
    (folder / "stems.txt").write_text("".join(f"{name}\n" for name in names))
    sizes = [f"{name}.jpg,100,100" for name in names]
    (folder / "sizes.csv").write_text("\n".join(["file_name,width,height", *sizes]))
    return {
        "list": dm.Reading(image_list=folder / "list.txt"),
        "stems": dm.Reading(image_list=folder / "stems.txt"),
        "names": dm.Reading(image_list=[f"{name}.jpg" for name in names]),
        "column": dm.Reading(image_list=folder / "sizes.csv"),
        "sizes": dm.Reading(image_sizes=folder / "sizes.csv"),
        "mapping": dm.Reading(image_sizes={f"{name}.jpg": (100, 100) for name in names}),
        "folder": dm.Reading(image_dir=folder / "images"),
    }


def asked(name, reading=dm.Reading()):  # noqa: B008  (it is frozen)
    """With what text files of two lines leave open."""
    return replace(reading, columns="class xmin ymin xmax ymax") if name == "text" else reading


FORMATS = ("csv", "openimages", "coco", "text", "kitti", "dota", "voc", "yolo")
WAYS = ("list", "stems", "names", "column", "sizes", "mapping", "folder")


class TestImagesWithoutObjects:
    """Every list fills the images of every format; what is listed already is not added again."""

    @pytest.mark.parametrize("way", WAYS)
    @pytest.mark.parametrize("name", FORMATS)
    def test_the_number_is_right(self, tmp_path, name, way):
        ways = lists(tmp_path)
        given = ways[way]
        if name in ("openimages", "yolo"):  # in shares
            given = dm.Reading(
                image_list=given.image_list,
                image_dir=given.image_dir,
                image_sizes=given.image_sizes or ways["mapping"].image_sizes,
            )
        files = truth(tmp_path, name), found(tmp_path)
        if name != "yolo" or way != "folder":
            with pytest.raises(dm.UnknownIdError, match="--image-list FILE"):
                dm.evaluate(*files, "coco", shape="box", reading=asked(name))
        result = dm.evaluate(*files, "coco", shape="box", reading=asked(name, given))
        assert result.counts["images"] == 3
        assert result.counts["images_without_ground_truth"] == 1
        assert result.counts["detections_on_images_without_ground_truth"] == 1
        assert result.summary["AP"] == pytest.approx(2 / 3)

    @pytest.mark.parametrize("name", FORMATS)
    def test_all_of_them_at_once(self, tmp_path, name):
        ways = lists(tmp_path)
        reading = dm.Reading(
            image_list=ways["list"].image_list,
            image_sizes=ways["sizes"].image_sizes,
            image_dir=ways["folder"].image_dir,
        )
        table = dm.read_ground_truth(truth(tmp_path, name), asked(name, reading))
        assert len(table.catalog.image_ids) == 3
        assert [n.partition(".")[0] for n in sorted(table.catalog.image_names)] == [*NAMES]

    @pytest.mark.parametrize("name", ["csv", "coco", "voc"])
    def test_what_was_added_is_said(self, tmp_path, name):
        table = dm.read_ground_truth(truth(tmp_path, name), lists(tmp_path)["list"])
        note = "1 image that the ground truth does not list counts as an image without objects: c"
        assert sum(note in said for said in table.notes) == 1

    @pytest.mark.parametrize("name", FORMATS)
    @pytest.mark.parametrize("way", WAYS)
    def test_a_complete_list_changes_nothing(self, tmp_path, name, way):
        path = truth(tmp_path, name)
        before = dm.read_ground_truth(path, asked(name))
        after = dm.read_ground_truth(path, asked(name, lists(tmp_path, ("a", "b"))[way]))
        assert after.catalog.image_names == before.catalog.image_names or name == "yolo"
        assert after.catalog.image_ids.tolist() == before.catalog.image_ids.tolist()
        np.testing.assert_array_equal(after.image, before.image)

    def test_ids_of_a_coco_file_are_kept_and_new_ones_are_below(self, tmp_path):
        table = dm.read_ground_truth(truth(tmp_path, "coco"), lists(tmp_path)["folder"])
        assert table.catalog.image_ids.tolist() == [-1, 7, 8]
        assert table.catalog.image_names == ("c.jpg", "a.jpg", "b.jpg")

    def test_images_that_are_numbers(self, tmp_path):
        (tmp_path / "t.csv").write_text("image_id,class,x,y,w,h\n12,cat,1,1,9,9\n5,cat,1,1,9,9\n")
        (tmp_path / "list.txt").write_text("000005.jpg\n000012.jpg\n000007.jpg\n")
        table = dm.read_ground_truth(
            tmp_path / "t.csv", dm.Reading(image_list=tmp_path / "list.txt")
        )
        assert table.catalog.image_ids.tolist() == [5, 7, 12]


class TestFolders:
    """One file name in several folders is several images."""

    def rows(self, tmp_path, *images):
        rows = [f"{image},cat,1,1,9,9" for image in images]
        (tmp_path / "t.csv").write_text("\n".join(["image,class,xmin,ymin,xmax,ymax", *rows]))
        return tmp_path / "t.csv"

    def images(self, path, *listed):
        return dm.read_ground_truth(path, dm.Reading(image_list=listed)).catalog.image_names

    def test_folders_tell_images_apart(self, tmp_path):
        path = self.rows(tmp_path, "cam1/1.jpg", "cam2/1.jpg")
        listed = [f"data/cam{cam}/{n}.jpg" for cam in (1, 2) for n in (1, 2)]
        assert self.images(path, *listed) == (
            "cam1/1.jpg",
            "cam1/2.jpg",
            "cam2/1.jpg",
            "cam2/2.jpg",
        )

    def test_another_folder_is_another_image(self, tmp_path):
        path = self.rows(tmp_path, "cam1/1.jpg")
        assert self.images(path, "cam1/1.jpg", "cam2/1.jpg") == ("cam1/1.jpg", "cam2/1.jpg")

    def test_what_fits_two_is_refused(self, tmp_path):
        path = self.rows(tmp_path, "1.jpg", "2.jpg")
        with pytest.raises(dm.FormatError, match=r"'a/1\.jpg' and 'b/1\.jpg' could be '1\.jpg'"):
            self.images(path, "a/1.jpg", "b/1.jpg", "2.jpg")
        path = self.rows(tmp_path, "a/1.jpg", "b/1.jpg")
        with pytest.raises(dm.FormatError, match=r"'1\.jpg' could be 'a/1\.jpg' and 'b/1\.jpg'"):
            self.images(path, "1.jpg", "a/1.jpg")

    def test_a_list_of_another_set_is_refused(self, tmp_path):
        path = self.rows(tmp_path, "1.jpg")
        with pytest.raises(dm.FormatError, match="no image of the ground truth is listed"):
            self.images(path, "7.jpg", "8.jpg")

    def test_a_list_of_a_part_is_said(self, tmp_path):
        path = self.rows(tmp_path, "1.jpg", "2.jpg", "3.jpg")
        table = dm.read_ground_truth(path, dm.Reading(image_list=["1.jpg", "4.jpg"]))
        assert "image_list: 1 of the 3 images of the ground truth found there" in table.notes[1]
        assert len(table.catalog.image_ids) == 4

    def test_pictures_of_another_split_add_nothing(self, tmp_path):
        for split, names in (("train", "123456"), ("val", "789")):
            (tmp_path / "images" / split).mkdir(parents=True)
            for name in names:
                (tmp_path / "images" / split / f"{name}.jpg").write_bytes(scenes.png(9, 9))
        path = self.rows(tmp_path, "7.jpg", "8.jpg")
        reading = dm.Reading(image_dir=tmp_path / "images")
        assert dm.read_ground_truth(path, reading).catalog.image_names == (
            "7.jpg",
            "8.jpg",
            "9.jpg",
        )
        table = dm.read_ground_truth(path, dm.Reading(image_dir=tmp_path / "images" / "train"))
        assert len(table.catalog.image_ids) == 2
        assert any("0 of the 2 images of the ground truth found there" in n for n in table.notes)


class TestDropping:
    """Dropping detections on unknown images is not what lists them: the advice says so."""

    def test_advice_and_note(self, tmp_path):
        files = truth(tmp_path, "csv"), found(tmp_path)
        with pytest.raises(dm.UnknownIdError, match=r"drop.*; this raises AP"):
            dm.evaluate(*files)
        result = dm.evaluate(*files, unknown_images="drop")
        assert result.summary["AP"] == pytest.approx(1)
        assert any("dropped, as asked" in n and "raises AP" in n for n in result.notes)


@pytest.mark.parametrize("option", ["image_list", "image_sizes", "image_dir"])
def test_the_puzzle(tmp_path, option):
    folder = real_data("puzzles/18-background-images-in-tables")
    (tmp_path / "images").mkdir()
    for at in range(1, 9):
        (tmp_path / "images" / f"shot_00{at}.jpg").write_bytes(scenes.png(9, 9))
    given = {
        "image_list": folder / "list.txt",
        "image_sizes": folder / "sizes.csv",
        "image_dir": tmp_path / "images",
    }
    reading = dm.Reading(**{option: given[option]})
    result = dm.evaluate(folder / "gt.csv", folder / "det.csv", reading=reading)
    assert round(result.summary["AP"], 4) == 0.3773


def test_a_split_of_a_coco_file_lists_what_was_added(tmp_path):
    ways = lists(tmp_path)
    split = dm.split(truth(tmp_path, "coco"), ratios=(1, 1), reading=ways["folder"])
    files = part_files(split, str(tmp_path / "t.json"), str(tmp_path))
    images = [image for part in files.values() for image in json.loads(part)["images"]]
    assert sorted(image["file_name"] for image in images) == ["a.jpg", "b.jpg", "c.jpg"]
    assert {image["width"] for image in images} == {100}


def test_the_pictures_of_all_splits_belong_to_none_of_them(tmp_path):
    ways = lists(tmp_path)
    (tmp_path / "one.json").write_text(truth(tmp_path, "coco").read_text())
    other = json.loads((tmp_path / "one.json").read_text())
    other["images"] = [{"id": 1, "file_name": "c.jpg"}]
    other["annotations"] = [{**other["annotations"][0], "image_id": 1}]
    (tmp_path / "other.json").write_text(json.dumps(other))
    parts = [tmp_path / "one.json", tmp_path / "other.json"]
    for way in ("folder", "sizes"):
        report = dm.check_parts(parts, reading=ways[way])
        assert [one.code.code for one in report.findings if one.code.code == "D501"] == []


def test_a_damaged_picture_does_not_take_the_sizes_of_others(tmp_path):
    ways = lists(tmp_path)
    (tmp_path / "images" / "c.jpg").write_bytes(b"no picture")
    table = dm.read_ground_truth(truth(tmp_path, "openimages"), ways["folder"])
    assert (table.catalog.sized, len(table.catalog.image_ids)) == (True, 2)
