"""The options of commands that measure detections and then ask something of the result."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import reduce
from typing import TYPE_CHECKING, Any, TypeVar

import click

from detmetrics.cli.options import IMAGES, NAMES
from detmetrics.cli.progress_bar import Patience
from detmetrics.cli.reading_options import (
    UNKNOWN_CATEGORIES,
    UNKNOWN_IMAGES,
    reading_of,
    refuse_warnings,
)
from detmetrics.foundation.errors import RulesError
from detmetrics.foundation.messages import printable
from detmetrics.overlap import SHAPES

if TYPE_CHECKING:
    from detmetrics.evaluation.result import Evaluation
    from detmetrics.rules import Rules
    from detmetrics.tables import Detections, GroundTruth

__all__ = [
    "CI_OR_NOT",
    "CLASSES",
    "IMAGE_OPTIONS",
    "INTERVAL_OPTIONS",
    "MANY_INTERVALS",
    "ONLY_IMAGES",
    "OTHER_OPTIONS",
    "SHAPE",
    "added",
    "measured",
    "measured_alike",
    "measuring_options",
    "remark",
    "resampled",
    "rules_of",
]

Command = TypeVar("Command", bound=Callable[..., Any])

SHAPE = click.option(
    "--shape",
    type=click.Choice(["auto", *SHAPES]),
    default="auto",
    show_default=True,
    help="What overlap is measured of; auto: the shapes that both sides have, else boxes.",
)

ONLY_IMAGES = click.option(
    "--images",
    type=IMAGES,
    metavar="NAMES|FILE",
    help="Only these images, by id, file name or the end of a path, separated by commas; or a "
    "file that lists them, as detmetrics split writes it.",
)
IMAGE_OPTIONS = (
    ONLY_IMAGES,
    click.option(
        "--only-detected-images",
        is_flag=True,
        help="Only images with at least one detection, for detections of a part of the data set.",
    ),
)
CLASSES = click.option("--classes", type=NAMES, help="Only these classes, by name or id.")

OTHER_OPTIONS = (
    click.option(
        "--rules",
        metavar="NAME|FILE",
        help="What counts: a rule set (detmetrics rules lists them) or a TOML file of settings.  "
        "[default: coco; of DOTA's files dota]",
    ),
    SHAPE,
    CLASSES,
    UNKNOWN_IMAGES,
    UNKNOWN_CATEGORIES,
)


def resampled(count: int, why: str = "") -> tuple[Callable[[Any], Any], ...]:
    """The options of confidence intervals but for their level.

    count: of resamples; why: it is another one than elsewhere.
    """
    return (
        click.option(
            "--resamples",
            type=click.IntRange(min=2),
            default=count,
            show_default=True,
            help=f"Half-samples of the images{why}.",
        ),
        click.option(
            "--seed",
            type=click.IntRange(min=0),
            default=0,
            show_default=True,
            help="Random seed of the half-samples.",
        ),
    )


CI_OR_NOT = click.option(
    "--ci/--no-ci", default=True, show_default=True, help="Confidence intervals (95%)."
)
MANY_INTERVALS = 200, ", fewer than for one number, as many numbers have an interval"
INTERVAL_OPTIONS = (
    *resampled(1_000),
    click.option(
        "--level",
        type=click.FloatRange(0, 1, min_open=True, max_open=True),
        default=0.95,
        show_default=True,
        help="How often an interval holds the value on the population of images.",
    ),
)


def added(options: Sequence[Callable[[Any], Any]]) -> Callable[[Command], Command]:
    """Add options to a command, in this order."""
    return lambda command: reduce(lambda made, option: option(made), reversed(options), command)


def measuring_options(command: Command) -> Command:
    """Add the options to a command that has those of reading, too."""
    return added((*OTHER_OPTIONS, *IMAGE_OPTIONS))(command)


def rules_of(ground_truth: str, options: dict[str, Any]) -> Rules:
    """The rule set that was named, else that of the benchmark that the ground truth belongs to; of
    detections without scores what is left of it.

    Raises:
        UsageError: there is none of this name.
    """
    from detmetrics.formats.loading import benchmark_of
    from detmetrics.rules.toml import rule_set
    from detmetrics.rules.unscored import without_scores

    try:
        rules = rule_set(options["rules"] or benchmark_of(ground_truth, reading_of(options)))
    except RulesError as error:
        raise click.UsageError(str(error)) from None
    return without_scores(rules) if options["scores"] == "none" else rules


def measured(
    ground_truth: str | GroundTruth,
    detections: str | Detections,
    rules: Rules,
    options: dict[str, Any],
    patience: Patience,
) -> Evaluation:
    """The evaluation that the options ask for."""
    from detmetrics.evaluation.evaluation import evaluate

    result = evaluate(
        ground_truth,
        detections,
        rules,
        shape=options["shape"],
        images=options["images"],
        only_detected_images=options["only_detected_images"],
        classes=options["classes"],
        unknown_images=options["unknown_images"],
        unknown_categories=options["unknown_categories"],
        reading=reading_of(options),
        progress=patience,
    )
    refuse_warnings(result.warnings, options)
    return result


def measured_alike(
    ground_truth: GroundTruth,
    paths: Sequence[str],
    rules: Rules,
    options: dict[str, Any],
    patience: Patience,
) -> list[Evaluation]:
    """Several detections on the same images: where asked, those on which any of them has some."""
    given: Sequence[str | Detections] = paths
    if options["only_detected_images"] and len(paths) > 1:
        given, ids = _detected_by_any(ground_truth, paths, options, patience)
        options = {**options, "images": ids, "only_detected_images": False}
    return [measured(ground_truth, one, rules, options, patience) for one in given]


def _detected_by_any(
    ground_truth: GroundTruth, paths: Sequence[str], options: dict[str, Any], patience: Patience
) -> tuple[list[Detections], list[Any]]:
    """The tables, and the ids of the images that were chosen and that one of them has."""
    from detmetrics.formats.loading import read_detections
    from detmetrics.tables.choice import images_chosen

    tables = [
        read_detections(
            path,
            ground_truth,
            reading_of(options),
            unknown_images=options["unknown_images"],
            unknown_categories=options["unknown_categories"],
            progress=patience,
        )
        for path in paths
    ]
    marked = images_chosen(options["images"], ground_truth.catalog)
    seen = {row for table in tables for row in table.image.tolist()}
    ids = ground_truth.catalog.image_ids.tolist()
    return tables, [ids[row] for row in sorted(seen) if marked[row]]


def remark(result: Evaluation, options: dict[str, Any]) -> None:
    """Say on standard error what deserves attention."""
    if not options["quiet"]:
        for line in result.attention:
            click.echo(printable(line), err=True)
