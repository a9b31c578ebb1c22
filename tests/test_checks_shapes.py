"""``check`` of outlines: a case for every code, clean scenes, and what stays silent."""

from __future__ import annotations

import json
import math
import tarfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from profiles import examples
from pycocotools import mask

import detmetrics as dm
from detmetrics.datasets.checks.codes import CODES
from detmetrics.datasets.shape_facts import drawn
from detmetrics.foundation.arrays import object_column
from detmetrics.overlap.masks.segmentations import Segmentations
from detmetrics.overlap.polygons.polygons import Polygons, Rectangles

WIDTH, HEIGHT, COUNT = 200, 160, 12
A = "annotations"


def ngon(x: float, y: float, radius: float, corners: int = 7, turn: float = 0.3) -> list[float]:
    angle = turn + 2 * math.pi * np.arange(corners) / corners
    return (
        np.stack([x + radius * np.cos(angle), y + radius * np.sin(angle)], axis=1).ravel().tolist()
    )


def area_of(polygon: list[float]) -> float:
    return float(
        Polygons(np.array(polygon).reshape(-1, 2), np.array([0, len(polygon) // 2])).areas[0]
    )


def hull_of(polygons: list[list[float]]) -> list[float]:
    points = np.concatenate([np.array(part).reshape(-1, 2) for part in polygons])
    (x1, y1), (x2, y2) = points.min(axis=0).tolist(), points.max(axis=0).tolist()
    return [x1, y1, x2 - x1, y2 - y1]


def annotation(at: int, polygons: list[list[float]], **changes) -> dict:
    row = {
        "id": at,
        "image_id": 1 + at % 2,
        "category_id": 1,
        "bbox": hull_of(polygons),
        "segmentation": polygons,
        "area": sum(map(area_of, polygons)),
        "iscrowd": 0,
    }
    return {**row, **changes}


def place(at: int) -> tuple[float, float]:
    return 20 + 15.0 * (at % 11), 20 + 9.0 * (at % 13)


def document(**changes) -> dict:
    content = {
        "images": [
            {"id": n, "file_name": f"{n}.jpg", "width": WIDTH, "height": HEIGHT} for n in (1, 2)
        ],
        "categories": [{"id": 1, "name": "cat"}],
        A: [annotation(n, [ngon(*place(n), 14 + n % 3)]) for n in range(1, COUNT + 1)],
    }
    return {**content, **changes}


def encoded(polygons: list[list[float]], high: int = HEIGHT, wide: int = WIDTH) -> dict:
    code = mask.merge(mask.frPyObjects(polygons, high, wide))
    return {"size": [high, wide], "counts": code["counts"].decode()}


def masks() -> list[dict]:
    """Detections with masks, and boxes around them."""
    found = []
    for n in range(1, COUNT + 1):
        code = encoded([ngon(*place(n), 13)])
        box = mask.toBbox({**code, "counts": code["counts"].encode()}).tolist()
        row = {"image_id": 1 + n % 2, "category_id": 1, "score": n / 100}
        found.append({**row, "bbox": box, "segmentation": code})
    return found


def check(folder: Path, truth: dict, found: list | None = None) -> dm.CheckReport:
    folder.mkdir(exist_ok=True)
    paths = [folder / "truth.json", folder / "found.json"]
    paths[0].write_text(json.dumps(truth))
    paths[1].write_text(json.dumps(found))
    return dm.check(*paths[: 1 if found is None else 2])


def codes(report: dm.CheckReport) -> list[str]:
    return [found.code.code for found in report.findings]


def with_row(**changes) -> dict:
    content = document()
    content[A][4].update(changes)
    return content


def redrawn(polygons: list[list[float]], **changes) -> dict:
    """The fifth object with other polygons, and the box and the area that belong to them."""
    content = document()
    content[A][4] = annotation(5, polygons, **changes)
    return content


def boxed(**changes) -> dict:
    """All objects as polygons that are no more than upright boxes."""
    content = document()
    for row in content[A]:
        x, y, w, h = row["bbox"]
        row["segmentation"] = [[x, y, x + w, y, x + w, y + h, x, y + h]]
        row["area"] = w * h
    return content


STAR = ngon(60, 60, 20, 5)
STAR = [value for corner in (0, 2, 4, 1, 3) for value in STAR[2 * corner : 2 * corner + 2]]
TOUCHING = [30, 30, 60, 30, 60, 60, 45, 30, 30, 60]
BOW_TIE = [30, 30, 60, 60, 60, 30, 30, 60]
FAR = ngon(80, 80, 20)
SLASH = [100, 20, 106, 20, 160, 80, 154, 80]
BACKSLASH = [160, 20, 154, 20, 100, 80, 106, 80]

TRUTHS = {
    "D601": [
        with_row(segmentation=[[1, 2, 3, 4]]),
        with_row(segmentation=[[1, 2, 3, 4, 5, 6, 7]]),
        with_row(segmentation=[[1, 2, 3, 4, 5, "six"]]),
        with_row(segmentation=[1, 2, 3, 4, 5, 6, 7, 8]),
        with_row(segmentation=[[1, 2, 3, 4, 5, 1e300]]),
        with_row(segmentation="a mask of my dog, with love"),
        with_row(iscrowd=1, segmentation={"size": [HEIGHT, WIDTH], "counts": [5, 5, 5]}),
        with_row(iscrowd=1, segmentation={"size": [HEIGHT, WIDTH], "counts": "\x7f\x7f"}),
        with_row(iscrowd=1, segmentation={"size": [HEIGHT], "counts": [5, 5, 5]}),
    ],
    "D602": [with_row(iscrowd=1, segmentation=encoded([ngon(60, 60, 20)], WIDTH, HEIGHT))],
    "D603": [with_row(segmentation=[[30, 30, 60, 60, 30, 30]])],
    "D604": [
        with_row(segmentation=[[30, 30, 45, 45, 60, 60]]),
        with_row(iscrowd=1, segmentation={"size": [HEIGHT, WIDTH], "counts": [HEIGHT * WIDTH]}),
    ],
    "D605": [redrawn([BOW_TIE], area=450), redrawn([STAR], area=300)],
    "D606": [redrawn([TOUCHING])],
    "D607": [
        redrawn([ngon(10, 60, 20)], bbox=[0, 41, 29, 39], area=900),
        redrawn([ngon(-10, 40, 20), ngon(40, 40, 15)], bbox=[0, 21, 54, 39]),
    ],
    "D608": [redrawn([ngon(300, 60, 20)], bbox=[30, 30, 40, 40])],
    "D609": [redrawn([FAR], bbox=[62, 61, 41, 41]), redrawn([FAR], bbox=[60, 60, 37, 42])],
    "D610": [redrawn([FAR], area=300), redrawn([ngon(80, 80, 40, 3)], area=4000)],
    "D611": [with_row(segmentation=[]), with_row(segmentation=None)],
    "D612": [boxed()],
    "D613": [with_row(segmentation=encoded(document()[A][4]["segmentation"]))],
}


def test_clean(tmp_path):
    content = document()
    content[A][2] = annotation(3, content[A][2]["segmentation"], iscrowd=1)
    content[A][2]["segmentation"] = encoded(content[A][2]["segmentation"])
    assert codes(check(tmp_path, content, masks())) == []


@pytest.mark.parametrize("code", TRUTHS)
def test_each_fault_is_found_alone_and_once(tmp_path, code):
    for number, content in enumerate(TRUTHS[code]):
        report = check(tmp_path, content)
        assert codes(report) == [code], number
        (found,) = report.findings
        assert found.count == (COUNT if code == "D612" else 1)
        at = 0 if code == "D612" else 4
        assert f"{A}[{at}]." in found.places[0]


def test_every_code_has_a_case():
    assert {*TRUTHS} == {code for code in CODES if code.startswith("D6")}


DETECTED = {
    "D601": {"segmentation": {"size": [HEIGHT, WIDTH], "counts": "\x7f"}},
    "D602": {"segmentation": encoded([ngon(60, 60, 20)], WIDTH, HEIGHT)},
    "D609": {"bbox": [60, 60, 9, 9]},
    "D611": {"segmentation": None},
}


@pytest.mark.parametrize("code", DETECTED)
def test_detections(tmp_path, code):
    found = masks()
    found[4].update(DETECTED[code])
    report = check(tmp_path, document(), found)
    assert codes(report) == [code]
    assert report.findings[0].places[0].startswith("[4].")


@pytest.mark.parametrize("form", ["document", "ultralytics"])
def test_missing_outlines_show_in_every_form_of_detections(tmp_path, form):
    found = masks()
    found[4]["segmentation"] = None
    for number, row in enumerate(found):
        row.update(
            {"id": number} if form == "document" else {"file_name": f"{row['image_id']}.jpg"}
        )
    path = tmp_path / "found.json"
    path.write_text(json.dumps(document(annotations=found) if form == "document" else found))
    truth = tmp_path / "truth.json"
    truth.write_text(json.dumps(document()))
    assert codes(dm.check(truth, path)) == ["D611"]


@pytest.mark.parametrize("field", ["obb", "poly"])
def test_missing_oriented_boxes(tmp_path, field):
    content = document()
    for number, row in enumerate(content[A]):
        x, y, w, h = row["bbox"]
        of = {"obb": [x + w / 2, y + h / 2, w, h, 0.0], "poly": [x, y, x + w, y, x, y + h]}
        del row["segmentation"], row["area"]
        row.update({field: of[field]} if number != 4 else {})
    (found,) = (one for one in check(tmp_path, content).findings if one.code.code == "D611")
    assert found.count == 1
    assert found.places[0].startswith(f"{A}[4].")


def test_all_faults_at_once(tmp_path):
    """What cannot be drawn hides no fault of other rows, in outlines or elsewhere."""
    content = document()
    rows = content[A]
    for at in (0, 1, 2, 3):
        rows[at]["segmentation"] = [[1, 2, 3]]
    rows[4].update(redrawn([FAR], bbox=[62, 61, 41, 41])[A][4])
    rows[5].update(redrawn([BOW_TIE], id=6, area=450)[A][4], id=6)
    rows[6]["category_id"] = 9
    rows[7]["bbox"] = [1, 1, -40, -40]
    report = check(tmp_path, content)
    assert codes(report) == ["D105", "D202", "D601", "D605", "D609"]
    counts = {found.code.code: found.count for found in report.findings}
    assert counts["D601"] == 4
    (one,) = (found for found in report.findings if found.code.code == "D601")
    assert one.places[0].endswith(
        "[0].segmentation: expected a polygon of 3 points or more, got [1, 2, 3]"
    )


def test_many_faults_are_all_counted():
    rows = [{"size": [4, 4], "counts": [n % 16, 16 - n % 16]} for n in range(700)]
    for at in range(0, 700, 2):
        rows[at] = [{"size": [4, 4], "counts": [3]}, {"size": 4, "counts": [16]}, 7][at % 3]
    found = drawn(Segmentations(object_column(rows)))
    assert [row for row, _ in found.faults] == [*range(0, 700, 2)]
    assert found.encoded.tolist() == [at % 2 == 1 for at in range(700)]
    assert found.areas[1::2].tolist() == [16 - n % 16 for n in range(1, 700, 2)]


class TestDoubles:
    """What was labelled twice goes by outlines, where there are some."""

    @staticmethod
    def truth(*quads: list[float]) -> dict:
        content = document()
        rows = [annotation(at, [quad], image_id=1) for at, quad in enumerate(quads, 20)]
        return {**content, A: [*content[A], *rows]}

    def test_other_outlines_in_one_box(self, tmp_path):
        assert codes(check(tmp_path, self.truth(SLASH, BACKSLASH))) == []

    def test_the_same_outline(self, tmp_path):
        report = check(tmp_path, self.truth(SLASH, SLASH))
        assert codes(report) == ["D209"]
        moved = [value + 0.05 for value in SLASH]
        assert codes(check(tmp_path, self.truth(SLASH, moved))) == ["D208"]
        rolled = [*SLASH[2:], *SLASH[:2]]
        assert codes(check(tmp_path, self.truth(SLASH, rolled))) == ["D208"]

    def test_several_polygons(self, tmp_path):
        row = document()[A][4]
        two = [[20, 20, 40, 20, 30, 50], [60, 20, 80, 20, 70, 50]]
        other = [[20, 50, 40, 50, 30, 20], [60, 50, 80, 50, 70, 20]]
        for second, expected in ((two, ["D209"]), (other, []), (two[::-1], ["D208"])):
            content = document()
            content[A][4] = annotation(5, two)
            content[A].append(annotation(21, second))
            assert row["image_id"] == content[A][-1]["image_id"]
            assert codes(check(tmp_path, content)) == expected

    def test_masks_of_detections(self, tmp_path):
        found = masks()
        found.append({**found[4], "segmentation": encoded([SLASH])})
        found.append({**found[4]})
        report = check(tmp_path, document(), found)
        counts = {one.code.code: one.count for one in report.findings}
        assert counts == {"D304": 1, "D609": 1}


class TestOriented:
    """DOTA's files."""

    def labels(self, folder: Path, quads: list[list[float]]) -> Path:
        folder.mkdir()
        lines = [f"{' '.join(map(str, quad))} ship 0\n" for quad in quads]
        (folder / "P1.txt").write_text("".join(lines))
        return folder

    def test_all_upright(self, tmp_path):
        upright = [[n, 5, n + 9, 5, n + 9, 20, n, 20] for n in range(0, 200, 10)]
        assert "D612" in codes(dm.check(self.labels(tmp_path / "a", upright)))
        assert "D612" not in codes(dm.check(self.labels(tmp_path / "b", upright[:9])))
        turned = [*upright, [5, 40, 30, 45, 29, 50, 4, 45]]
        assert codes(dm.check(self.labels(tmp_path / "c", turned))) == ["D403"]

    def test_corners_in_another_order(self, tmp_path):
        (x1, y1, x2, y2, x3, y3, x4, y4) = SLASH
        labels = self.labels(tmp_path / "a", [[x1, y1, x3, y3, x2, y2, x4, y4]])
        report = dm.check(labels)
        assert codes(report) == ["D605", "D403"]
        assert report.findings[0].places == ("P1.txt:1: corners",)


@st.composite
def scenes(draw: st.DrawFn) -> dict:
    """Objects that overlap and lie at borders, as polygons of one or two parts, or crowds."""
    rows = []
    for at in range(draw(st.integers(1, 12))):
        parts = [
            ngon(
                draw(st.integers(30, WIDTH - 30)),
                draw(st.integers(30, HEIGHT - 30)),
                draw(st.floats(4, 30)),
                draw(st.sampled_from([3, 5, 7, 12])),
                draw(st.floats(0.1, 0.3)),
            )
            for _ in range(draw(st.integers(1, 2)))
        ]
        row = annotation(at, parts, category_id=at)
        code = encoded(parts)
        pixels = float(mask.area({**code, "counts": code["counts"].encode()}))
        # The sum over parts that overlap is no sound area: it may be larger than the box.
        if row["area"] > 1.1 * pixels or draw(st.booleans()):
            row["area"] = pixels
        if draw(st.booleans()):
            row |= {"iscrowd": 1, "segmentation": code}
        if draw(st.booleans()):
            row["bbox"] = [round(side) for side in row["bbox"]]
        rows.append(row)
    classes = [{"id": at, "name": str(at)} for at in range(len(rows))]
    shown = {row["image_id"] for row in rows}
    images = [one for one in document()["images"] if one["id"] in shown]
    return document(annotations=rows, categories=classes, images=images)


@examples(20)
@given(scene=scenes())
def test_clean_scenes_raise_nothing(tmp_path_factory, scene):
    assert codes(check(tmp_path_factory.mktemp("scene"), scene)) == []


class TestDrawn:
    """Hulls and areas are those of the columns that are measured."""

    @examples(20)
    @given(scene=scenes())
    def test_segmentations(self, scene):
        rows = [row["segmentation"] for row in scene[A]]
        found = drawn(Segmentations(object_column(rows)))
        assert not found.faults
        for at, row in enumerate(scene[A]):
            box, hull = np.array(row["bbox"]), found.hulls[at]
            ends = np.concatenate([box[:2], box[:2] + box[2:]])
            if found.encoded[at]:  # tips thinner than a pixel are not in a mask
                assert (hull[:2] >= ends[:2] - 1.5).all()
                assert (hull[2:] <= ends[2:] + 1.5).all()
            else:
                assert hull == pytest.approx(ends, abs=1.5)
            own = sum(map(area_of, rows[at])) if found.polygonal[at] else found.masks.areas.max()
            assert found.areas[at] == pytest.approx(own) or found.encoded[at]

    def test_what_crosses_counts_what_it_encloses(self):
        found = drawn(Polygons.from_corners(np.array(BOW_TIE, float).reshape(1, 4, 2)))
        assert found.areas.tolist() == pytest.approx([450])
        assert found.tangled.tolist() == [True]

    def test_polygons_of_very_many_crossings_are_not_repaired(self):
        random = np.random.default_rng(0).uniform(0, 100, (1, 2000, 2))
        found = drawn(Polygons.from_corners(np.concatenate([random, random])))
        assert found.crossing.all()
        assert found.overlaps(np.array([0]), np.array([1])).tolist() == [0]

    def test_nothing(self):
        for outlines in (Polygons.from_boxes(np.zeros((0, 4))), Segmentations(object_column([]))):
            found = drawn(outlines)
            assert (found.rows, len(found.areas), len(found.hulls)) == (0, 0, 0)
            assert not found.crossing.any()
            assert not found.pointless.any()
        assert drawn(None) is None

    def test_oriented_boxes(self):
        found = drawn(Rectangles.from_cxcywhr(np.array([[50.0, 50, 30, 10, 0.5]])))
        assert found.areas.tolist() == pytest.approx([300])
        assert found.box_areas[0] > 600


def test_boxes_alone_draw_nothing(tmp_path, monkeypatch):
    """Where there are no outlines, nothing of this is computed."""
    content = document()
    for row in content[A]:
        del row["segmentation"]
    monkeypatch.setattr("detmetrics.datasets.shape_facts.Drawn", None)
    assert codes(check(tmp_path, content)) == []


class TestRealFiles:
    """What is odd in them, and no more."""

    def test_coco(self, shared):
        folder = shared / "coco_val2014_100"
        found = folder / "instances_val2014_fakesegm100_results.json"
        report = dm.check(folder / "instances_val2014_100.json", found, select=["D2", "D3", "D6"])
        counts = {one.code.code: one.count for one in report.findings}
        assert counts == {"D306": 9, "D308": 1, "D606": 2}

    def test_dota(self, shared, tmp_path):
        with tarfile.open(shared / "dota_sample" / "evaluation_example.tar.gz") as archive:
            archive.extractall(tmp_path, filter="data")
        labels, found = tmp_path / "row_DOTA_labels", tmp_path / "result_classname"
        assert codes(dm.check(labels, found)) == ["D403"]  # rules dota count all detections


def test_a_benchmark_without_a_limit_has_none_to_go_beyond(tmp_path):
    (tmp_path / "labelTxt").mkdir()
    (tmp_path / "found").mkdir()
    (tmp_path / "labelTxt/P1.txt").write_text("10 10 50 12 49 30 9 28 ship 0\n")
    lines = "".join(f"P1 {n / 200} {n} 10 50 12 49 30 9 28\n" for n in range(120))
    (tmp_path / "found/Task1_ship.txt").write_text(lines)
    report = dm.check(tmp_path / "labelTxt", tmp_path / "found")
    assert "D305" not in {found.code.code for found in report.findings}
