"""Tables with a heading: which column is what, by the names in use."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from detmetrics.formats.lines.column_names import CENTRES, CORNERS, SIDES
from detmetrics.foundation.errors import FormatError
from detmetrics.foundation.messages import shown
from detmetrics.tables.box_columns import BoxColumns
from detmetrics.tables.columns import BoxFormat

__all__ = ["OUTLINES", "Heading", "find_columns", "image_column", "refuse_two_scores"]

# What a column is called, by what it holds; in lower case, without _ and spaces.
NAMES: Mapping[str, tuple[str, ...]] = {
    "image": (
        *("image", "imageid", "filename", "file", "img", "imgid", "path", "imagepath"),
        *("imagename", "imgname", "filepath", "imagefile"),
    ),
    "class": ("class", "label", "category", "labelname", "classname", "categoryname", "name"),
    "number": ("classid", "categoryid", "labelid", "cls", "clsid", "classindex"),
    "score": ("score", "confidence", "conf", "probability", "prob"),
    "xmin": ("xmin", "x1", "left", "xtl"),
    "ymin": ("ymin", "y1", "top", "ytl"),
    "xmax": ("xmax", "x2", "right", "xbr"),
    "ymax": ("ymax", "y2", "bottom", "ybr"),
    "cx": ("cx", "xc", "xcenter", "xcentre", "centerx", "centrex"),
    "cy": ("cy", "yc", "ycenter", "ycentre", "centery", "centrey"),
    "x": ("x", "bboxx"),
    "y": ("y", "bboxy"),
    "w": ("w", "width", "bboxwidth", "bboxw", "boxwidth"),
    "h": ("h", "height", "bboxheight", "bboxh", "boxheight"),
    **{f"{axis}{number}": (f"{axis}{number}",) for number in "1234" for axis in "xy"},
    "angle": ("angle", "theta", "rotation"),
    "polygon": ("polygon", "poly"),
    "segmentation": ("segmentation", "segm"),
    "area": ("area",),
    "crowd": ("crowd", "iscrowd", "isgroupof", "groupof"),
    "ignore": ("ignore", "isignore"),
    "difficult": ("difficult", "isdifficult"),
    "visibility": ("visibility", "visratio", "visible"),
    "occlusion": ("occlusion", "occluded"),
    "truncation": ("truncation", "truncated"),
    "id": ("id", "annotationid", "annid"),
    "image_width": ("imagewidth", "imgwidth", "imwidth"),
    "image_height": ("imageheight", "imgheight", "imheight"),
}
FOUR = tuple(f"{axis}{number}" for number in "1234" for axis in "xy")
"""Columns of four corners; some count them from 0."""
FROM_ZERO = tuple(f"{axis}{number}" for number in "0123" for axis in "xy")
OUTLINES = ("polygon", "segmentation")
NO_BOX = (
    "no columns for a box: xmin ymin xmax ymax, x y w h, cx cy w h, cx cy w h angle or "
    "x1 y1 x2 y2 x3 y3 x4 y4"
)
FORMS: tuple[tuple[tuple[str, ...], BoxFormat], ...] = (
    (CORNERS, "xyxy"),
    (CENTRES, "cxcywh"),
    (SIDES, "xywh"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Heading:
    """What the columns of a table hold.

    column: name in the file by what it is; box_format: None where shapes have no box beside them;
    shape: ``corners``, ``angle``, ``polygon`` or ``segmentation``, None where boxes are all;
    doubt: what must be said before the boxes can be read; note: what must be said of them;
    classes: columns that may name the class, where there are several and none was asked for.
    """

    column: Mapping[str, str]
    box_format: BoxFormat | None
    shape: str | None = None
    doubt: str | None = None
    note: str | None = None
    classes: tuple[str, ...] = ()

    @property
    def columns(self) -> tuple[str, ...]:
        """All columns to read."""
        return tuple(dict.fromkeys((*self.column.values(), *self.classes)))

    @property
    def box_names(self) -> tuple[str, ...]:
        """What the four numbers of a box are, in order."""
        return next((names for names, form in FORMS if form == self.box_format), ())

    def box_columns(self, relative: bool) -> BoxColumns | None:
        """How other columns would be named; None where boxes stand beside shapes."""
        if self.box_format is None or self.shape is not None:
            return None
        names = tuple(self.column[name] for name in self.box_names)
        return BoxColumns(self.box_format, names, relative=relative)

    @property
    def place_names(self) -> tuple[str, ...]:
        """The columns that say where an object is."""
        shape = {None: (), "corners": FOUR}.get(self.shape, (self.shape,))
        return (*self.box_names, *shape)


def find_columns(
    names: Sequence[str], asked: str | Sequence[str] = ()
) -> tuple[Heading | None, str]:
    """The heading that names allow, or None and what is missing.

    asked: ``"image=file,class=label"``, which comes before the names in use.

    Raises:
        FormatError: what was asked for is not there.
    """
    # What was asked for, then the names in use, then what these mean together: "x1 y1" are a corner
    # of four where "x4 y4" are there, and "width" is the image's where boxes are corners.
    wanted = _asked(names, asked)
    column = {**_usual(names, asked), **wanted}
    if "number" in wanted and "class" not in wanted:
        column.pop("class", None)
    column, shape = _shape(column, names)
    forms = sorted(FORMS, key=lambda known: not set(known[0]) & wanted.keys())  # asked for first
    form = next((form for parts, form in forms if set(parts) <= column.keys()), None)
    if form is None and shape in (None, "angle"):
        return None, NO_BOX
    doubt = note = None
    if shape == "angle" and form != "cxcywh":
        note = _angle_note(column, form)
        shape, doubt = None, _angle_doubt(column, form, wanted)
    if form in (None, "xyxy"):  # then width and height are those of the image
        sides = {"image_width": ("w", "width"), "image_height": ("h", "height")}
        column = {
            what: column[side]
            for what, (side, name) in sides.items()
            if column.get(side, "").strip().lower() == name
        } | column
    if "image" not in column:
        return None, "no column for image"
    if not {"class", "number"} & column.keys():
        return None, "no column for class"
    classes = _class_columns(names, column) if not {"class", "number"} & wanted.keys() else ()
    heading = Heading(
        column=column, box_format=form, shape=shape, doubt=doubt, note=note, classes=classes
    )
    return heading, ""


def _class_columns(names: Sequence[str], column: Mapping[str, str]) -> tuple[str, ...]:
    """The columns that may name the class, in the order of the names in use."""
    plain = {_plain(name): name for name in reversed(names)}
    found = [plain[known] for known in NAMES["class"] if known in plain]
    taken = {name for what, name in column.items() if what != "class"}
    classes = tuple(name for name in found if name not in taken)
    return classes if len(classes) > 1 else ()


def _shape(column: dict[str, str], names: Sequence[str]) -> tuple[dict[str, str], str | None]:
    """Which columns hold shapes; corners are no longer taken for those of an upright box."""
    plain = {_plain(name): name for name in reversed(names)}
    if "x4" not in plain and set(FROM_ZERO) <= plain.keys():
        column = column | {what: plain[name] for what, name in zip(FOUR, FROM_ZERO, strict=True)}
    shape = "corners" if set(FOUR) <= column.keys() else None
    if shape:
        taken = {column[what] for what in FOUR}
        column = {what: name for what, name in column.items() if what in FOUR or name not in taken}
    shape = shape or next((what for what in (*OUTLINES, "angle") if what in column), None)
    spare = {*FOUR, *OUTLINES, "angle"} - {*(FOUR if shape == "corners" else (shape,))}
    return {what: name for what, name in column.items() if what not in spare}, shape


def _angle_note(column: Mapping[str, str], form: BoxFormat | None) -> str | None:
    if form != "xyxy":
        return None
    return f"the column {shown(column['angle'])} stands beside corners: boxes are upright"


def _angle_doubt(
    column: dict[str, str], form: BoxFormat | None, wanted: Mapping[str, str]
) -> str | None:
    """That x and y beside an angle may be a centre or a corner, where nobody says which."""
    angle = column.pop("angle")
    if form != "xywh" or {*SIDES} <= wanted.keys():
        return None
    x, y, w, h = (column[what] for what in SIDES)
    return (
        f"the column {shown(angle)} stands beside {x} {y}, which may be a centre or a corner: say "
        f"--columns cx={x},cy={y} for oriented boxes, or --columns x={x},y={y},w={w},h={h} for "
        "upright ones"
    )


def image_column(names: Sequence[str], asked: str | Sequence[str] = ()) -> str | None:
    """The column that names the image, in a table that need not have boxes.

    >>> image_column(["weather", "file_name"])
    'file_name'
    """
    return (_usual(names, asked) | _asked(names, asked)).get("image")


def refuse_two_scores(names: Sequence[str], asked: str | Sequence[str]) -> None:
    """Refuse a table of which two columns may be the score, where nobody says which.

    Raises:
        FormatError: there are two.
    """
    if "score" in _asked(names, asked):
        return
    found = [name for name in names if _plain(name) in NAMES["score"]]
    if len(found) > 1:
        raise FormatError(
            "--columns",
            [f"two columns may be the score, {' and '.join(found)}: say which, score={found[0]}"],
        )


def _plain(name: str) -> str:
    return re.sub(r"[\s_.\-]", "", name).lower()


def _usual(names: Sequence[str], asked: str | Sequence[str]) -> dict[str, str]:
    """Columns by the names in use, without those that the user has given away."""
    taken = set(_asked(names, asked).values())
    plain = {
        re.sub(r"[\s_.\-]", "", name).lower(): name for name in reversed(names) if name not in taken
    }
    found = {
        what: next((plain[spelling] for spelling in spellings if spelling in plain), None)
        for what, spellings in NAMES.items()
    }
    return {what: name for what, name in found.items() if name is not None}


def _asked(names: Sequence[str], asked: str | Sequence[str]) -> dict[str, str]:
    column: dict[str, str] = {}
    for text in [asked] if isinstance(asked, str) else asked:
        if "=" not in text:
            continue
        for part in text.split(","):
            what, _, name = (piece.strip() for piece in part.partition("="))
            if what.lower() not in NAMES:
                raise FormatError(
                    "--columns", [f"{shown(what)}: expected one of {', '.join(NAMES)}"]
                )
            if name in names:
                column[what.lower()] = name
    return column
