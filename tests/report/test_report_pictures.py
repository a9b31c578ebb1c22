"""The gallery: which images, which boxes, which verdicts, and pictures from a folder."""

from __future__ import annotations

import base64
import io
import struct
import sys
import zlib

import numpy as np
import pytest
from report_pages import example, parsed, write_pictures

import detmetrics as dm
from detmetrics.analysis import error_types
from detmetrics.reports import html
from detmetrics.reports.html.pictures import pictures

PIL = pytest.importorskip("PIL.Image", reason="needs Pillow")


@pytest.fixture(scope="module")
def report():
    return html.report_of(example(), resamples=0)


class TestWhich:
    """The worst images by a slow count, and examples of the kind that they stand for."""

    def test_images_with_most_errors(self, report):
        result, at = report.result, report.document["at"]
        errors = error_types(result).frame()
        wrong = errors[(errors["error"] != "missed") & (errors["score"] >= at["confidence"])]
        cut = result.detections.keep(result.detections.scores >= at["confidence"])
        missed = dm.evaluate(result.ground_truth, cut).matches(iou=0.5)
        missed = missed[missed["verdict"] == "missed"]
        for picture in report.document["gallery"]["pictures"]:
            assert picture["wrong"] == (wrong["image"] == picture["image"]).sum()
            assert picture["missed"] == (missed["image"] == picture["image"]).sum()
        groups = report.document["gallery"]["groups"]
        shown = [
            report.document["gallery"]["pictures"][p["picture"]] for p in groups[0]["pictures"]
        ]
        totals = [one["wrong"] + one["missed"] for one in shown]
        assert totals == sorted(totals, reverse=True)
        every = wrong["image"].value_counts().add(missed["image"].value_counts(), fill_value=0)
        assert totals == sorted(every.astype(int).tolist(), reverse=True)[: len(totals)]

    def test_examples_are_of_their_kind_and_cost_most(self, report):
        frame = error_types(report.result).frame()
        gallery = report.document["gallery"]
        for group in gallery["groups"][1:-1]:
            own = frame[frame["error"] == group["kind"]]
            scores = []
            for one in group["pictures"]:
                boxes = gallery["pictures"][one["picture"]]["detections"]
                box = next(box for box in boxes if box["detection"] == one["detection"])
                assert box["verdict"] == group["kind"]
                scores.append(box["score"])
            assert scores == sorted(scores, reverse=True)
            assert not scores or scores[0] == own["score"].max()

    def test_missed_objects_are_missed_and_the_largest_stands_first(self, report):
        gallery = report.document["gallery"]
        group = gallery["groups"][-1]
        assert group["kind"] == "missed"
        first = group["pictures"][0]
        boxes = gallery["pictures"][first["picture"]]["objects"]
        assert next(box for box in boxes if box["id"] == first["object"])["verdict"] == "missed"

    def test_boxes_are_those_of_the_tables(self, report):
        truth = report.result.ground_truth
        for picture in report.document["gallery"]["pictures"]:
            for one in picture["objects"]:
                row = int(np.flatnonzero(truth.ids == one["id"])[0])
                assert one["box"] == truth.xywh[row].tolist()

    def test_frame_of_unknown_size_ends_with_its_boxes(self):
        truth = dm.GroundTruth.from_arrays(
            image_ids=[1, 1], categories=["cat"] * 2, boxes=[[5, 5, 30, 20], [50, 60, 30, 20]]
        )
        found = dm.Detections.from_arrays(
            image_ids=[1],
            categories=["cat"],
            boxes=[[90, 10, 30, 20]],
            scores=[0.9],
            catalog=truth.catalog,
        )
        picture = html.report_of(dm.evaluate(truth, found), resamples=0).document["gallery"][
            "pictures"
        ][0]
        assert (picture["width"], picture["height"], picture["size_known"]) == (120, 80, False)


class TestPictures:
    """Pictures of a folder, small, up to a limit, and never from elsewhere."""

    def test_each_image_has_its_picture(self, tmp_path):
        folder = str(write_pictures(tmp_path / "images"))
        report = html.report_of(example(), resamples=0, image_dir=folder)
        page = html.to_html(report)
        assert len(report.pictures) == len(report.document["gallery"]["pictures"])
        uses = [tag for tag, attributes in parsed(page).elements if tag == "image"]
        assert len(uses) == len(report.pictures)
        assert report.document["gallery"]["notes"] == []

    def test_limit(self, tmp_path):
        folder = str(write_pictures(tmp_path / "images"))
        report = html.report_of(example(), resamples=0, image_dir=folder, megabytes=0.01)
        assert 0 < sum(map(len, report.pictures.values())) < 10_000
        assert "--max-megabytes" in report.document["gallery"]["notes"][0]

    def test_a_link_out_of_the_folder_is_left_out(self, tmp_path):
        secret = tmp_path / "secret.jpg"
        PIL.new("RGB", (10, 10)).save(secret)
        folder = tmp_path / "images"
        folder.mkdir()
        (folder / "a.jpg").symlink_to(secret)
        found = pictures([0, 1], {0: "a.jpg", 1: "../secret.jpg"}, str(folder), 1)
        assert not found.uris
        assert "link that leads out" in found.notes[0]

    def test_a_name_cannot_lead_out_of_the_folder(self, tmp_path):
        PIL.new("RGB", (10, 10)).save(tmp_path / "secret.jpg")
        (tmp_path / "images").mkdir()
        found = pictures([0], {0: "../secret.jpg"}, str(tmp_path / "images"), 1)
        assert not found.uris
        assert "no such file" in found.notes[0]

    def test_damaged_and_huge_files_are_noted(self, tmp_path):
        (tmp_path / "damaged.jpg").write_bytes(b"\xff\xd8\xff\xe0 nothing")
        (tmp_path / "huge.png").write_bytes(png_header(60_000, 60_000))
        (tmp_path / "large.png").write_bytes(png_header(12_000, 12_000))
        (tmp_path / "text.gif").write_text("<svg onload=alert(1)>")
        names = dict(enumerate(["damaged.jpg", "huge.png", "large.png", "text.gif"]))
        found = pictures(list(names), names, str(tmp_path), 1)
        assert not found.uris
        assert sorted(note.split(": ")[0] for note in found.notes) == [
            "2 pictures not shown, cannot be read",
            "2 pictures not shown, more than 100,000,000 pixels",
        ]

    def test_turned_pictures_stay_as_they_are_stored(self, tmp_path):
        image = PIL.new("RGB", (40, 20))
        exif = image.getexif()
        exif[0x0112] = 6  # turned by 90 degrees
        image.save(tmp_path / "a.jpg", exif=exif)
        found = pictures([0], {0: "a.jpg"}, str(tmp_path), 1)
        stored = PIL.open(io.BytesIO(base64.b64decode(found.uris[0].partition(",")[2])))
        assert (stored.size, dict(stored.getexif())) == ((40, 20), {})
        assert found.sizes[0] == (40, 20)

    def test_large_pictures_are_made_small(self, tmp_path):
        PIL.new("RGBA", (3000, 1000)).save(tmp_path / "a.png")
        found = pictures([0], {0: "a.png"}, str(tmp_path), 1)
        small = PIL.open(io.BytesIO(base64.b64decode(found.uris[0].partition(",")[2])))
        assert small.size == (720, 240)

    def test_no_folder_and_no_pillow(self, tmp_path, monkeypatch):
        with pytest.raises(dm.InputError, match="expected a folder of images"):
            pictures([], {}, str(tmp_path / "none"), 1)
        monkeypatch.setitem(sys.modules, "PIL.Image", None)
        with pytest.raises(dm.InputError, match=r"pip install 'detmetrics\[html\]'"):
            pictures([], {}, str(tmp_path), 1)


def png_header(width: int, height: int) -> bytes:
    """A file that says that it is so large, and holds nothing."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(b""))
