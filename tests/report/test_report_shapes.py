"""The report of shapes: what was measured is drawn and named, and every example is drawn."""

from __future__ import annotations

import json

import numpy as np
import pytest
from report_pages import example, of_shapes, parsed

import detmetrics as dm
from detmetrics.overlap.polygons.polygons import Rectangles
from detmetrics.reports import html

KINDS = ("oriented", "mask")


def pictures(report) -> list[dict]:
    return report.document["gallery"]["pictures"]


def areas(rings) -> float:
    """What rings enclose, less their holes."""
    found = 0.0
    for ring in rings:
        x, y = np.array(ring).reshape(-1, 2).T
        found += (x * np.roll(y, -1) - y * np.roll(x, -1)).sum() / 2
    return abs(found)


@pytest.fixture(scope="module", params=KINDS)
def report(request):
    return html.report_of(of_shapes(request.param), resamples=0)


class TestOutlines:
    """The document has the outlines, and the page draws each once and refers to it."""

    def test_outlines_are_the_shapes(self, report):
        truth, found = report.result.ground_truth, report.result.detections
        for picture in pictures(report):
            for one in picture["objects"]:
                row = int(np.flatnonzero(truth.ids == one["id"])[0])
                assert areas(one["outline"]) == pytest.approx(truth.shapes.areas[row], rel=0.01)
                assert one["box"] == truth.xywh[row].tolist()
            for one in picture["detections"]:
                row = int(np.flatnonzero(found.place == one["detection"])[0])
                assert areas(one["outline"]) == pytest.approx(found.shapes.areas[row], rel=0.01)

    def test_points_stand_in_the_page(self, report):
        page = html.to_html(report)
        for picture in pictures(report):
            for one in (*picture["objects"], *picture["detections"]):
                for ring in one["outline"]:
                    assert f"M{' '.join(f'{number:g}' for number in ring)}z" in page

    def test_every_use_has_its_outline(self, report):
        elements = parsed(html.to_html(report)).elements
        ids = [given["id"] for tag, given in elements if tag == "path"]
        uses = [given["href"][1:] for tag, given in elements if tag == "use"]
        assert len(ids) == len(set(ids)) == 7
        assert {*uses} == {*ids}

    def test_data_for_the_script_has_none(self, report):
        assert "outline" not in json.dumps(json.loads(parsed(html.to_html(report)).data))

    def test_oriented_boxes_are_drawn_by_their_corners(self):
        report = html.report_of(of_shapes("oriented"), resamples=0)
        (ring,) = pictures(report)[0]["objects"][0]["outline"]
        # u = (20 cos 0.4, 20 sin 0.4), v = (-8 sin 0.4, 8 cos 0.4); first corner c + u + v
        assert ring[:2] == pytest.approx([60 + 15.306, 50 + 15.157], abs=0.051)

    @pytest.mark.parametrize("kind", KINDS)
    def test_boxes_are_drawn_where_boxes_were_measured(self, kind):
        report = html.report_of(of_shapes(kind, "box"), resamples=0)
        found = parsed(html.to_html(report)).elements
        assert not [tag for tag, _ in found if tag in ("path", "use")]
        assert all(one["outline"] == [] for one in pictures(report)[0]["objects"])


class TestWords:
    """What is measured has its name wherever it is spoken of."""

    @pytest.mark.parametrize(
        ("kind", "words"), [("oriented", "oriented boxes and polygons"), ("mask", "masks")]
    )
    def test_page(self, kind, words):
        page = html.to_html(html.report_of(of_shapes(kind), resamples=0))
        assert f"measured by {words}</p>" in page
        assert f"{words.capitalize()} stand on blank frames" in page

    def test_page_of_boxes(self):
        page = html.to_html(html.report_of(example(), resamples=0))
        assert "Localisation: boxes that do not fit" in page
        assert "Boxes stand on blank frames" in page
        assert "measured by" not in page

    def test_problems(self):
        truth = of_shapes("mask").ground_truth
        twice = dm.Detections.from_arrays(
            image_ids=["a", "a", "b"],
            categories=["cat"] * 3,
            shapes=truth.shapes.take(np.array([0, 0, 2])),
            scores=[0.9, 0.8, 0.7],
            catalog=truth.catalog,
        )
        report = html.report_of(dm.evaluate(truth, twice), resamples=0)
        said = {one["title"]: one["next"] for one in report.document["problems"]}
        assert "overlapping masks" in said["Several masks on one object"]


class TestCrowdedImages:
    """Of more than can be drawn, what stands for an error is drawn."""

    def test_examples_are_drawn(self):
        rng = np.random.default_rng(0)
        count = 90
        sides = np.column_stack(
            [
                rng.uniform(0, 900, (count, 2)),
                np.full((count, 2), (9.0, 5.0)),
                rng.uniform(0, 3, count),
            ]
        )
        last, beside = [[950.0, 950, 60, 30, 1]], [[1040.0, 950, 60, 30, 1]]
        truth = dm.GroundTruth.from_arrays(
            image_ids=[1] * (count + 1),
            categories=["cat"] * (count + 1),
            shapes=Rectangles.from_cxcywhr(np.vstack([sides, last])),
        )
        found = dm.Detections.from_arrays(
            image_ids=[1] * (count + 1),
            categories=["cat"] * (count + 1),
            shapes=Rectangles.from_cxcywhr(np.vstack([sides, beside])),
            scores=np.linspace(0.9, 0.5, count + 1),
            catalog=truth.catalog,
        )
        report = html.report_of(dm.evaluate(truth, found), resamples=0)
        (picture,) = pictures(report)
        groups = {one["kind"]: one["pictures"] for one in report.document["gallery"]["groups"]}
        drawn = {one["detection"] for one in picture["detections"]}
        assert {one["detection"] for one in groups["background"]} <= drawn
        ids = {one["id"] for one in picture["objects"]}
        assert {one["object"] for one in groups["missed"]} <= ids
        assert (len(drawn), len(ids)) == (60, 60)
        assert (picture["detections_not_drawn"], picture["objects_not_drawn"]) == (31, 31)
        scores = [one["score"] for one in picture["detections"]]
        assert scores == sorted(scores, reverse=True)
