"""Bytes in: files, pipes and gzipped ones, within bounds."""

from __future__ import annotations

import contextlib
import errno
import io
import os
import stat
import sys
import threading
import zlib
from collections.abc import Iterator, Sequence
from typing import Any, BinaryIO

from detmetrics.foundation.errors import FormatError
from detmetrics.foundation.hints import hint
from detmetrics.foundation.messages import in_bytes
from detmetrics.foundation.parallel import started

__all__ = ["GZIP_MAGIC", "PIPE_LIMIT", "STANDARD_STREAM", "Input", "read_input"]

STANDARD_STREAM = "-"
GZIP_MAGIC = b"\x1f\x8b"
CHUNK = 1 << 20
LITTLE = 1 << 20
"""Bytes that are kept until their fingerprint is asked for."""
PIPE_LIMIT = 1 << 30
"""So many bytes are read from a pipe, which may never end, unless more are asked for."""
# JSON of boxes shrinks to a tenth. Far more than that is an accident or an attack.
LARGEST_RATIO = 200
ALWAYS_FINE = 64 << 20
NO_FILES = {
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a block device",
    stat.S_IFSOCK: "a socket",
}


class Input:
    """What was read, to be named beside every number that rests on it.

    The fingerprint is taken on another processor while the content is decoded, of little content
    when it is asked for.

    Attributes:
        path: as it was given.
        size: in bytes, as the file (or all that was read of the folder) lies on disk.
    """

    def __init__(self, path: str, parts: Sequence[bytes | memoryview]) -> None:
        self.path = path
        self.size = sum(map(len, parts))
        self._digest = ""
        self._thread: threading.Thread | None = None
        self._parts: Sequence[bytes | memoryview] | None = None
        if self.size < LITTLE:
            self._parts = parts
        else:
            self._thread = started(lambda: self._fingerprint(parts))

    @property
    def sha256(self) -> str:
        """Of the file as it lies on disk, in hexadecimal digits.

        Of a folder: of the bytes of the files that were read, one after the other in the order
        of their names.
        """
        if self._thread is not None:
            self._thread.join()
        elif self._parts is not None:
            self._fingerprint(self._parts)
            self._parts = None
        return self._digest

    def __getstate__(self) -> dict[str, Any]:
        """With the fingerprint in place of the thread that takes it, which cannot be copied."""
        known = {"path": self.path, "size": self.size, "_digest": self.sha256}
        return {**known, "_thread": None, "_parts": None}

    def _fingerprint(self, parts: Sequence[bytes | memoryview]) -> None:
        import hashlib  # which loads OpenSSL

        digest = hashlib.sha256()
        for part in parts:
            digest.update(part)
        self._digest = digest.hexdigest()


def read_input(path: str | os.PathLike[str], pipe_limit: int = PIPE_LIMIT) -> tuple[bytes, Input]:
    """The whole content of a file or a pipe, unpacked if it is gzipped; ``-`` reads standard input.

    pipe_limit: so many bytes are read from a pipe at most.

    Raises:
        FormatError: the file is missing, not readable, a directory, a device, empty or badly
            packed; a pipe that gives more.
    """
    name = os.fspath(path)
    if not name:
        raise FormatError("input", ["the name of the file is empty"])
    try:
        raw = _standard_input(pipe_limit) if name == STANDARD_STREAM else _file(name, pipe_limit)
    except IsADirectoryError:
        raise FormatError(name, ["expected a file, got a directory"]) from None
    except FileNotFoundError:
        raise FormatError(name, ["no such file"]) from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise FormatError(name, [f"cannot be read: {reason}"]) from None
    source = Input(name, [raw])
    data = _unpack(name, raw) if raw.startswith(GZIP_MAGIC) else raw
    if not data.strip():
        empty = "standard input gave nothing" if name == STANDARD_STREAM else "the file is empty"
        raise FormatError(name, [empty])
    return data, source


def _file(name: str, pipe_limit: int) -> bytes:
    mode = os.stat(name).st_mode
    _refuse_device(name, os.stat(name))
    with open(name, "rb") as file:
        return _bounded(file, name, pipe_limit) if stat.S_ISFIFO(mode) else file.read()


def _standard_input(pipe_limit: int) -> bytes:
    if sys.stdin is None:
        raise OSError(errno.EBADF, "it is closed")
    file = sys.stdin.buffer
    with contextlib.suppress(io.UnsupportedOperation):
        _refuse_device("standard input", os.fstat(file.fileno()))
    return _bounded(file, "standard input", pipe_limit)


def _refuse_device(name: str, status: os.stat_result) -> None:
    """Refuse what may have no end, or is none of the things that hold a file.

    Raises:
        FormatError: it is a device (other than a terminal and the one that is empty) or a socket.
    """
    kind = NO_FILES.get(stat.S_IFMT(status.st_mode))
    if kind and status.st_rdev not in _ending_devices():
        raise FormatError(name, [f"expected a file or a pipe, got {kind}"])


def _ending_devices() -> Iterator[int]:
    yield os.stat(os.devnull).st_rdev
    with contextlib.suppress(OSError, AttributeError, ValueError):
        if sys.stdin.isatty():
            yield os.fstat(sys.stdin.fileno()).st_rdev


def _bounded(file: BinaryIO, name: str, limit: int) -> bytes:
    """All that a pipe gives.

    Raises:
        FormatError: it gives more than the limit.
    """
    content = io.BytesIO()
    while part := file.read(min(CHUNK, limit + 1 - content.tell())):
        content.write(part)
        if content.tell() > limit:
            more = hint("pipe-limit", size=in_bytes(2 * limit))
            raise FormatError(name, [f"more than {in_bytes(limit)} through a pipe: {more}"])
    return content.getvalue()


def _unpack(name: str, raw: bytes) -> bytes:
    # In chunks, so that a file of a few kilobytes which unpacks to many gigabytes is refused before
    # it has filled the memory.
    allowed = max(ALWAYS_FINE, LARGEST_RATIO * len(raw))
    content, rest = io.BytesIO(), memoryview(raw)
    try:
        while rest[:2] == GZIP_MAGIC:  # a file may hold several members
            packed = zlib.decompressobj(wbits=31)
            while rest and not packed.eof:
                content.write(packed.decompress(rest[:CHUNK], CHUNK))
                if content.tell() > allowed:
                    raise FormatError(name, [_too_much(allowed, len(raw))])
                unread = len(packed.unconsumed_tail) or len(packed.unused_data)
                rest = rest[min(CHUNK, len(rest)) - unread :]
            if not packed.eof:
                raise FormatError(name, ["the gzip data ends early: was the file cut off?"])
        if rest.tobytes().strip(b"\0"):  # padding of zeros is common, and harmless
            raise FormatError(name, [f"{len(rest):,} bytes that are not gzip data at the end"])
    except zlib.error as error:
        raise FormatError(name, [f"damaged gzip data: {error}"]) from None
    return content.getvalue()


def _too_much(allowed: int, packed: int) -> str:
    return (
        f"{in_bytes(packed)} of gzip data unpack to more than {in_bytes(allowed)}: refused, since "
        "files of boxes do not. If you trust it, unpack it with gunzip and give the file"
    )
