"""A result as a notebook shows it: small, without a script, and readable without a style."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape

from detmetrics.evaluation.result import Evaluation
from detmetrics.foundation.messages import printable
from detmetrics.reports.tables import Cell, summary_table

__all__ = ["to_html"]


def to_html(result: Evaluation) -> str:
    """Metrics, signature, counts and what deserves attention; names from files are escaped.

    >>> import detmetrics as dm
    >>> result = dm.evaluate("fixtures/ground_truth.json", "fixtures/detections.json")
    >>> "<td>0.3635</td>" in to_html(result)
    True
    """
    return "\n".join(_lines(result))


def _lines(result: Evaluation) -> Iterator[str]:
    table, counts = summary_table(result), result.counts
    yield "<div>"
    yield f"<p><strong>{_text(result.detections.source.name)}</strong> against "
    yield f"{_text(result.ground_truth.source.name)}</p>"
    yield "<table><thead><tr>"
    yield "".join(f"<th>{_text(name)}</th>" for name in table.columns)
    yield "</tr></thead><tbody>"
    for row in table.rows:
        yield f"<tr>{''.join(f'<td>{_shown(cell)}</td>' for cell in row)}</tr>"
    yield "</tbody></table>"
    yield f"<p><code>{_text(result.signature)}</code></p>"
    yield f"<p>{counts['images']:,} images, {counts['ground_truths']:,} objects, "
    yield f"{counts['detections']:,} detections</p>"
    if result.attention:
        yield "<ul>"
        yield from (f"<li>{_text(sentence)}</li>" for sentence in result.attention)
        yield "</ul>"
    yield "</div>"


def _shown(value: Cell) -> str:
    if value is None:
        return "undefined"
    return f"{value:.4f}" if isinstance(value, float) else _text(str(value))


def _text(text: str) -> str:
    return escape(printable(text))
