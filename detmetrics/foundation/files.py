"""Bytes in, and files out whole or not at all."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import stat
import sys
import tempfile
import threading
import zlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from detmetrics.foundation.errors import FormatError, OutputError

__all__ = ["GZIP_MAGIC", "STANDARD_STREAM", "Input", "read_input", "write_tree", "write_whole"]

STANDARD_STREAM = "-"
GZIP_MAGIC = b"\x1f\x8b"
CHUNK = 1 << 22
# JSON of boxes shrinks to a tenth. Far more than that is an accident or an attack.
LARGEST_RATIO = 200
ALWAYS_FINE = 1 << 30


class Input:
    """What was read, to be named beside every number that rests on it.

    The fingerprint is taken on another processor while the content is decoded.

    Attributes:
        path: as it was given.
        size: in bytes, as the file (or all that was read of the folder) lies on disk.
    """

    def __init__(self, path: str, parts: Sequence[bytes | memoryview]) -> None:
        self.path = path
        self.size = sum(map(len, parts))
        self._digest = ""
        thread = threading.Thread(target=self._fingerprint, args=(parts,), daemon=True)
        thread.start()
        self._thread: threading.Thread | None = thread

    @property
    def sha256(self) -> str:
        """Of the file as it lies on disk, in hexadecimal digits.

        Of a folder: of the bytes of the files that were read, one after the other in the order
        of their names.
        """
        if self._thread is not None:
            self._thread.join()
        return self._digest

    def __getstate__(self) -> dict[str, Any]:
        """With the fingerprint in place of the thread that takes it, which cannot be copied."""
        return {"path": self.path, "size": self.size, "_digest": self.sha256, "_thread": None}

    def _fingerprint(self, parts: Sequence[bytes | memoryview]) -> None:
        digest = hashlib.sha256()
        for part in parts:
            digest.update(part)
        self._digest = digest.hexdigest()


def read_input(path: str | os.PathLike[str]) -> tuple[bytes, Input]:
    """The whole content of a file, unpacked if it is gzipped; ``-`` reads standard input.

    Raises:
        FormatError: the file is missing, not readable, a directory, empty or badly packed.
    """
    name = os.fspath(path)
    if not name:
        raise FormatError("input", ["the name of the file is empty"])
    try:
        raw = sys.stdin.buffer.read() if name == STANDARD_STREAM else Path(name).read_bytes()
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


def _unpack(name: str, raw: bytes) -> bytes:
    # In chunks, so that a file of a few kilobytes which unpacks to many gigabytes is refused before
    # it has filled the memory.
    allowed = max(ALWAYS_FINE, LARGEST_RATIO * len(raw))
    parts, total, rest = [], 0, raw
    try:
        while rest.startswith(GZIP_MAGIC):  # a file may hold several members
            packed = zlib.decompressobj(wbits=31)
            while rest and not packed.eof:
                parts.append(packed.decompress(rest, CHUNK))
                total += len(parts[-1])
                if total > allowed:
                    raise FormatError(name, [f"unpacks to more than {allowed:,} bytes: refused"])
                rest = packed.unconsumed_tail or packed.unused_data
            if not packed.eof:
                raise FormatError(name, ["the gzip data ends early: was the file cut off?"])
        if rest.strip(b"\0"):  # padding of zeros is common, and harmless
            raise FormatError(name, [f"{len(rest):,} bytes that are not gzip data at the end"])
    except zlib.error as error:
        raise FormatError(name, [f"damaged gzip data: {error}"]) from None
    return b"".join(parts)


def write_whole(outputs: Mapping[str, str | bytes]) -> None:
    """Write texts, or bytes as they are, to paths; all of them or, where one fails, no file.

    ``-`` is standard output. A device or a pipe is written to; a link keeps pointing where it
    does.

    Raises:
        OutputError: a path cannot be written; nothing was changed.
    """
    # Every content is written beside its target first and then renamed, which cannot fail halfway:
    # whoever reads a target finds the old file or the new one, and never a part.
    staged: list[tuple[str, str]] = []
    try:
        direct = {path: content for path, content in outputs.items() if _is_stream(path)}
        for path, content in outputs.items():
            if path not in direct:
                with _naming(path):
                    target = os.path.realpath(path)
                    staged.append((_stage(target, content), target))
        # What can still fail comes before what cannot.
        for path, content in direct.items():
            with _naming("standard output" if path == STANDARD_STREAM else path):
                _write_direct(path, content)
        for temporary, target in staged:
            with _naming(target):
                os.replace(temporary, target)
    finally:
        for temporary, _ in staged:
            with contextlib.suppress(OSError):
                os.unlink(temporary)


def write_tree(target: str, files: Mapping[str, bytes], *, force: bool = False) -> None:
    """Write a file (its name is ``""``), or a folder of files; all of them or none.

    force: take the place of what is there. A folder gives way only where it holds nothing but
    files of the kinds that are written, so that nobody's images are lost.

    Raises:
        OutputError: the target is there, or cannot be written; nothing was changed.
    """
    if target == STANDARD_STREAM and set(files) == {""}:
        with _naming("standard output"):
            sys.stdout.buffer.write(files[""])
            sys.stdout.buffer.flush()
        return
    place = os.path.abspath(target)
    _refuse_taken(target, place, files, force)
    with _naming(target):
        if not os.path.isdir(os.path.dirname(place)):
            raise FileNotFoundError(errno.ENOENT, "its folder does not exist")
        with tempfile.TemporaryDirectory(
            prefix=".detmetrics-", dir=os.path.dirname(place), ignore_cleanup_errors=True
        ) as stage:
            fresh, old = os.path.join(stage, "new"), os.path.join(stage, "old")
            _fill(fresh, files)
            # A folder cannot be renamed onto one that holds files: the old one steps aside, and
            # comes back where the new one cannot take its place.
            if os.path.isdir(place) and not os.path.islink(place):
                os.replace(place, old)
            try:
                os.replace(fresh, place)
            except OSError:
                if os.path.lexists(old):
                    os.replace(old, place)
                raise


def _fill(fresh: str, files: Mapping[str, bytes]) -> None:
    if set(files) != {""}:
        os.mkdir(fresh)
    for name, content in files.items():
        parts = name.split("/")
        if any(part != os.path.basename(part) or part in (".", "..") for part in parts):
            raise OSError(errno.EINVAL, f"{name!r} is no plain file name")
        place = os.path.join(fresh, *parts) if name else fresh
        os.makedirs(os.path.dirname(place), exist_ok=True)
        with open(place, "wb") as file:
            file.write(content)


def _refuse_taken(target: str, place: str, files: Mapping[str, bytes], force: bool) -> None:
    """Refuse a target that is there, but for an empty folder, or one of old files where forced."""
    if not os.path.lexists(place):
        return
    is_folder, wants_folder = os.path.isdir(place), set(files) != {""}
    if is_folder != wants_folder:
        kinds = ("a folder", "a file") if is_folder else ("a file", "a folder")
        raise OutputError(f"{target}: is {kinds[0]}, and {kinds[1]} would be written")
    if is_folder and not os.listdir(place):
        return
    if not force:
        raise OutputError(f"{target}: is there already; --force puts the new in its place")
    kinds_written = {os.path.splitext(name)[1] for name in files}
    for entry in _below(place) if is_folder else ():
        if not entry.is_file() or os.path.splitext(entry.name)[1] not in kinds_written:
            raise OutputError(
                f"{target}: holds {entry.name}, which would be lost: --force only replaces folders "
                f"of {', '.join(sorted(kinds_written))} files"
            )


def _below(folder: str) -> Iterator[os.DirEntry[str]]:
    """What is in a folder and in the folders in it that hold something."""
    waiting = [folder]
    while waiting:
        with os.scandir(waiting.pop()) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False) and os.listdir(entry.path):
                    waiting.append(entry.path)
                else:
                    yield entry


@contextlib.contextmanager
def _naming(path: str) -> Iterator[None]:
    """Errors of the system as ours, with the path that the user gave."""
    try:
        yield
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise OutputError(f"{path}: cannot be written: {reason}") from None


def _is_stream(path: str) -> bool:
    """Whether a path is standard output, a device or a pipe, which cannot be replaced."""
    if path == STANDARD_STREAM:
        return True
    try:
        mode = os.stat(path).st_mode
    except (OSError, ValueError):
        return False
    return not stat.S_ISREG(mode) and not stat.S_ISDIR(mode)


def _stage(target: str, content: str | bytes) -> str:
    """A temporary file beside the target that holds the content."""
    if os.path.isdir(target):
        raise IsADirectoryError(errno.EISDIR, "it is a directory")
    folder, name = os.path.split(target)
    if not os.path.isdir(folder):
        raise FileNotFoundError(errno.ENOENT, "its folder does not exist")
    if len(os.fsencode(name)) > os.pathconf(folder, "PC_NAME_MAX"):
        raise OSError(errno.ENAMETOOLONG, os.strerror(errno.ENAMETOOLONG))
    mode = os.stat(target).st_mode & 0o777 if os.path.exists(target) else 0o666 & ~_umask()
    handle, temporary = tempfile.mkstemp(prefix=".detmetrics-", dir=folder)
    try:
        with open(handle, "wb") as file:
            file.write(_encoded(content))
            file.flush()
            os.fsync(file.fileno())  # else a crash after the rename could leave an empty file
        os.chmod(temporary, mode)
    except BaseException:
        os.unlink(temporary)
        raise
    return temporary


def _umask() -> int:
    """The bits that new files do not get; it can only be read by setting it."""
    mask = os.umask(0)
    os.umask(mask)
    return mask


def _encoded(content: str | bytes) -> bytes:
    return content.encode("utf-8", "backslashreplace") if isinstance(content, str) else content


def _write_direct(path: str, content: str | bytes) -> None:
    if path != STANDARD_STREAM:
        with open(path, "wb") as file:
            file.write(_encoded(content))
    elif sys.stdout is None:
        raise OSError(errno.EBADF, "it is closed")
    else:
        encoding = sys.stdout.encoding or "utf-8"
        try:
            if isinstance(content, bytes):
                sys.stdout.buffer.write(content)
            else:
                sys.stdout.write(content.encode(encoding, "backslashreplace").decode(encoding))
            sys.stdout.flush()
        except OSError:
            _give_up_standard_output()
            raise


def _give_up_standard_output() -> None:
    """What is still buffered goes nowhere, so that Python does not fail on it again at exit."""
    with contextlib.suppress(OSError, ValueError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)
