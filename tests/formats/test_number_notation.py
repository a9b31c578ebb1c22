"""Decimal commas and thousands separators: a whole column decides, and else the user."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from profiles import examples
from real_data import real_data

import detmetrics as dm
from detmetrics.formats.loading import read_sheet
from detmetrics.formats.tabular import numbers

NAMES = ["image", "class", "score", "xmin", "ymin", "xmax", "ymax"]


def table(
    folder: Path, rows: list[list[str]], names: list[str] = NAMES, separator: str = ","
) -> Path:
    text = io.StringIO()
    writer = csv.writer(text, delimiter=separator, lineterminator="\n")
    writer.writerows([names, *rows])
    path = folder / "found.csv"
    path.write_text(text.getvalue())
    return path


def sheet_of(folder: Path, boxes: list[list[str]], score: str = "0.9", **options):
    separator = options.pop("separator", ",")
    rows = [["a.jpg", "c", score, *box] for box in boxes]
    path = table(folder, rows, separator=separator)
    return read_sheet(path, "detections", dm.Reading(**options))


def boxes_of(folder: Path, boxes: list[list[str]], score: str = "0.9", **options) -> list:
    return sheet_of(folder, boxes, score, **options).boxes.tolist()


class TestOneColumnDecides:
    """A number that can be read in one way only decides for those that can be read in two."""

    @pytest.mark.parametrize(
        ("boxes", "expected"),
        [
            ([["1,250", "10", "1,300.5", "20"]], [1250, 10, 1300.5, 20]),
            ([["1,250", "10", "2,000,000", "20"]], [1250, 10, 2e6, 20]),
            ([["1,250", "0.5", "1,300", "20"]], [1250, 0.5, 1300, 20]),
            ([["1,250", "10", "1,300", "20,5"]], [1.25, 10, 1.3, 20.5]),
            ([["1,250", "0,125", "1,300", "20"]], [1.25, 0.125, 1.3, 20]),
            ([["1.250,5", "10", "1.300", "20"]], [1250.5, 10, 1300, 20]),
            ([["1.250.000", "10", "1.300.000", "20"]], [1250000, 10, 1300000, 20]),
            ([["1 250", "10", "1 300,5", "20"]], [1250, 10, 1300.5, 20]),
            ([["1\u202f250", "10", "1\u00a0300.5", "20"]], [1250, 10, 1300.5, 20]),
            ([["1'250", "10", "1’300.5", "20"]], [1250, 10, 1300.5, 20]),
            ([["-1,250", "10", "+1,300.5", "2e1"]], [-1250, 10, 1300.5, 20]),
        ],
    )
    def test_read(self, tmp_path, boxes, expected):
        assert boxes_of(tmp_path, boxes) == [expected]

    def test_the_other_row_of_the_column(self, tmp_path):
        rows = [["1,250", "1", "2,000", "5"], ["1,250.25", "1", "2,000", "5"]]
        assert boxes_of(tmp_path, rows) == [[1250, 1, 2000, 5], [1250.25, 1, 2000, 5]]

    def test_a_column_of_plain_numbers_follows_the_decimal_comma(self, tmp_path):
        """pandas alone would read ``1.250`` as a number below two."""
        rows = [["1.250", "10", "1.300", "850,5"]]
        assert boxes_of(tmp_path, rows, separator=";") == [[1250, 10, 1300, 850.5]]

    def test_scores_with_a_decimal_comma(self, tmp_path):
        rows = [["12,500", "1,125", "30,000", "5,250"]]
        sheet = sheet_of(tmp_path, rows, score="0,95", separator=";")
        assert sheet.boxes.tolist() == [[12.5, 1.125, 30, 5.25]]
        assert sheet.scores.tolist() == [0.95]

    def test_scores_keep_their_own_notation(self, tmp_path):
        sheet = sheet_of(tmp_path, [["1,250.5", "1", "2,000", "5"]], score="0,95")
        assert (sheet.boxes[0, 0], sheet.scores[0]) == (1250.5, 0.95)


OPEN = [["1,250", "100", "2,550", "800"], ["10", "10", "310", "410"]]


class TestNothingDecides:
    """Then it is an error, and following its advice reads the file."""

    def test_refused(self, tmp_path):
        with pytest.raises(
            dm.FormatError, match=r"line 2: xmin: '1,250' is 1250 or 1\.25, and"
        ) as e:
            sheet_of(tmp_path, OPEN)
        assert "--decimal point reads 1250, --decimal comma reads 1.25" in str(e.value)

    @pytest.mark.parametrize(("decimal", "first"), [("point", 1250), ("comma", 1.25)])
    def test_followed(self, tmp_path, decimal, first):
        boxes = boxes_of(tmp_path, OPEN, decimal=decimal)
        assert (boxes[0][0], boxes[1]) == (first, [10, 10, 310, 410])

    def test_both_notations_in_one_column(self, tmp_path):
        rows = [["0,5", "1", "2", "5"], ["0.5", "1", "2", "5"], ["1,250", "1", "2,000", "5"]]
        with pytest.raises(dm.FormatError, match=r"line 4: xmin: '1,250' is 1250 or 1\.25"):
            sheet_of(tmp_path, rows)

    def test_scores(self, tmp_path):
        with pytest.raises(dm.FormatError, match="score: '1,000' is 1000 or 1,"):
            sheet_of(tmp_path, [["1", "1", "2", "5"]], score="1,000")

    def test_areas(self, tmp_path):
        rows = [["a.jpg", "c", "1", "1", "40", "50", "1,250"]]
        names = ["image", "class", "x", "y", "w", "h", "area"]
        with pytest.raises(dm.FormatError, match="area: '1,250' is"):
            read_sheet(table(tmp_path, rows, names), "ground truth", dm.Reading())

    @pytest.mark.parametrize("text", ["1,2,3", "1,00,000", "5,", "1_0", "1 2", "1.2.3"])
    def test_no_number(self, tmp_path, text):
        with pytest.raises(dm.FormatError, match="xmin: expected a number"):
            sheet_of(tmp_path, [[text, "1", "2", "5"]])


class TestSizesOfImages:
    """Pictures have whole pixels."""

    def sizes(self, folder: Path, text: str, **options) -> list:
        (folder / "sizes.csv").write_text(text)
        path = table(folder, [["a", "c", "1", "1", "2", "2"]], ["image", "class", *NAMES[3:]])
        reading = dm.Reading(image_sizes=folder / "sizes.csv", **options)
        return read_sheet(path, "ground truth", reading).images.sizes.tolist()

    @pytest.mark.parametrize(
        "text",
        [
            'image,width,height\na,"1,920","1,080"\n',
            "image;width;height\na;1.920,0;1.080,0\n",
            "image;width;height\na;1920,0;1080,0\n",
            "image;width;height\na;1 920;1 080\n",
        ],
    )
    def test_in_their_own_table(self, tmp_path, text):
        assert self.sizes(tmp_path, text) == [[1920, 1080]]

    def test_in_the_table_of_boxes(self, tmp_path):
        names = ["image", "class", *NAMES[3:], "image_width", "image_height"]
        path = table(tmp_path, [["a", "c", "1", "1", "2", "2", "1,920", "1,080"]], names)
        sheet = read_sheet(path, "ground truth", dm.Reading())
        assert sheet.images.sizes.tolist() == [[1920, 1080]]


def test_attributes_have_decimal_commas_too(tmp_path):
    names = ["image", "class", *NAMES[3:], "visibility"]
    path = table(tmp_path, [["a", "c", "1", "1", "2", "2", "0,25"]], names, ";")
    sheet = read_sheet(path, "ground truth", dm.Reading())
    assert sheet.attributes["visibility"].tolist() == [0.25]


def test_unknown_setting():
    with pytest.raises(dm.InputError, match="decimal: expected comma or point, got 'dot'"):
        dm.Reading(decimal="dot")


NUMBER = st.decimals(0, 10**7, places=2).filter(lambda n: n % 1 * 10 % 1 != 0)
MARKS = st.sampled_from([(",", "."), (".", ","), (" ", ","), (" ", "."), ("'", "."), ("", ",")])


class TestLaws:
    """A table in one notation, with a number that has two decimals, is read in that notation."""

    @examples(100)
    @given(
        st.lists(st.lists(st.integers(0, 10**6), min_size=2, max_size=2), min_size=1, max_size=6),
        NUMBER,
        MARKS,
    )
    def test_any_notation(self, tmp_path_factory, corners, odd, marks):
        group, point = marks

        def written(number) -> str:
            text = f"{number:,}"
            return text.replace(",", "g").replace(".", point).replace("g", group)

        rows = [[written(x), written(y), "9000000", written(odd)] for x, y in corners]
        expected = [[x, y, 9e6, float(odd)] for x, y in corners]
        folder = tmp_path_factory.mktemp("notation")
        assert boxes_of(folder, rows, separator=";") == expected


@pytest.mark.parametrize("decimal", [None, "point"])
def test_the_example(decimal):
    folder = real_data("hostile/02-thousands-separator")
    files = folder / "truth.json", folder / "found.csv"
    if decimal is None:
        with pytest.raises(dm.FormatError, match="--decimal point reads 1250"):
            dm.evaluate(*files)
    else:
        result = dm.evaluate(*files, reading=dm.Reading(decimal=decimal))
        assert result.scalars()["AP"] == pytest.approx(1)


@pytest.mark.parametrize("block", [3, 50])
def test_wrong_numbers_are_counted_beyond_those_that_are_shown(tmp_path, monkeypatch, block):
    """As many as reading each of them finds."""
    tokens = ["1.5", "x", "nan", "inf", "-3", "+", "１", "١", "1_5", "1.2.3", "n", ".5", "I"]
    rows = [f"a.jpg\tcat\t{tokens[row * 7 % 13]}\t1\t5\t5\t0.5" for row in range(900)]
    path = tmp_path / "a.tsv"
    path.write_text("\n".join(["image\tclass\tx\ty\tw\th\tscore", *rows]), encoding="utf-8")
    monkeypatch.setattr(numbers, "BLOCK", block)
    counts = []
    for shown in (100, 10**6):
        monkeypatch.setattr(numbers, "SHOWN", shown)
        with pytest.raises(dm.FormatError) as told:
            read_sheet(path, "detections", dm.Reading(decimal="point"))
        counts.append(told.value.count)
    assert counts[0] == counts[1] > 100
