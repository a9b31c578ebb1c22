"""From a table with a heading to a sheet: text tables read by pandas, and frames."""

from __future__ import annotations

import contextlib
import csv
import io
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from detmetrics.formats.given import Given
from detmetrics.formats.lines.labels import keys_of
from detmetrics.formats.lines.layouts import lie_in_unit
from detmetrics.formats.lines.oriented_columns import known_sizes
from detmetrics.formats.metadata.class_names import listed_classes, names_of
from detmetrics.formats.metadata.image_sizes import sizes_of
from detmetrics.formats.reading import Reading
from detmetrics.formats.tabular.class_columns import chosen_classes
from detmetrics.formats.tabular.headings import OUTLINES, Heading
from detmetrics.formats.tabular.numbers import Numbers, decimals_of, exact_floats, is_numeric
from detmetrics.formats.tabular.separator import separator_of, split_heading
from detmetrics.formats.tabular.shape_columns import places
from detmetrics.foundation.arrays import Bools, Floats, Ints, object_column, used
from detmetrics.foundation.decoding import decoded
from detmetrics.foundation.errors import FormatError
from detmetrics.foundation.inputs import Input
from detmetrics.foundation.messages import printable, shown
from detmetrics.tables.catalog import Keys
from detmetrics.tables.interpretation import Interpretation
from detmetrics.tables.sheets import Images, Sheet
from detmetrics.tables.sources import Numbered, Source

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["names_in", "read_delimited", "sheet_of"]

FLOAT_NUMBER = re.compile(r"(?:0|[1-9]\d{0,14})\.0", re.ASCII)
PLAIN_NUMBER = re.compile(r"0|[1-9]\d{0,17}", re.ASCII)
EMPTY = frozenset(("", "nan", "none", "null"))
LINE_END = re.compile(r"\r\n|\r|\n")
ATTRIBUTES = ("visibility", "occlusion", "truncation")
SIZES = ("image_width", "image_height")
FLAGS = ("crowd", "ignore", "difficult")
HEADING = 1 << 20
ALWAYS_TEXT = ("image", "class")


# --- text tables ---------------------------------------------------------------------------------


def names_in(given: Given) -> list[str]:
    """The names in the first line of a text table; empty where it is no text."""
    head = given.head
    cut = head.rfind(b"\n")  # the last line may end in the middle of a character
    if cut >= 0 and head[:2] not in (b"\xff\xfe", b"\xfe\xff"):
        head = head[: cut + 1]
    try:
        text, _ = decoded(head[: len(head) // 2 * 2] if head[:1] in b"\xff\xfe" else head, "")
    except FormatError:
        return []
    return split_heading(_first_line(text)[0])


def _first_line(text: str) -> tuple[str, int]:
    """The first line with something in it, and where it starts."""
    found = re.search(r"(?:^|(?<=[\r\n]))[^\r\n]*[^\s][^\r\n]*", text)
    return (found[0], found.start()) if found else ("", 0)


def read_delimited(
    given: Given, find: Callable[[list[str]], Heading]
) -> tuple[pd.DataFrame, Heading, Input]:
    """A text table; images and classes stay text, so that ``0012`` and ``12`` stay two.

    find: from the names in the first line to what they hold. The index of the frame holds the
    line of each row.

    Raises:
        FormatError: it is no table.
    """
    import pandas as pd

    data, source = given.content()
    data = _utf8(data, given.path)
    line, start = _first_line(_head(data))
    if not line:
        raise FormatError(given.path, ["the file is empty"])
    names = split_heading(line)
    if len(set(names)) < len(names):
        raise FormatError(given.path, ["line 1: two columns have one name"])
    heading = find(names)
    wanted = heading.columns
    always = (*(heading.column.get(what) for what in ALWAYS_TEXT), *heading.classes)
    kinds = {names.index(name): object for name in always if name is not None}
    # Bytes and lines in front of the heading: errors name lines by their number in the file.
    more, before = len(names), len(_head(data)[:start].encode())
    above = len(LINE_END.findall(data[:before].decode()))
    body = memoryview(data)[before + len(line.encode()) :]

    def parsed(kinds: Mapping[int, type]) -> pd.DataFrame:
        # A column behind the last takes what a line has too many, which would be dropped else.
        table: pd.DataFrame = pd.read_csv(
            io.BytesIO(b"".join([f"{line}{separator_of(line)}+".encode(), body])),
            sep=separator_of(line),
            na_filter=False,
            skipinitialspace=True,
            skip_blank_lines=False,
            index_col=False,
            header=0,
            names=[*range(more + 1)],
            usecols=[*(names.index(name) for name in wanted), more],
            dtype={**kinds, more: object},
            low_memory=False,
            **exact_floats(),
        )
        return table

    try:
        frame = parsed(kinds)
        pixels = [names.index(name) for name in _pixels(heading)]
        scores = [names.index(heading.column["score"])] if "score" in heading.column else []
        if texts := _as_written(frame, pixels, scores):
            frame = parsed({**kinds, **dict.fromkeys(texts, object)})
    except IndexError:  # of pandas, where nothing follows the heading
        frame = pd.DataFrame({at: pd.Series(dtype=object) for at in range(more + 1)})
    except (ValueError, OverflowError) as error:
        raise FormatError(given.path, [_parser_fault(error, above)]) from None
    frame.index = pd.Index(_line_numbers(bytes(body), separator_of(line), len(frame)) + above)
    _refuse_longer(frame, more, given.path)
    frame = _without_blank(_each_text_once(frame.drop(columns=more)))
    return frame.rename(columns=dict(enumerate(names))), heading, source


def _pixels(heading: Heading) -> list[str]:
    """Columns of numbers that are no scores, of one notation."""
    return [name for group in _numbered(heading.column, heading)[:2] for name in group]


def _as_written(
    frame: pd.DataFrame, columns: Sequence[int], others: Sequence[int] = ()
) -> list[int]:
    """The columns whose numbers must be read as texts, since others hold commas.

    Where 850,5 has a decimal comma, 1.250 is no number below two. others: columns of numbers that
    stay as they are, and show how numbers are written.
    """
    texts = [at for at in (*columns, *others) if not is_numeric(frame[at])]
    if not any("," in "\n".join(map(str, frame[at].unique().tolist())) for at in texts):
        return []
    return [at for at in columns if frame[at].dtype.kind == "f"]


def _head(data: bytes) -> str:
    """The beginning of a text, where its first line stands."""
    return data[:HEADING].decode("utf-8", "replace")


def _utf8(data: bytes, path: str) -> bytes:
    """A text in UTF-8 without a mark, whatever it was in.

    Raises:
        FormatError: it is no text.
    """
    data = data.removeprefix(b"\xef\xbb\xbf")
    if data.isascii() and b"\0" not in data:
        return data
    return decoded(data, path)[0].encode("utf-8", "surrogatepass")


def _each_text_once(frame: pd.DataFrame) -> pd.DataFrame:
    """Images and classes as categories, since few differ of many; the texts stay as they are."""
    import pandas as pd

    for name in [name for name in frame.columns if frame[name].dtype == object]:
        code, labels = pd.factorize(frame[name])
        frame[name] = pd.Categorical.from_codes(code, categories=labels)
    return frame


def _line_numbers(body: bytes, separator: str, rows: int) -> Ints:
    """(R,) the line on which each row begins, that of the heading being 1.

    A quoted value may hold line ends, and then lines and rows differ in number.
    """
    plain = np.arange(rows) + 2
    if b'"' not in body or body.rstrip(b"\r\n").count(b"\n") == rows:
        return plain
    # Read once more by Python's own parser, which counts lines: row r begins behind the end of the
    # row before it, the first one being what is left of the heading.
    text = body.decode("utf-8", "replace")
    lines = csv.reader(io.StringIO(text, newline=""), delimiter=separator)
    ends = []
    with contextlib.suppress(csv.Error):
        ends = [lines.line_num for _ in lines]
    return np.array(ends[:rows], np.int64) + 1 if len(ends) > rows else plain


def _refuse_longer(frame: pd.DataFrame, names: int, path: str) -> None:
    longer = frame.index[frame[names].to_numpy() != ""]
    if len(longer):
        faults = [
            f"line {line}: expected {names} columns, got more, {shown(frame[names][line])} the next"
            for line in longer[:100].tolist()
        ]
        raise FormatError(path, faults, len(longer))


def _without_blank(frame: pd.DataFrame) -> pd.DataFrame:
    """Without lines that hold nothing."""
    blank = np.ones(len(frame), bool)
    for name in frame.columns:
        if is_numeric(frame[name]):
            return frame
        blank &= _is_empty(frame[name])
    return frame[~blank] if blank.any() else frame


def _parser_fault(error: Exception, above: int) -> str:
    text = str(error).strip().removeprefix("Error tokenizing data. C error: ")
    if found := re.match(r"EOF inside string starting at row (\d+)", text):
        line = int(found[1]) + above + 1
        return f"line {line}: expected a second quotation mark, got the end of the file"
    return f"not a table: {printable(text)}"


# --- frames --------------------------------------------------------------------------------------


def sheet_of(
    frame: pd.DataFrame,
    heading: Heading,
    read: Input,
    place: Numbered,
    reading: Reading,
    *,
    scored: bool,
    relative: bool | None = None,
) -> Sheet:
    """A sheet of the columns that a heading names; rows without a box name an empty image.

    place: where row R of the frame stands; relative: None where the values must tell.

    Raises:
        FormatError: a value that is no number where one must stand.
    """
    column = heading.column
    boxed = _with_box(frame, [column[part] for part in heading.place_names])
    rows = np.flatnonzero(boxed)
    part = frame if len(rows) == len(frame) else frame.iloc[rows]
    groups = _numbered(column, heading)
    marks = decimals_of(frame, groups, reading.decimal, read.path, place, whole=groups[1])
    numbers = Numbers(read.path, place, rows, marks)
    nothing = np.flatnonzero(~boxed)
    class_column, said_of_class = chosen_classes(part, heading, reading.catalog, read.path)
    _refuse_boxless(frame, nothing, [class_column], read.path, place)
    _refuse_nothing(frame[column["image"]], read.path, place, np.arange(len(frame)), "an image")
    _refuse_nothing(part[class_column], read.path, place, rows, "a class")
    every_image = _keys(frame[column["image"]])
    sizes = _sizes(frame, every_image, column, numbers, reading)
    turned = heading.shape == "angle"  # of which shares need the sizes of images
    known = known_sizes(_names(every_image), reading, sizes) if turned else sizes
    of_rows = known[_codes(every_image)[rows]]
    boxes, box_format, shapes, said = places(part, heading, numbers, reading, of_rows)
    if relative is None:
        relative = lie_in_unit(boxes, box_format)
    category = _keys(part[class_column])
    flags = {what: numbers.flags(part[column[what]]) for what in FLAGS if what in column}
    named = category.labels.dtype == object
    categories = None
    if not scored:
        names = names_of(reading.class_names)
        category, categories = listed_classes(category, names, read.path, reading.class_numbers)
        reading.mark("class_names")
    return Sheet(
        source=Source(
            name=read.path,
            input=read,
            template="{field}",
            fields=_fields(heading, class_column),
            where=place.of_rows(rows),
            columns=heading.box_columns(relative),
        ),
        image=Keys(every_image.labels, _codes(every_image)[rows]),
        category=category,
        boxes=np.ascontiguousarray(boxes),
        box_format=box_format,
        shapes=shapes,
        relative=relative,
        scores=_scores(part, column, numbers, reading) if scored else None,
        areas=numbers.of(part[column["area"]], empty=np.nan) if "area" in column else None,
        images=_images(every_image, sizes),
        categories=categories,
        image_key="id" if _is_id(column["image"]) else "name",
        class_key="name" if named or "class" in column else "id",
        may_be_names="class" in column,
        interpretations=(
            _columns(heading, class_column, scored=scored),
            _unit(relative, scored=scored),
        ),
        notes=(*said, *said_of_class, *_notes(heading, relative, read.path)),
        attributes={
            what: numbers.of_or_nan(part[column[what]])
            for what in ATTRIBUTES
            if what in column and not scored
        },
        crowd=flags.get("crowd"),
        ignore=flags.get("ignore"),
        difficult=flags.get("difficult"),
    )


def _scores(
    part: pd.DataFrame, column: Mapping[str, str], numbers: Numbers, reading: Reading
) -> Floats | None:
    """(R,) scores; None where there are none and need not be any."""
    if reading.scores is None:
        return numbers.of(part[column["score"]])
    return numbers.of_or_nan(part[column["score"]]) if "score" in column else None


def _columns(heading: Heading, class_column: str, *, scored: bool) -> Interpretation:
    fields = _fields(heading, class_column)
    told = scored and "score" in heading.column
    wanted = ("image_ids", "categories", *(("scores",) if told else ()), "shapes")
    taken = ", ".join(fields[name] for name in wanted if fields[name])
    return Interpretation(
        side="detections" if scored else "ground truth",
        of="columns",
        taken=printable(taken),
        evidence="names in the heading, or as asked",
    )


def _unit(relative: bool, *, scored: bool) -> Interpretation:
    return Interpretation(
        side="detections" if scored else "ground truth",
        of="unit",
        taken="normalized coordinates" if relative else "pixels",
        evidence="as values show: normalized where nearly all boxes lie in [0, 1]",
    )


def _numbered(column: Mapping[str, str], heading: Heading) -> list[list[str]]:
    """Columns of numbers, in groups that one program wrote in one notation."""
    pixels = [what for what in (*heading.place_names, "area") if what not in OUTLINES]
    groups = (pixels, SIZES, ATTRIBUTES, ("score",))
    return [[column[what] for what in group if what in column] for group in groups]


def _fields(heading: Heading, class_column: str) -> dict[str, str]:
    column = heading.column
    return {
        "boxes": " ".join(column[part] for part in heading.box_names or heading.place_names),
        "shapes": " ".join(column[part] for part in heading.place_names),
        "image_ids": column["image"],
        "categories": class_column,
        "scores": column.get("score", "score"),
        "areas": column.get("area", "area"),
    }


def _refuse_nothing(
    column: pd.Series[Any], path: str, place: Callable[[int], str], rows: Ints, expected: str
) -> None:
    """Refuse rows without an image or a class."""
    bad = np.flatnonzero(column.isna().to_numpy() | _is_empty(column))
    if len(bad):
        faults = [
            f"{place(int(rows[at]))}: {column.name}: expected {expected}, got nothing"
            for at in bad[:100]
        ]
        raise FormatError(path, faults, len(bad))


def _refuse_boxless(
    frame: pd.DataFrame,
    rows: Ints,
    columns: Sequence[str],
    path: str,
    place: Callable[[int], str],
) -> None:
    """Refuse rows that name a class but have no box: only an image may stand alone."""
    part = frame.iloc[rows]
    filled = np.zeros(len(rows), bool)
    for name in columns:
        filled |= ~(_is_empty(part[name]) | part[name].isna().to_numpy())
    bad = rows[filled]
    if len(bad):
        faults = [f"{place(int(row))}: expected a box, got nothing" for row in bad[:100]]
        raise FormatError(path, faults, len(bad))


def _is_empty(column: pd.Series[Any]) -> Bools:
    """(R,) whether a text is missing or blank; never for numbers."""
    if is_numeric(column):
        return np.zeros(len(column), bool)
    if column.dtype == "category":
        empty = np.array([not str(label).strip() for label in column.cat.categories], bool)
        found: Bools = np.append(empty, True)[column.cat.codes.to_numpy()]
        return found
    values = column.to_numpy(dtype=object).tolist()  # which iterates fast
    return np.array([not str(value).strip() for value in values], bool)


def _is_id(name: str) -> bool:
    """Whether a column is named after an id, as COCO's ``image_id``, and not after a file."""
    return re.sub(r"[\W_]", "", name).lower() in ("imageid", "imgid")


def _keys(column: pd.Series[Any]) -> Keys:
    """Ids: whole numbers where all of them are written as such, else text."""
    if is_numeric(column):
        return keys_of(column)
    keys = keys_of(column)
    labels = [str(label).strip() for label in keys.labels.tolist()]
    if labels and all(map(PLAIN_NUMBER.fullmatch, labels)):
        return Keys(np.array([int(label) for label in labels], np.int64), keys.code)
    if labels and all(map(FLOAT_NUMBER.fullmatch, labels)):  # as pandas writes ids beside a gap
        return Keys(np.array([int(float(label)) for label in labels], np.int64), keys.code)
    return Keys(object_column(labels), keys.code)


def _codes(keys: Keys) -> Ints:
    return np.arange(len(keys.labels)) if keys.code is None else keys.code


def _with_box(frame: pd.DataFrame, names: Sequence[str]) -> Bools:
    """(R,) rows that hold at least a part of a box."""
    held = np.zeros(len(frame), bool)
    for name in names:
        if is_numeric(frame[name]):
            values = frame[name].to_numpy(np.float64)
            held |= ~np.isnan(values)
        else:
            texts = frame[name].to_numpy(dtype=object).tolist()  # which iterates fast
            held |= np.array([str(text).strip().lower() not in EMPTY for text in texts], bool)
    return held


def _names(keys: Keys) -> tuple[str, ...]:
    return tuple(map(str, keys.labels.tolist()))


def _sizes(
    frame: pd.DataFrame, keys: Keys, column: Any, numbers: Numbers, reading: Reading
) -> Floats:
    """(N, 2) the sizes of the images of all labels, where the table has them."""
    sizes = np.full((len(keys.labels), 2), np.nan)
    if {"image_width", "image_height"} <= column.keys() and len(frame):
        # The first row of each image counts: written from behind, so that it is what stays.
        code = _codes(keys)
        first = np.zeros(len(sizes), np.int64)
        first[code[::-1]] = np.arange(len(frame))[::-1]
        every = numbers.of_rows(np.arange(len(frame)))
        for axis, side in enumerate(("image_width", "image_height")):
            sizes[:, axis] = every.of(frame[column[side]], empty=np.nan)[first]
        with np.errstate(invalid="ignore"):
            sizes[~((sizes > 0) & np.isfinite(sizes)).all(axis=1)] = np.nan
    if np.isnan(sizes).any():
        sizes = np.where(np.isnan(sizes), sizes_of(_names(keys), reading), sizes)
    return sizes


def _images(keys: Keys, sizes: Floats) -> Images:
    """All images of the table."""
    names = _names(keys)
    shown = used(_codes(keys))
    return Images(
        ids=keys.labels[shown],
        names=tuple(names[at] for at in shown.tolist()),
        sizes=sizes[shown],
        template="image {row}",
    )


def _notes(heading: Heading, relative: bool, path: str) -> Iterator[str]:
    if heading.note:
        yield f"{path}: {heading.note}"
    if relative:
        yield f"{path}: boxes are shares of the image"
    elif heading.box_format == "xyxy":
        yield f"{path}: corners are taken as they stand: w = xmax - xmin, no pixel added"
