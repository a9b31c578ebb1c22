"""The report: one page that opens anywhere, and the same numbers for machines and pull requests.

>>> import detmetrics as dm
>>> from detmetrics.reports import html
>>> result = dm.evaluate("fixtures/ground_truth.json", "fixtures/detections.json")
>>> report = html.report_of(result, resamples=0)
>>> html.to_html(report).startswith("<!doctype html>")
True
"""

from __future__ import annotations

from detmetrics.reports.html.markdown import to_markdown
from detmetrics.reports.html.model import Report, report_of, to_json
from detmetrics.reports.html.page import to_html

__all__ = ["Report", "report_of", "to_html", "to_json", "to_markdown"]
