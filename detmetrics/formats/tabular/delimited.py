"""Text tables with a heading, read by pandas: which columns are numbers, and what is no row."""

from __future__ import annotations

import contextlib
import csv
import io
import re
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from detmetrics.formats.given import Given
from detmetrics.formats.tabular.headings import OUTLINES, Heading
from detmetrics.formats.tabular.numbers import exact_floats, is_numeric
from detmetrics.formats.tabular.separator import separator_of, split_heading
from detmetrics.foundation.arrays import Bools, Ints
from detmetrics.foundation.decoding import decoded
from detmetrics.foundation.errors import FormatError
from detmetrics.foundation.inputs import Input
from detmetrics.foundation.messages import printable, shown

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["ATTRIBUTES", "FLAGS", "SIZES", "is_empty", "names_in", "numbered", "read_delimited"]

LINE_END = re.compile(r"\r\n|\r|\n")
ATTRIBUTES = ("visibility", "occlusion", "truncation")
SIZES = ("image_width", "image_height")
FLAGS = ("crowd", "ignore", "difficult")
HEADING = 1 << 20
ALWAYS_TEXT = ("image", "class")


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
    return [name for group in numbered(heading.column, heading)[:2] for name in group]


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
        blank &= is_empty(frame[name])
    return frame[~blank] if blank.any() else frame


def _parser_fault(error: Exception, above: int) -> str:
    text = str(error).strip().removeprefix("Error tokenizing data. C error: ")
    if found := re.match(r"EOF inside string starting at row (\d+)", text):
        line = int(found[1]) + above + 1
        return f"line {line}: expected a second quotation mark, got the end of the file"
    return f"not a table: {printable(text)}"


def numbered(column: Mapping[str, str], heading: Heading) -> list[list[str]]:
    """Columns of numbers, in groups that one program wrote in one notation."""
    pixels = [what for what in (*heading.place_names, "area") if what not in OUTLINES]
    groups = (pixels, SIZES, ATTRIBUTES, ("score",))
    return [[column[what] for what in group if what in column] for group in groups]


def is_empty(column: pd.Series[Any]) -> Bools:
    """(R,) whether a text is missing or blank; never for numbers."""
    if is_numeric(column):
        return np.zeros(len(column), bool)
    if column.dtype == "category":
        empty = np.array([not str(label).strip() for label in column.cat.categories], bool)
        found: Bools = np.append(empty, True)[column.cat.codes.to_numpy()]
        return found
    values = column.to_numpy(dtype=object).tolist()  # which iterates fast
    return np.array([not str(value).strip() for value in values], bool)
