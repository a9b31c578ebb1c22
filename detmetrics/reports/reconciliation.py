"""Views of a reconciliation: for a terminal, for machines, for spreadsheets, for pull requests."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator

from detmetrics.analysis.reconcile.reconcile import Candidate, Reconciliation, Standing
from detmetrics.analysis.reconcile.shape_effect import measured_as
from detmetrics.foundation.messages import counted, printable
from detmetrics.overlap import TITLES
from detmetrics.reports.csv import as_csv
from detmetrics.reports.sections import Section, sections_as_markdown, sections_as_text
from detmetrics.reports.tables import Cell, Table
from detmetrics.rules import Rules

__all__ = ["to_csv", "to_json", "to_markdown", "to_text"]

MOST = 10
DIGITS = 4
NOTHING = (
    "none: no usual mistake, undone, raises AP under {}, and nothing seems to have been thrown away"
)


def to_text(
    reconciliation: Reconciliation, *, per_class: bool = False, width: int | None = None
) -> str:
    """Every rule set, the difference between two of them, suspicions, and the number asked for.

    per_class: add the AP of each class; width: characters a line, 100 unless given.
    """
    return sections_as_text(_sections(reconciliation, per_class=per_class), width)


def to_markdown(reconciliation: Reconciliation, *, per_class: bool = False) -> str:
    """The same sections as tables for a pull request or a job summary."""
    return sections_as_markdown(_sections(reconciliation, per_class=per_class))


def to_json(reconciliation: Reconciliation) -> str:
    """JSON with sorted keys and numbers at full precision; undefined is null."""
    return json.dumps(reconciliation.to_dict(), indent=2, sort_keys=True, allow_nan=False) + "\n"


def to_csv(reconciliation: Reconciliation, *, safe: bool = False) -> str:
    """A row a number, at full precision: which section, what, and its value; undefined is empty.

    safe: as of :func:`detmetrics.reports.csv.as_csv`.
    """
    rows = [
        ["" if isinstance(cell, float) and math.isnan(cell) else cell for cell in row]
        for row in _rows(reconciliation)
    ]
    header = ("section", "rules", "name", "class", "value", "amount", "alone", "remark")
    return as_csv(header, rows, safe=safe)


def _rows(reconciliation: Reconciliation) -> Iterator[tuple[Cell, ...]]:
    for standing in reconciliation.standings:
        yield from _rows_of(standing)
    fall = reconciliation.waterfall
    between = f"{fall.ours} to {fall.theirs}"
    for step in fall.steps:
        remark = step.changes
        yield "waterfall", between, step.cause, "", step.after, step.amount, step.alone, remark
    for one in reconciliation.shapes:
        for metric, value in one.summary.items():
            amount = value - reconciliation.shapes[0].summary[metric]
            yield "shape", fall.ours, metric, "", value, amount, None, _by(one.rules)
    for guess in reconciliation.suspicions:
        yield "suspicion", fall.ours, guess.name, "", guess.value, guess.raises, None, guess.cure
    for way in reconciliation.candidates:
        remark = f"{'gives it' if way.gives else 'near it'}: {way.how}".rstrip(": ")
        yield "reported", way.rules, way.metric, way.category, way.value, None, None, remark


def _rows_of(standing: Standing) -> Iterator[tuple[Cell, ...]]:
    name = standing.rules.name
    if standing.result is None:
        yield "rules", name, "", "", None, None, None, standing.reason
        return
    remark = "" if standing.rules.shape == "box" else _by(standing.rules)
    for metric, value in standing.result.summary.items():
        yield "rules", name, metric, "", value, None, None, remark


def _sections(reconciliation: Reconciliation, *, per_class: bool) -> Iterator[Section]:
    if reconciliation.reported is not None:
        yield _asked(reconciliation)
    yield _standings(reconciliation)
    if per_class:
        yield _classes(reconciliation)
    yield _fall(reconciliation)
    if reconciliation.shapes:
        yield _shapes(reconciliation)
    yield _guesses(reconciliation)
    if reconciliation.notes:
        yield "Input", None, reconciliation.notes


def _standings(reconciliation: Reconciliation) -> Section:
    applied = [standing for standing in reconciliation.standings if standing.result is not None]
    rows = tuple(
        (
            standing.rules.name,
            TITLES[standing.rules.shape],
            *_headline(standing),
            _cell(standing.map50),
            _cell(standing.map50_95),
        )
        for standing in applied
    )
    why: dict[str, list[str]] = {}  # a reason that several share is said once
    for standing in reconciliation.standings:
        if standing.result is None:
            name = standing.rules.name
            reason = str(standing.reason).replace(f"rules {name} ", "")
            why.setdefault(reason, []).append(name)
    others = tuple(f"not applied: {', '.join(names)}: {reason}" for reason, names in why.items())
    columns = ("rules", "measures", "metric", "value", "mAP50", "mAP50-95")
    table = Table(columns, rows)
    if all(standing.rules.shape == "box" for standing in applied):
        table = table.select(*(name for name in columns if name != "measures"))
    return "The same files under every rule set", table, others


def _headline(standing: Standing) -> tuple[str, Cell]:
    """The first metric that the rules report."""
    assert standing.result is not None
    name, value = next(iter(standing.result.summary.items()))
    return name, _cell(value)


def _classes(reconciliation: Reconciliation) -> Section:
    """The headline metric of each class, a column a rule set with the same classes."""
    names = reconciliation.ground_truth.catalog.class_labels
    results = [
        standing.result
        for standing in reconciliation.standings
        if standing.result is not None and standing.result.class_names == names
    ]
    columns = [result.class_columns().get(next(iter(result.summary))) for result in results]
    shown = [(r, c) for r, c in zip(results, columns, strict=True) if c is not None]
    rows = tuple(
        (name, *(_cell(float(column[row])) for _, column in shown))
        for row, name in enumerate(names)
    )
    heads = tuple(result.rules.name for result, _ in shown)
    return "Their first metric by class", Table(("class", *heads), rows), ()


def _fall(reconciliation: Reconciliation) -> Section:
    fall = reconciliation.waterfall
    rows = tuple(
        (
            step.cause,
            step.changes,
            _signed(_rounded(step.after) - _rounded(step.before)),
            _cell(step.after),
            _signed(step.alone),
        )
        for step in fall.steps
    )
    whole = _signed(_rounded(fall.end) - _rounded(fall.start))
    heading = (
        f"AP from {fall.ours} {fall.start:.{DIGITS}f} to {fall.theirs} {fall.end:.{DIGITS}f}: "
        f"{whole}, a cause at a time, in this order"
    )
    if not rows:
        return heading, None, ("the two rule sets agree in every setting that AP depends on",)
    shared = [step.cause for step in fall.steps if step.shared and not step.excluded]
    lines = ["the other causes are the same in both"]
    if shared:
        lines.append(
            f"{', '.join(shared)}: alone, without the steps above, the amount is another one "
            "(last column); the difference is shared with those steps"
        )
    lines += [
        f"{step.cause}: cannot be alone ({step.excluded}), and comes behind what makes room for it"
        for step in fall.steps
        if step.excluded
    ]
    columns = ("cause", "changes", "amount", "AP then", "alone")
    return heading, Table(columns, rows), tuple(lines)


def _shapes(reconciliation: Reconciliation) -> Section:
    """The metrics of ours by each shape; those of recall stand in files alone."""
    own, *others = reconciliation.shapes
    names = [name for name in own.summary if name.startswith("AP")] or list(own.summary)
    rows = tuple(
        (one.measured, *(_cell(one.summary[name]) for name in names))
        for one in reconciliation.shapes
    )
    first = names[0]
    lines = [
        f"by {one.measured}, {first} is {_moved(one.summary[first] - own.summary[first])}"
        for one in others
        if one.rules.shape != own.rules.shape
    ]
    lines.append("a number by one shape says nothing of one by another: compare like with like")
    heading = f"What the shape changes, under {own.rules.name}"
    return heading, Table(("measured", *names), rows), tuple(dict.fromkeys(lines))


def _moved(amount: float) -> str:
    if math.isnan(amount):
        return "undefined"
    size = f"{abs(amount):.{DIGITS}f}"
    return "the same" if float(size) == 0 else f"{size} {'higher' if amount > 0 else 'lower'}"


def _by(rules: Rules) -> str:
    return f"measured by {measured_as(rules)}"


def _guesses(reconciliation: Reconciliation) -> Section:
    heading = "Mistakes that the detections may contain"
    if not reconciliation.suspicions:
        return (
            heading,
            None,
            (NOTHING.format(reconciliation.waterfall.ours),),
        )
    rows = tuple(
        (guess.name, _cell(guess.value), _signed(guess.raises), guess.cure)
        for guess in reconciliation.suspicions
    )
    columns = (
        "mistake",
        f"{reconciliation.waterfall.ours} AP without it",
        "raises it by",
        "what to do",
    )
    return heading, Table(columns, rows), ()


def _asked(reconciliation: Reconciliation) -> Section:
    assert reconciliation.reported is not None
    text = reconciliation.reported.text
    giving = [way for way in reconciliation.candidates if way.gives]
    digits = max(DIGITS, min(12, round(-math.log10(reconciliation.reported.unit)) + 1))
    rows = tuple(
        (way.rules, way.metric, printable(way.category or ""), _how(way), f"{way.value:.{digits}f}")
        for way in (giving or reconciliation.candidates)[:MOST]
    )
    columns = ("rules", "metric", "class", "how", "value")
    tried = counted(reconciliation.tried, "value was tried", "values were tried")
    if not giving:
        return f"Nothing gives {text}; the nearest", Table(columns, rows), (tried,)
    more = f", {len(giving) - MOST} more give it too (--json)" if len(giving) > MOST else ""
    lines = (f"{tried}{more}; the likeliest stands first",)
    return f"What gives {text}", Table(columns, rows), lines


def _how(way: Candidate) -> str:
    if way.low == way.high:
        return way.how
    ties = f"from {way.low:.10g} to {way.high:.10g} over the orders of equal scores"
    return f"{way.how}; {ties}" if way.how else ties


def _rounded(value: float) -> float:
    """As shown, so that the amounts that are shown add up to the difference that is shown."""
    return round(value, DIGITS)


def _signed(value: float) -> Cell:
    return None if math.isnan(value) else f"{round(value, DIGITS) + 0.0:+.{DIGITS}f}"


def _cell(value: float) -> Cell:
    return None if math.isnan(value) else value
