"""Where bytes are: in files that this machine sees, or in an object store that fsspec reaches.

A path with ``://`` in it is a URL, such as ``s3://bucket/folder``. All others are files, for which
fsspec is not imported.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import file_digest
from typing import Any, NamedTuple, Protocol

from detmetrics.foundation.errors import InputError
from detmetrics.foundation.messages import without_secrets
from detmetrics.foundation.outputs import write_whole

__all__ = [
    "FILES",
    "STORAGE",
    "ByteRange",
    "Entry",
    "Files",
    "Storage",
    "absolute",
    "is_url",
    "join",
]

SHORTENED = re.compile(r"[a-z][a-z\d+.-]+:/[^/]")


class Entry(NamedTuple):
    """What is in a folder: a folder, a file, or neither (a dead link)."""

    name: str
    is_folder: bool
    is_file: bool


class ByteRange(NamedTuple):
    """Bytes of a file, from start on and before end."""

    path: str
    start: int
    end: int


class Files(Protocol):
    """What is done with files, wherever they are. Faults are an OSError with path and reason."""

    def entries(self, folder: str) -> list[Entry]:
        """What is in a folder, in order of name."""
        ...

    def size(self, path: str) -> int:
        """How many bytes a file has."""
        ...

    def read(self, path: str, start: int = 0, end: int | None = None) -> bytes:
        """The bytes of a file, or fewer where it ends before."""
        ...

    def read_each(self, ranges: Sequence[ByteRange]) -> list[bytes]:
        """Several, at once where that is faster; fewer bytes where a file ends before."""
        ...

    def write(self, path: str, content: str | bytes) -> None:
        """Put a file in its place, whole or not at all.

        Raises:
            OutputError: it cannot be written.
        """
        ...

    def make_folder(self, path: str) -> None:
        """Make a folder where there is none, if files need one to be in."""
        ...

    def delete(self, path: str) -> None:
        """Delete a file."""
        ...

    def stamp(self, path: str) -> str:
        """What changes when the content of a file does, as far as is known without reading it."""
        ...

    def versions(self, path: str) -> Iterator[tuple[str, str]]:
        """Of a file, or of all files of a folder in order, name and what tells their content."""
        ...


@dataclass(frozen=True)
class Storage:
    """How files are reached, by path or URL.

    options: what fsspec is given for URLs. They may be credentials: they are part of no message, no
    name and no file.
    """

    options: Mapping[str, Any] = field(default_factory=dict, repr=False, hash=False)

    def __post_init__(self) -> None:
        if not isinstance(self.options, Mapping):
            raise InputError(
                "storage_options: expected options for fsspec by name, got "
                f"{type(self.options).__name__}"
            )

    def of(self, path: str) -> Files:
        """What reaches a path."""
        if not is_url(path):
            return FILES
        from detmetrics.parts.object_store import ObjectStore

        return ObjectStore(self.options)


STORAGE = Storage()
"""Without options."""


def is_url(path: str) -> bool:
    """Whether a path is one of an object store.

    >>> is_url("s3://bucket/gt"), is_url("data/gt")
    (True, False)
    """
    return "://" in path


def absolute(path: str | os.PathLike[str]) -> str:
    """A path that means the same for every worker; URLs as they are.

    Raises:
        InputError: a URL has a password or a query in it, or has lost a slash.

    >>> absolute("s3://bucket/gt/")
    's3://bucket/gt'
    """
    given = os.fspath(path)
    if not is_url(given):
        if isinstance(path, os.PathLike) and SHORTENED.match(given):
            raise InputError(
                f"{given}: pathlib takes a slash from URLs. Fix: give text, not a Path"
            )
        return os.path.abspath(given)
    if (shown := without_secrets(given)) != given:
        raise InputError(
            f"{shown}: the URL has a password or a query in it, which results would show. Fix: "
            "give it in storage_options="
        )
    scheme, _, place = given.partition("://")
    return f"{scheme}://{place.rstrip('/')}"


def join(folder: str, *names: str) -> str:
    """The path of what is in a folder.

    >>> join("s3://bucket/run7", "parts", "a.part")
    's3://bucket/run7/parts/a.part'
    """
    return "/".join((folder, *names)) if is_url(folder) else os.path.join(folder, *names)


class LocalFiles:
    """Files that this machine sees."""

    def entries(self, folder: str) -> list[Entry]:
        """What is in a folder, in order of name."""
        with os.scandir(folder) as found:
            return sorted(Entry(one.name, one.is_dir(), one.is_file()) for one in found)

    def size(self, path: str) -> int:
        """How many bytes a file has."""
        return os.stat(path).st_size

    def read(self, path: str, start: int = 0, end: int | None = None) -> bytes:
        """The bytes of a file, or fewer where it ends before."""
        with open(path, "rb") as file:
            file.seek(start)
            return file.read() if end is None else file.read(end - start)

    def read_each(self, ranges: Sequence[ByteRange]) -> list[bytes]:
        """Several, one after the other."""
        return [self.read(*one) for one in ranges]

    def write(self, path: str, content: str | bytes) -> None:
        """Write a file beside its place and rename it.

        Raises:
            OutputError: it cannot be written.
        """
        write_whole({path: content})

    def make_folder(self, path: str) -> None:
        """Make a folder, and those that it is in, where there is none."""
        os.makedirs(path, exist_ok=True)

    def delete(self, path: str) -> None:
        """Delete a file."""
        os.unlink(path)

    def stamp(self, path: str) -> str:
        """Its size, and when it was written."""
        status = os.stat(path)
        return f"{status.st_size} {status.st_mtime_ns}"

    def versions(self, path: str) -> Iterator[tuple[str, str]]:
        """Names and SHA-256 of a file, or of all files of a folder in their order."""
        for name, file in _files_of(path):
            yield name, _sha256(file)

    def stamps(self, path: str) -> Iterator[str]:
        """Names and :meth:`stamp` of a file, or of all files of a folder in their order."""
        for name, file in _files_of(path):
            yield f"{name} {self.stamp(file)}"


FILES = LocalFiles()


def _files_of(path: str) -> Iterator[tuple[str, str]]:
    """Names and paths of a file, or of all files of a folder in their order."""
    if not os.path.isdir(path):
        yield "", path
        return
    for folder, folders, names in os.walk(path):
        folders.sort()
        for name in sorted(names):
            file = os.path.join(folder, name)
            yield os.path.relpath(file, path), file


def _sha256(path: str) -> str:
    with open(path, "rb") as file:
        return file_digest(file, "sha256").hexdigest()
