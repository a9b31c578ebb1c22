"""What the scan of a JSON text says of repeated keys, beside the parser's pairs."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from profiles import examples

from detmetrics.formats.json import keys_once
from detmetrics.formats.json.keys_once import keys_are_once
from detmetrics.formats.json.repeated_keys import repeated_keys

KEYS = st.sampled_from(
    ["a/b", "id", "image_id", "category_id", "a", "", "x:y", "{", "a b", "ä", "bbox"]
)
TEXTS = st.sampled_from(
    ["", "val/1.jpg", "a:b", "{", "}", "}{", '"', "\\", "\\\\", ",", "http://x"]
)
VALUES = st.recursive(
    st.one_of(st.integers(-9, 9), st.booleans(), st.none(), TEXTS),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.lists(st.tuples(KEYS, inner), max_size=4).map(lambda pairs: ("object", pairs)),
    ),
    max_leaves=12,
)


def written(value: object, colon: str, comma: str) -> str:
    """JSON with the keys of objects as often as they are listed."""
    if isinstance(value, tuple):
        pairs = [f"{json.dumps(key)}{colon}{written(one, colon, comma)}" for key, one in value[1]]
        return f"{{{comma.join(pairs)}}}"
    if isinstance(value, list):
        return f"[{comma.join(written(one, colon, comma) for one in value)}]"
    return json.dumps(value)


def escaped(text: str, every: int) -> str:
    """With every second, or every, slash of a key as an escape."""
    first, *rest = text.split('"a/b"')
    keys = ['"a\\/b"' if every and number % every == 0 else '"a/b"' for number in range(len(rest))]
    return first + "".join(key + part for key, part in zip(keys, rest, strict=True))


@examples(300)
@given(
    VALUES,
    st.sampled_from([":", ": ", " : "]),
    st.sampled_from([",", ", "]),
    st.integers(1, 40),
    st.sampled_from([0, 1, 2]),
)
def test_what_is_certain_is_true(value, colon, comma, piece, every):
    text = escaped(written(value, colon, comma), every).encode()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(keys_once, "PIECE", piece)
        if keys_are_once(text):
            assert repeated_keys(text) == []


@examples(300)
@given(
    st.lists(st.tuples(KEYS, st.one_of(st.integers(-9, 9), TEXTS)), min_size=1, max_size=4),
    st.integers(2, 12),
    st.integers(0, 11),
    st.lists(st.tuples(KEYS, st.one_of(st.integers(-9, 9), TEXTS)), max_size=4),
    st.integers(1, 400),
)
def test_records_alike_hide_no_other(pairs, count, place, other, piece):
    """A list of records with the same keys, one of which may be another one."""
    records: list[object] = [("object", pairs)] * count
    records[place % count] = ("object", other)
    text = written(records, ":", ",").encode()
    twice = [len({key for key, _ in one[1]}) < len(one[1]) for one in records]  # type: ignore[index]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(keys_once, "PIECE", piece)
        assert not (keys_are_once(text) and any(twice))


RECORDS = [{"image_id": 1, "category_id": 2, "bbox": [1, 2, 3, 4], "score": 0.5}] * 3
DOCUMENT = {
    "info": {"url": "http://x", "year": 2017},
    "images": [{"id": 1, "file_name": "a:b.jpg", "width": 3}],
    "annotations": [{"id": 1, "segmentation": {"size": [1, 2], "counts": "a"}, "iscrowd": 0}] * 2,
}


@pytest.mark.parametrize("content", [RECORDS, DOCUMENT, [[{}], {}] * 9])
@pytest.mark.parametrize("indent", [None, 2])
def test_usual_files_are_certain(content, indent):
    assert keys_are_once(json.dumps(content, indent=indent).encode())
    assert keys_are_once(json.dumps(content, indent=indent).replace("/", "\\/").encode())


@pytest.mark.parametrize(
    "text", [b"", b"{", b"}", b'"', b'{"a"', b':{"a":1}', b'}{"a":1}', b'"a":1']
)
def test_any_bytes_are_looked_at(text):
    assert keys_are_once(text) in (True, False)


def test_a_key_that_is_written_in_two_ways_is_not_certain():
    assert not keys_are_once(b'{"images": [], "a\\/b": 1, "a/b": 2}')
    assert keys_are_once(b'{"images": ["a\\/b"], "a": 1, "b": 2}')
