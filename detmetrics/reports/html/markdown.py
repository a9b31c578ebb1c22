"""The report for a pull request or a job summary: how good, how sure, and what to fix."""

from __future__ import annotations

from collections.abc import Iterator

from detmetrics.reports.html.model import Report
from detmetrics.reports.html.report_tables import comparison_sections, tables
from detmetrics.reports.markdown import escaped, table_rows

__all__ = ["to_markdown"]


def to_markdown(report: Report) -> str:
    """Problems, metrics, errors, what no metric shows, and a comparison where there is one."""
    return "\n\n".join(_parts(report)) + "\n"


def _parts(report: Report) -> Iterator[str]:
    document, shown = report.document, tables(report)
    yield f"## {escaped(report.result.detections.source.name)}"
    if document["problems"]:
        yield "### What to fix first"
        yield "\n".join(
            f"{rank}. **{one['title']}.** {escaped(one['sentence'])}"
            for rank, one in enumerate(document["problems"], start=1)
        )
    yield "### Metrics"
    yield "\n".join(table_rows(shown["metrics"]))
    if report.intervals is not None:
        yield escaped(report.intervals.words)
    for name, title in (("errors", "Errors"), ("hidden", "What COCO hides"), ("slices", "Slices")):
        if name in shown:
            yield f"### {title}"
            yield "\n".join(table_rows(shown[name]))
    for heading, table, lines in comparison_sections(report)[:1]:
        yield f"### {escaped(heading)}"
        if table is not None:
            yield "\n".join(table_rows(table))
        yield "\n".join(f"- {escaped(line)}" for line in lines)
    yield f"`{report.result.signature}`"
    if report.result.attention:
        yield "\n".join(f"- {escaped(sentence)}" for sentence in report.result.attention)
