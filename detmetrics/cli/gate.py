"""``detmetrics gate``."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from detmetrics.cli.exit_codes import BELOW_BOUND, UNDECIDED, exit_codes
from detmetrics.cli.measuring import (
    INTERVAL_OPTIONS,
    added,
    measured,
    measured_alike,
    measuring_options,
    remark,
    rules_of,
)
from detmetrics.cli.options import MARGIN, METRICS, MINIMUM
from detmetrics.cli.outputs import check_outputs, terminal_width, write_together
from detmetrics.cli.progress_bar import Patience
from detmetrics.cli.reading_options import heed_warnings, reading_of, reading_options, refuse_unused
from detmetrics.cli.roles import ROLE_OPTIONS, check_role, look_at
from detmetrics.cli.slices import SLICE_OPTIONS, WAYS, attribute_of, check_by, slicing
from detmetrics.foundation.errors import FormatError, InputError
from detmetrics.foundation.messages import counted, in_bytes, printable

if TYPE_CHECKING:
    from detmetrics.analysis.gating.baseline import Baseline
    from detmetrics.analysis.gating.gate_files import GateFile
    from detmetrics.analysis.gating.records import Gate
    from detmetrics.evaluation.result import Evaluation
    from detmetrics.rules import Rules

__all__ = ["gate"]

EXAMPLES = f"""\b
Examples:
  detmetrics gate --save baseline.detm val.json released.json
  detmetrics gate val.json baseline.detm candidate.json
  detmetrics gate val.json released.json candidate.json --margin AP=0.005 --floor AP=0.40
  detmetrics gate val.json baseline.detm candidate.json --per-class --fail-undecided
  detmetrics gate val.json baseline.detm candidate.json --config gate.toml --junit gate.xml
  detmetrics gate --config gate.toml --show-config

{exit_codes(BELOW_BOUND, UNDECIDED)}
"""
VIEWS = ("json_file", "markdown_file", "junit_file")
MEASURED = ("rules", "images", "classes")


@click.command(epilog=EXAMPLES)
@click.argument("ground_truth", required=False)
@click.argument("baseline", required=False)
@click.argument("candidates", nargs=-1)
@click.option("--save", "save_file", metavar="FILE", help="Write the detections as a baseline.")
@click.option("--config", metavar="FILE", help="Settings of the gate (gate.toml).")
@click.option("--show-config", is_flag=True, help="Print all settings as gate.toml and stop.")
@click.option("--metrics", type=METRICS, help="Those that can fail the gate.  [default: all]")
@click.option(
    "--margin",
    "margins",
    type=MARGIN,
    multiple=True,
    help="Loss that is allowed, of a metric (AP=0.005) or of all (0.005).  [default: 0]",
)
@click.option(
    "--floor",
    "floors",
    type=MINIMUM,
    multiple=True,
    help="Value that a metric must reach; where lower is better, that it must not exceed.",
)
@click.option(
    "--floor-on",
    type=click.Choice(["value", "lower"]),
    help="What floors test: the value, or the lower end of its interval.  [default: value]",
)
@click.option("--per-class", is_flag=True, help="A line for each class, of the first metric.")
@added(SLICE_OPTIONS)
@click.option(
    "--fail-undecided", is_flag=True, help="Exit with 5 where a line cannot tell; else with 0."
)
@added(INTERVAL_OPTIONS)
@added(ROLE_OPTIONS)
@click.option("--json", "json_file", metavar="FILE|-", help="Write everything as JSON.")
@click.option("--markdown", "markdown_file", metavar="FILE|-", help="Write it for a pull request.")
@click.option("--junit", "junit_file", metavar="FILE|-", help="Write JUnit XML for a CI system.")
@measuring_options
@reading_options
@click.option("--quiet", "-q", is_flag=True, help="Nothing on standard error but errors.")
def gate(
    ground_truth: str | None, baseline: str | None, candidates: Sequence[str], **options: Any
) -> None:
    """Say whether CANDIDATES may ship: not worse than BASELINE on GROUND_TRUTH.

    BASELINE is detections, or a file that --save wrote. Every metric gets a verdict: better, not
    worse, worse, or cannot tell, and then how many images would settle it.
    """
    asked = _asked(options)
    if options["show_config"]:
        from detmetrics.analysis.gating.gate_files import gate_toml

        click.echo(gate_toml(asked), nl=False)
        return
    check_role(options)
    paths = _checked(ground_truth, baseline, candidates, options)
    options |= {name: getattr(asked, name) for name in MEASURED}
    if options["save_file"]:
        _save(paths[0], paths[1], options)
        return
    _gate(paths[0], paths[1:], asked, options)


def _gate(
    ground_truth: str, paths: Sequence[str], asked: GateFile, options: dict[str, Any]
) -> None:
    from detmetrics.analysis.gating.release_gate import gate as run

    rules = rules_of(ground_truth, options)
    _check_metrics(asked, rules, options)
    heed_warnings(options)
    with Patience(quiet=options["quiet"]) as patience:
        kept, found = _measured(ground_truth, paths, rules, options, patience)
        attribute = attribute_of(ground_truth, found[0], options) if slicing(options) else None
        refuse_unused(options)
        with _named(options["config"]):
            gate = run(
                kept or found[0],
                found if kept else found[1:],
                asked.settings,
                slices=None if attribute is None else attribute.values,
                slices_by=attribute.name if attribute else "attribute",
                progress=patience,
            )
    baseline = [(kept.name, kept.sha256)] if kept and kept.sha256 else []
    if warning := look_at(found, options, baseline):
        gate = replace(gate, notes=(warning, *gate.notes))
    for note in attribute.notes if attribute and not options["quiet"] else ():
        click.echo(printable(note), err=True)
    write_together(_outputs(gate, asked, options), options)
    _exit(gate, options)


@contextmanager
def _named(config: str | None) -> Iterator[None]:
    """Put the settings file in front of errors about settings."""
    try:
        yield
    except InputError as error:
        if config is None or not str(error).startswith(("margins:", "floors:", "metrics:")):
            raise
        raise InputError(f"{config}: {error}") from None


def _measured(
    ground_truth: str,
    paths: Sequence[str],
    rules: Rules,
    options: dict[str, Any],
    patience: Patience,
) -> tuple[Baseline | None, list[Evaluation]]:
    """What a baseline file holds, where the first is one, and the results of all others."""
    from detmetrics.analysis.gating.baseline import is_baseline, read_baseline
    from detmetrics.formats.loading import read_ground_truth

    kept = read_baseline(paths[0]) if is_baseline(paths[0]) else None
    for path in paths[1:]:
        if is_baseline(path):
            fault = "expected detections as a candidate, got a baseline file"
            cure = "a baseline comes first: detmetrics gate GROUND_TRUTH BASELINE CANDIDATE"
            raise FormatError(path, [f"{fault}; {cure}"])
    table = read_ground_truth(ground_truth, reading_of(options), progress=patience)
    measured = paths[1:] if kept else paths
    return kept, measured_alike(table, measured, rules, options, patience)


def _check_metrics(asked: GateFile, rules: Rules, options: dict[str, Any]) -> None:
    """Refuse metrics that the rules do not have, before anything is read.

    Raises:
        UsageError: options name some; InputError: the file does.
    """
    from detmetrics.metrics.summary import metrics_of

    try:
        asked.settings.require_known("metrics", [one.name for one in metrics_of(rules)])
    except InputError as error:
        if options["config"]:
            raise InputError(f"{options['config']}: {error}") from None
        raise click.UsageError(str(error)) from None


def _exit(gate: Gate, options: dict[str, Any]) -> None:
    """Say what fails where the text is elsewhere, and end with the code for it."""
    said_elsewhere = any(options[view] == "-" for view in VIEWS)
    if gate.outcome != "pass" and said_elsewhere and not options["quiet"]:
        for one in gate.candidates:
            click.echo(printable(f"{one.name}: {one.conclusion}"), err=True)
    if gate.outcome == "fail":
        sys.exit(BELOW_BOUND)
    if not gate.passes:
        sys.exit(UNDECIDED)


def _save(ground_truth: str, detections: str, options: dict[str, Any]) -> None:
    from detmetrics.analysis.gating.baseline import baseline_bytes
    from detmetrics.foundation.outputs import write_whole

    rules = rules_of(ground_truth, options)
    heed_warnings(options)
    with Patience(quiet=options["quiet"]) as patience:
        result = measured(ground_truth, detections, rules, options, patience)
        refuse_unused(options)
    remark(result, options)
    data = baseline_bytes(result)
    write_whole({options["save_file"]: data})
    if not options["quiet"]:
        found = counted(len(result.detections), "detection")
        images = counted(result.counts["images"], "image")
        told = f"{options['save_file']}: {found} on {images}, {in_bytes(len(data))}"
        click.echo(printable(told), err=True)


def _checked(
    ground_truth: str | None,
    baseline: str | None,
    candidates: Sequence[str],
    options: dict[str, Any],
) -> tuple[str, ...]:
    """The paths, where they are as many as are needed and nothing is written over one.

    Raises:
        UsageError: they are not, or options contradict one another.
    """
    paths = tuple(path for path in (ground_truth, baseline, *candidates) if path is not None)
    if options["save_file"] is not None:
        _check_saving(paths)
    elif len(paths) < 3:
        raise click.UsageError("expected GROUND_TRUTH, BASELINE and at least one CANDIDATE")
    if paths.count("-") > 1:
        raise click.UsageError("standard input can be one of the files, not more")
    for path in (*paths[1:], *([options["config"]] if options["config"] else [])):
        check_outputs(paths[0], path, options)
    if slicing(options):
        check_by(paths[0], options)
    return paths


def _check_saving(paths: Sequence[str]) -> None:
    """Refuse more than one set of detections, and what only a gate heeds.

    Raises:
        UsageError: there is some.
    """
    if len(paths) != 2:
        raise click.UsageError("--save FILE takes GROUND_TRUTH and DETECTIONS, and nothing else")
    for name in (*SET, *VIEWS, "margins", "floors", *WAYS, "slices_bins", "role", "ledger_file"):
        if _given(name):
            option = _spelled(name)
            raise click.UsageError(f"{option} has no effect with --save. Fix: leave it out")


def _spelled(name: str) -> str:
    """The option that sets a parameter."""
    params = click.get_current_context().command.params
    return next(param.opts[0] for param in params if param.name == name)


def _asked(options: dict[str, Any]) -> GateFile:
    """The settings of the file, and those that the options set in their place."""
    from detmetrics.analysis.gating.gate_files import GateFile, read_gate_file

    file = read_gate_file(options["config"]) if options["config"] else GateFile()
    changes = {name: options[name] for name in SET if _given(name)}
    try:
        settings = replace(file.settings, **changes, **_bounds(file, options))
    except InputError as error:
        raise click.UsageError(str(error)) from None
    told = {name: options[name] for name in MEASURED if options[name] is not None}
    return replace(file, settings=settings, **told)


SET = ("metrics", "floor_on", "per_class", "fail_undecided", "resamples", "level", "seed")


def _given(name: str) -> bool:
    source = click.get_current_context().get_parameter_source(name)
    return source is ParameterSource.COMMANDLINE


def _bounds(file: GateFile, options: dict[str, Any]) -> dict[str, Any]:
    """Margins and floors with those that the options name."""
    margins, floors = dict(options["margins"]), dict(options["floors"])
    own, least = file.settings.own_margins, file.settings.own_floors
    every = margins.pop("", own.every)
    return {
        "margins": replace(own, every=every, metrics={**own.metrics, **margins}),
        "floors": replace(least, metrics={**least.metrics, **floors}),
    }


def _outputs(gate: Gate, asked: GateFile, options: dict[str, Any]) -> dict[str, str]:
    """What was asked for, by path; the text where nothing else takes standard output."""
    from detmetrics.reports.gate import to_json, to_markdown, to_text
    from detmetrics.reports.junit import to_junit

    outputs = {}
    if path := options["json_file"]:
        outputs[path] = to_json(gate, asked)
    if path := options["markdown_file"]:
        outputs[path] = to_markdown(gate)
    if path := options["junit_file"]:
        outputs[path] = to_junit(gate)
    if "-" not in outputs:
        outputs["-"] = to_text(gate, terminal_width())
    return outputs
