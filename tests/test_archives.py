"""Bytes of arrays and a header: what was written, or an error, and never much memory."""

from __future__ import annotations

import io
import json
import pickle
import tracemalloc
from hashlib import sha256

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays_of

import detmetrics as dm
from detmetrics.foundation.archives import MARK, archived, opened

shapes = arrays_of.array_shapes(min_dims=1, max_dims=3, min_side=0, max_side=4)
columns = st.dictionaries(
    st.text(max_size=5),
    st.sampled_from([np.float64, np.int64, np.uint8, np.bool_]).flatmap(
        lambda kind: arrays_of.arrays(kind, shapes)
    ),
    max_size=4,
)
HEADER = {"of": "a test", "names": ["\ud800", "ä"], "limit": float("inf")}
COLUMNS = {"values": np.arange(6.0).reshape(2, 3), "marks": np.array([True, False])}


def read(data: object, kind: str = "test", version: int = 1) -> tuple[dict, dict]:
    return opened(data, kind, version, lambda header, arrays: (header, arrays))


def sealed(header: object, payload: bytes = b"") -> bytes:
    """Bytes with the checksum that belongs to them, whatever they hold."""
    described = header if isinstance(header, bytes) else json.dumps(header).encode()
    body = len(described).to_bytes(8, "little") + described + payload
    return MARK + sha256(body).digest() + body


@given(arrays=columns)
def test_read_back_bit_for_bit(arrays):
    data = archived("test", 1, HEADER, arrays)
    header, again = read(data)
    assert {name: header[name] for name in HEADER} == HEADER
    assert again.keys() == arrays.keys()
    for name, array in arrays.items():
        assert (again[name].dtype, again[name].shape) == (array.dtype, array.shape)
        assert again[name].tobytes() == array.tobytes()
        assert again[name].flags.aligned
    assert archived("test", 1, HEADER, again) == data
    assert read(bytearray(data))[0] == read(memoryview(data))[0] == header


def test_layouts_and_sizes_of_numbers_do_not_matter():
    """Columns of Fortran's order, of other machines and of fewer bits are stored alike."""
    values = np.arange(6.0).reshape(2, 3)
    for other in (np.asfortranarray(values), values.astype(">f8"), values.astype(np.float32)):
        assert archived("test", 1, {}, {"a": other}) == archived("test", 1, {}, {"a": values})


@given(cut=st.floats(0, 0.9999), at=st.floats(0, 0.9999), bits=st.integers(1, 255))
def test_damage_anywhere_is_an_error(cut, at, bits):
    data = archived("test", 1, HEADER, COLUMNS)
    with pytest.raises(dm.InputError, match="from_bytes"):
        read(data[: int(cut * len(data))])
    changed = bytearray(data)
    changed[int(at * len(data))] ^= bits
    with pytest.raises(dm.InputError, match="from_bytes"):
        read(bytes(changed))
    with pytest.raises(dm.InputError, match="the bytes are damaged: their checksum"):
        read(data + b"\0")


def npz() -> bytes:
    file = io.BytesIO()
    np.savez(file, a=np.arange(3))
    return file.getvalue()


@pytest.mark.parametrize("data", [b"", b"PK", MARK[:-1], pickle.dumps(COLUMNS), npz()])
def test_other_bytes(data):
    with pytest.raises(dm.InputError, match="expected what to_bytes wrote, got other bytes"):
        read(data)


@pytest.mark.parametrize("data", [None, "text", 7, np.arange(3)])
def test_no_bytes(data):
    with pytest.raises(dm.InputError, match="from_bytes: expected bytes, got"):
        read(data)


def test_another_kind():
    with pytest.raises(dm.InputError, match="expected other, found 'test'"):
        read(archived("test", 1, {}, {}), kind="other")


def test_a_later_release():
    with pytest.raises(
        dm.InputError, match=r"version 2, this release reads 1: .*detmetrics 0\.1\.0"
    ):
        read(archived("test", 2, {}, {}))
    later = MARK.replace(b"1", b"2") + bytes(100)
    with pytest.raises(dm.InputError, match="a later release of detmetrics wrote these bytes"):
        read(later)


class TestWhatSomebodyWrote:
    """With a checksum that fits: an error still, and no memory but that of the bytes."""

    def header(self, *columns: object) -> dict:
        return {"kind": "test", "version": 1, "release": "0.1.0", "columns": columns}

    @pytest.mark.parametrize("header", [b"", b"{", b"\xff", b"[1]", b"[" * 100_000, b"1" * 5000])
    def test_header(self, header):
        with pytest.raises(dm.InputError, match="their header is no JSON"):
            read(sealed(header))

    @pytest.mark.parametrize(
        "column",
        [
            ["a", "<f8", [10**12]],
            ["a", "<f8", [2**40, 2**40]],
            ["a", "<f8", [-1]],
            ["a", "<f8", [True]],
            ["a", "<f8", [1.0]],
            ["a", "<f8", "1"],
            ["a", "<f8", 1],
            ["a", "|O", [1]],
            ["a", "<f4", [2]],
            ["a", None, [1]],
            ["a", "|b1", [8]],
            ["a", "<f8", [0, 2**70]],
            ["a", "<f8"],
            "a",
            None,
        ],
    )
    def test_columns(self, column):
        data = sealed(self.header(column), b"\x02" * 8)
        tracemalloc.start()
        with pytest.raises(dm.InputError, match="the bytes are damaged"):
            read(data)
        assert tracemalloc.get_traced_memory()[1] < 1_000_000
        tracemalloc.stop()

    def test_length_of_the_header(self):
        data = sealed(self.header())
        body = (2**63).to_bytes(8, "little") + data[len(MARK) + 40 :]
        changed = MARK + sha256(body).digest() + body
        assert read(changed) == read(data)  # what is behind the header is nothing at all

    def test_an_error_of_the_reader(self):
        with pytest.raises(
            dm.InputError, match=r"damaged \(.*missing.*0\.1\.0 wrote them, this is 0\.1\.0"
        ):
            opened(archived("test", 1, {}, {}), "test", 1, lambda header, _: header["missing"])
