"""Figures by the data that they draw: curves, bars, matrices, and what they say where none are."""

from __future__ import annotations

import math
import os
import subprocess
import sys

import numpy as np
import pytest
from builders import annotation, category, detection, evaluate, image
from click.testing import CliRunner
from report_pages import of_shapes

import detmetrics as dm
from detmetrics import analysis
from detmetrics.analysis.comparison import compare
from detmetrics.cli import cli
from detmetrics.reports.error_kinds import confusion_table, most_confused, pooled
from detmetrics.reports.figures import figure_bytes
from detmetrics.reports.figures.canvas import end_of, name_of
from detmetrics.reports.figures.confusion import confusion_figure
from detmetrics.reports.figures.error_kinds import draw_costs
from detmetrics.reports.figures.plots import ResultPlots
from detmetrics.reports.figures.reliability import draw_bin_counts, draw_reliability

TRUTH, FOUND = "fixtures/ground_truth.json", "fixtures/detections.json"
HOSTILE = [
    r"$\frac{1}{0}$",
    "$x_1$ and $ more",
    "_underscore",
    "a" * 500,
    "",
    "   ",
    "\u202eright to left",
    "مرحبا שלום",
    "漢字 🐈",
    "\x1b[31mred\x00\n\ttab",
    r"\input{/etc/passwd}",
    "<b>&amp;</b>",
    "^2^3 {unbalanced",
    "z\u0301\u0302\u0303algo",
]
KINDS = ("pr", "confidence", "confusion", "errors", "classes", "sizes", "reliability")


@pytest.fixture(scope="module")
def result():
    return dm.evaluate(TRUTH, FOUND)


@pytest.fixture(scope="module")
def half(result):
    found = result.detections
    return dm.evaluate(result.ground_truth, found.keep(found.scores > 0.5))


@pytest.fixture(scope="module")
def hostile(tmp_path_factory):
    """Classes whose names nobody checked; each is found, and once taken for its neighbour."""
    return scene(tmp_path_factory.mktemp("hostile"), HOSTILE)


@pytest.fixture(scope="module")
def found(result, half):
    return compare(result, half, resamples=20, per_class=True)


BLANK = {
    "images": [image(1)],
    "categories": [category(1, "cat"), category(2, "dog")],
    "annotations": [],
}


@pytest.fixture(scope="module")
def no_detections(tmp_path_factory):
    return evaluate(tmp_path_factory.mktemp("none"), None, [])


@pytest.fixture(scope="module")
def no_truth(tmp_path_factory):
    return evaluate(tmp_path_factory.mktemp("blank"), BLANK, [detection()])


@pytest.fixture(scope="module")
def nothing(tmp_path_factory):
    return evaluate(tmp_path_factory.mktemp("nothing"), BLANK, [])


@pytest.fixture(scope="module")
def drawn(hostile):
    """Every figure of those classes, after it was drawn."""
    figures = [*all_figures(hostile, hostile.class_names[0])]
    for figure in figures:
        assert figure_bytes(figure, "png").startswith(b"\x89PNG")
    return figures


def scene(folder, names):
    """One image; of each class one object that is found and one that is taken for the next."""
    count = len(names)
    boxes = [[20 * at, 40 * row, 10, 10] for at in range(count) for row in (0, 1)]
    truth = {
        "images": [image(1)],
        "categories": [category(at + 1, name) for at, name in enumerate(names)],
        "annotations": [
            annotation(place + 1, 1, place // 2 + 1, bbox=box) for place, box in enumerate(boxes)
        ],
    }
    found = []
    for place, box in enumerate(boxes):
        own, wrong = divmod(place, 2)
        score = 0.9 - 0.5 * place / len(boxes)
        found.append(detection(1, (own + wrong) % count + 1, score, bbox=box))
    return evaluate(folder, truth, found)


def texts(figure) -> str:
    """All that a figure says, as an SVG has it."""
    return figure_bytes(figure, "svg").decode()


def heights(bars) -> list[float]:
    return [bar.get_height() for bar in bars]


def widths(ax) -> list[float]:
    return [patch.get_width() for patch in ax.patches]


def words(ax) -> list[str]:
    return [text.get_text() for text in ax.texts]


def legend(ax) -> list[str]:
    return [text.get_text() for text in ax.get_legend().get_texts()]


def names(ax, axis="y") -> list[str]:
    return [label.get_text() for label in getattr(ax, f"get_{axis}ticklabels")()]


class TestPrecisionRecall:
    """Lines are envelopes of the result's curves; AP stands beside them."""

    def test_a_class_at_several_overlaps(self, result):
        ax = result.plot.pr("person", iou=[0.5, 0.75]).axes[0]
        lines = [line for line in ax.get_lines() if line.get_linestyle() != ":"]
        for line, iou in zip(lines, (0.5, 0.75), strict=True):
            curve = result.curve("person", iou)
            np.testing.assert_array_equal(line.get_xdata(), curve.recall)
            np.testing.assert_array_equal(line.get_ydata(), curve.envelope)
        table = result.per_class().loc["person"]
        assert legend(ax) == [
            f"{table['AP50']:.3f}  AP at IoU 0.5",
            f"{table['AP75']:.3f}  AP at IoU 0.75",
        ]
        assert ax.get_title(loc="left") == "Precision and recall: person\nrules coco"
        assert lines[0].get_linestyle() != lines[1].get_linestyle()

    def test_without_a_choice_every_other_threshold(self, result):
        said = legend(result.plot.pr("car").axes[0])
        assert [entry.rpartition(" ")[2] for entry in said] == ["0.5", "0.6", "0.7", "0.8", "0.9"]

    def test_one_overlap_shows_precision_itself(self, result):
        ax = result.plot.pr("car", 0.5).axes[0]
        curve = result.curve("car", 0.5)
        drawn = [line.get_ydata() for line in ax.get_lines()]
        assert any(np.array_equal(one, curve.precision) for one in drawn)
        assert legend(ax)[1] == "precision itself"

    def test_all_classes_with_their_mean(self, result):
        ax = result.plot.pr().axes[0]
        mean = ax.get_lines()[-1]
        assert np.mean(mean.get_ydata()) == pytest.approx(result.summary["AP50"], abs=1e-12)
        assert mean.get_xdata() == pytest.approx(result.rules.recall_points)
        assert legend(ax)[0] == f"{result.summary['AP50']:.3f}  mean of 4"
        assert "bus" not in "".join(legend(ax))  # it has no ground truth

    def test_of_many_classes_the_ends_are_told_apart(self, tmp_path):
        many = scene(tmp_path, [f"class {at}" for at in range(30)])
        ax = many.plot.pr().axes[0]
        assert len(legend(ax)) == 8
        assert "24 others" in legend(ax)

    @pytest.mark.parametrize("rules", ["voc2007", "voc2012", "ultralytics", "crowdhuman"])
    def test_other_rules(self, rules):
        found = dm.evaluate(TRUTH, FOUND, dm.rule_set(rules))
        first = found.summary["AP50" if "AP50" in found.summary else "AP"]
        assert legend(found.plot.pr().axes[0])[0].startswith(f"{first:.3f}")

    def test_rules_with_an_overlap_of_each_class(self, tmp_path):
        names = ["Car", "Pedestrian", "Cyclist"]
        truth = {
            "images": [image(1)],
            "categories": [category(at + 1, name) for at, name in enumerate(names)],
            "annotations": [annotation(1, bbox=[0, 0, 50, 50], occlusion=0, truncation=0)],
        }
        found = evaluate(tmp_path, truth, [detection(bbox=[0, 0, 50, 50])], rules=dm.KITTI)
        said = found.plot.pr().axes[0].get_title(loc="left")
        assert said == "Precision and recall at IoU of each class\nrules kitti"
        assert legend(found.plot.pr("Car").axes[0])[0].endswith("AP at IoU of each class")
        with pytest.raises(dm.InputError, match="ground truths choose among detections"):
            found.plot.confidence()

    def test_unknown_names_are_refused(self, result):
        with pytest.raises(dm.InputError, match="no class 'cat'; there are person"):
            result.plot.pr("cat")
        with pytest.raises(dm.RulesError, match=r"no IoU threshold 0\.42"):
            result.plot.pr(iou=0.42)
        with pytest.raises(dm.RulesError, match="nowhere"):
            result.plot.pr(area="nowhere")
        with pytest.raises(dm.InputError, match="expected one overlap for all classes, got"):
            result.plot.pr(iou=[0.5, 0.75])
        with pytest.raises(dm.InputError, match="expected an overlap or several, got"):
            result.plot.pr("car", iou=[])


class TestConfidence:
    """Lines are the operating curves; the mark is the operating point of the best F1."""

    def test_pooled(self, result):
        ax = result.plot.confidence().axes[0]
        curve = analysis.operating_curves(result).pooled
        precision, recall, f1, line, mark = ax.get_lines()
        for drawn, values in (
            (precision, curve.precision),
            (recall, curve.recall),
            (f1, curve.f()),
        ):
            np.testing.assert_array_equal(drawn.get_xdata(), curve.thresholds[::-1])
            np.testing.assert_array_equal(drawn.get_ydata(), values[::-1])
        best = analysis.operating_points(result, "f1").overall
        assert mark.get_xydata().tolist() == [[best.threshold, best.f1]]
        assert line.get_xdata() == [best.threshold] * 2
        assert words(ax) == [f"best F1 {best.f1:.3f} at {best.threshold:.3g}"]
        assert legend(ax) == ["precision", "recall", "F1"]

    def test_a_class_at_another_overlap(self, result):
        ax = result.plot.confidence("car", 0.75).axes[0]
        best = analysis.operating_points(result, "f1", 0.75, per_class=True).classes["car"]
        assert ax.get_lines()[-1].get_xydata().tolist() == [[best.threshold, best.f1]]
        assert ax.get_title(loc="left") == "By confidence: car\nrules coco, IoU 0.75"

    def test_the_mean_of_classes(self, result):
        ax = result.plot.confidence(average="macro").axes[0]
        best = analysis.operating_points(result, "f1", average="macro")
        [point] = ax.get_lines()[-1].get_xydata().tolist()
        assert point == pytest.approx([best.overall.threshold, best.mean["f1"]])

    def test_scores_beyond_one(self, tmp_path):
        found = [detection(score=7.5), detection(score=-3.0)]
        with pytest.warns(dm.DetmetricsWarning, match="2 scores outside"):
            wide = evaluate(tmp_path, None, found)
        ax = wide.plot.confidence().axes[0]
        low, high = ax.get_xlim()
        assert low < -3.0 < 7.5 < high

    def test_what_is_refused(self, result):
        with pytest.raises(dm.InputError, match="no class 'cat'"):
            result.plot.confidence("cat")
        with pytest.raises(dm.InputError, match="average: expected 'micro' or 'macro', got 'all'"):
            result.plot.confidence(average="all")


class TestConfusion:
    """The picture is the matrix."""

    def test_shares_of_rows_and_columns(self, result):
        matrix = analysis.confusion_matrix(result)
        for over in ("ground_truths", "detections"):
            ax = result.plot.confusion(over=over).axes[0]
            shares = matrix.normalized(over)
            shares[-1, -1] = math.nan
            np.testing.assert_array_equal(ax.images[0].get_array().filled(math.nan), shares)
            assert names(ax) == names(ax, "x") == [*matrix.labels]

    def test_counts(self, result):
        matrix = analysis.confusion_matrix(result, 0.5)
        ax = result.plot.confusion(0.5, over="counts").axes[0]
        drawn = ax.images[0].get_array()
        assert drawn.filled(0).tolist() == matrix.counts.tolist()
        assert drawn.mask.sum() == 1  # the corner
        assert "30" in words(result.plot.confusion(over="counts").axes[0])
        assert ax.get_title(loc="left") == "What is taken for what\nconfidence 0.5, IoU 0.5"

    def test_of_many_classes_the_most_confused_stand_apart(self, tmp_path):
        many = scene(tmp_path, [f"c{at}" for at in range(40)])
        matrix = analysis.confusion_matrix(many)
        ax = many.plot.confusion(over="counts").axes[0]
        assert len(names(ax)) == 31
        assert names(ax)[-2:] == ["11 others", "background"]
        drawn = ax.images[0].get_array().filled(0)
        assert drawn.sum() == matrix.counts.sum()
        kept = np.sort(most_confused(matrix)[:29])
        assert drawn[:29, :29].tolist() == matrix.counts[np.ix_(kept, kept)].tolist()

    def test_the_text_has_the_same_pooled_numbers(self, tmp_path):
        many = scene(tmp_path, [f"c{at}" for at in range(40)])
        matrix = analysis.confusion_matrix(many)
        table = confusion_table(matrix, 80)
        shown = [matrix.index(name) for name in table.columns[1:] if name in matrix.class_names]
        counts = pooled(matrix, np.array(shown)).counts
        assert [[*row[1:]] for row in table.rows] == counts.tolist()

    def test_rows_that_are_pooled_have_their_details(self, result):
        matrix = analysis.confusion_matrix(result)
        one = pooled(matrix, np.array([1]))
        assert one.labels == ("bicycle", "4 others", "background")
        assert np.array_equal(
            one.counts, np.histogram2d(one.row, one.column, bins=range(4))[0].astype(int)
        )

    def test_ultralytics_is_named(self, result):
        ax = result.plot.confusion(definition="ultralytics").axes[0]
        assert ax.get_title(loc="left").endswith("IoU 0.45, as ultralytics")

    def test_what_is_refused(self, result):
        matrix = analysis.confusion_matrix(result)
        with pytest.raises(dm.InputError, match="over: expected one of ground_truths, detections"):
            confusion_figure(matrix, "rows")
        with pytest.raises(dm.InputError, match="most: expected 2 rows or more, got 1"):
            confusion_figure(matrix, most=1)


class TestErrors:
    """Bars are dAP and counts."""

    def test_costs_and_counts(self, result):
        errors = analysis.error_types(result)
        left, right = result.plot.errors().axes
        assert widths(left) == [*errors.dap.values()]
        assert widths(right) == [*errors.counts.values()]
        assert names(left) == [*errors.dap]
        assert words(right)[0] == "5"
        assert left.get_title(loc="left") == "Errors: cost\nAP 0.457, IoU 0.5"

    def test_on_axes_that_are_there(self, result):
        ax = axes()
        draw_costs(ax, analysis.error_types(result, 0.75))
        assert len(ax.patches) == 8


class TestClasses:
    """Bars are the metric of classes, best first."""

    def test_bars_and_mean(self, result):
        ax = result.plot.classes().axes[0]
        known = result.per_class()["AP"].dropna().sort_values(ascending=False)
        assert widths(ax) == [*known]
        assert names(ax) == [*known.index]
        assert ax.get_lines()[0].get_xdata() == [result.summary["AP"]] * 2
        assert ax.get_xlabel() == "AP\nundefined: bus"

    def test_intervals(self, result):
        found = analysis.confidence_intervals(result, 20, per_class=True)
        ax = result.plot.classes("AP50", found).axes[0]
        drawn = [[*line.get_xdata()] for line in ax.get_lines()[:-1:2]]
        expected = [found.classes[name]["AP50"] for name in names(ax)]
        assert drawn == [[one.low, one.high] for one in expected]
        assert "95 % intervals" in ax.get_title(loc="left")

    def test_of_many_classes_both_ends(self, tmp_path):
        many = scene(tmp_path, [f"c{at}" for at in range(100)])
        figure = many.plot.classes()
        shown = names(figure.axes[0])
        assert len(shown) == 41
        assert shown[20] == "… 60 classes between"
        assert figure.get_size_inches()[1] < 9

    def test_lower_is_better_stands_first(self):
        found = dm.evaluate(TRUTH, FOUND, dm.OLRP)
        ax = found.plot.classes("oLRP").axes[0]
        assert widths(ax) == sorted(widths(ax))

    def test_what_is_refused(self, result):
        with pytest.raises(dm.InputError, match=r"no metric 'mAP' .*; there are AP, AP50"):
            result.plot.classes("mAP")
        without = analysis.confidence_intervals(result, 5)
        with pytest.raises(dm.InputError, match="expected intervals of 5 classes, got 0 of them"):
            result.plot.classes(intervals=without)
        with pytest.raises(dm.InputError, match="most: expected 3 rows or more, got 2"):
            result.plot.classes(most=2)


class TestSizes:
    """Bars are AP and recall of bins, all boxes first."""

    @pytest.mark.parametrize("of", ["area", "aspect"])
    def test_bars(self, result, of):
        bins = analysis.by_bins(result, of)
        ax = result.plot.sizes(of).axes[0]
        rows = (bins.everything, *bins.bins)
        ap, recall = ax.containers
        assert heights(ap) == [0 if math.isnan(one.ap) else one.ap for one in rows]
        assert heights(recall) == [0 if math.isnan(one.recall) else one.recall for one in rows]
        assert [name.rpartition("\n")[2] for name in names(ax, "x")] == [
            f"{one.ground_truths:,}" if one.ground_truths else "none" for one in rows
        ]
        assert legend(ax) == ["AP", "recall"]


class TestReliability:
    """Bars are precision and counts of bins; points stand at their mean score."""

    def test_pooled(self, result):
        found = analysis.calibration(result).pooled
        above, below = result.plot.reliability().axes
        full = found.count > 0
        assert heights(above.patches) == found.precision[full].tolist()
        assert heights(below.patches) == found.count.tolist()
        points = above.get_lines()[-1]
        assert points.get_xdata().tolist() == found.score[full].tolist()
        assert words(above) == [f"ECE {found.ece:.3f}\nlargest gap {found.mce:.3f}"]

    def test_a_class(self, result):
        found = analysis.calibration(result, 5, 0.75).classes["car"]
        above, _ = result.plot.reliability("car", 0.75, bins=5).axes
        assert heights(above.patches) == found.precision[found.count > 0].tolist()
        assert above.get_title(loc="left") == "Reliability: car\nrules coco, IoU 0.75"
        with pytest.raises(dm.InputError, match="no class 'cat'"):
            result.plot.reliability("cat")

    def test_on_axes_that_are_there(self, result):
        ax = axes()
        entries = draw_reliability(ax, analysis.calibration(result).pooled, "title")
        assert len(entries) == 2
        draw_bin_counts(ax, analysis.calibration(result).pooled)


class TestComparison:
    """Points are differences, lines their intervals."""

    def test_metrics(self, found):
        ax = found.plot.metrics().axes[0]
        assert names(ax) == [*found.metrics]
        _, *lines = ax.get_lines()
        for row, one in enumerate(found.metrics.values()):
            line, point = lines[2 * row : 2 * row + 2]
            np.testing.assert_array_equal(line.get_xdata(), [one.interval.low, one.interval.high])
            np.testing.assert_array_equal(point.get_xdata(), [one.interval.value])
        said = words(ax)
        assert said[-2:] == ["B − A", "B better"]
        assert said[0] == f"{found.metrics['AP'].interval.value:+.4f}"

    def test_classes_what_b_wins_first(self, found):
        ax = found.plot.classes("AP50").axes[0]
        apart = {name: one["AP50"].interval.value for name, one in found.classes.items()}
        known = {name: value for name, value in apart.items() if not math.isnan(value)}
        assert names(ax) == sorted(known, key=lambda name: -known[name])
        assert ax.get_title(loc="left") == "B less A: AP50 by class"

    def test_says_where_less_is_better(self):
        found = dm.evaluate(TRUTH, FOUND, dm.OLRP)
        ax = compare(found, found, resamples=5).plot.metrics().axes[0]
        assert names(ax)[0] == "oLRP (less is better)"

    def test_files_are_told_apart_by_their_ends(self, tmp_path):
        assert end_of("a/" * 40 + "labels", 10) == "…/a/labels"

    def test_what_is_refused(self, result, found):
        with pytest.raises(dm.InputError, match="no metric 'mAP'"):
            found.plot.classes("mAP")
        with pytest.raises(dm.InputError, match="the classes were not compared"):
            compare(result, result, resamples=5).plot.classes()


def axes():
    from matplotlib.figure import Figure

    return Figure().subplots()


def all_figures(found: dm.Evaluation, name: str | None):
    """Every figure, of one class where it can be of one."""
    yield from (getattr(found.plot, kind)() for kind in KINDS)
    yield found.plot.confusion(over="counts")
    if name is not None:
        yield from (getattr(found.plot, kind)(name) for kind in ("pr", "reliability"))
    both = compare(found, found, resamples=5, per_class=True)
    yield both.plot.metrics()
    yield both.plot.classes()


class TestHostile:
    """Names of classes are text: no formula, no TeX, nothing that steers or overflows."""

    @pytest.mark.parametrize("at", [0, 4, 8, 9, 10])
    def test_each_class(self, hostile, at):
        assert figure_bytes(hostile.plot.confidence(hostile.class_names[at]), "png")

    def test_no_text_that_holds_a_name_is_read_as_a_formula(self, drawn):
        from matplotlib.text import Text

        for figure in drawn:
            for text in figure.findobj(Text):
                if any(mark in text.get_text() for mark in "$\\_^{<"):
                    special = text.get_text().startswith("$\\mathdefault")  # matplotlib's numbers
                    assert special or (not text.get_parse_math() and not text.get_usetex())

    def test_what_steers_is_spelled_out(self, drawn):
        from matplotlib.text import Text

        for figure in drawn:
            for text in figure.findobj(Text):
                assert all(line.isprintable() for line in text.get_text().split("\n"))
                assert "a" * 30 not in text.get_text()

    @pytest.mark.filterwarnings("ignore:Glyph")  # the font has no Chinese
    def test_nothing_is_cut_off(self, drawn):
        for figure in drawn:
            figure.draw_without_rendering()  # laid out for the resolution that is measured
            box, (wide, high) = figure.get_tightbbox(), figure.get_size_inches()
            assert box.x0 >= 0, figure.axes[0].get_title(loc="left")
            assert box.y0 >= 0
            assert box.x1 <= wide
            assert box.y1 <= high

    def test_markup_is_escaped_in_svg(self, hostile):
        drawn = texts(hostile.plot.classes())
        assert "<b>" not in drawn
        assert "&lt;b&gt;" in drawn

    def test_names_of_rules_are_text_too(self, result):
        rules = dm.COCO.replace(name="$x$")
        ax = dm.evaluate(TRUTH, FOUND, rules).plot.pr().axes[0]
        assert ax.get_title(loc="left").endswith("rules $x$")
        assert not ax._left_title.get_parse_math()

    @pytest.mark.parametrize(
        ("kind", "words"),
        [("oriented", "rules coco, oriented boxes and polygons"), ("mask", "rules coco, masks")],
    )
    def test_shapes_that_were_measured_are_named(self, kind, words):
        title = of_shapes(kind).plot.classes().axes[0].get_title(loc="left")
        assert title.splitlines()[1].startswith(words)
        assert "rules coco\n" in f"{of_shapes(kind, 'box').plot.pr().axes[0].get_title('left')}\n"

    def test_names(self):
        assert name_of("x" * 24) == "x" * 24
        assert len(name_of("x" * 25)) == 24
        assert name_of("") == name_of("\u00a0"[:0]) == "(no name)"


class TestEmpty:
    """What has no numbers says so."""

    @pytest.mark.parametrize(
        "which",
        [
            "nothing",
            *(pytest.param(one, marks=pytest.mark.heavy) for one in ("no_detections", "no_truth")),
        ],
    )
    def test_every_figure_is_drawn(self, which, request):
        found = request.getfixturevalue(which)
        for figure in all_figures(found, "cat"):
            assert figure_bytes(figure, "png")

    def test_no_detections(self, no_detections):
        plots: ResultPlots = no_detections.plot
        assert "no detections of cat" in words(plots.pr("cat").axes[0])
        assert "no detections that count" in words(plots.pr().axes[0])
        assert words(plots.confidence().axes[0]) == ["no detections that count"]
        assert words(plots.confidence("cat").axes[0]) == ["no detections of cat that count"]
        assert words(plots.reliability().axes[0]) == ["no detections that count"]
        assert widths(plots.classes().axes[0]) == [0.0, 0.0]

    def test_no_ground_truth(self, no_truth):
        plots: ResultPlots = no_truth.plot
        assert "no ground truth of cat" in words(plots.pr("cat").axes[0])
        assert "no ground truth" in words(plots.pr().axes[0])
        assert words(plots.confidence().axes[0]) == ["no ground truth"]
        assert words(plots.classes().axes[0]) == ["no class in which it is defined"]
        assert "no ground truth" in words(plots.sizes().axes[0])

    def test_nothing_at_all(self, nothing):
        assert "no ground truth and no detections" in words(nothing.plot.errors().axes[0])
        assert words(nothing.plot.confusion().axes[0]) == [
            "no objects, and no detections from 0.25 on"
        ]

    def test_no_detections_of_one_class(self, tmp_path):
        found = evaluate(tmp_path, None, [detection()])
        assert "no detections of dog" in words(found.plot.pr("dog").axes[0])


class TestManners:
    """No window, no global state, light paper, the same bytes each time."""

    def test_pyplot_is_not_loaded_and_nothing_is_changed(self):
        code = (
            "import sys, detmetrics as dm, matplotlib\n"
            "before = matplotlib.rcParams.copy()\n"
            f"plot = dm.evaluate({TRUTH!r}, {FOUND!r}).plot\n"
            "from detmetrics.reports.figures import figure_bytes\n"
            f"[figure_bytes(getattr(plot, kind)(), 'svg') for kind in {KINDS!r}]\n"
            "assert 'matplotlib.pyplot' not in sys.modules\n"
            "assert dict.items(matplotlib.rcParams) == dict.items(before)\n"
        )
        # but for what old releases of matplotlib use of others
        strict = ("-W", "error", "-W", "ignore::DeprecationWarning")
        subprocess.run([sys.executable, *strict, "-c", code], check=True)

    @pytest.mark.parametrize(
        "kind", [kind for kind in KINDS if kind not in ("errors", "reliability")]
    )
    def test_draws_on_axes_that_are_there(self, result, kind):
        ax = axes()
        assert getattr(result.plot, kind)(ax=ax) is ax.figure
        assert ax.get_title(loc="left")

    def test_draws_on_a_part_of_a_figure(self, result):
        from matplotlib.figure import Figure

        whole = Figure(layout="constrained")
        left, right = whole.subfigures(1, 2)
        assert result.plot.confusion(ax=left.subplots()) is whole
        assert result.plot.pr(ax=right.subplots()) is whole
        assert figure_bytes(whole, "png")

    def test_is_light_whatever_style_is_in_force(self, result):
        import matplotlib as mpl

        dark = {"figure.facecolor": "black", "axes.facecolor": "black", "text.color": "white"}
        dark |= {"axes.labelcolor": "white", "xtick.color": "white", "axes.edgecolor": "white"}
        with mpl.rc_context(dark):
            figure = result.plot.classes()
        assert mpl.colors.to_hex(figure.get_facecolor()) == "#ffffff"
        ax = figure.axes[0]
        for text in (ax.xaxis.label, ax._left_title, *ax.get_xticklabels(), *ax.texts):
            assert mpl.colors.to_hex(text.get_color()) != "#ffffff"

    @pytest.mark.parametrize("kind", ["pr", "confusion", "errors"])
    def test_is_the_same_each_time(self, result, kind):
        first, second = (texts(getattr(result.plot, kind)()) for _ in range(2))
        assert first == second

    def test_without_matplotlib(self, result, monkeypatch):
        monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
        for kind in KINDS:
            with pytest.raises(dm.InputError, match=r"pip install 'detmetrics\[plots\]'"):
                getattr(result.plot, kind)()


def run(*arguments: str, **options):
    return CliRunner().invoke(cli, ["plot", *arguments], **options)


class TestCommand:
    """``detmetrics plot``: one figure in one file."""

    @pytest.mark.parametrize("kind", KINDS)
    def test_every_kind(self, tmp_path, result, kind):
        path = tmp_path / "a.svg"
        ran = run(TRUTH, FOUND, "--kind", kind, "-o", str(path), "-q")
        assert (ran.exit_code, ran.output) == (0, "")
        title = getattr(result.plot, kind)().axes[0].get_title(loc="left").partition("\n")[0]
        assert title in path.read_text()

    @pytest.mark.parametrize(("suffix", "start"), [("png", b"\x89PNG"), ("pdf", b"%PDF")])
    def test_the_suffix_decides(self, tmp_path, suffix, start):
        path = tmp_path / f"a.{suffix}"
        assert run(TRUTH, FOUND, "--kind", "pr", "-o", str(path)).exit_code == 0
        assert path.read_bytes().startswith(start)

    @pytest.mark.parametrize(
        ("options", "drawn"),
        [
            (["pr", "--class", "person"], lambda p: p.pr("person")),
            (["pr", "--class", "car", "--iou", "0.75"], lambda p: p.pr("car", 0.75)),
            (["confidence", "--class", "car"], lambda p: p.confidence("car")),
            (
                ["confusion", "--confidence", "0", "--counts"],
                lambda p: p.confusion(0, over="counts"),
            ),
            (["confusion", "--iou", "0.42"], lambda p: p.confusion(iou=0.42)),
            (["errors", "--iou", "0.42"], lambda p: p.errors(0.42)),
            (["classes", "--metric", "AP50"], lambda p: p.classes("AP50")),
            (["reliability", "--class", "dog"], lambda p: p.reliability("dog")),
        ],
    )
    def test_options(self, tmp_path, result, options, drawn):
        path = tmp_path / "a.svg"
        assert run(TRUTH, FOUND, "--kind", *options, "-o", str(path)).exit_code == 0
        assert path.read_bytes() == figure_bytes(drawn(result.plot), "svg")

    def test_an_overlap_that_the_rules_lack(self, tmp_path):
        path = tmp_path / "a.svg"
        assert run(TRUTH, FOUND, "--kind", "pr", "--iou", "0.42", "-o", str(path)).exit_code == 0
        assert "Precision and recall at IoU 0.42" in path.read_text()

    def test_intervals(self, tmp_path):
        path = tmp_path / "a.svg"
        assert run(TRUTH, FOUND, "--kind", "classes", "--ci", "-o", str(path)).exit_code == 0
        assert "95 % intervals" in path.read_text()

    @pytest.mark.parametrize(
        ("options", "code", "said"),
        [
            (["pr", "-o", "a.gif"], 2, "--output: a.gif: expected a name that ends in .png"),
            (["pr", "-o", ""], 2, "--output: the name of the file is empty"),
            (["pr", "-o", "none/a.svg"], 1, "its folder does not exist"),
            (["pr"], 2, "Missing option '--output'"),
            (["pie", "-o", "a.svg"], 2, "is not one of"),
            (["sizes", "--class", "car", "-o", "a.svg"], 2, "--class is about --kind pr, conf"),
            (
                ["pr", "--confidence", "0", "-o", "a.svg"],
                2,
                "--confidence is about --kind confusion",
            ),
            (["pr", "--ci", "-o", "a.svg"], 2, "--ci is about --kind classes, got --kind pr"),
            (["pr", "--class", "cat", "-o", "a.svg"], 1, "no class 'cat'"),
            (["classes", "--metric", "mAP", "-o", "a.svg"], 1, "no metric 'mAP'"),
            (["pr", "--rules", "none", "-o", "a.svg"], 2, "none"),
            (["pr", "--iou", "2", "-o", "a.svg"], 2, "is not in the range"),
        ],
    )
    def test_says_what_is_wrong_and_writes_nothing(
        self, tmp_path, monkeypatch, options, code, said
    ):
        truth, found = os.path.abspath(TRUTH), os.path.abspath(FOUND)
        monkeypatch.chdir(tmp_path)
        ran = run(truth, found, "--kind", *options)
        assert ran.exit_code == code
        assert said in ran.stderr
        assert not [*tmp_path.iterdir()]

    def test_an_input_is_not_overwritten(self, tmp_path):
        link = tmp_path / "truth.svg"
        link.symlink_to(os.path.abspath(TRUTH))
        ran = run(TRUTH, FOUND, "--kind", "pr", "-o", str(link))
        assert ran.exit_code == 2
        assert "would write to the same file as an input" in ran.stderr

    def test_without_matplotlib(self, tmp_path, monkeypatch):
        monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
        ran = run(TRUTH, FOUND, "--kind", "pr", "-o", str(tmp_path / "a.svg"))
        assert ran.exit_code == 1
        assert "pip install 'detmetrics[plots]'" in ran.stderr


class TestReal:
    """The 111,247 detections of YOLOv2 on VOC2007."""

    def test_every_figure(self, shared):
        folder = shared / "voc2007" / "coco_json"
        with pytest.warns(dm.DetmetricsWarning):
            found = dm.evaluate(
                str(folder / "ground_truth_difficult_as_crowd.json.gz"),
                str(folder / "yolov2.json.gz"),
            )
        for figure in (found.plot.pr(), found.plot.pr("person"), found.plot.confidence()):
            assert len(figure_bytes(figure, "svg")) < 1_000_000
        assert legend(found.plot.pr().axes[0])[0] == f"{found.summary['AP50']:.3f}  mean of 20"
