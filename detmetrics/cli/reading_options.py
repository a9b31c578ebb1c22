"""The options of every command that reads box files."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import reduce
from typing import TYPE_CHECKING, Any, TypeVar

import click

from detmetrics.foundation.messages import printable
from detmetrics.overlap.polygons.angles import ANGLES

if TYPE_CHECKING:
    from detmetrics.formats.reading import Reading

__all__ = ["UNKNOWN_CATEGORIES", "UNKNOWN_IMAGES", "reading_of", "reading_options", "say_notes"]

Command = TypeVar("Command", bound=Callable[..., Any])

OPTIONS = (
    click.option(
        "--gt-format",
        metavar="NAME",
        help="Format of the ground truth; recognised from content unless given.",
    ),
    click.option(
        "--det-format",
        metavar="NAME",
        help="Format of the detections; recognised from content unless given.",
    ),
    click.option(
        "--columns",
        multiple=True,
        metavar="TEXT",
        help="Order of columns in text files, as 'class score xmin ymin xmax ymax', or names of "
        "columns in tables, as image=file,class=label. May be given twice.",
    ),
    click.option(
        "--class-names",
        metavar="FILE",
        help="Class names in the order of class numbers: one a line, or data.yaml.",
    ),
    click.option(
        "--class-numbers",
        type=click.Choice(["ids", "index0", "index1", "coco91"]),
        help="What class numbers in the detections are, where it is not clear.",
    ),
    click.option("--image-dir", metavar="DIR", help="Images, for their sizes."),
    click.option("--image-sizes", metavar="FILE", help="CSV with image, width and height."),
    click.option(
        "--hierarchy",
        metavar="FILE",
        help="Which classes are kinds of which (Open Images' JSON); objects count for all above.",
    ),
    click.option(
        "--image-labels",
        metavar="FILE",
        help="Which classes were looked for in which image (Open Images' CSV of image labels).",
    ),
    click.option("--part", metavar="NAME", help="Part of a YOLO data set: val, train or test."),
    click.option(
        "--angle",
        type=click.Choice(ANGLES),
        help="Unit and direction of the angles of oriented boxes, on both sides.",
    ),
    click.option(
        "--gt-angle", type=click.Choice(ANGLES), help="The same of the ground truth alone."
    ),
    click.option(
        "--det-angle", type=click.Choice(ANGLES), help="The same of the detections alone."
    ),
    click.option(
        "--decimal",
        type=click.Choice(["comma", "point"]),
        help="Decimal mark of the numbers in tables, where 1,250 may be either.",
    ),
    click.option(
        "--invalid-boxes",
        type=click.Choice(["error", "drop", "clip"]),
        help="Boxes of negative size or with a number that is not finite: refuse them, drop them, "
        "or cut all boxes to their image. Default: an error, but detections of negative size stay.",
    ),
    click.option(
        "--pixels",
        type=click.Choice(["continuous", "inclusive"]),
        default="continuous",
        show_default=True,
        help="Whether the last pixel of VOC corners counts: w = xmax - xmin, or + 1.",
    ),
)
NAMES = (
    *("gt_format", "det_format", "columns", "class_names", "class_numbers"),
    *("image_dir", "image_sizes", "hierarchy", "image_labels", "part", "pixels"),
    *("angle", "gt_angle", "det_angle", "decimal", "invalid_boxes"),
)


def _unknown(kind: str, what: str) -> Callable[[Command], Command]:
    return click.option(
        f"--unknown-{kind}",
        type=click.Choice(["error", "drop"]),
        default="error",
        show_default=True,
        help=f"Detections {what} that the ground truth lacks.",
    )


UNKNOWN_IMAGES = _unknown("images", "on images")
UNKNOWN_CATEGORIES = _unknown("categories", "of classes")


def reading_options(command: Command) -> Command:
    """Add the options to a command."""
    return reduce(lambda made, option: option(made), reversed(OPTIONS), command)


def say_notes(notes: Iterable[str], options: dict[str, Any]) -> None:
    """What readers noted goes to standard error, beside what each side is taken for."""
    if not options["quiet"]:
        for note in notes:
            click.echo(printable(note), err=True)


def reading_of(options: dict[str, Any]) -> Reading:
    """What was asked for; what each side is taken for goes to standard error."""
    from detmetrics.formats.reading import Reading

    asked = {name: options[name] for name in NAMES}
    if not options.get("quiet"):
        asked["on_message"] = lambda text: click.echo(text, err=True)
    return Reading(**asked)
