r"""Arrays and a header as bytes: without pickle, with a version and a checksum.

::

    detmetrics bytes 1\n     what the bytes are, and how they are laid out
    32 bytes                 SHA-256 of everything after it
    8 bytes                  length of the header, little-endian
    header                   JSON: kind, version, release, columns, and what the kind adds
    columns                  one after the other, little-endian, in C order

Reading checks every length against the bytes at hand before it allocates anything, so a small
file never asks for much memory, and nothing that is read is executed.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator, Mapping
from hashlib import sha256
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from detmetrics.foundation.errors import InputError
from detmetrics.foundation.messages import printable, shown
from detmetrics.foundation.version import __version__

__all__ = ["UNFIT", "archived", "is_archive", "opened"]

Kept = TypeVar("Kept")
Arrays = dict[str, NDArray[Any]]

NAME = b"detmetrics bytes "
MARK = NAME + b"1\n"
DIGEST, LENGTH = 32, 8
TYPES = {"f": "<f8", "i": "<i8", "u": "|u1", "b": "|b1"}
"""How the kinds of NumPy's types are stored."""

UNFIT = (
    *(ValueError, LookupError, TypeError, AttributeError, OverflowError),
    *(MemoryError, RecursionError),
)
"""What bytes end in that another program wrote, or that somebody changed with their checksum."""


def archived(
    kind: str, version: int, header: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]
) -> bytes:
    """Both as bytes that :func:`opened` reads back.

    kind, version: what it is, and how the kind lays it out. header: what JSON holds; arrays: of
    float64, int64, uint8 or bool.
    """
    columns = {
        name: np.ascontiguousarray(
            array.astype(TYPES[array.dtype.kind], casting="safe", copy=False)
        )
        for name, array in arrays.items()
    }
    told = {
        **header,
        "kind": kind,
        "version": version,
        "release": __version__,
        "columns": [[name, array.dtype.str, array.shape] for name, array in columns.items()],
    }
    described = json.dumps(told).encode()
    body: list[Any] = [
        len(described).to_bytes(LENGTH, "little"),
        described,
        *(array.reshape(-1).view(np.uint8) for array in columns.values()),
    ]
    digest = sha256()
    for part in body:
        digest.update(part)
    return b"".join([MARK, digest.digest(), *body])


def is_archive(start: bytes) -> bool:
    """Whether bytes begin as those of :func:`archived`, of any release."""
    return start.startswith(NAME)


def opened(
    data: bytes, kind: str, version: int, kept: Callable[[Mapping[str, Any], Arrays], Kept]
) -> Kept:
    """What ``kept`` makes of the header and the arrays that :func:`archived` wrote.

    Raises:
        InputError: the data is something else, is damaged, is of another kind, or another release
            wrote it in a way that this one cannot read.
    """
    header, columns = _unwrapped(data)
    release = printable(str(header.get("release")))[:20]
    if header.get("kind") != kind:
        raise InputError(f"from_bytes: expected {kind}, found {shown(header.get('kind'))}")
    if header.get("version") != version:
        raise InputError(
            f"from_bytes: written as version {shown(header.get('version'))}, this release reads "
            f"{version}: read it with the release that wrote it, detmetrics {release}"
        )
    try:
        return kept(header, dict(_columns(header["columns"], columns)))
    except UNFIT as error:
        why = printable(str(error))[:80]
        raise InputError(
            f"from_bytes: the bytes are damaged ({why}); detmetrics {release} wrote them, this is "
            f"{__version__}"
        ) from None


def _unwrapped(data: bytes) -> tuple[dict[str, Any], memoryview]:
    """The header, and the bytes behind it."""
    if not isinstance(data, bytes | bytearray | memoryview):
        raise InputError(f"from_bytes: expected bytes, got {shown(data)}")
    whole, start = memoryview(bytes(data)), len(MARK) + DIGEST
    if whole[: len(MARK)] != MARK:
        if whole[: len(NAME)] == NAME and len(whole) > start:
            raise InputError("from_bytes: a later release of detmetrics wrote these bytes")
        raise InputError("from_bytes: expected what to_bytes wrote, got other bytes")
    body = whole[start:]
    if sha256(body).digest() != whole[len(MARK) : start]:
        raise InputError("from_bytes: the bytes are damaged: their checksum does not fit")
    end = LENGTH + int.from_bytes(body[:LENGTH], "little")
    try:
        header = json.loads(bytes(body[LENGTH:end]))
        if not isinstance(header, dict):
            raise ValueError
    except UNFIT:
        raise InputError("from_bytes: the bytes are damaged: their header is no JSON") from None
    return header, body[end:]


def _columns(told: Any, data: memoryview) -> Iterator[tuple[str, NDArray[Any]]]:
    """Each array with its name; told: the name, the type and the shape of each.

    Raises:
        ValueError, TypeError: they are not what the bytes hold.
    """
    known = [(name, np.dtype(_type(name, kind)), _shape(name, shape)) for name, kind, shape in told]
    sizes = [kind.itemsize * math.prod(shape) for _, kind, shape in known]
    if sum(sizes) != len(data):
        raise ValueError(f"columns: expected {sum(sizes)} bytes, found {len(data)}")
    start = 0
    for (name, kind, shape), size in zip(known, sizes, strict=True):
        part = data[start : start + size]
        start += size
        if kind.kind == "b" and size and np.frombuffer(part, np.uint8).max() > 1:
            raise ValueError(f"{name}: expected bytes of 0 and 1")
        # A copy stands where its numbers can be read at once, and in the order of this machine.
        yield name, np.frombuffer(part, kind).reshape(shape).astype(kind.newbyteorder("="))


def _type(name: str, kind: Any) -> str:
    if kind not in TYPES.values():
        raise ValueError(f"{name}: expected one of {', '.join(TYPES.values())}, found {kind!r}")
    return str(kind)


def _shape(name: str, shape: Any) -> tuple[int, ...]:
    if not all(type(length) is int and length >= 0 for length in shape):
        raise ValueError(f"{name}: expected a shape, found {shape!r}")
    return tuple(shape)
