"""Files in an object store, through fsspec: ``s3://``, ``gs://``, ``memory://`` and whatever it
knows. Its caches of listings are passed over, so that what changed is seen.

A file is put whole or not at all, as object stores do it; where fsspec reaches a real file system
(``sftp://``), one that was cut off is recognized when it is read.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

from detmetrics.foundation.errors import FormatError, InputError, OutputError
from detmetrics.foundation.messages import printable
from detmetrics.foundation.outputs import encoded
from detmetrics.parts.storage import ByteRange, Entry

__all__ = ["ObjectStore"]

TELLING = (
    *("md5Hash", "ETag", "etag", "crc32c", "sha", "mtime", "LastModified", "last_modified"),
    *("updated", "modified", "created"),
)
"""What stores tell of an object that changes with its content, the surest first."""
LONGEST = 200
NOTHING = "no such file or folder, or no such bucket"
DENIED = "access denied: do the credentials (storage_options=, or the environment) allow it?"
NO_CREDENTIALS = (
    "no credentials were found: set them in the environment, as this file system reads them, or "
    "give storage_options="
)
NO_ROOM = "no space left for its copy in the folder of temporary files (TMPDIR)"


@dataclass(frozen=True)
class ObjectStore:
    """What is done with files of URLs; options: for fsspec."""

    options: Mapping[str, Any] = field(repr=False)

    def entries(self, folder: str) -> list[Entry]:
        """What is in a folder, in order of name.

        Raises:
            OSError: it is no folder, or cannot be listed.
        """
        fs, place = self._at(folder)
        with self._reaching(folder):
            fs.invalidate_cache()
            found = fs.ls(place, detail=True)
        entries = []
        for one in found:
            name = one["name"].rstrip("/")
            if name.strip("/") != place.strip("/"):
                is_folder = one["type"] == "directory"
                entries.append(Entry(name.rpartition("/")[2], is_folder, not is_folder))
            elif one["type"] != "directory" and one["name"] == name:
                # fsspec lists a file as what is in it; what ends in / is the mark of a folder.
                raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), folder)
        return sorted(entries)

    def size(self, path: str) -> int:
        """How many bytes a file has."""
        return int(self._info(path)["size"])

    def read(self, path: str, start: int = 0, end: int | None = None) -> bytes:
        """The bytes of a file, in one request."""
        fs, place = self._at(path)
        with self._reaching(path):
            asked = {} if end is None else {"start": start, "end": end}
            return bytes(fs.cat_file(place, **asked))

    def read_each(self, ranges: Sequence[ByteRange]) -> list[bytes]:
        """Several, one request for each and many of these at once."""
        if not ranges:
            return []
        fs, _ = self._at(ranges[0].path)
        with self._reaching(ranges[0].path):
            places = [self._at(one.path)[1] for one in ranges]
            starts, ends = [one.start for one in ranges], [one.end for one in ranges]
            found = fs.cat_ranges(places, starts, ends, on_error="return")
        for one, data in zip(ranges, found, strict=True):
            with self._reaching(one.path):
                if isinstance(data, BaseException):
                    raise data
        return [bytes(data) for data in found]

    def write(self, path: str, content: str | bytes) -> None:
        """Put a file in its place.

        Raises:
            OutputError: it cannot be written.
        """
        fs, place = self._at(path)
        try:
            with self._reaching(path):
                _put(fs, place, encoded(content))
        except OSError as error:
            raise OutputError(f"{path}: cannot be written: {error.strerror}") from None

    def make_folder(self, path: str) -> None:
        """Nothing: object stores have no folders, and :meth:`write` makes them elsewhere."""

    def delete(self, path: str) -> None:
        """Delete a file."""
        fs, place = self._at(path)
        with self._reaching(path):
            fs.rm_file(place)

    def stamp(self, path: str) -> str:
        """What the store tells of the content, and its SHA-256 where that is nothing."""
        return self._stamp(path, self._info(path))

    def versions(self, path: str) -> Iterator[tuple[str, str]]:
        """Names and stamps of a file, or of all files of a folder in their order.

        Raises:
            FormatError: it is not there, or cannot be reached.
        """
        with _as_input(path):
            for name, info in self._files(path):
                yield name, self._stamp(f"{path}/{name}" if name else path, info)

    def fetch(self, path: str, target: str) -> None:
        """Copy a file, or all files of a folder, to a path of this machine.

        Raises:
            FormatError: it cannot be read.
        """
        fs, place = self._at(path)
        with _as_input(path):
            names = [name for name, _ in self._files(path)]
            for name in names:
                _refuse_odd(name, path)
            theirs = [f"{place}/{name}" if name else place for name in names]
            mine = [os.path.join(target, *name.split("/")) if name else target for name in names]
            for folder in {os.path.dirname(one) for one in mine}:
                os.makedirs(folder, exist_ok=True)
            with self._reaching(path):
                fs.get(theirs, mine)

    def _files(self, path: str) -> list[tuple[str, Mapping[str, Any]]]:
        """Names in a folder, in order, and what the store tells of each; of a file, itself."""
        told = self._info(path)
        if told["type"] != "directory":
            return [("", told)]
        fs, place = self._at(path)
        with self._reaching(path):
            found = fs.find(place, detail=True)
        start = len(place.strip("/")) + 1
        return sorted(
            ((name.strip("/")[start:], info) for name, info in found.items() if name[-1] != "/"),
            key=lambda one: one[0],
        )

    def _stamp(self, path: str, info: Mapping[str, Any]) -> str:
        told = next((f"{name} {info[name]}" for name in TELLING if info.get(name)), None)
        told = told or f"SHA-256 {sha256(self.read(path)).hexdigest()}"
        return f"{told} {info['size']}"

    def _info(self, path: str) -> Mapping[str, Any]:
        fs, place = self._at(path)
        with self._reaching(path):
            fs.invalidate_cache()
            told: Mapping[str, Any] = fs.info(place)
            return told

    def _at(self, path: str) -> tuple[Any, str]:
        """The file system of a URL, and the path in it.

        Raises:
            InputError: there is none, or it does not take the options.
        """
        try:
            from fsspec.core import url_to_fs
        except ImportError:
            raise InputError(
                f"{path}: URLs need fsspec, which is not installed: pip install "
                "'detmetrics[remote]'"
            ) from None
        try:
            fs, place = url_to_fs(path, **self.options)
        except ImportError as error:
            raise InputError(f"{path}: {error}{_package(path)}") from None
        except Exception as error:
            reason = self._untold(f"{type(error).__name__}: {error}")
            raise InputError(
                f"{path}: fsspec cannot use this URL with these storage_options ({reason})"
            ) from None
        return fs, place

    @contextmanager
    def _reaching(self, path: str) -> Iterator[None]:
        """Whatever goes wrong on the way as an OSError with the URL and a reason.

        Raises:
            OSError: something did.
        """
        try:
            yield
        except InputError:
            raise
        except Exception as error:
            number, reason = _reason(error)
            if not reason:
                reason = self._untold(f"{type(error).__name__}: {error}")
            raise OSError(number, reason, path) from None  # of the subclass of its number

    def _untold(self, text: str) -> str:
        """On one line, and without any of the options."""
        for secret in _texts(self.options):
            text = text.replace(secret, "***")
        return printable(" ".join(text.split()))[:LONGEST]


def _reason(error: Exception) -> tuple[int, str]:
    """The number of an error, and in words of ours what it means where that is known."""
    kind = type(error).__name__
    if isinstance(error, FileNotFoundError):
        return errno.ENOENT, NOTHING
    if "Credential" in kind or kind in ("RefreshError", "TokenRetrievalError"):
        return errno.EACCES, NO_CREDENTIALS
    if isinstance(error, PermissionError):
        return errno.EACCES, DENIED
    if isinstance(error, OSError) and error.errno == errno.ENOSPC:
        return errno.ENOSPC, NO_ROOM
    return errno.EIO, ""


def _texts(value: object) -> Iterator[str]:
    """Every text in options that is long enough to be a secret."""
    if isinstance(value, str):
        yield from [value] if len(value) > 3 else []
    elif isinstance(value, Mapping):
        for one in value.values():
            yield from _texts(one)
    elif isinstance(value, list | tuple):
        for one in value:
            yield from _texts(one)


def _package(path: str) -> str:
    """How the package is installed that fsspec lacks for a URL."""
    from fsspec.registry import known_implementations

    known = known_implementations.get(path.partition("://")[0], {"class": "fsspec."})
    package = known["class"].partition(".")[0]
    return "" if package == "fsspec" else f". Fix: pip install {package}, for all workers"


def _put(fs: Any, place: str, content: bytes) -> None:
    """Write a file; a real file system may lack the folder for it."""
    try:
        fs.pipe_file(place, content)
    except FileNotFoundError:
        folder = place.rpartition("/")[0]
        if "/" not in folder.strip("/"):
            raise  # a bucket, which is the user's to make
        with suppress(FileExistsError):
            fs.mkdir(folder, create_parents=False)
        fs.pipe_file(place, content)


@contextmanager
def _as_input(path: str) -> Iterator[None]:
    """An error of a store as that of an input.

    Raises:
        FormatError: it cannot be read.
    """
    try:
        yield
    except OSError as error:
        raise FormatError(path, [f"cannot be read: {error.strerror or error}"]) from None


def _refuse_odd(name: str, path: str) -> None:
    """Refuse a key that would be written outside its folder, or that no file can have."""
    parts = name.split("/")
    if name and any(one != os.path.basename(one) or one in ("", ".", "..") for one in parts):
        raise FormatError(path, [f"{printable(name)}: expected the name of a file"])
