"""Views of a gate: for a terminal, for machines, and for a pull request."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator, Sequence

from detmetrics.analysis.gating.gate_files import GateFile, gate_toml
from detmetrics.analysis.gating.records import Gate, GateCandidate, GateFloor, GateLine
from detmetrics.reports.markdown import escaped, table_rows
from detmetrics.reports.sections import Section, sections_as_text
from detmetrics.reports.tables import Cell, Table

__all__ = ["attention_of", "to_json", "to_markdown", "to_text"]

COLUMNS = ("baseline", "candidate", "difference", "low", "high", "margin", "verdict")
UNDECIDED_PASSES = "a line that cannot tell does not fail the gate; with --fail-undecided it would"


def to_text(gate: Gate, width: int | None = None) -> str:
    """Each candidate with its lines and floors; width: characters a line, 100 or this."""
    return sections_as_text(_sections(gate), width)


def to_json(gate: Gate, asked: GateFile | None = None) -> str:
    """JSON with sorted keys and numbers at full precision; undefined is null.

    asked: the settings as they were given, which ``"gate_toml"`` then prints back.
    """
    document = gate.to_dict()
    if asked is not None:
        document["gate_toml"] = gate_toml(asked)
    return json.dumps(document, indent=2, sort_keys=True, allow_nan=False) + "\n"


def to_markdown(gate: Gate) -> str:
    """For a pull request: verdicts, metrics and what fails, the classes that lost most."""
    parts = []
    for one in gate.candidates:
        parts.append(f"### {MARKS[one.outcome]} {escaped(one.name)}")
        parts.append(f"against {escaped(gate.reference)}: {escaped(one.conclusion)}")
        lines = [line for line in one.lines if line.scope == "all" or _matters(line)]
        parts.append("\n".join(table_rows(_table(lines))))
        parts += [f"- {escaped(floor.reason)}" for floor in one.floors if not floor.holds]
        if one.worst_classes:
            parts.append(escaped(_losses(one)))
    parts += [f"> {escaped(text)}" for text in attention_of(gate)]
    parts.append(f"<sub>{escaped(gate.words)}; `{gate.signature}`</sub>")
    if _undecided_passes(gate):
        parts.append(f"<sub>{escaped(UNDECIDED_PASSES)}</sub>")
    return "\n\n".join(parts) + "\n"


MARKS = {"pass": "Pass:", "fail": "Fail:", "cannot tell": "Cannot tell:"}


def _matters(line: GateLine) -> bool:
    return line.verdict in ("worse", "cannot tell")


def _sections(gate: Gate) -> Iterator[Section]:
    for one in gate.candidates:
        heading = f"{one.name} against {gate.reference}"
        lines = [one.conclusion, *([_losses(one)] if one.worst_classes else [])]
        yield heading, _table(one.lines), tuple(lines)
        if one.floors:
            yield "Floors", _floors(one.floors), ()
    about = [gate.words, gate.signature]
    if _undecided_passes(gate):
        about.append(UNDECIDED_PASSES)
    yield f"Gate: {gate.outcome}", None, tuple(about)
    if attention := [*attention_of(gate)]:
        yield "Attention", None, tuple(attention)


def _undecided_passes(gate: Gate) -> bool:
    return gate.outcome == "cannot tell" and gate.passes


def attention_of(gate: Gate) -> Iterator[str]:
    """What a reader of the numbers should know, of the baseline and of each candidate."""
    yield from gate.notes
    for one in gate.candidates:
        own = f"{one.name}: " if len(gate.candidates) > 1 else "candidate: "
        yield from (f"{own}{text}" for text in one.attention)


def _table(lines: Sequence[GateLine]) -> Table:
    """A row a line; how many images would settle it only where a line is open."""
    rows = [_row(line) for line in lines]
    if not any(line.verdict == "cannot tell" for line in lines):
        return Table(("line", *COLUMNS), tuple(rows))
    settled = [_settled(line) for line in lines]
    return Table(
        ("line", *COLUMNS, "settled by"),
        tuple((*row, more) for row, more in zip(rows, settled, strict=True)),
    )


def _settled(line: GateLine) -> str:
    if line.verdict != "cannot tell":
        return ""
    known = line.images_to_settle is not None
    return f"{line.images_to_settle:,} images" if known else "no number"


def _row(line: GateLine) -> tuple[Cell, ...]:
    values = (line.baseline, line.candidate)
    signed = (line.difference, line.low, line.high)
    return (
        line.title,
        *(None if math.isnan(value) else value for value in values),
        *(None if math.isnan(value) else f"{value:+.4f}" for value in signed),
        f"{line.margin:g}",
        line.verdict,
    )


def _floors(floors: Iterable[GateFloor]) -> Table:
    rows = tuple(
        (
            floor.title,
            floor.on,
            None if math.isnan(floor.tested) else floor.tested,
            floor.floor,
            "reached" if floor.holds else "not reached",
        )
        for floor in floors
    )
    return Table(("line", "of", "tested", "floor", "verdict"), rows)


def _losses(one: GateCandidate) -> str:
    metric = one.lines[0].metric
    told = (f"{name} {b - a:+.4f} ({a:.4f} to {b:.4f})" for name, a, b in one.worst_classes)
    return f"classes with the largest loss of {metric}: {', '.join(told)}"
