"""Numbers in text files: read at once, and to the last bit what ``float`` reads."""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from detmetrics.formats import given as given_module
from detmetrics.formats.given import Contents, Given
from detmetrics.formats.lines import chunks, decimals
from detmetrics.formats.lines import line_reader as lines_module
from detmetrics.formats.lines.fields import read_fields
from detmetrics.formats.lines.line_reader import read_lines
from detmetrics.formats.lines.lines import Lines
from detmetrics.formats.lines.quotients import quotients
from detmetrics.formats.loading import read_sheet
from detmetrics.formats.reading import Reading
from detmetrics.foundation.inputs import Input

DIGITS = st.text("0123456789", min_size=1, max_size=20)
SIGNS = st.sampled_from(["", "", "", "-", "+"])


@st.composite
def pointed(draw: st.DrawFn) -> str:
    """Digits with a point anywhere, before the first and behind the last too."""
    digits = draw(DIGITS)
    at = draw(st.integers(0, len(digits)))
    return f"{digits[:at]}.{digits[at:]}"


REGULAR = st.floats(0, 2000).map(lambda value: f"{value:.6f}")
PLAIN = st.one_of(REGULAR, DIGITS, pointed())
NUMBERS = st.one_of(
    st.tuples(SIGNS, PLAIN).map("".join),
    st.tuples(
        SIGNS, PLAIN, st.sampled_from("eE"), SIGNS, st.text("0123456789", min_size=1, max_size=3)
    ).map("".join),
    st.floats().map(repr),
    st.sampled_from(["nan", "inf", "-inf", "Infinity", "-0", "-0.0", ".5", "5.", "-.5", "000"]),
)
WORDS = st.text("abcdefgh-_0123456789éß人", min_size=1, max_size=20).map(lambda word: f"w{word}")
ROWS = st.lists(st.tuples(WORDS, *[NUMBERS] * 5), min_size=1, max_size=6)
USUAL = ("word", "0.125000", "-12.500000", "3.000001", "640.25", "7")


def bits(values: object) -> list[int]:
    return np.ascontiguousarray(values, np.float64).view(np.int64).ravel().tolist()


class TestExact:
    """Whatever is written, a number is the float of its text, bit for bit."""

    @given(
        rows=ROWS,
        usual=st.integers(0, 60),
        gap=st.sampled_from([" ", "  ", "\t", " \t "]),
        end=st.sampled_from(["\n", "\r\n", " \n", "\n\n", "\n \n"]),
        last=st.booleans(),
    )
    @example(
        rows=[("w", "1e-5", "nan", "-inf", ".5", "5.")], usual=40, gap=" ", end="\n", last=False
    )
    def test_through_a_reader(
        self,
        rows: list[tuple[str, ...]],
        usual: int,
        gap: str,
        end: str,
        last: bool,
        tmp_path_factory: pytest.TempPathFactory,
    ) -> None:
        rows = [*rows, *[USUAL] * usual]
        text = end.join(gap.join(row) for row in rows) + (end if last else "")
        folder = tmp_path_factory.mktemp("found")
        (folder / "comp4_det_test_cat.txt").write_text(text, encoding="utf-8", newline="")
        sheet = read_sheet(folder, "detections", Reading(det_format="comp4"))
        found = np.column_stack([sheet.scores, sheet.boxes])
        wanted = [float(token) for row in rows for token in row[1:]]
        np.testing.assert_array_equal(np.isnan(found.ravel()), np.isnan(wanted))
        assert bits(np.nan_to_num(found, nan=0.5)) == bits(np.nan_to_num(wanted, nan=0.5))
        assert sheet.image.spread(sheet.image.labels).tolist() == [row[0] for row in rows]
        line = 1 + (len(rows) - 1) * end.count("\n")
        assert sheet.source.place(len(rows) - 1, "boxes").startswith(
            f"comp4_det_test_cat.txt:{line}:"
        )

    @given(tokens=st.lists(NUMBERS, min_size=1, max_size=40))
    def test_all_at_once(self, tokens: list[str]) -> None:
        rows = [("3", token) for token in tokens]
        found = read_fields(joined(rows), text_label=False)
        assert found is not None
        wanted = [float(token) for token in tokens]
        assert bits(np.nan_to_num(found.columns[1], nan=0.5)) == bits(
            np.nan_to_num(wanted, nan=0.5)
        )

    @given(tokens=st.lists(st.tuples(st.sampled_from(["", "-"]), PLAIN), min_size=1, max_size=40))
    def test_digits_and_points_need_no_other_parser(self, tokens: list[tuple[str, str]]) -> None:
        rows = [("3", sign + plain) for sign, plain in tokens if len(plain) < 16 and plain != "."]
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(decimals, "_one_by_one", None)
            found = read_fields(joined([*rows, ("3", "0.5")]), text_label=False)
        assert found is not None
        assert found.words is None
        assert bits(found.columns[1]) == bits([float(row[1]) for row in (*rows, ("3", "0.5"))])

    def test_nor_do_floats_as_python_writes_them(self) -> None:
        random = np.random.default_rng(0)
        values = [*random.random(999), *random.uniform(-999, 999, 999), 0.1, 0.30000000000000004]
        rows = [("3", repr(float(one))) for one in values]
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(decimals, "_one_by_one", None)
            found = read_fields(joined(rows), text_label=True)
        assert found is not None
        assert bits(found.columns[1]) == bits(values)

    @given(
        st.lists(
            st.tuples(st.integers(0, 9 * 10**18 - 1), st.integers(0, 22)), min_size=1, max_size=50
        )
    )
    @example([(2**53 + 1, 0), (2**54 + 2, 0), (2**54 + 6, 0), (9 * 10**18 - 1, 22), (0, 3)])
    def test_quotients_are_rounded_once(self, fractions: list[tuple[int, int]]) -> None:
        """Python divides whole numbers so; ties and what is next to them may be left in doubt."""
        whole, power = zip(*fractions, strict=True)
        found, doubt = quotients(np.array(whole, np.uint64), 10.0 ** np.array(power))
        wanted = [number / 10**exponent for number, exponent in fractions]
        right = np.array(bits(found)) == np.array(bits(wanted))
        assert (right | doubt).all()

    @given(
        token=st.text("0123456789.+-eE_,:/;<=>?@nif\x7f", min_size=1, max_size=18)
        | st.text("012.-", min_size=1, max_size=18)
    )
    @example(token="1.2.3")
    @example(token="12.45678.0123")
    @example(token="1..2345678")
    @example(token="-")
    def test_what_is_no_number_is_no_number_here(self, token: str) -> None:
        rows = [("3", token), *[("3", "0.5")] * 40]
        found = read_fields(joined(rows), text_label=False)
        try:
            assert "_" not in token
            number = float(token)
        except (ValueError, AssertionError):
            assert found is None
            return
        assert found is not None
        assert bits(found.columns[1, 0]) == bits(number) or np.isnan(number)


def joined(rows: list[tuple[str, ...]]) -> Contents:
    return Contents([b"".join(" ".join(row).encode() + b"\n" for row in rows)])


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Blocks and pieces of a few lines."""
    monkeypatch.setattr(given_module, "BLOCK", 700)
    monkeypatch.setattr(chunks, "CHUNK", 300)
    monkeypatch.setattr(chunks, "LONGEST_LINE", 100)
    return


def write(folder: Path, texts: list[str]) -> Given:
    for number, text in enumerate(texts):
        (folder / f"{number:03d}.txt").write_text(text, encoding="utf-8", newline="")
    return Given(folder)


def read(folder: Given, *, text_label: bool = False) -> Lines:
    contents, _ = folder.contents(folder.files)
    return read_lines(contents, folder.files, folder.path, text_label=text_label)


class TestPieces:
    """Where blocks and pieces end makes no difference."""

    @pytest.mark.parametrize("blank", ["", "\n", "\r\n \n"])
    @pytest.mark.parametrize("word", ["7", "cat", "a_word_of_more_than_sixteen_letters"])
    def test_rows_places_and_words(
        self, tmp_path: Path, blank: str, word: str, request: pytest.FixtureRequest
    ) -> None:
        lines = (f"{word if row % 3 else word[:1]} {row}.25 -{row}" for row in range(400))
        texts = [
            blank + blank.join(f"{line}\n" for line in itertools.islice(lines, count))
            for count in (0, 3, 0, 40, 1, 0, 0, 90, 2, 0)
        ]
        texts[3] = texts[3].removesuffix("\n")
        folder = write(tmp_path, texts)
        whole = read(folder)
        request.getfixturevalue("small")
        found = read(folder)
        assert found.numbers.tolist() == [[row + 0.25, -row] for row in range(136)]
        rows = range(len(found))
        wanted = [
            f"{file:03d}.txt:{line}"
            for file, text in enumerate(texts)
            for line, content in enumerate(text.split("\n"), start=1)
            if content.strip()
        ]
        assert [found.place(row) for row in rows] == wanted
        assert [whole.place(row) for row in rows] == wanted
        for lines_read in (whole, found):
            labels = lines_read.label.spread(lines_read.label.labels)
            assert [str(label) for label in labels.tolist()] == [
                word if row % 3 else word[:1] for row in rows
            ]
        assert found.label.labels.tolist() == whole.label.labels.tolist()

    def test_a_number_that_is_a_word_in_another_piece(self, tmp_path: Path, small: None) -> None:
        texts = ["7 0.5\n" * 100, "cat 0.5\n" * 100, "007 0.5\n"]
        found = read(write(tmp_path, texts))
        assert found.label.labels.tolist() == ["7", "cat", "007"]

    def test_blank_lines_ask_for_no_room(self) -> None:
        wide = b" ".join([b"1"] * 60) + b"\n"
        assert read_fields(Contents([wide + b"\n" * 100]), text_label=False) is None
        found = read_fields(Contents([wide * 3 + b"\n"]), text_label=False)
        assert found is not None
        assert found.columns.shape == (60, 3)

    def test_a_line_longer_than_a_piece(self, tmp_path: Path, small: None) -> None:
        long = "1 " + " ".join(["0.25"] * 200)
        found = read(write(tmp_path, ["1 0.5\n" * 100, f"{long}\n"]))
        assert found.width.tolist() == [1] * 100 + [200]

    @given(parts=st.lists(st.binary(max_size=400) | st.just(b"1 2\n"), max_size=12))
    def test_contents_are_the_bytes_of_the_files(self, parts: list[bytes]) -> None:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(given_module, "BLOCK", 700)
            contents = Contents(parts)
        assert [*contents] == parts
        assert contents[1:] == parts[1:]
        whole = b"".join(parts)
        source = Input("folder", [*contents.pieces()])
        assert (source.size, source.sha256) == (len(whole), hashlib.sha256(whole).hexdigest())


class TestLabels:
    """The first word of a line means the same on every way through the reader."""

    @pytest.mark.parametrize(
        "words",
        [
            ["0", "1"],
            ["+0", "+1"],
            ["0e0", "1e0"],
            ["-1", "12345678"],
            ["1234567890123456", "2"],
            ["cat", "dog"],
            ["3d", "cat"],
            ["a\xa0b", "cat"],
            ["0", "cat"],
        ],
    )
    @pytest.mark.parametrize("rows", [2, 200])
    def test_fast_is_slow(self, tmp_path, words, rows, monkeypatch):
        lines = [f"{words[row % 2]} 0.5 0.5 0.25 0.25" for row in range(rows)]
        path = tmp_path / "a.txt"
        path.write_text("\n".join(lines), encoding="utf-8")
        contents = Contents([path.read_bytes()])

        def labels() -> list:
            found = lines_module.read_lines(contents, ["a.txt"], "a.txt", text_label=False)
            return [type(label) for label in found.label.labels.tolist()] + sorted(
                map(str, found.label.labels.tolist())
            )

        fast = labels()
        monkeypatch.setattr(lines_module, "read_fields", lambda *_, **__: None)
        assert fast == labels()
