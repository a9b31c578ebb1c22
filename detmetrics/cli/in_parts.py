"""The options of ``detmetrics evaluate --in-parts``."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from detmetrics.cli.options import NAMES
from detmetrics.cli.progress_bar import Patience
from detmetrics.cli.reading_options import reading_of, refuse_warnings
from detmetrics.foundation.memory import spare_address_space
from detmetrics.foundation.messages import counted, in_bytes, printable

if TYPE_CHECKING:
    from detmetrics.analysis.bootstrap import Intervals
    from detmetrics.parts.result import PartsEvaluation
    from detmetrics.rules import Rules

__all__ = ["PARTS_OPTIONS", "check_parts", "first_part", "intervals_in_parts", "measured_in_parts"]

PARTS_OPTIONS = (
    click.option(
        "--in-parts",
        is_flag=True,
        help="Both arguments are folders of parts that have the same names, such as detmetrics "
        "partition writes them. Evaluates one part at a time, in the memory of one part.",
    ),
    click.option(
        "--state",
        metavar="DIR",
        help="With --in-parts: a folder for finished parts. A stopped run resumes from it.",
    ),
    click.option(
        "--workers",
        type=click.IntRange(min=1),
        default=1,
        show_default=True,
        help="With --in-parts: the number of processes.",
    ),
    click.option(
        "--engine",
        type=click.Choice(["processes", "dask", "ray"]),
        help="With --in-parts: where the work is done.  [default: this process, or --workers "
        "processes]",
    ),
    click.option(
        "--address",
        metavar="ADDRESS",
        help="With --engine: the cluster to use, such as tcp://head:8786 of Dask or auto of Ray. "
        "Without it, --workers workers are started on this machine.",
    ),
    click.option(
        "--class-list",
        type=NAMES,
        metavar="NAMES|FILE",
        help="With --in-parts: all classes of the data set, by name or id, where a part lacks "
        "objects of some.",
    ),
    click.option(
        "--clean-state",
        is_flag=True,
        help="With --in-parts: when done, delete from the state what this data set does not use.",
    ),
)

ONLY_IN_PARTS = ("state", "workers", "engine", "address", "class_list", "clean_state")
REFUSED = {
    "images": "parts are evaluated whole. Fix: detmetrics partition --images",
    "only_detected_images": "a part without detections would be left out in silence. Fix: leave "
    "it out, or partition the images that were evaluated (detmetrics partition --images)",
    "crosscheck": "pycocotools needs all detections in one process. Fix: cross-check one part "
    "(detmetrics evaluate GT/PART DETECTIONS/PART --crosscheck)",
    "role": "a ledger records one file per side. Fix: leave it out",
    "scores": "detections without scores have no order over parts. Fix: evaluate all images at "
    "once",
}
"""What needs all images at once, and what to do instead."""


def check_parts(ground_truth: str, detections: str, options: dict[str, Any]) -> None:
    """Refuse what does not go together with ``--in-parts``, or only with it.

    Raises:
        UsageError: so it is.
    """
    if not options["in_parts"]:
        for name in filter(_given, ONLY_IN_PARTS):
            raise click.UsageError(f"{_option(name)} needs --in-parts")
        return
    if "-" in (ground_truth, detections):
        raise click.UsageError("--in-parts takes folders of parts, not standard input")
    if options["state"] is None:
        raise click.UsageError("--in-parts needs --state DIR, a folder for finished parts")
    if options["address"] and options["engine"] not in ("dask", "ray"):
        raise click.UsageError("--address needs --engine dask or ray")
    for name, why in REFUSED.items():
        if options[name]:
            raise click.UsageError(f"{_option(name)} is not available with --in-parts: {why}")
    _check_targets(options)


def _check_targets(options: dict[str, Any]) -> None:
    """Refuse results that could not be written, before hours of work.

    Raises:
        UsageError: so it is.
    """
    for path in (options["json_file"], options["csv_file"], options["markdown_file"]):
        if path in (None, "-"):
            continue
        folder = os.path.dirname(os.path.abspath(path))
        if not (os.path.isdir(folder) and os.access(folder, os.W_OK)):
            raise click.UsageError(f"{path}: its folder cannot be written to")


def first_part(ground_truth: str, detections: str) -> str:
    """The ground truth of the first part.

    Raises:
        FormatError: there are no parts.
    """
    from detmetrics.parts.folders import parts_in
    from detmetrics.parts.storage import absolute

    return parts_in(absolute(ground_truth), absolute(detections))[0].ground_truth


def _given(name: str) -> bool:
    source = click.get_current_context().get_parameter_source(name)
    return source is ParameterSource.COMMANDLINE


def _option(name: str) -> str:
    return f"--{name.replace('_', '-')}"


def measured_in_parts(
    ground_truth: str,
    detections: str,
    rules: Rules,
    options: dict[str, Any],
) -> PartsEvaluation:
    """The evaluation of two folders of parts. Prints to stderr how many parts were matched, and how
    much memory that took.
    """
    from detmetrics.parts.evaluation import evaluate_parts
    from detmetrics.rules import COCO

    spare_address_space()  # before anything reads Parquet
    # Of a command that is stopped Python would say that it had not put away its semaphores.
    sys.warnoptions.append("ignore:resource_tracker")

    if options["ci"]:
        _require_enough(ground_truth, detections)
    asked = None if rules == COCO and not options["rules"] else rules  # a part may decide them
    reading = reading_of({**options, "image_list": None})
    with Patience(quiet=options["quiet"], time_left=True) as patience:
        result = evaluate_parts(
            ground_truth,
            detections,
            asked,
            state=options["state"],
            workers=options["workers"],
            engine=options["engine"],
            address=options["address"],
            shape=options["shape"],
            class_list=options["class_list"],
            image_list=options["image_list"],
            classes=options["classes"],
            unknown_images=options["unknown_images"],
            unknown_categories=options["unknown_categories"],
            reading=reading,
            progress=patience,
        )
    refuse_warnings(result.warnings, options)
    removed = result.clean_state() if options["clean_state"] else None
    if not options["quiet"]:
        click.echo(_done(result, options), err=True)
        if removed is not None:
            files = counted(removed.files, "file")
            click.echo(f"state: deleted {files}, {in_bytes(removed.size)}", err=True)
    return result


def _require_enough(ground_truth: str, detections: str) -> None:
    """Refuse intervals before hours of work where there are too few parts for them.

    Raises:
        FormatError: there are no parts.
        InputError: too few.
    """
    from detmetrics.analysis.parts_spread import require_parts
    from detmetrics.parts.folders import parts_in
    from detmetrics.parts.storage import absolute

    require_parts(len(parts_in(absolute(ground_truth), absolute(detections))))


def intervals_in_parts(result: PartsEvaluation, options: dict[str, Any]) -> Intervals:
    """Confidence intervals from halves of the parts."""
    from detmetrics.analysis.parts_spread import RESAMPLES, part_intervals

    with Patience(quiet=options["quiet"], time_left=True) as patience:
        return part_intervals(
            result,
            options["resamples"] if _given("resamples") else RESAMPLES,
            options["level"],
            options["seed"],
            per_class=bool(options["per_class"] or options["csv_file"]),
            workers=options["workers"],
            engine=options["engine"],
            address=options["address"],
            progress=patience,
        )


def _done(result: PartsEvaluation, options: dict[str, Any]) -> str:
    parts, fresh = len(result.parts), len(result.fresh)
    alone = options["workers"] == 1 and options["engine"] is None
    workers = "" if alone else " of a worker"
    peak = f"; peak memory{workers} {in_bytes(result.peak)}" if result.peak else ""
    state = printable(options["state"])
    return (
        f"{counted(parts, 'part')}: {parts - fresh:,} from the state ({state}), {fresh:,} matched"
        f"{peak}"
    )
