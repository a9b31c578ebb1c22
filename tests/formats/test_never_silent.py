"""What once gave a wrong number, or lost something, without a word."""

from __future__ import annotations

import json

import pytest
import scenes

import detmetrics as dm

pytestmark = pytest.mark.filterwarnings("ignore::detmetrics.DetmetricsWarning")


def coco(path, images, annotations, categories):
    path.write_text(
        json.dumps({"images": images, "annotations": annotations, "categories": categories})
    )
    return path


def row(number: int, image: int, category: int = 1, **more) -> dict:
    return {
        "id": number,
        "image_id": image,
        "category_id": category,
        "bbox": [9, 9, 20, 30],
        **more,
    }


class TestTables:
    """A row that is not whole, a name that is not there, a size that is not the image's."""

    HEAD = "image,class,score,x,y,w,h\n"

    @pytest.mark.parametrize("box", [",,,", "nan,nan,nan,nan"])
    def test_a_class_without_a_box_is_refused(self, tmp_path, box):
        table = tmp_path / "truth.csv"
        table.write_text(f"image,class,x,y,w,h\na.jpg,cat,9,9,20,30\na.jpg,cat,{box}\n")
        with pytest.raises(dm.FormatError, match="line 3: expected a box, got nothing"):
            dm.read_ground_truth(table)

    def test_two_columns_of_scores(self, tmp_path):
        truth = scenes.coco_truth(tmp_path)
        table = tmp_path / "found.csv"
        table.write_text("image,class,confidence,score,x,y,w,h\n000001.png,cat,.9,.5,9,9,20,30\n")
        with pytest.raises(dm.FormatError, match="two columns may be the score"):
            dm.evaluate(truth, table)
        found = dm.evaluate(truth, table, reading=dm.Reading(columns="score=confidence"))
        assert found.detections.scores.tolist() == [0.9]

    def test_the_width_of_the_box_is_not_that_of_the_image(self, tmp_path):
        table = tmp_path / "truth.csv"
        table.write_text(
            "image,class,x1,y1,x2,y2,bbox_width,bbox_height\na.jpg,cat,9,9,29,39,20,30\n"
        )
        assert not dm.read_ground_truth(table).catalog.sized

    def test_areas_in_shares_are_not_square_pixels(self, tmp_path):
        table = tmp_path / "truth.csv"
        table.write_text(
            "image,class,xmin,ymin,xmax,ymax,area,image_width,image_height\n"
            "a.jpg,cat,0.1,0.1,0.6,0.6,0.25,1000,1000\n"
        )
        assert dm.read_ground_truth(table).area.tolist() == [250_000]

    def test_open_images_in_pixels_are_refused(self, tmp_path):
        table = tmp_path / "boxes.csv"
        table.write_text("ImageID,LabelName,XMin,XMax,YMin,YMax\na,cat,10,60,10,60\n")
        with pytest.raises(dm.FormatError, match="boxes are not normalized"):
            dm.read_ground_truth(table)

    def test_asked_box_wins_over_another_form(self, tmp_path):
        table = tmp_path / "truth.csv"
        table.write_text("image,class,xmin,ymin,xmax,ymax,bx,by,bw,bh\na,cat,1,1,2,2,9,9,20,30\n")
        truth = dm.read_ground_truth(table, dm.Reading(columns="x=bx,y=by,w=bw,h=bh"))
        assert truth.xywh.tolist() == [[9, 9, 20, 30]]


class TestConvert:
    """Two images or classes of one name stay two; a source is not its own target."""

    @pytest.mark.parametrize("to", ["csv", "parquet", "openimages"])
    def test_images_that_share_a_name(self, tmp_path, to):
        images = [{"id": n, "file_name": "a.jpg", "width": 99, "height": 99} for n in (1, 2)]
        truth = coco(tmp_path / "t.json", images, [row(1, 1), row(2, 2)], [{"id": 1, "name": "c"}])
        dm.convert(truth, tmp_path / "out", to=to)
        assert len(dm.read_ground_truth(tmp_path / "out").catalog.image_ids) == 2

    @pytest.mark.parametrize("to", ["voc", "yolo"])
    def test_classes_that_share_a_name(self, tmp_path, to):
        images = [{"id": 1, "file_name": "a.jpg", "width": 99, "height": 99}]
        classes = [{"id": 1, "name": "c"}, {"id": 2, "name": "c"}]
        truth = coco(tmp_path / "t.json", images, [row(1, 1), row(2, 1, 2)], classes)
        dm.convert(truth, tmp_path / "out", to=to)
        assert len(dm.read_ground_truth(tmp_path / "out").catalog.category_ids) == 2

    def test_the_source_itself(self, tmp_path):
        truth = scenes.coco_truth(tmp_path)
        before = truth.read_bytes()
        with pytest.raises(dm.OutputError, match="is the source itself, which would be lost"):
            dm.convert(truth, truth, to="csv", force=True)
        assert truth.read_bytes() == before

    def test_inclusive_corners_do_not_grow(self, tmp_path):
        source = scenes.voc_truth(tmp_path / "a")
        reading = dm.Reading(pixels="inclusive")
        dm.convert(source, tmp_path / "out", to="voc", reading=reading)
        once, again = (dm.read_ground_truth(p, reading).boxes for p in (source, tmp_path / "out"))
        assert once.tolist() == again.tolist()

    def test_a_width_without_a_height(self, tmp_path):
        images = [{"id": 1, "file_name": "a.jpg", "width": 99}]
        truth = coco(tmp_path / "t.json", images, [row(1, 1)], [{"id": 1, "name": "c"}])
        done = dm.convert(truth, tmp_path / "out", to="coco")
        assert "width" not in json.loads((tmp_path / "out").read_text())["images"][0]
        assert done.side == "ground truth"


class TestFolders:
    """Files of every class, images of every folder."""

    def test_a_class_called_train(self, tmp_path):
        truth = tmp_path / "Annotations"
        truth.mkdir()
        objects = "".join(
            f"<object><name>{name}</name><bndbox><xmin>{x}</xmin><ymin>9</ymin>"
            f"<xmax>{x + 20}</xmax><ymax>39</ymax></bndbox></object>"
            for name, x in (("dog", 9), ("train", 60))
        )
        (truth / "000001.xml").write_text(f"<annotation>{objects}</annotation>")
        found = tmp_path / "results"
        found.mkdir()
        for name, x in (("dog", 9), ("train", 60)):
            (found / f"{name}.txt").write_text(f"000001 0.9 {x} 9 {x + 20} 39\n")
        result = dm.evaluate(truth, found)
        assert len(result.detections) == 2
        assert result.summary["AP50"] == pytest.approx(1)

    def test_two_files_of_one_class(self, tmp_path):
        truth = scenes.voc_truth(tmp_path / "a")
        for run in ("one", "two"):
            scenes.comp4_found(tmp_path / "runs" / run)
        with pytest.raises(dm.FormatError, match="a class with two files"):
            dm.evaluate(truth, tmp_path / "runs")

    def test_a_class_without_detections_is_said(self, tmp_path):
        truth, found = scenes.voc_truth(tmp_path / "a"), scenes.comp4_found(tmp_path / "b")
        (found / "comp4_det_test_dog.txt").unlink()
        result = dm.evaluate(truth, found)
        assert any(
            "1 class with ground truth but without a detection" in said for said in result.attention
        )

    def nested(self, tmp_path):
        for at, folder in enumerate(("a", "b")):
            images, labels = (tmp_path / kind / folder for kind in ("images", "labels"))
            images.mkdir(parents=True)
            labels.mkdir(parents=True)
            for n in range(3):
                (images / f"{n}.png").write_bytes(scenes.png(10 + n + 10 * at, 40 + at))
                (labels / f"{n}.txt").write_text("0 0.5 0.5 0.5 0.5\n")
        return tmp_path / "labels"

    def test_images_of_one_name_in_two_folders(self, tmp_path):
        labels = self.nested(tmp_path)
        found = dm.split(labels, ratios=(1, 1))
        assert (found.duplicates, found.groups) == (0, 6)
        assert len(set(found.files.values())) == 6
        sizes = found.ground_truth.catalog.image_sizes
        assert len({tuple(size) for size in sizes.tolist()}) == 6

    def test_sizes_by_path_in_a_table(self, tmp_path):
        labels = self.nested(tmp_path / "set")
        for image in (tmp_path / "set" / "images").rglob("*.png"):
            image.unlink()
        table = tmp_path / "sizes.csv"
        lines = [
            f"{d}/{n}.png,{100 * (1 + k)},{10 + n}" for k, d in enumerate("ab") for n in range(3)
        ]
        table.write_text("\n".join(["image,width,height", *lines]) + "\n")
        truth = dm.read_ground_truth(labels, dm.Reading(image_sizes=table))
        assert len({tuple(size) for size in truth.catalog.image_sizes.tolist()}) == 6
        table.write_text("image,width,height\n0.png,1,2\n0.png,3,4\n")
        with pytest.raises(dm.FormatError, match=r"line 3: another size of '0.png' is there"):
            dm.read_ground_truth(labels, dm.Reading(image_sizes=table))

    def test_a_folder_of_images_that_is_not_there(self, tmp_path):
        truth = scenes.coco_truth(tmp_path)
        with pytest.raises(dm.FormatError, match="expected a folder of images"):
            dm.read_ground_truth(truth, dm.Reading(image_dir=tmp_path / "nowhere"))


class TestSplit:
    """Ids as they are read; columns however they are written."""

    def test_ids_that_are_texts_here_and_numbers_there(self, tmp_path):
        images = [{"id": n, "file_name": f"{n}.jpg"} for n in range(6)]
        rows = [row(n, n) | {"image_id": str(n)} for n in range(6)]
        truth = coco(tmp_path / "t.json", images, rows, [{"id": 1, "name": "c"}])
        from click.testing import CliRunner

        from detmetrics.cli import cli

        ran = CliRunner().invoke(cli, ["split", str(truth), "-o", str(tmp_path / "out"), "-q"])
        assert ran.exit_code == 0, ran.output
        parts = [json.loads(path.read_text()) for path in (tmp_path / "out").iterdir()]
        assert sum(len(part["annotations"]) for part in parts) == 6

    @pytest.mark.parametrize(
        "content",
        [b'{"images": 3}', b'{"images": [', "image,class,x,y,w,h,v\xe9\n".encode("latin-1")],
    )
    def test_columns_of_broken_sources(self, tmp_path, content):
        from detmetrics.datasets.grouping import groups_of

        path = tmp_path / "source"
        path.write_bytes(content)
        with pytest.raises(dm.FormatError):
            groups_of(str(path), "column=video", dm.Reading())

    def test_ratios_that_are_no_numbers(self):
        with pytest.raises(dm.InputError, match="ratios: expected numbers"):
            dm.split("fixtures/ground_truth.json", ratios=("a", "b"))


def test_shares_with_an_outlier_are_still_suspected(tmp_path):
    truth = scenes.coco_truth(tmp_path)
    rows = [
        {"image_id": 1, "category_id": 0, "bbox": [0.1, 0.2, 0.3, 0.1], "score": 0.5}
        for _ in range(99)
    ]
    rows[7]["bbox"] = [0.1, 0.2, 1.002, 0.1]
    found = tmp_path / "found.json"
    found.write_text(json.dumps(rows))
    result = dm.evaluate(truth, found)
    assert any("boxes look like shares" in said for said in result.attention)


class TestYoloLabels:
    """Labels in another order than YOLO's are seen; options are honoured; images are found."""

    def boxes(self):
        return [(0.1 + 0.02 * k, 0.55 + 0.01 * k, 0.2, 0.15) for k in range(20)]

    def labels(self, tmp_path, order: str):
        folder = tmp_path / order.replace(" ", "_")
        folder.mkdir()
        lines = []
        for x, y, w, h in self.boxes():
            known = {"cx": x + w / 2, "cy": y + h / 2, "w": w, "h": h, "x": x, "y": y}
            known |= {"xmin": x, "ymin": y, "xmax": x + w, "ymax": y + h}
            lines.append(" ".join(["0", *(f"{known[name]:.6f}" for name in order.split())]))
        (folder / "a.txt").write_text("\n".join(lines) + "\n")
        return folder

    @pytest.mark.parametrize("order", ["cx cy w h", "xmin ymin xmax ymax"])
    def test_orders_that_are_told(self, tmp_path, order):
        truth = dm.read_ground_truth(self.labels(tmp_path, order))
        assert truth.xywh[3].tolist() == pytest.approx(self.boxes()[3], abs=1e-5)

    @pytest.mark.parametrize("order", ["cx cy w h", "xmin ymin xmax ymax", "x y w h"])
    def test_orders_that_are_asked_for(self, tmp_path, order):
        reading = dm.Reading(columns=f"class {order}")
        truth = dm.read_ground_truth(self.labels(tmp_path, order), reading)
        assert truth.xywh[3].tolist() == pytest.approx(self.boxes()[3], abs=1e-5)

    def test_an_outlier_is_said(self, tmp_path):
        folder = self.labels(tmp_path, "cx cy w h")
        with (folder / "a.txt").open("a") as file:
            file.write("0 320 240 100 100\n")
        notes = dm.read_ground_truth(folder).notes
        assert any("1 box reaches outside its image" in note for note in notes)

    def test_pixels_are_refused_where_yolo_is_asked_for(self, tmp_path):
        (tmp_path / "a.txt").write_text("0 320 240 100 100\n")
        with pytest.raises(dm.FormatError, match="boxes are not normalized"):
            dm.read_ground_truth(tmp_path, dm.Reading(gt_format="yolo"))

    @pytest.mark.parametrize("order", ["class cx cy w h score", "class score cx cy w h"])
    def test_scores_in_percent(self, tmp_path, order):
        truth = self.labels(tmp_path, "cx cy w h")
        found = tmp_path / "found"
        found.mkdir()
        lines = []
        for k, (x, y, w, h) in enumerate(self.boxes()):
            known = {
                "class": 0,
                "score": 40.5 + k,
                "cx": x + w / 2,
                "cy": y + h / 2,
                "w": w,
                "h": h,
            }
            lines.append(" ".join(str(known[name]) for name in order.split()))
        (found / "a.txt").write_text("\n".join(lines))
        result = dm.evaluate(truth, found)
        assert result.summary["AP50"] == pytest.approx(1)
        assert any("20 scores outside [0, 1]" in said for said in result.attention)

    def test_background_images_from_another_folder(self, tmp_path):
        truth = self.labels(tmp_path, "cx cy w h")
        images = tmp_path / "pictures"
        images.mkdir()
        for name in ("a", "b"):
            (images / f"{name}.png").write_bytes(scenes.png(100, 80))
        known = dm.read_ground_truth(truth, dm.Reading(image_dir=images))
        assert known.catalog.image_names == ("a.png", "b.png")
        assert known.catalog.sized

    def test_image_dir_comes_before_the_table_beside_the_labels(self, tmp_path):
        truth = self.labels(tmp_path, "cx cy w h")
        (truth / "image_sizes.csv").write_text("image,width,height\na,10,10\n")
        images = tmp_path / "pictures"
        images.mkdir()
        (images / "a.png").write_bytes(scenes.png(100, 80))
        known = dm.read_ground_truth(truth, dm.Reading(image_dir=images))
        assert known.catalog.image_sizes.tolist() == [[100, 80]]


def test_centres_in_pixels_leave_it_open(tmp_path):
    lines = [f"cat {60 + 7 * k} {50 + 5 * k} {20 + k % 5} {30 + k % 7}\n" for k in range(30)]
    (tmp_path / "a.txt").write_text("".join(lines))
    with pytest.raises(dm.FormatError, match=r"several orders of columns .* cx cy w h"):
        dm.read_ground_truth(tmp_path)


class TestDataSets:
    """``data.yaml`` that contradicts itself."""

    @pytest.mark.parametrize(
        ("text", "says"),
        [
            ("names: {0: a, 0: b}\nval: images\n", "line 1: '0' is there already"),
            ("nc: 4\nnames: [a, b]\nval: images\n", "names: nc is '4', but 2 names are there"),
            ("names: [a]\nval: images\nval: other\n", "line 3: 'val' is there already"),
        ],
    )
    def test_refused(self, tmp_path, text, says):
        (tmp_path / "data.yaml").write_text(text)
        with pytest.raises(dm.FormatError, match=says):
            dm.read_ground_truth(tmp_path / "data.yaml")

    def test_no_matches_by_area_without_sizes(self, tmp_path):
        (tmp_path / "a.txt").write_text("0 0.5 0.5 0.2 0.2\n")
        truth = dm.read_ground_truth(tmp_path)
        found = dm.Detections.from_arrays(
            image_ids=[], categories=[], boxes=[], scores=[], catalog=truth.catalog
        )
        with pytest.raises(dm.InputError, match="image sizes are unknown"):
            dm.evaluate(truth, found).matches(area="small")


@pytest.mark.parametrize(
    ("first", "shift", "option"),
    [(1, -1, "index0"), (0, 1, "index1"), (1, 1, None), (0, -1, None), (4, -1, None), (4, 1, None)],
)
def test_off_by_one_names_an_option_where_one_helps(tmp_path, first, shift, option):
    numbers = range(first, first + 4)
    truth = coco(
        tmp_path / "t.json",
        [{"id": 1, "file_name": "a.jpg"}],
        [row(k, 1, k) for k in numbers],
        [{"id": k, "name": f"c{k}"} for k in numbers],
    )
    found = tmp_path / "found.json"
    rows = [row(k, 1, k + shift, score=0.5) for k in numbers]
    found.write_text(json.dumps(rows))
    with pytest.raises(dm.UnknownIdError, match="off by one: every id would fit") as refused:
        dm.evaluate(truth, found)
    if option is None:
        assert "--class-numbers" not in str(refused.value)
    else:
        assert f"--class-numbers {option}" in str(refused.value)
        reading = dm.Reading(class_numbers=option)
        assert dm.evaluate(truth, found, reading=reading).summary["AP"] > 0.999


def test_names_that_differ_in_capitals(tmp_path):
    truth = scenes.voc_truth(tmp_path / "a")
    found = scenes.text_found(tmp_path / "b")
    for path in found.iterdir():
        path.write_text(path.read_text().replace("cat", "Cat"))
    with pytest.raises(dm.UnknownIdError, match="differ in nothing but capital letters"):
        dm.evaluate(truth, found)
