"""Segmentations as text: read many at once as the parser reads each, or not at all."""

from __future__ import annotations

import json

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from profiles import examples

from detmetrics.formats.json import polygon_texts
from detmetrics.formats.json.segmentation_texts import JsonTexts
from detmetrics.foundation.arrays import object_column
from detmetrics.overlap import OutlineError

NUMBERS = st.one_of(
    st.integers(-(10**6), 10**6),
    st.floats(0, 700).map(lambda value: round(value, 2)),
    st.floats(allow_nan=False, allow_infinity=False),
    st.sampled_from([0, -0.0, 1e-9, 1e300, 2**53 + 1, 10**400]),
)
POLYGONS = st.lists(st.lists(NUMBERS, max_size=9), max_size=3)
SEPARATORS = st.sampled_from([(",", ":"), (", ", ": "), (" ,", ":"), (",  ", ":")])
ODD = [
    *("[[1,2],3]", "[1,[2]]", "[[[1,2]]]", "[[1,2] [3]]", "[[1 2]]", "[[1,2,]]", "[[,1]]"),
    *("[[01]]", "[[1.]]", "[[.5,1]]", "[[+1,2]]", "[[1,2]],[[3,4]]", "[[1,2]", "[[1,2]]]"),
    *("[]", "[[]]", "[[],[]]", "[[1,nan]]", "[[1,true]]", '[["1",2]]', "[[1,2],null]"),
    *("[[1\n,2]]", "[[1,\n2]]", "{}", "1", "", " [[1,2]]", "[ [1,2]]", "[[1,2]] "),
    *("[[1,--2]]", "[[1e5,1E-5]]", "[[1e400,2]]", "[[1,2]][[3]]"),
]


@st.composite
def texts_of_polygons(draw: st.DrawFn) -> list[bytes]:
    rows = draw(st.lists(st.tuples(POLYGONS, SEPARATORS), min_size=1, max_size=6))
    texts = [json.dumps(row, separators=separators) for row, separators in rows]
    for odd in draw(st.lists(st.sampled_from(ODD), max_size=1)):
        texts.insert(draw(st.integers(0, len(texts))), odd)
    if draw(st.integers(0, 3)) == 0:  # a character elsewhere, or missing
        at = draw(st.integers(0, len(texts) - 1))
        place = draw(st.integers(0, len(texts[at])))
        new = draw(st.sampled_from(["", *'[],.-+ e0"{x\n']))
        texts[at] = texts[at][:place] + new + texts[at][place + 1 :]
    return [text.encode() for text in texts]


@examples(150)
@given(texts=texts_of_polygons(), size=st.sampled_from([1, 40, 1 << 20]))
def test_polygons_are_what_the_parser_says(texts, size):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(polygon_texts, "PIECE", size)
        found = JsonTexts().polygons(object_column(texts))
    if found is None:
        return
    rows = [msgspec.json.decode(text) for text in texts]
    assert found.of_row.tolist() == [len(row) for row in rows]
    parts = [part for row in rows for part in row]
    assert np.diff(found.first).tolist() == [len(part) / 2 for part in parts]
    flat = np.array([float(number) for part in parts for number in part], np.float64)
    assert (found.points.ravel() == flat).all()


@pytest.mark.parametrize("separators", [(",", ":"), (", ", ": ")])
def test_polygons_as_tools_write_them_are_read_at_once(separators):
    rows = [[[1, 2.5, 3, 4, 5, 6]], [[0.1, 2, 3, 4, 5, 6, 7, 8], [1e-5, 2, 3, 4, 5, 600]]] * 9
    texts = [json.dumps(row, separators=separators).encode() for row in rows]
    assert JsonTexts().polygons(object_column(texts)) is not None


@pytest.mark.parametrize("odd", ODD)
def test_other_text_is_left_to_the_parser(odd):
    rows = object_column([b"[[1,2,3,4,5,6]]", odd.encode()])
    found = JsonTexts().polygons(rows)
    if found is not None:
        assert found.of_row.tolist()[1] == len(msgspec.json.decode(odd))


ENCODINGS = [
    *('{"size":[3,2],"counts":"222"}', '{"counts": "06", "size": [3, 2], "more": [{}]}'),
    *('{"size":[3.0,2],"counts":"222"}', '{"size":[3,2],"counts":[6]}', '{"size":[3,2]}'),
    *('{"size":[99999999999999999999,2],"counts":"2"}', '{"size":[3,2],"counts":"\\u00e4"}'),
    *('{"size":[3,2],"counts":"2","counts":"06"}', '{"size":[true,2],"counts":"2"}', "[[1,2]]"),
    *('{"size":[3,2],"counts":"\\ud800"}', '{"size":[3,2],"counts":"2"},{}', "{", ""),
]


@given(st.lists(st.sampled_from(ENCODINGS), min_size=1, max_size=3))
def test_encodings_are_what_the_parser_says(texts):
    found = JsonTexts().encodings(object_column([text.encode() for text in texts]))
    if found is None:
        return
    rows = [msgspec.json.decode(text) for text in texts]
    assert found.size.tolist() == [row["size"] for row in rows]
    assert [*found.counts] == [row["counts"].encode("utf-8", "surrogatepass") for row in rows]


@pytest.mark.parametrize(
    "texts", [["[[1,2]],[[3,4]", "[5,6]]"], ["[[1,2]],[[3", "4]]"], ["[[1,2]],[[3,4]]", ""]]
)
def test_texts_that_are_json_only_together_are_none(texts):
    rows = object_column([text.encode() for text in texts])
    assert JsonTexts().polygons(rows) is None
    with pytest.raises(OutlineError):
        JsonTexts(at_once=1).plain(rows)


def test_faults_name_the_row_among_many():
    rows = object_column([b"[]", b"{}", b"[[1]]", b"[1", b"7"])
    with pytest.raises(OutlineError) as caught:
        JsonTexts(at_once=2).plain(rows)
    ((row, said),) = caught.value.faults
    assert row == 3
    assert "no segmentation can be read" in said
    assert JsonTexts().plain(rows[:3]) == [[], {}, [[1]]]
