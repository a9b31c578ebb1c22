"""The options of every command that reads box files."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Sequence
from functools import reduce
from typing import TYPE_CHECKING, Any, Literal, TypeVar

import click
from click.core import ParameterSource

from detmetrics.cli.options import SIZE
from detmetrics.foundation.errors import DetmetricsWarning, InputError, PackageWarning
from detmetrics.foundation.messages import printable
from detmetrics.overlap.polygons.angles import ANGLES

if TYPE_CHECKING:
    from detmetrics.formats.reading import Reading

__all__ = [
    "AS_ERRORS",
    "UNKNOWN_CATEGORIES",
    "UNKNOWN_IMAGES",
    "heed_warnings",
    "reading_of",
    "reading_options",
    "refuse_unused",
    "refuse_warnings",
    "say_notes",
]

Command = TypeVar("Command", bound=Callable[..., Any])

OPTIONS = (
    click.option(
        "--gt-format",
        metavar="NAME",
        help="Format of the ground truth; recognized from content unless given.",
    ),
    click.option(
        "--det-format",
        metavar="NAME",
        help="Format of the detections; recognized from content unless given.",
    ),
    click.option(
        "--columns",
        multiple=True,
        metavar="TEXT",
        help="Order of columns in text files, as 'class score xmin ymin xmax ymax', with - for one "
        "to ignore, or names of columns in tables, as image=file,class=label. May be given twice.",
    ),
    click.option(
        "--class-names",
        metavar="FILE",
        help="Class names in the order of class numbers: one a line, or data.yaml.",
    ),
    click.option(
        "--class-numbers",
        type=click.Choice(["ids", "index0", "index1", "coco91", "names"]),
        help="What class numbers in the detections are, where it is not clear; names: numbers are "
        "names of classes, on both sides.",
    ),
    click.option(
        "--image-ids",
        type=click.Choice(["ids", "names"]),
        help="What image ids in the detections are, where it is not clear: ids of the ground "
        "truth, or file names (stems, or the numbers that these spell).",
    ),
    click.option(
        "--gt-coordinates",
        type=click.Choice(["pixels", "normalized"]),
        help="Unit of the boxes in the ground truth, where the format has the other one; "
        "normalized: parts of the width and height of the image.",
    ),
    click.option(
        "--det-coordinates",
        type=click.Choice(["pixels", "normalized"]),
        help="The same of the detections.",
    ),
    click.option(
        "--image-list",
        metavar="FILE",
        help="The images of the data set, those without objects too: one name per line, a table "
        "with a column of images, or a COCO file.",
    ),
    click.option(
        "--image-dir",
        metavar="DIR",
        help="Folder of the pictures: gives sizes, and images without objects.",
    ),
    click.option(
        "--image-sizes", metavar="FILE", help="CSV with image, width and height of all images."
    ),
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
    click.option(
        "--split",
        metavar="NAME",
        help="Split of the ground truth: val, train or test of a data.yaml, or a list of VOC's "
        "ImageSets/Main.",
    ),
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
        "--scores",
        type=click.Choice(["none"]),
        help="none: the detections have no scores (vision-language models), and are measured by "
        "what needs no order; scores that are there are left out.",
    ),
    click.option(
        "--pipe-limit",
        type=SIZE,
        default="1GiB",
        show_default=True,
        help="At most so much is read from a pipe, which may never end.",
    ),
    click.option(
        "--pixels",
        type=click.Choice(["continuous", "inclusive"]),
        default="continuous",
        show_default=True,
        help="Whether the last pixel of VOC corners counts: w = xmax - xmin, or + 1.",
    ),
    click.option(
        "--warnings",
        type=click.Choice(["show", "error"]),
        default="show",
        show_default=True,
        help="error: any warning ends the command with exit code 1, for CI.",
    ),
)
AS_ERRORS = "--warnings error: a warning ends the command"
MEANT_FOR = {
    "gt_coordinates": "ground truth of which the format has the other unit",
    "det_coordinates": "detections of which the format has the other unit",
    "class_names": "class numbers, or the order of classes, in formats that do not list them",
    "class_numbers": "class numbers in the detections",
    "columns": "text files without a header, and tables that have a column of this name",
    "angle": "angles of oriented boxes",
    "gt_angle": "angles of oriented boxes in the ground truth",
    "det_angle": "angles of oriented boxes in the detections",
    "split": "a data.yaml, or VOC annotations beside ImageSets/Main",
    "image_sizes": "images of unknown size, and images that the ground truth does not list",
    "pixels": "inclusive corners, as VOC has them",
}
"""How a side is read: each must decide something where it is given; policies need not."""

NAMES = (
    *("gt_format", "det_format", "columns", "class_names", "class_numbers", "image_ids"),
    *("image_list", "image_dir", "image_sizes", "hierarchy", "image_labels", "split", "pixels"),
    *("angle", "gt_angle", "det_angle", "decimal", "invalid_boxes"),
    *("gt_coordinates", "det_coordinates", "pipe_limit", "scores"),
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


def heed_warnings(options: dict[str, Any]) -> None:
    """Warnings of the library are errors where asked for; else notes say all of them."""
    action: Literal["error", "ignore"] = "error" if options["warnings"] == "error" else "ignore"
    warnings.simplefilter(action, DetmetricsWarning)
    if action == "ignore":  # of these no note tells
        warnings.simplefilter("default", PackageWarning)


def refuse_warnings(sentences: Sequence[str], options: dict[str, Any]) -> None:
    """End where there is a warning and warnings are errors.

    Raises:
        InputError: so it is.
    """
    if sentences and options["warnings"] == "error":
        raise InputError("\n".join((*sentences, AS_ERRORS)))


def refuse_unused(options: dict[str, Any]) -> None:
    """Refuse options on how files are read that were given and changed nothing.

    Raises:
        UsageError: there are some.
    """
    context = click.get_current_context()
    used = _used()
    for name, meaning in MEANT_FOR.items():
        given = context.get_parameter_source(name) is ParameterSource.COMMANDLINE
        pieces = _pieces(options["columns"]) if name == "columns" else [""]
        unused = [piece for piece in pieces if f"{name}{piece and ' '}{piece}" not in used]
        if given and unused:
            option = " ".join(filter(None, (f"--{name.replace('_', '-')}", printable(unused[0]))))
            raise click.UsageError(
                f"{option} has no effect on these files: it is for {meaning}. Fix: leave it out"
            )


def _pieces(columns: Iterable[str]) -> list[str]:
    """An order of columns as it is, and each name of a column of a table."""
    return [
        piece.strip()
        for text in columns
        for piece in (text.split(",") if "=" in text else [text])
        if piece.strip()
    ]


def _used() -> set[str]:
    """What readers of this command asked for; one set for both sides."""
    used: set[str] = click.get_current_context().meta.setdefault("detmetrics.used", set())
    return used


def say_notes(notes: Iterable[str], options: dict[str, Any]) -> None:
    """Print what readers noted to stderr, below the line that says how each side was read."""
    if not options["quiet"]:
        for note in notes:
            click.echo(printable(note), err=True)


def reading_of(options: dict[str, Any]) -> Reading:
    """The options as a reading that prints to stderr how each side was read."""
    from detmetrics.formats.reading import Reading

    asked = {name: options[name] for name in NAMES}
    if not options.get("quiet"):
        asked["on_message"] = lambda text: click.echo(text, err=True)
    return Reading(**asked, used=_used())
