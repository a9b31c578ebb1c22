"""One file that opens anywhere: the page, with its style, its script and its data inside.

Names from files are untrusted. Jinja escapes all text; data for the script is JSON without
characters that could end it; the script writes text and never markup. A Content-Security-Policy
forbids everything but the one style and the one script, by their hashes, and pictures inside the
page.
"""

from __future__ import annotations

import base64
import hashlib
import importlib
import json
import re
from collections.abc import Mapping
from importlib.resources import files
from typing import Any

from detmetrics.foundation.errors import InputError
from detmetrics.foundation.messages import printable
from detmetrics.metrics.average_precision import ap_at
from detmetrics.reports.error_kinds import on_empty_classes
from detmetrics.reports.html.model import Report
from detmetrics.reports.html.report_tables import comparison_sections, tables
from detmetrics.reports.outlines import path_of, title_of
from detmetrics.reports.tables import Cell

__all__ = ["to_html"]

HERE = "detmetrics.reports.html"
SCRIPTS = ("base.js", "tables.js", "charts.js", "curves.js", "confusion.js", "gallery.js")
FIGURE = re.compile(r"[+-]?[0-9]+\.[0-9]+(?: %)?", re.ASCII)
LONGEST = 120
DATA = ("at", "classes", "curves", "confusion", "calibration", "gallery")


def to_html(report: Report) -> str:
    """The report as a page.

    Raises:
        InputError: Jinja2 is not installed.

    >>> import detmetrics as dm
    >>> result = dm.evaluate("fixtures/ground_truth.json", "fixtures/detections.json")
    >>> from detmetrics.reports.html import report_of
    >>> to_html(report_of(result, resamples=0))[:15]
    '<!doctype html>'
    """
    style = _asset("report.css")
    script = "(() => {\n'use strict';\n" + "\n".join(map(_asset, SCRIPTS)) + "\n})();\n"
    page: str = (
        _environment()
        .get_template("page.html.j2")
        .render(
            report=report,
            document=report.document,
            result=report.result,
            shapes=title_of(report.result.rules),
            tables=tables(report),
            comparison=comparison_sections(report),
            style=style,
            script=script,
            policy=_policy(style, script),
            data=_embedded(_data(report.document)),
        )
    )
    return page


def _asset(name: str) -> str:
    return files(HERE).joinpath("assets", name).read_text(encoding="utf-8")


def _policy(style: str, script: str) -> str:
    def source(text: str) -> str:
        digest = hashlib.sha256(text.encode()).digest()
        return f"'sha256-{base64.b64encode(digest).decode()}'"

    return "; ".join(
        (
            "default-src 'none'",
            "img-src data:",
            f"style-src {source(style)}",
            f"script-src {source(script)}",
            "base-uri 'none'",
            "form-action 'none'",
        )
    )


def _data(document: Mapping[str, Any]) -> dict[str, Any]:
    """What the script needs; outlines it takes from the page, where they are drawn already."""

    def plain(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: plain(one) for key, one in value.items() if key != "outline"}
        return [plain(one) for one in value] if isinstance(value, list) else value

    data = {key: document[key] for key in DATA}
    return {**data, "gallery": plain(data["gallery"])}


def _embedded(data: dict[str, Any]) -> str:
    """JSON that no text inside can end: ASCII, and without what HTML knows."""
    text = json.dumps(data, separators=(",", ":"), allow_nan=False)
    for mark in "<>&":
        text = text.replace(mark, f"\\u{ord(mark):04x}")
    return text


def _environment() -> Any:
    try:
        jinja2 = importlib.import_module("jinja2")
    except ImportError:
        raise InputError(
            "the page needs Jinja2, which is not installed: pip install 'detmetrics[html]'"
        ) from None
    templates = files(HERE).joinpath("templates")
    environment = jinja2.Environment(
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_tame,
        loader=jinja2.FunctionLoader(
            lambda name: templates.joinpath(name).read_text(encoding="utf-8")
        ),
    )
    markup = importlib.import_module("markupsafe").Markup
    environment.filters["number"] = _number
    environment.filters["figure"] = _figure
    environment.filters["short"] = _short
    environment.filters["ap_at"] = ap_at
    environment.filters["on_empty_classes"] = on_empty_classes
    environment.filters["path"] = path_of
    environment.tests["figure"] = lambda text: _figure(text) is not None
    environment.filters["inside"] = markup  # our own files, and JSON from _embedded
    return environment


def _figure(text: str) -> float | None:
    """The number of a text that is one, such as ``+0.0123`` or ``71.6 %``."""
    return float(text.removesuffix(" %")) if FIGURE.fullmatch(text) else None


def _tame(value: Any) -> Any:
    """Text without characters that steer how text around it is read; markup as it is."""
    return printable(value) if type(value) is str else value


def _short(text: str) -> str:
    """A name that leaves room for others; the JSON has all of it."""
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"


def _number(value: Cell) -> str:
    """As all views write numbers: four decimals, or whole."""
    if value is None:
        return "–"
    if isinstance(value, float):
        return f"{value:.4f}"
    return f"{value:,}" if isinstance(value, int) else value
