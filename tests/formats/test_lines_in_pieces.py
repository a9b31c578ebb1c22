"""Large text is read in pieces, and what is said of it is what reading line by line says."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st
from profiles import examples

from detmetrics.formats.given import Contents
from detmetrics.formats.lines import chunks, pieces
from detmetrics.formats.lines import line_reader as reader
from detmetrics.formats.lines.large_text import _codes, read_in_pieces
from detmetrics.formats.lines.lines import Lines
from detmetrics.formats.lines.one_by_one import Asked, read_one_by_one, refuse_wrong
from detmetrics.foundation.errors import FormatError

GOOD = ["0 0.5 0.5 0.1 0.2", "7 1 2 3 4", "12 0.25 .5 1e-3 4.5", "3 0.5 0.5 0.1 0.2 0.9"]
LABELS = ["cat 1 2 3 4", "007 1 2 3 4", "3.0 1 2 3 4", "traffic light 1 2 3 4", "0.50 1 2 3 4"]
ODD = [
    "",
    "  ",
    "5 1 2 3",
    "5",
    "5 1 2 3 4 5 6",
    "1 0.12345678901234567 2 3 4",
    "c\u00e4t 1 2 3 4",
]
WORDS = [
    "traffic light 1 2 3 4",
    "fire  hydrant 1 2 3 4",
    "stop\tsign 1 2 3 4",
    "no number here",
    "cat",
    "0 x 1 2 3 4",
    "difficult 1 2 3",
    "cat difficult 1 2",
    "cat 1 2 3 difficult",
    "c\u00e4t of many words 1 2 3 4",
    "a name of many words which is longer than names of classes are in any of the sets 1 2 3 4",
    "+7 1 2 3 4",
    "9007199254740993 1 2 3 4",
    "\u0663 1 2 3 4",
    "1e1 1 2 3 4",
]
POLYGONS = ["0 .1 .2 .3 .4 .5 .6", "1 .1 .2 .3 .4 .5 .6 .7 .8", "0 .1 .2 .3 .4 .5 .6 1e-2 -.5"]
COMMAS = ["0 0,5 0,25 1 2", "cat 0,9 1 2 3 4", "a 1,234.5 2", "a -,5 2", "a ., 2", "a ; ,; 2 3"]
WRONG = ["5 1 x 3 4", "5 1 2 3 4x", "cat 1 dog 2 3", "5 1 2 3 1_0", "5 nan inf 3 4 y"]


@st.composite
def texts(draw) -> list[bytes]:
    """Files in which most lines are alike, and some are not."""
    kinds = draw(
        st.sampled_from(
            [
                *([GOOD[:1]], [GOOD], [GOOD, LABELS], [GOOD, ODD], [GOOD[:1], WRONG]),
                *([LABELS, WORDS], [POLYGONS], [WORDS, COMMAS], [POLYGONS, WRONG]),
            ]
        )
    )
    usual = draw(st.sampled_from([*GOOD[:2], "cat 1 2 3 4"]))
    every = [line for kind in kinds for line in kind]
    files = []
    for _ in range(draw(st.integers(1, 4))):
        rows = [usual] * draw(st.integers(0, 12))
        for line in draw(st.lists(st.sampled_from(every), max_size=4)):
            rows.insert(draw(st.integers(0, len(rows))), line)
        end = draw(st.sampled_from(["", "\n", "\r\n"]))
        encoding = draw(st.sampled_from(["utf-8", "utf-8", "latin-1", "utf-8-sig"]))
        files.append(
            (("\r\n" if end == "\r\n" else "\n").join(rows) + end).encode(encoding, "replace")
        )
    return files


def told(files: list[bytes], *, text: bool, label: int) -> object:
    """What is read, or what is said."""
    names = [f"{number}.txt" for number in range(len(files))]
    try:
        found = reader.read_lines(Contents(files), names, "here", text_label=text, label=label)
    except FormatError as error:
        return str(error), error.count
    rows = range(len(found))
    labels = found.label.labels
    codes = rows if found.label.code is None else found.label.code
    return {
        "places": [found.place(row) for row in rows],
        "labels": [labels[code] for code in codes],
        "kind": labels.dtype == object if len(found) else None,
        "width": found.width.tolist(),
        "values": found.values.tolist(),
        "latin": found.latin,
    }


@examples(100)
@given(
    files=texts(),
    text=st.booleans(),
    label=st.sampled_from([0, 0, 1]),
    size=st.integers(1, 90),
    strict=st.booleans(),
)
@example(files=[b"\xef\xbb\xbf"], text=False, label=0, size=1, strict=True)
def test_says_what_reading_line_by_line_says(files, text, label, size, strict):
    assume(any(files))  # what is read in pieces is large
    names = tuple(f"{number}.txt" for number in range(len(files)))
    asked = Asked(names, "here", text, label, strict)
    expected = one_by_one(files, asked)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pieces, "PIECE", size)
        try:
            found = read_in_pieces(files, asked)
        except FormatError as error:
            found = error
    assert_same(found, expected)


def one_by_one(files: list[bytes], asked: Asked) -> Lines | FormatError:
    pieces = [(number, 0, part) for number, part in enumerate(files)]
    try:
        lines, faults = read_one_by_one(pieces, asked)
        refuse_wrong(faults, len(lines), asked)
    except FormatError as error:
        return error
    return lines


def assert_same(found: Lines | FormatError, expected: Lines | FormatError) -> None:
    if isinstance(expected, FormatError) or isinstance(found, FormatError):
        assert (str(found), found.count) == (str(expected), expected.count)
        return
    assert [*map(found.place, range(len(found)))] == [*map(expected.place, range(len(expected)))]
    np.testing.assert_array_equal(found.values, expected.values)
    assert found.width.tolist() == expected.width.tolist()
    assert found.latin == expected.latin
    assert labels_of(found) == labels_of(expected)


@examples(30)
@given(
    files=texts(),
    text=st.booleans(),
    label=st.sampled_from([0, 0, 1]),
    chunk=st.integers(129, 400),
    size=st.integers(1, 90),
    usual=st.sampled_from([*GOOD[:2], "cat 1 2 3 4"]),
    strict=st.booleans(),
)
def test_odd_chunks_among_regular_ones(files, text, label, chunk, size, usual, strict):
    """Those that are read as columns stay, and the odd ones are put between them."""
    rows = f"{usual}\n".encode()
    files = [rows * 60, *(part + b"\n" + rows * 30 for part in files), rows * 40]
    names = tuple(f"{number}.txt" for number in range(len(files)))
    expected = one_by_one(files, Asked(names, "here", text, label, strict))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(reader, "LARGE", 1)
        patch.setattr(pieces, "PIECE", size)
        patch.setattr(chunks, "LONGEST_LINE", 128)
        patch.setattr(chunks, "CHUNK", chunk)
        contents = Contents(files)
        try:
            found = reader.read_lines(
                contents, names, "here", text_label=text, label=label, strict=strict
            )
        except FormatError as error:
            found = error
    assert_same(found, expected)


def labels_of(found: Lines) -> list[object]:
    return found.label.labels[_codes(found.label)].tolist()


@pytest.mark.parametrize("lines", [[*GOOD[:1]], [*GOOD[:2]], ["cat 1 2 3 4"]])
@pytest.mark.parametrize("odd", [*ODD, *WRONG, *LABELS])
def test_one_odd_line_among_very_many(lines, odd):
    """As it is read where everything is read line by line."""
    text = "\n".join(lines * 2_000 + [odd] + lines * 3).encode()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(reader, "LARGE", len(text) // 2)
        patch.setattr(pieces, "PIECE", len(text) // 8)
        found = told([text], text=False, label=0)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(reader, "LARGE", 1 << 40)
        assert found == told([text], text=False, label=0)


MARK = b"\xef\xbb\xbf"


@pytest.mark.parametrize("before", range(58_250, 58_260))
def test_a_mark_of_an_encoding_within_a_file_is_a_letter_wherever_text_is_cut(before):
    line = b"0 0.5 0.5 0.1 0.1\n"
    found = told([line * before + MARK + line + b"0 1 1 1 1 1\n" + line * 9], text=False, label=0)
    assert set(found["labels"]) == {"0", "\ufeff0"}


@pytest.mark.parametrize("rows", [1, 60_000])
def test_digits_of_other_scripts_are_text(rows):
    assert set(told(["1\u0661 1 1 2 2\n".encode() * rows], text=False, label=0)["labels"]) == {
        "1\u0661"
    }


def test_wrong_lines_are_counted_beyond_those_that_are_shown():
    text = ("5 1 x 3 4\n" * 90_000).encode()
    said, count = told([text], text=False, label=0)
    assert count == 90_000
    assert "0.txt:10: expected a number, got 'x'" in said


ALIKE = [
    "a b 1 2",
    "0 x 1 2",
    "a b c 1.5 -2",
    "a\tb 1 2",
    "a  b 1 2",
    "a b c",
    "a 1 b 2",
    "a nan x 1",
]


@pytest.mark.parametrize("label", [0, 1])
@pytest.mark.parametrize("text", [False, True])
@pytest.mark.parametrize("other", [None, *ALIKE])
@pytest.mark.parametrize("line", ALIKE)
def test_labels_of_several_words_in_every_line(line, other, text, label):
    """As columns, or in pieces, they are what they are line by line."""
    lines = [line] * 30 + ([other] * 30 if other else [])
    content = "\n".join(lines).encode()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(reader, "LARGE", 1)
        patch.setattr(pieces, "PIECE", 100)
        found = told([content], text=text, label=label)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(reader, "LARGE", 1 << 40)
        patch.setattr(reader, "read_fields", lambda *_, **__: None)
        assert found == told([content], text=text, label=label)


@pytest.mark.parametrize("field", ["0,5", "1,234.5", "-,5", "+1;2", "0,5,"])
def test_a_number_with_commas_is_no_word_of_a_name(field):
    for rows in (1, 60_000):  # as columns too
        said, _ = told([f"cat {field} 1 2 3 4\n".encode() * rows], text=False, label=0)
        assert "0.txt:1: expected a number, with a decimal point and spaces between" in said
        assert repr(field) in said


@pytest.mark.parametrize("field", [",", "...", "5-7", "3%", "1a"])
def test_what_has_digits_or_commas_may_be_a_word(field):
    for rows in (1, 60_000):
        found = told([f"cat {field} 1 2 3 4\n".encode() * rows], text=False, label=0)
        assert set(found["labels"]) == {f"cat {field}"}
