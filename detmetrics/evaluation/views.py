"""What can be seen of a result: the interfaces of its figures and of its page in a notebook.

Figures are views and stand above results, and people look for them at the result
(``result.plot``). So a result knows the interfaces here, and ``detmetrics/__init__.py``, which
stands above both, binds what implements them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal, Protocol

from detmetrics.foundation import late_binding

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["ComparisonPlots", "Plots", "Views", "bound"]


class Plots(Protocol):
    """Figures of a result, see :class:`detmetrics.reports.figures.plots.ResultPlots`."""

    def pr(
        self,
        category: str | None = None,
        iou: float | Sequence[float] | None = None,
        *,
        area: str = "all",
        ax: Axes | None = None,
    ) -> Figure:
        """Precision over recall."""

    def confidence(
        self,
        category: str | None = None,
        iou: float | None = None,
        *,
        area: str = "all",
        average: Literal["micro", "macro"] = "micro",
        ax: Axes | None = None,
    ) -> Figure:
        """Precision, recall and F1 over the confidence."""

    def confusion(
        self,
        confidence: float = 0.25,
        iou: float | None = None,
        *,
        definition: Any = "greedy",
        over: Any = "ground_truths",
        most: int | None = None,
        ax: Axes | None = None,
    ) -> Figure:
        """Which classes are taken for which."""

    def errors(self, iou: float = 0.5, background: float = 0.1, image_limit: int = 100) -> Figure:
        """What each kind of error costs."""

    def classes(
        self,
        metric: str | None = None,
        intervals: Any = None,
        *,
        most: int = ...,
        ax: Axes | None = None,
    ) -> Figure:
        """A metric of each class."""

    def sizes(
        self, of: Any = "area", edges: Sequence[float] | None = None, *, ax: Axes | None = None
    ) -> Figure:
        """AP and recall over bins of size, shape or place."""

    def reliability(
        self,
        category: str | None = None,
        iou: float | None = None,
        *,
        bins: int = 10,
        area: str = "all",
    ) -> Figure:
        """Precision over the score."""


class ComparisonPlots(Protocol):
    """Figures of a comparison of two results."""

    def metrics(self, *, ax: Axes | None = None) -> Figure:
        """The difference of every metric."""

    def classes(
        self, metric: str | None = None, *, most: int = ..., ax: Axes | None = None
    ) -> Figure:
        """The difference of a metric in each class."""


class Views(Protocol):
    """All that is made of results and comparisons to be looked at."""

    def plots(self, result: Any) -> Plots:
        """The figures of a result."""

    def comparison_plots(self, comparison: Any) -> ComparisonPlots:
        """The figures of a comparison."""

    def notebook_html(self, result: Any) -> str:
        """A result as a notebook shows it."""


def bound() -> Views:
    """What makes views."""
    made: Views = late_binding.bound("views")
    return made
