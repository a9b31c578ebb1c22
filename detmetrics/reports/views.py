"""What ``result.plot``, ``comparison.plot`` and notebooks show, see ``evaluation/views.py``."""

from __future__ import annotations

from detmetrics.analysis.comparison import Comparison
from detmetrics.evaluation.result import Evaluation
from detmetrics.evaluation.views import ComparisonPlots, Plots
from detmetrics.reports.figures import plots as figures
from detmetrics.reports.notebook import to_html

__all__ = ["comparison_plots", "notebook_html", "plots"]


def plots(result: Evaluation) -> Plots:
    """The figures of a result."""
    return figures.ResultPlots(result)


def comparison_plots(comparison: Comparison) -> ComparisonPlots:
    """The figures of a comparison."""
    return figures.DifferencePlots(comparison)


def notebook_html(result: Evaluation) -> str:
    """A result as a notebook shows it."""
    return to_html(result)
