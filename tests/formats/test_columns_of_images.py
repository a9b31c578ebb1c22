"""Tables that say something of images, whatever their file: slices, groups of a split, lists."""

from __future__ import annotations

import io
import time

import pandas as pd
import pytest

import detmetrics as dm
from detmetrics.formats.metadata.image_fields import column_of_images, rows_of_images
from detmetrics.formats.metadata.image_lists import read_image_list
from detmetrics.formats.reading import Reading

READERS = {
    "rows": lambda path: dict(rows_of_images(path, "day", Reading())),
    "groups": lambda path: dict(column_of_images(path, "day", Reading())),
    "list": read_image_list,
}


@pytest.fixture(params=READERS.values(), ids=READERS)
def read(request):
    return request.param


def parquet(**columns) -> bytes:
    buffer = io.BytesIO()
    pytest.importorskip("pyarrow", reason="needs pyarrow")
    pd.DataFrame(columns).to_parquet(buffer)
    return buffer.getvalue()


def boxes() -> dict[str, list]:
    return {"class": ["cat"] * 3, "x": [1] * 3, "y": [1] * 3, "w": [5] * 3, "h": [5] * 3}


class TestParquet:
    def test_damaged(self, tmp_path, read):
        whole = parquet(image=["a", "b", "c"], day=["mon"] * 3, **boxes())
        path = tmp_path / "a.parquet"
        for at in (4, 9, len(whole) // 2, len(whole) - 9, len(whole) - 1):
            path.write_bytes(whole[:at])
            with pytest.raises(dm.InputError, match="damaged Parquet"):
                read(str(path))
        path.write_bytes(whole[:-8] + b"\xff\xff\xff\x7fPAR1")
        with pytest.raises(dm.InputError, match="damaged Parquet"):
            read(str(path))

    def test_nothing_is_no_text(self, tmp_path, read):
        days = ["mon", None, "tue"]
        path = tmp_path / "a.parquet"
        path.write_bytes(parquet(image=[1.0, 2.0, None], day=days, **boxes()))
        found = read(str(path))
        assert "nan" not in map(str, found)
        assert "1" in found
        if isinstance(found, dict):
            assert {*found.values()} <= {"mon", "tue", None}

    def test_other_columns_hold_anything(self, tmp_path, read):
        path = tmp_path / "a.parquet"
        lists = [[1, 2], [], [3]]
        path.write_bytes(parquet(image=["a", "b", "c"], day=["mon"] * 3, tags=lists, **boxes()))
        assert [*read(str(path))] == ["a", "b", "c"]

    def test_images_that_are_no_text(self, tmp_path, read):
        path = tmp_path / "a.parquet"
        path.write_bytes(parquet(image=[b"a", b"b", b"c"], day=["mon"] * 3, **boxes()))
        with pytest.raises(dm.FormatError, match="image: expected text or numbers, got 'binary'"):
            read(str(path))


class TestText:
    def test_a_heading_of_half_a_megabyte(self, tmp_path):
        path = tmp_path / "a.csv"
        path.write_text("image,we" + '{"a":' * 100_000 + "\n1,rain\n")
        began = time.process_time()
        for read in (READERS["rows"], READERS["groups"]):
            with pytest.raises(dm.InputError):
                read(str(path))
        assert time.process_time() - began < 10  # minutes, of expressions that go back and forth

    def test_ends_in_separators(self, tmp_path):
        path = tmp_path / "a.csv"
        path.write_text("image,day\na,mon,\nb,tue,\n")
        assert rows_of_images(str(path), "day", Reading()) == [("a", "mon"), ("b", "tue")]

    def test_more_values_than_columns(self, tmp_path):
        path = tmp_path / "a.csv"
        path.write_text("image,day\n1,a,mon\n2,b,tue\n")
        with pytest.raises(dm.FormatError, match="line 2: 3 values, and 2 columns"):
            rows_of_images(str(path), "day", Reading())

    @pytest.mark.parametrize("mark", ["\t", ";", ",", "|"])
    def test_separators(self, tmp_path, mark):
        path = tmp_path / "a.csv"
        path.write_text(f"\nimage{mark}day\na.jpg{mark}mon\nb.jpg{mark}tue wed\n")
        found = rows_of_images(str(path), "day", Reading())
        assert found == [("a.jpg", "mon"), ("b.jpg", "tue wed")]

    @pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
    @pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
    @pytest.mark.parametrize("above", [0, 2])
    def test_every_reader_takes_the_same_files(self, tmp_path, read, end, encoding, above):
        sides = "x;y;w;h;class"
        lines = [f"image;day;{sides}", f"a.jpg;mon;1;1;5;5;cat;{end}b.jpg;tue;1;1;5;5;cat"]
        path = tmp_path / "a.csv"
        path.write_text(end * above + end.join(lines) + end, encoding=encoding, newline="")
        found = read(str(path))
        assert [*found] == ["a.jpg", "b.jpg"]

    @pytest.mark.parametrize(
        ("text", "fault"),
        [
            ("image,day,day\na,mon,tue\n", "two columns have one name"),
            ("image,day\na,mon\nb,tue,wed\n", "line 3: 3 values, and 2 columns"),
            ('image,day\na,"mon\nb,tue\n', "a quote is not closed"),
        ],
    )
    def test_faults_name_their_line(self, tmp_path, text, fault):
        path = tmp_path / "a.csv"
        path.write_text(text)
        with pytest.raises(dm.FormatError, match=fault):
            rows_of_images(str(path), "day", Reading())
