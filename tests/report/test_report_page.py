"""The page without a browser: its numbers are those of the JSON, and nothing in it is markup."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import warnings

import numpy as np
import pytest
from hypothesis import given
from profiles import examples
from report_pages import HOSTILE, example, hostile, parsed, scene
from strategies import any_rules, scenes

import detmetrics as dm
from detmetrics.analysis import operating_curves
from detmetrics.reports import html, notebook
from detmetrics.reports.html import traces
from detmetrics.reports.html.report_tables import tables


@pytest.fixture(scope="module")
def report():
    result = example()
    return html.report_of(result, resamples=50, other=result)


@pytest.fixture(scope="module")
def page(report):
    return html.to_html(report)


@pytest.fixture(scope="module")
def hostile_page():
    return html.to_html(html.report_of(hostile(), resamples=20))


def numbers_of(value) -> set[float]:
    """Every number of a document."""
    if isinstance(value, dict):
        return set().union(*map(numbers_of, value.values()), set())
    if isinstance(value, list):
        return set().union(*map(numbers_of, value), set())
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return {float(value)} if is_number else set()


class TestNumbers:
    """Every number that is shown is one of the JSON, and is shown as it is."""

    def test_every_number_stands_in_the_json(self, report, page):
        known = numbers_of(json.loads(html.to_json(report)))
        # A comparison writes its differences as text, rounded.
        shown = parsed(page)
        derived = {
            cell.value
            for name, rows in shown.tables.items()
            if name.startswith("comparison")
            for row in rows
            for cell in row
        }
        values = {cell.value for cell in shown.numbers} - derived
        assert len(values) > 150
        assert values <= known

    def test_text_is_the_number_rounded(self, page):
        for cell in parsed(page).numbers:
            if re.fullmatch(r"\d\.\d{4}", cell.text):
                assert cell.text == f"{cell.value:.4f}"

    def test_tables_are_those_of_the_model(self, report, page):
        shown = parsed(page).tables
        for name, table in tables(report).items():
            assert len(shown[name]) == 1 + len(table.rows)
            for row, cells in zip(table.rows, shown[name][1:], strict=True):
                for value, cell in zip(row, cells, strict=True):
                    if value is None:
                        assert cell.text == "–"
                    elif not isinstance(value, str):
                        assert cell.value == value

    def test_differences_are_those_of_the_json(self, report, page):
        document = json.loads(html.to_json(report))["comparison"]["metrics"]
        for row in parsed(page).tables["comparison-1"][1:]:
            name, _, _, apart, low, high, better, remark = (cell.text for cell in row)
            one = document[name]
            for text, value in ((apart, "difference"), (low, "low"), (high, "high")):
                assert text == f"{one[value]:+.4f}"
            assert better == f"{100 * one['b_better']:.1f} %"
            assert remark == ("few objects" if one["few_objects"] else "")

    def test_classes_are_those_of_the_json(self, report, page):
        document = json.loads(html.to_json(report))
        rows = parsed(page).tables["classes"]
        heads = [cell.text for cell in rows[0]]
        for row in rows[1:]:
            of_class = document["per_class"][row[0].text]
            values = dict(zip(heads, (cell.value for cell in row), strict=True))
            assert values["AP"] == of_class["AP"]
            assert values["AP50"] == of_class["AP50"]
            assert values["objects"] == of_class["ground_truths"]
            ends = document["intervals"]["per_class"][row[0].text]["AP"]
            assert (values["low"], values["high"]) == (ends["low"], ends["high"])

    def test_the_json_is_what_the_library_says(self, report):
        document = json.loads(html.to_json(report))
        result = report.result
        assert document["metrics"] == result.to_dict()["metrics"]
        assert document["schema"] == 1
        assert document["errors"]["errors"]["missed"]["count"] == 16
        assert document["comparison"]["metrics"]["AP"]["difference"] == 0

    def test_how_files_were_read(self, report, page):
        rows = parsed(page).tables["interpretations"]
        texts = [[cell.text for cell in row] for row in rows[1:]]
        assert texts == [
            [one.side, one.of, one.taken, one.evidence, "; ".join(one.others)]
            for one in report.result.interpretations
        ]
        assert ["detections", "images", "by id", "all 136 rows fit", ""] in texts

    def test_data_for_the_script_is_part_of_the_json(self, report, page):
        document = json.loads(html.to_json(report))
        for picture in document["gallery"]["pictures"]:
            for one in (*picture["objects"], *picture["detections"]):
                del one["outline"]  # drawn in the page already
        for key, value in json.loads(parsed(page).data).items():
            assert value == document[key]

    def test_twice_the_same(self, page):
        result = example()
        assert html.to_html(html.report_of(result, resamples=50, other=result)) == page


class TestCurves:
    """Points are cuts of the library; lines between them pass by all others within reach."""

    def test_points_and_stops_are_exact(self):
        result = example()
        found = traces.traces(result, 0.473)
        for at, iou in enumerate(found["ious"]):
            curves = operating_curves(result, iou)
            for of, curve in zip(
                found["by_iou"][at]["points"],
                [curves.pooled, *curves.classes.values()],
                strict=True,
            ):
                kept = [curve.kept(score) for score in of["score"]]
                assert kept == [*zip(of["tp"], of["fp"], strict=True)]
            kept = found["by_iou"][at]["kept"][0]
            assert [*zip(kept["tp"], kept["fp"], strict=True)] == [
                curves.pooled.kept(stop) for stop in found["stops"]
            ]
        assert 0.473 in found["stops"]

    def test_lines_stay_near_what_is_left_out(self):
        result = scene(60, ["cat", "dog"], 20, 20)
        curve = operating_curves(result).pooled
        finds = np.diff(curve.true_positives, prepend=0) > 0
        x, y = curve.recall[finds], curve.precision[finds]
        rows = traces.thinned(x, y)
        assert len(rows) < len(x) / 3
        assert np.abs(np.interp(x, x[rows], y[rows]) - y).max() <= 0.002 + 1e-12

    @pytest.mark.parametrize("points", [0, 1, 2])
    def test_few_points_are_all_kept(self, points):
        x = np.arange(points, dtype=float)
        assert traces.thinned(x, x).tolist() == [*range(points)]

    def test_stops_of_scores_beyond_one_are_quantiles(self):
        found = traces.stops(np.array([-5.0, 2.0, 70.0]), None)
        assert found.tolist() == [-5.0, 2.0, 70.0]

    def test_ap_beside_a_curve_is_that_of_the_summary(self):
        result = example()
        found = traces.traces(result, None)
        assert found["by_iou"][0]["AP"][0] == result.summary["AP50"]


class TestHostileNames:
    """Names of classes, images and files are text, wherever they stand."""

    @pytest.fixture
    def page(self, hostile_page):
        return hostile_page

    def test_no_element_and_no_attribute_comes_from_a_name(self, page):
        found = parsed(page)
        assert [tag for tag, _ in found.elements].count("script") == 2
        assert not {tag for tag, _ in found.elements} & {"img", "iframe", "a:href", "object"}
        for _, attributes in found.elements:
            assert not [name for name in attributes if name.startswith("on")]
            assert not (attributes.get("href") or "#").startswith("javascript")
            assert "style" not in attributes

    def test_what_steers_text_is_written_out(self, page):
        for mark in "\u202e\u2066\u2028\u2029\x00\x1b\ud800":
            assert mark not in page
        assert "\\u202egnp.exe" in page

    def test_data_keeps_every_name(self, page):
        data = json.loads(parsed(page).data)
        assert set(data["classes"]) == set(HOSTILE)
        assert "<" not in parsed(page).data

    def test_templates_are_not_filled_in_twice(self, page):
        assert "{{ 7 * 7 }}{% raw %}" in page
        assert "49{%" not in page

    def test_markdown_and_notebook_are_tame(self):
        result = hostile()
        text = html.to_markdown(html.report_of(result, resamples=0))
        assert not re.search(r"(?<!\\)<", text)
        assert "\u202e" not in text
        cell = notebook.to_html(result)
        assert "<script" not in cell

    def test_policy_allows_nothing_but_this_style_and_this_script(self, page):
        policy = next(
            attributes["content"]
            for tag, attributes in parsed(page).elements
            if attributes.get("http-equiv") == "Content-Security-Policy"
        )
        assert policy.startswith("default-src 'none'; img-src data:; style-src 'sha256-")
        assert "unsafe" not in policy
        for tag in ("style", "script"):
            text = re.search(rf"<{tag}>(.*?)</{tag}>", page, re.DOTALL)[1]
            digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
            assert f"'sha256-{digest}'" in policy

    def test_script_never_makes_markup_of_text(self, page):
        script = re.search(r"<script>(.*?)</script>", page, re.DOTALL)[1]
        for way in (
            "innerHTML",
            "outerHTML",
            "insertAdjacent",
            "document.write",
            "eval(",
            "Function(",
        ):
            assert way not in script
        assert not re.search(r"(?:src|href)=\"(?:https?:)?//", page)
        assert "http" not in script.replace("http://www.w3.org/2000/svg", "")


class TestWhatIsMissing:
    """A report of nothing says why, and stays whole."""

    @pytest.mark.parametrize("objects", [0, 3])
    @pytest.mark.parametrize("detections", [0, 2])
    def test_nothing_there(self, objects, detections):
        truth = dm.GroundTruth.from_arrays(
            image_ids=[1] * objects,
            categories=["cat"] * objects,
            boxes=np.tile([1.0, 2, 30, 40], (objects, 1)),
            catalog=dm.Catalog.from_ids(images=[1, 2], categories=["cat", "dog"]),
        )
        found = dm.Detections.from_arrays(
            image_ids=[1] * detections,
            categories=["cat"] * detections,
            boxes=np.tile([100.0, 2, 30, 40], (detections, 1)),
            scores=np.linspace(0.5, 0.9, detections),
            catalog=truth.catalog,
        )
        report = html.report_of(dm.evaluate(truth, found), resamples=10)
        page = html.to_html(report)
        assert parsed(page).tables["classes"]
        json.loads(html.to_json(report))
        html.to_markdown(report)

    def test_rules_that_refuse_say_why(self):
        result = dm.evaluate(
            "fixtures/ground_truth.json",
            "fixtures/detections.json",
            dm.COCO.replace(score_decimals=2),
        )
        report = html.report_of(result, resamples=0)
        assert "round scores" in report.unavailable["curves"]
        page = html.to_html(report)
        assert "Not available: rules coco" in page

    @pytest.mark.parametrize("rules", ["voc2007", "voc2012", "openimages", "olrp", "ultralytics"])
    def test_other_rules(self, rules):
        result = dm.evaluate("fixtures/ground_truth.json", "fixtures/detections.json", rules)
        page = html.to_html(html.report_of(result, resamples=5))
        assert parsed(page).tables["metrics"]

    def test_scores_beyond_one(self):
        result = example()
        with pytest.warns(dm.DetmetricsWarning, match="scores outside"):
            found = dm.Detections.from_arrays(
                image_ids=[100, 107],
                categories=["person", "car"],
                boxes=[[0, 0, 10, 10], [5, 5, 10, 10]],
                scores=[12.0, -3.0],
                catalog=result.ground_truth.catalog,
            )
        report = html.report_of(dm.evaluate(result.ground_truth, found), resamples=0)
        assert "scores from 0 to 1" in report.unavailable["calibration"]
        assert html.to_html(report)

    def test_jinja_is_asked_for_by_name(self, report, monkeypatch):
        import sys

        monkeypatch.setitem(sys.modules, "jinja2", None)
        with pytest.raises(dm.InputError, match=r"pip install 'detmetrics\[html\]'"):
            html.to_html(report)


class TestAnyScene:
    """Whatever the boxes and the rules: the page is whole, and shows numbers of the JSON alone."""

    @pytest.mark.filterwarnings("ignore::detmetrics.DetmetricsWarning")
    @examples(8)
    @given(scene=scenes(full=True), rules=any_rules())
    def test_page(self, scene, rules):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            result = dm.evaluate(*scene, rules)
            report = html.report_of(result, resamples=3)
        page = parsed(html.to_html(report))
        document = json.loads(html.to_json(report))
        assert {cell.value for cell in page.numbers} <= numbers_of(document)
        assert json.loads(page.data)["classes"] == [*result.class_names]
        html.to_markdown(report)


def test_a_large_report_is_small():
    """5,000 images and 80 classes: less than 10 MB."""
    classes = [f"class {n}" for n in range(80)]
    page = html.to_html(html.report_of(scene(5_000, classes, 7, 20), resamples=0))
    assert len(page.encode()) < 10e6


def test_notebooks_show_the_summary():
    shown = example()._repr_html_()
    assert "<td>0.3635</td>" in shown
    assert "<script" not in shown


def test_the_contract_lists_every_key(report):
    with open("docs/json.md", encoding="utf-8") as file:
        page = file.read()
    document = json.loads(html.to_json(report))
    own = set(document) - set(report.result.to_dict())
    for key in (*own, *document["curves"], *document["confusion"], *document["gallery"]):
        assert f"`{key}`" in page or f'"{key}"' in page, key
