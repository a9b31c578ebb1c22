"""Files of numbers: as ``float`` reads them, one by one, with the place of every fault."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import detmetrics as dm
from detmetrics.formats import line_table
from detmetrics.formats.given import Contents
from detmetrics.foundation.decoding import decoded
from detmetrics.foundation.messages import counted, shown


def one_by_one(contents, files, columns, separator):
    """The table in a slow loop: rows, files, lines; and the faults."""
    rows, places, faults = [], [], []
    for number, content in enumerate(contents):
        text, _ = decoded(content, files[number])
        for line, whole in enumerate(text.splitlines(), start=1):
            if not whole.strip():
                continue
            parts = whole.rstrip(", \t").split(separator)
            try:
                rows.append([float(part) for part in parts])
            except ValueError:
                faults.append(f"{files[number]}:{line}: expected numbers, got {shown(whole)}")
                continue
            places.append((number, line))
            if len(parts) != columns:
                got = counted(len(parts), "number")
                faults.append(f"{files[number]}:{line}: expected {columns} numbers, got {got}")
    return rows, places, faults


def check(contents: list[bytes], columns: int, separator: str | None) -> None:
    files = [f"{number}.txt" for number in range(len(contents))]
    rows, places, faults = one_by_one(contents, files, columns, separator)
    for given_as in (contents, Contents(contents)):
        if faults:
            with pytest.raises(dm.FormatError) as caught:
                line_table(given_as, files, "folder", columns=columns, separator=separator)
            assert caught.value.faults == tuple(faults[:10])
            assert caught.value.count == len(faults)
            continue
        table = line_table(given_as, files, "folder", columns=columns, separator=separator)
        expected = np.array(rows, np.float64).reshape(-1, columns)
        assert table.values.dtype == np.float64
        assert table.values.shape == expected.shape
        assert table.values.tobytes() == expected.tobytes()
        assert [*zip(table.file.tolist(), table.line.tolist(), strict=True)] == places
        assert [table.place(row) for row in range(len(places))] == [
            f"{files[number]}:{line}" for number, line in places
        ]


usual = (
    st.integers(-999, 9999).map(str)
    | st.decimals(0, 1000, places=2).map(str)
    | st.floats(allow_nan=False).map(repr)
)
ODD = (
    *("nan", "NaN", "inf", "-inf", "Infinity", "1e5", "1E-3", "+1", "-0", "1_000", "0x10", "1e400"),
    *("4.9e-324", "1e-400", "9007199254740993", "0.1000000000000000055511151231257827", "1."),
    *(".5", "", "a", "1 2", "1j", "1d5", "nan(1)", "١٢", "1\xa0", "\u3000", '"1"', "#", "1#2"),
    *("1,", "--1", "e", "_1", "1__0", "1\x1f", "True", "None"),
)
odd = st.sampled_from(ODD)
joints = {
    ",": [",", ", ", " ,", ",,", ",\t"],
    None: [" ", "  ", "\t", " \t ", "\x1f", "\xa0"],
    ";": [";", "; ", ";;"],
    "\t": ["\t", "\t\t"],
    " ": [" ", "  "],
    "::": ["::", ":"],
}
ends = st.sampled_from(["", "", "", ",", ",,", ", ", " ", "\t", ";", "\x1f"])
breaks = st.sampled_from(
    ["\n", "\n", "\n", "\r\n", "\r", "\n\n", "\n \n", "\v", "\f", "\x1c", "\x85"]
)
encodings = st.sampled_from(["utf-8", "utf-8", "utf-8-sig", "utf-16"])


@st.composite
def files_of(draw: st.DrawFn, separator: str | None, columns: int, regular: bool) -> list[bytes]:
    """Texts of lines, most of them alike; where not regular, with anything that may be odd."""
    number = usual if regular else st.one_of(usual, usual, usual, odd)
    joint = st.just(separator or " ") if regular else st.sampled_from(joints[separator])
    end, rest = (draw(ends), st.just("\n")) if regular else (None, breaks)

    def line() -> str:
        width = columns if regular else draw(st.sampled_from([columns] * 9 + [0, columns + 1]))
        text = "".join(draw(number) + draw(joint) for _ in range(width))
        text = text.removesuffix(separator or " ")
        return text + (draw(ends) if end is None else end) + draw(rest)

    contents = []
    for _ in range(draw(st.integers(1, 3))):
        text = "".join(line() for _ in range(draw(st.integers(0, 4))))
        text = text.removesuffix("\n") if draw(st.booleans()) else text
        contents.append(text.encode("utf-8" if regular else draw(encodings)))
    return contents


@given(data=st.data(), separator=st.sampled_from([*joints]), columns=st.integers(1, 4))
def test_odd_lines_are_those_of_a_slow_loop(data, separator, columns):
    check(data.draw(files_of(separator, columns, regular=False)), columns, separator)


@given(data=st.data(), separator=st.sampled_from([*joints]), columns=st.integers(1, 9))
def test_lines_that_are_alike_are_those_of_a_slow_loop(data, separator, columns):
    check(data.draw(files_of(separator, columns, regular=True)), columns, separator)


@pytest.mark.parametrize("token", ODD)
@pytest.mark.parametrize("separator", [",", None])
def test_a_number_in_a_way_of_its_own(token, separator):
    """Whether ``float`` reads it decides, wherever it stands."""
    joint = separator or " "
    for line in (f"{token}{joint}2", f"1{joint}{token}", token):
        check([f"1{joint}2\n{line}\n3{joint}4\n".encode()], 2, separator)


@pytest.mark.parametrize(
    "content",
    [
        b"\xef\xbb\xbf1,2\n",
        "1,2\n".encode("utf-16"),
        b"\xe9,2\n",
        b"1,2\n\xe9\n",
        b"1,2\n\n\n3,4\n",
        b"\n1,2\n",
        b"1,2\n \t\n3,4",
        b"1,2\n,\n3,4",
        b"1,2\n3\n",
        b"1,2\n,3,4\n",
        b"1,2\r3,4\r",
        b"1,2,\r\n3,4,,\r\n",
        b"",
        b"\n\n",
        b"  \n",
        b",\n",
    ],
)
def test_files_as_they_come(content):
    for separator in (",", None):
        check([content], 2, separator)
        check([b"5,6\n", content, b"7,8"], 2, separator)


def test_no_files():
    table = line_table([], [], "folder", columns=3)
    assert table.values.shape == (0, 3)


def test_what_is_no_text():
    with pytest.raises(dm.FormatError, match=r"folder/a\.txt: not a text file: it holds bytes of"):
        line_table([b"1,2\0\n"], ["a.txt"], "folder", columns=2, separator=",")


def test_all_faults_are_counted_and_the_first_ten_named():
    content = b"1,2\n" + b"a,b\n1,2,3\n" * 8
    with pytest.raises(dm.FormatError) as caught:
        line_table([content], ["a.txt"], "folder", columns=2, separator=",")
    assert caught.value.count == 16
    assert caught.value.faults[:2] == (
        "a.txt:2: expected numbers, got 'a,b'",
        "a.txt:3: expected 2 numbers, got 3 numbers",
    )
