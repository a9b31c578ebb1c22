"""``result.plot`` and ``comparison.plot``: the figures of an object, by name."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from detmetrics.analysis.bootstrap import Intervals
from detmetrics.analysis.comparison import Comparison
from detmetrics.analysis.confusion import Definition, confusion_matrix
from detmetrics.analysis.error_kinds import error_types
from detmetrics.analysis.reliability import calibration
from detmetrics.analysis.sizes import Of, by_bins
from detmetrics.evaluation.required_scores import require_scores
from detmetrics.evaluation.result import Evaluation
from detmetrics.foundation.errors import InputError
from detmetrics.reports.figures.canvas import about_rules, name_of, overlap_words
from detmetrics.reports.figures.classes import MOST_ROWS, classes_figure
from detmetrics.reports.figures.comparison import class_differences_figure, differences_figure
from detmetrics.reports.figures.confidence import confidence_figure
from detmetrics.reports.figures.confusion import Over, confusion_figure
from detmetrics.reports.figures.error_kinds import errors_figure
from detmetrics.reports.figures.precision_recall import precision_recall_figure
from detmetrics.reports.figures.reliability import reliability_figure
from detmetrics.reports.figures.sizes import sizes_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["DifferencePlots", "ResultPlots"]


@dataclass(frozen=True, slots=True)
class ResultPlots:
    """Figures of a result. Each asks the analysis of its name and returns a figure of matplotlib;
    ``ax`` draws on axes that are there.

    Raises:
        InputError: matplotlib is not installed; and what the analysis raises.

    >>> import detmetrics as dm
    >>> result = dm.evaluate("fixtures/ground_truth.json", "fixtures/detections.json")
    >>> figure = result.plot.pr("person")
    >>> figure.axes[0].get_xlabel(), figure.axes[0].get_ylabel()
    ('recall', 'precision')
    """

    result: Evaluation

    def pr(
        self,
        category: str | None = None,
        iou: float | Sequence[float] | None = None,
        *,
        area: str = "all",
        ax: Axes | None = None,
    ) -> Figure:
        """Precision over recall: a class at several overlaps, or all classes at one."""
        require_scores(self.result.detections, "a precision-recall curve")
        return precision_recall_figure(self.result, category, iou, area=area, ax=ax)

    def confidence(
        self,
        category: str | None = None,
        iou: float | None = None,
        *,
        area: str = "all",
        average: Literal["micro", "macro"] = "micro",
        ax: Axes | None = None,
    ) -> Figure:
        """Precision, recall and F1 over the confidence, of a class or over all of them."""
        return confidence_figure(
            self.result, category, self._iou(iou), area=area, average=average, ax=ax
        )

    def confusion(
        self,
        confidence: float = 0.25,
        iou: float | None = None,
        *,
        definition: Definition = "greedy",
        over: Over = "ground_truths",
        most: int | None = None,
        ax: Axes | None = None,
    ) -> Figure:
        """Which classes are taken for which; over: shares of rows or columns, or ``"counts"``."""
        matrix = confusion_matrix(self.result, confidence, iou, definition)
        return confusion_figure(matrix, over, most=most, ax=ax)

    def errors(self, iou: float = 0.5, background: float = 0.1, image_limit: int = 100) -> Figure:
        """What each kind of error costs, and how many there are."""
        return errors_figure(error_types(self.result, iou, background, image_limit))

    def classes(
        self,
        metric: str | None = None,
        intervals: Intervals | None = None,
        *,
        most: int = MOST_ROWS,
        ax: Axes | None = None,
    ) -> Figure:
        """A metric of each class, best first; intervals: of this result, each class in them."""
        return classes_figure(self.result, metric, intervals, most=most, ax=ax)

    def sizes(
        self, of: Of = "area", edges: Sequence[float] | None = None, *, ax: Axes | None = None
    ) -> Figure:
        """AP and recall over bins of size, shape or place."""
        return sizes_figure(by_bins(self.result, of, edges), ax=ax)

    def reliability(
        self,
        category: str | None = None,
        iou: float | None = None,
        *,
        bins: int = 10,
        area: str = "all",
    ) -> Figure:
        """Precision over the score, of a class or of all detections."""
        found = calibration(self.result, bins, self._iou(iou), area)
        where = "" if area == "all" else name_of(area)
        overlap = overlap_words(self.result.rules, found.iou)
        about = about_rules(self.result, overlap, where)
        if category is None:
            return reliability_figure(found.pooled, "Reliability: all classes pooled", about)
        if category not in found.classes:
            raise InputError(f"no class {category!r}; there are {', '.join(found.classes)}")
        title = f"Reliability: {name_of(category)}"
        return reliability_figure(found.classes[category], title, about)

    def _iou(self, iou: float | None) -> float:
        """0.5 where the rules have it, else their first threshold."""
        rules = self.result.rules
        if iou is not None:
            return iou
        return 0.5 if rules.threshold_index(0.5) is not None else rules.iou_thresholds[0]


@dataclass(frozen=True, slots=True)
class DifferencePlots:
    """Figures of a comparison; ``ax`` draws on axes that are there.

    Raises:
        InputError: matplotlib is not installed; and what the figure raises.
    """

    comparison: Comparison

    def metrics(self, *, ax: Axes | None = None) -> Figure:
        """The difference of every metric, with its interval."""
        return differences_figure(self.comparison, ax=ax)

    def classes(
        self, metric: str | None = None, *, most: int = MOST_ROWS, ax: Axes | None = None
    ) -> Figure:
        """The difference of one metric in each class, with its interval."""
        return class_differences_figure(self.comparison, metric, most=most, ax=ax)
