"""The page in a real browser: what a reader does with it, and the numbers that it then shows."""

from __future__ import annotations

import re
import shutil
from importlib.resources import files

import numpy as np
import pytest
from report_pages import FOUND, TRUTH, example, hostile, of_shapes, scene, write_pictures

import detmetrics as dm
from detmetrics.analysis import calibration, confusion_matrix, operating_curves
from detmetrics.analysis.attributes import by_pattern
from detmetrics.reports import html

playwright = pytest.importorskip(
    "playwright.sync_api", reason="needs Playwright: pip install playwright"
)
pytest.importorskip("jinja2", reason="needs Jinja2")
pytest.importorskip("PIL.Image", reason="needs Pillow")
CHROMIUM = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium, which is not installed")


@pytest.fixture(scope="module")
def browser():
    with playwright.sync_playwright() as started:
        running = started.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield running
        running.close()


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    folder = write_pictures(tmp_path_factory.mktemp("images"))
    result, other = example(), dm.evaluate(TRUTH, FOUND)
    attribute = by_pattern(result.ground_truth.catalog, "street_0([01])")
    return html.report_of(
        result, resamples=20, image_dir=str(folder), other=other, attribute=attribute
    )


@pytest.fixture(scope="module")
def file(report, tmp_path_factory):
    return written(html.to_html(report), tmp_path_factory.mktemp("page") / "report.html")


def written(page: str, path):
    path.write_text(page, encoding="utf-8")
    return path


class Opened:
    """A page that was opened from disk, and what went wrong on it."""

    def __init__(self, browser, file, **options):
        self.context = browser.new_context(
            **{"viewport": {"width": 1280, "height": 900}, **options}
        )
        self.page = self.context.new_page()
        self.said, self.asked = [], []
        self.page.on("console", lambda message: self.said.append(message.text))
        self.page.on("pageerror", lambda error: self.said.append(str(error)))
        self.page.on("request", lambda request: self.asked.append(request.url))
        self.page.goto(file.as_uri())
        self.page.wait_for_selector("html.js") if options.get("java_script_enabled", True) else None

    def check(self, file):
        outside = [url for url in self.asked if not url.startswith("data:")]
        assert (self.said, outside) == ([], [file.as_uri()])


@pytest.fixture
def opened(browser, file):
    one = Opened(browser, file)
    yield one
    one.check(file)
    one.context.close()


@pytest.fixture
def page(opened):
    return opened.page


def number(page, output: str, name: str) -> float:
    return float(page.locator(f"#{output} b[data-name='{name}']").get_attribute("data-v"))


def first_column(page, table: str) -> list[str]:
    return page.locator(f"#table-{table} tbody tr:visible th").all_text_contents()


class TestTables:
    """Headings sort, by pointer and by key, undefined last; the filter narrows."""

    def test_sort_by_a_metric(self, page, report):
        ap = report.result.class_columns()["AP"]
        known = [*np.array(report.result.class_names)[np.argsort(-ap, kind="stable")]]
        heads = page.locator("#table-classes thead th")
        head = heads.filter(has_text="AP").first
        head.locator("button").click()
        assert head.get_attribute("aria-sort") == "descending"
        assert first_column(page, "classes") == known
        head.locator("button").press("Enter")
        assert head.get_attribute("aria-sort") == "ascending"
        assert first_column(page, "classes") == [*reversed(known[:-1]), "bus"]

    def test_sort_by_name(self, page, report):
        page.locator("#table-classes thead button").first.click()
        assert first_column(page, "classes") == sorted(report.result.class_names)

    def test_filter(self, page):
        page.fill("#filter", "B")
        assert first_column(page, "classes") == ["bicycle", "bus"]
        assert page.text_content("#filtered") == "2 of 5"
        page.fill("#filter", "")
        assert len(first_column(page, "classes")) == 5

    def test_differences_sort_as_numbers(self, page):
        page.locator("#table-comparison-1 thead button").nth(3).click()
        head = page.locator("#table-comparison-1 thead th").nth(3)
        assert head.get_attribute("aria-sort") == "descending"


class TestCurves:
    """Pointing and keys show exactly what the library says."""

    @pytest.fixture
    def curves(self, report):
        return operating_curves(report.result)

    def test_point_with_the_keys(self, page, curves):
        page.select_option("#curve-class", label="person")
        chart = page.locator("#plot-pr svg")
        chart.focus()
        for key in ("End", "ArrowLeft", "Home", "ArrowRight", "PageUp"):
            chart.press(key)
            self.same(page, curves.classes["person"])

    def test_point_with_the_pointer(self, page, curves):
        chart = page.locator("#plot-pr svg")
        chart.scroll_into_view_if_needed()
        box = chart.bounding_box()
        for share in (0.3, 0.5, 0.7):
            page.mouse.move(box["x"] + share * box["width"], box["y"] + 0.4 * box["height"])
            self.same(page, curves.pooled)

    def same(self, page, curve):
        text = page.locator("#read-pr b[data-name='confidence']").text_content()
        at = int(np.flatnonzero(curve.thresholds == float(text))[0])
        assert number(page, "read-pr", "precision") == curve.precision[at]
        assert number(page, "read-pr", "recall") == curve.recall[at]
        assert number(page, "read-pr", "F1") == curve.f()[at]

    def test_another_iou(self, page, report):
        page.select_option("#curve-iou", label="0.75")
        assert number(page, "curve-ap", "mean AP") == report.result.summary["AP75"]

    def test_class_without_ground_truth_has_no_curve(self, page):
        page.select_option("#curve-class", label="bus")
        assert "no ground truth" in page.text_content("#read-pr")

    def test_confidence_chart(self, page, curves):
        chart = page.locator("#plot-confidence svg")
        chart.focus()
        chart.press("PageUp")
        stop = float(page.locator("#read-confidence b[data-name='confidence']").text_content())
        right, wrong = curves.pooled.kept(stop)
        assert number(page, "read-confidence", "precision") == right / (right + wrong)

    @pytest.mark.parametrize("stop", [0, 95])
    def test_slider(self, page, report, curves, stop):
        page.select_option("#curve-class", label="car")
        page.evaluate(
            "(at) => { const s = document.getElementById('confidence'); s.value = at;"
            " s.dispatchEvent(new Event('input')); }",
            stop,
        )
        at = float(page.text_content("#at"))
        assert at == report.document["curves"]["stops"][stop]
        for row, curve in enumerate([curves.pooled, curves.classes["car"]]):
            right, wrong = curve.kept(at)
            cells = page.locator("#operating tbody tr").nth(row)

            def value(name, cells=cells):
                return float(cells.locator(f"[data-name='{name}']").get_attribute("data-v"))

            assert (value("tp"), value("fp")) == (right, wrong)
            assert value("precision") == right / (right + wrong)
            assert value("recall") == right / curve.positives
            assert value("f1") == 2 * right / (right + wrong + curve.positives)
            assert value("rate") == wrong / curve.images

    def test_slider_with_the_keys_and_back_to_the_best(self, page, report):
        page.locator("#confidence").press("ArrowRight")
        assert float(page.text_content("#at")) > report.confidence
        page.click("#best")
        assert float(page.text_content("#at")) == report.confidence
        best = report.document["operating"]
        shown = page.locator("#operating [data-name='f1']").first.get_attribute("data-v")
        assert float(shown) == best["f1"]


@pytest.mark.heavy
class TestFigures:
    """The matrix and the bins of scores."""

    def test_confusion(self, page, report):
        matrix = confusion_matrix(report.result, report.confidence)
        chart = page.locator("#plot-confusion svg")
        chart.focus()
        person, dog = matrix.index("person"), matrix.index("dog")
        for key, times in (("ArrowDown", person), ("ArrowRight", dog)):
            for _ in range(times):
                chart.press(key)
        text = page.text_content("#read-confusion")
        assert "person, found as dog" in text
        assert number(page, "read-confusion", "") == matrix.counts[person, dog]

    def test_confusion_under_the_pointer(self, page, report):
        page.locator("#plot-confusion rect.cell.on").first.hover()
        assert "person, found as person" in page.text_content("#read-confusion")

    def test_calibration(self, page, report):
        page.select_option("#calibration-class", label="car")
        table = calibration(report.result).classes["car"]
        chart = page.locator("#plot-calibration svg")
        chart.focus()
        chart.press("End")
        last = int(np.flatnonzero(table.count)[-1])
        assert number(page, "read-calibration", "precision") == table.precision[last]
        assert number(page, "read-calibration", "mean score") == table.score[last]


@pytest.mark.heavy
class TestGallery:
    """A picture opens larger by pointer and by key, Esc closes it, the focus comes back."""

    @pytest.mark.parametrize("how", ["click", "Enter"])
    def test_open_and_close(self, page, report, how):
        card = page.locator("button.card").nth(1)
        card.click() if how == "click" else card.press("Enter")
        assert page.locator("#viewer").is_visible()
        picture = report.document["gallery"]["pictures"][int(card.get_attribute("data-picture"))]
        assert page.text_content("#viewer-name") == picture["image"]
        width = picture["width"]
        for tag in page.locator("#viewer text.tag").all():
            ends = tag.evaluate("(tag) => tag.getBBox().x + tag.getBBox().width")
            assert float(tag.get_attribute("x")) >= 0
            assert ends <= width + 1
        rows = page.locator("#viewer-boxes tbody tr")
        assert rows.count() == len(picture["detections"]) + len(picture["objects"])
        score = rows.first.locator("td.num").first.get_attribute("data-v")
        assert float(score) == picture["detections"][0]["score"]
        page.keyboard.press("Escape")
        assert not page.locator("#viewer").is_visible()
        assert card.evaluate("(card) => card === document.activeElement")

    def test_boxes_lie_where_they_are(self, page, report):
        card = page.locator("button.card").first
        picture = report.document["gallery"]["pictures"][0]
        found = next(one for one in picture["objects"] if one["verdict"] == "missed")
        boxes = card.locator("rect.box.missed").all()
        assert any(
            abs(float(box.get_attribute("x")) - found["box"][0]) < 0.01
            and abs(float(box.get_attribute("width")) - found["box"][2]) < 0.01
            for box in boxes
        )
        assert card.locator("use").count() == 1


@pytest.mark.heavy
class TestAnywhere:
    """Dark, on a phone, printed, without a script, by the keys alone."""

    def test_dark_mode_follows_the_system_and_the_button(self, browser, file):
        one = Opened(browser, file, color_scheme="dark")
        ground = "() => getComputedStyle(document.body).backgroundColor"
        assert one.page.evaluate(ground) == "rgb(21, 24, 27)"
        assert one.page.get_attribute("#theme", "aria-pressed") == "true"
        one.page.click("#theme")
        assert one.page.evaluate(ground) == "rgb(251, 251, 250)"
        one.check(file)
        one.context.close()

    @pytest.mark.parametrize("width", [320, 375, 768])
    def test_no_scrolling_sideways(self, browser, file, width):
        one = Opened(browser, file, viewport={"width": width, "height": 812})
        assert one.page.evaluate("document.documentElement.scrollWidth") <= width
        one.page.locator("button.card").first.click()
        assert one.page.locator("#viewer").bounding_box()["width"] <= width
        one.context.close()

    def test_without_a_script_tables_and_gallery_are_there(self, browser, file):
        one = Opened(browser, file, java_script_enabled=False)
        assert one.page.locator("#table-classes tbody tr").count() == 5
        assert one.page.locator("button.card svg rect.box").first.is_visible()
        assert not one.page.locator("#confidence").is_visible()
        assert "need JavaScript" in one.page.text_content("#curves")
        one.context.close()

    def test_printed_on_paper(self, opened):
        opened.page.emulate_media(media="print", color_scheme="dark")
        assert not opened.page.locator("nav").is_visible()
        ground = opened.page.evaluate("getComputedStyle(document.body).backgroundColor")
        assert ground == "rgb(255, 255, 255)"

    def test_everything_is_reached_by_tab(self, page):
        seen = set()
        for _ in range(80):
            page.keyboard.press("Tab")
            seen.add(page.evaluate("document.activeElement.id || document.activeElement.tagName"))
            outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
            assert outline != "none"
        assert {"theme", "filter", "curve-class", "curve-iou", "confidence", "best"} <= seen

    @pytest.mark.parametrize("scheme", ["light", "dark"])
    def test_contrast(self, browser, file, scheme):
        one = Opened(browser, file, color_scheme=scheme)
        names = ("ink", "hushed", "accent", "good", "bad", "found", "missed", "aside")
        colours = one.page.evaluate(
            "(names) => names.map((n) => getComputedStyle(document.documentElement)"
            ".getPropertyValue('--' + n).trim())",
            ["bg", "card", "soft", *names],
        )
        for ground in colours[:3]:
            for colour in colours[3:]:
                assert contrast(colour, ground) >= 4.5
        one.context.close()


def contrast(one: str, other: str) -> float:
    """The ratio of WCAG 2.1, section 1.4.3."""

    def luminance(colour: str) -> float:
        text = colour.lstrip("#")
        parts = [int(text[at : at + 2], 16) / 255 for at in (0, 2, 4)]
        linear = [p / 12.92 if p <= 0.03928 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.heavy
@pytest.mark.parametrize(("kind", "holes"), [("oriented", 0), ("mask", 2)])
def test_shapes_are_drawn_where_they_are(browser, tmp_path, kind, holes):
    result = of_shapes(kind)
    file = written(html.to_html(html.report_of(result, resamples=0)), tmp_path / "a.html")
    one = Opened(browser, file)
    one.page.locator("button.card").first.click()
    drawn = one.page.locator("#viewer use.box")
    assert drawn.count() == 4  # of image a
    low, high = result.ground_truth.shapes.hulls[1].reshape(2, 2)
    found = one.page.locator("#viewer use.box.missed").evaluate(
        "(use) => { const b = use.getBBox(); return [b.x, b.y, b.x + b.width, b.y + b.height]; }"
    )
    assert found == pytest.approx([*low, *high], abs=0.5)
    style = one.page.locator("#viewer use.box.wrong").evaluate(
        "(use) => [getComputedStyle(use).stroke, getComputedStyle(use).fillOpacity]"
    )
    assert style == ["rgb(200, 64, 10)", "0.13"]
    rings = one.page.locator("#object-0-0").get_attribute("d").count("M")
    assert rings == holes + 1
    one.check(file)
    one.context.close()


def test_hostile_names_do_nothing(browser, tmp_path):
    file = written(html.to_html(html.report_of(hostile(), resamples=5)), tmp_path / "a.html")
    one = Opened(browser, file)
    page = one.page
    for place in range(14):
        page.select_option("#curve-class", index=place)
        page.select_option("#calibration-class", index=place)
    page.locator("#plot-confusion svg").focus()
    for _ in range(14):
        page.keyboard.press("ArrowDown")
        page.keyboard.press("ArrowRight")
    for head in page.locator("thead button:visible").all():
        head.click()
    for card in page.locator("button.card").all()[:14]:
        card.hover()
        card.click()
        page.keyboard.press("Escape")
    assert page.evaluate("window.broken") is None
    assert page.evaluate("({}).polluted === undefined && Object.keys(Object.prototype).length") == 0
    assert page.locator("img, iframe, object, embed").count() == 0
    assert page.evaluate("document.documentElement.scrollWidth") <= 1280
    one.check(file)
    one.context.close()


@pytest.mark.heavy
def test_a_large_report_is_drawn(browser, tmp_path):
    """5,000 images, 80 classes: less than 10 MB; ``benchmarks/report_page.py`` takes the time."""
    classes = [f"class {n}" for n in range(80)]
    page = html.to_html(html.report_of(scene(5_000, classes, 7, 20), resamples=0))
    file = written(page, tmp_path / "large.html")
    assert file.stat().st_size < 10e6
    one = Opened(browser, file)
    one.page.wait_for_selector("#plot-confusion svg")
    one.check(file)
    one.context.close()


def test_the_script_rounds_as_python_does(browser):
    """Of two equally near decimals the even one; in the text of a page both write numbers."""
    source = files("detmetrics.reports.html").joinpath("assets", "base.js").read_text()
    function = re.search(r"function fixed\(value\) \{.*?\n\}", source, re.DOTALL)[0]
    rng = np.random.default_rng(0)
    values = [*(np.arange(97) / 32), *rng.uniform(0, 2, 500), *(np.arange(2_001) / 20_000), 1e-9]
    page = browser.new_page()
    shown = page.evaluate(f"(values) => {{ {function}; return values.map(fixed); }}", values)
    assert shown == [f"{value:.4f}" for value in values]
    page.close()
