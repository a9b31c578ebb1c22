"""What the user points at: a file, a folder or a stream, looked into before it is read."""

from __future__ import annotations

import contextlib
import os
import stat
import zlib
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cached_property
from typing import TypeAlias, overload

import numpy as np
from numpy.typing import NDArray

from detmetrics.formats.presence import LINKED_FOLDER, obstacle, refuse_unreadable
from detmetrics.foundation.arrays import Ints
from detmetrics.foundation.errors import FormatError
from detmetrics.foundation.inputs import GZIP_MAGIC, PIPE_LIMIT, STANDARD_STREAM, Input, read_input
from detmetrics.foundation.messages import printable

__all__ = ["BEGINNING", "IMAGE_SUFFIXES", "MARGIN", "Beginning", "Contents", "Given", "Text"]

IMAGE_SUFFIXES = (
    *(".bmp", ".gif", ".jp2", ".jpe", ".jpeg", ".jpg", ".png", ".pnm", ".ppm", ".pgm"),
    *(".svg", ".tif", ".tiff", ".webp", ".avif", ".heic"),
)
PACKED = (".gz", ".bz2", ".xz", ".zst", ".zip")
HEAD = 1 << 16  # bytes of a file that formats are recognised by
BEGINNING = 1 << 21  # bytes at the start of a file that show what is wrong with all of it
UTF_16 = (b"\xff\xfe", b"\xfe\xff")  # which may not be cut at a line break of one byte
AT_ONCE = 1 << 14  # label files are shorter, so that one call of the system reads one
BLOCK = 1 << 23  # large enough for the system's large pages, small enough to be gone soon

Text: TypeAlias = NDArray[np.uint8]

MARGIN = 16
"""So many bytes stand before the first file of a block: words are read from their end backwards."""

EMPTY = (
    "the folder is empty, expected files with boxes: is it the right one? (an empty .txt file is "
    "an image without boxes)"
)


class Contents(Sequence[bytes]):
    """The bytes of several files, one behind the other in a few large blocks.

    Large arrays lie on large pages, which the system hands out far faster than bytes objects.

    Attributes:
        blocks: bytes as numbers. ``MARGIN`` line breaks come first, and a line break follows where
            a file does not end with one.
        spans: for each block (F, 3), where each file begins, where it ends, and where the next
            begins.
    """

    def __init__(self, parts: Iterable[bytes]) -> None:
        self.blocks: list[Text] = []
        self.spans: list[Ints] = []
        self._before = [0]
        waiting: list[bytes] = []
        size = 0
        for part in parts:
            waiting.append(part)
            size += len(part)
            if size >= BLOCK:
                self._join(waiting)
                waiting, size = [], 0
        if waiting:
            self._join(waiting)

    def _join(self, parts: list[bytes]) -> None:
        # A file that ends within a line gets a line break, so that no line goes on into the next.
        length = np.fromiter(map(len, parts), np.int64, len(parts))
        open_end = np.array([not part.endswith(b"\n") for part in parts], bool) & (length > 0)
        following = MARGIN + np.cumsum(length + open_end)
        stop = following - open_end
        for at in np.flatnonzero(open_end).tolist():
            parts[at] += b"\n"
        pieces = [np.frombuffer(part, np.uint8) for part in (b"\n" * MARGIN, *parts)]
        self.blocks.append(np.concatenate(pieces))
        self.spans.append(np.column_stack([stop - length, stop, following]))
        self._before.append(self._before[-1] + len(parts))

    def __len__(self) -> int:
        return self._before[-1]

    @overload
    def __getitem__(self, at: int) -> bytes: ...

    @overload
    def __getitem__(self, at: slice) -> list[bytes]: ...

    def __getitem__(self, at: int | slice) -> bytes | list[bytes]:
        if isinstance(at, slice):
            return [self[place] for place in range(*at.indices(len(self)))]
        place = range(len(self))[at]
        # _before[b]: how many files stand in the blocks before b, which rises
        number = bisect_right(self._before, place) - 1
        start, stop, _ = self.spans[number][place - self._before[number]].tolist()
        return self.blocks[number][start:stop].tobytes()

    def pieces(self) -> Iterator[memoryview]:
        """All bytes of the files, without what was added."""
        for block, spans in zip(self.blocks, self.spans, strict=True):
            whole = bool((spans[:, 1] == spans[:, 2]).all())
            for start, stop in [(MARGIN, len(block))] if whole else spans[:, :2].tolist():
                yield block[start:stop].data


class Given:
    r"""A path as it was given. What is not a plain file is read once and held.

    >>> given = Given("fixtures/detections.json")
    >>> given.is_folder, given.head[:1]
    (False, b'[')
    """

    def __init__(self, path: str | os.PathLike[str], pipe_limit: int = PIPE_LIMIT) -> None:
        self.path = os.fspath(path)
        self._pipe_limit = pipe_limit
        self._held: tuple[bytes, Input] | None = None
        self._ending: dict[tuple[str, ...], tuple[str, ...]] = {}
        self.seen: dict[str, object] = {}

    @cached_property
    def is_folder(self) -> bool:
        """Whether it is a folder."""
        return self.path != STANDARD_STREAM and os.path.isdir(self.path)

    @cached_property
    def head(self) -> bytes:
        """The first 64 KiB of a file, unpacked.

        Raises:
            FormatError: it cannot be read.
        """
        try:
            if not stat.S_ISREG(os.stat(self.path).st_mode):
                raise OSError
            with open(self.path, "rb") as file:
                start = file.read(HEAD)
        except (OSError, ValueError):
            self._held = read_input(self.path, self._pipe_limit)
            return self._held[0][:HEAD]
        if start.startswith(GZIP_MAGIC):
            with contextlib.suppress(zlib.error):
                return zlib.decompressobj(wbits=31).decompress(start, HEAD)
        return start

    @property
    def name(self) -> str:
        """The last part of the path in lower case, without ``.gz``."""
        return os.path.basename(os.path.abspath(self.path)).lower().removesuffix(".gz")

    def content(self) -> tuple[bytes, Input]:
        """The whole file, unpacked; a stream can be asked once.

        Raises:
            FormatError: it cannot be read.
        """
        held, self._held = self._held, None
        return held or read_input(self.path, self._pipe_limit)

    @cached_property
    def files(self) -> tuple[str, ...]:
        """The files of a folder and of the folders in it, sorted, with ``/`` between names.

        Links to files are followed, links to folders are not, so no loop can trap it.

        Raises:
            FormatError: a folder cannot be read.
        """
        files, _ = self._walked
        if not files:
            self.refuse_unreadable(lambda _: True)
            raise FormatError(self.path, [EMPTY])
        return files

    @cached_property
    def _walked(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """The files, and what may stand where a file is expected; see :func:`_walk`."""
        found = sorted(_walk(self.path))
        return (
            tuple(name for name, is_file in found if is_file),
            tuple(name for name, is_file in found if not is_file),
        )

    def unreadable(self, expected: Callable[[str], bool]) -> dict[str, str]:
        """Entries that are no files though files of their names are expected, with what each is.

        expected: whether a format reads files of this name. A link to a folder counts where such
        files are in the folder: links to folders are not followed.
        """
        found = {}
        for name in self._walked[1]:
            path = self.join(name)
            if (why := obstacle(path)) is None:
                continue
            if expected(name):
                found[name] = why
            elif why == LINKED_FOLDER and (file := _linked_file(path, self.path, expected)):
                found[name] = f"{why} that contains {printable(file)} (not followed)"
        return found

    def listed(self, *suffixes: str) -> tuple[list[str], list[str]]:
        """The files whose names end so, in any case, and what else than files and folders does."""

        def ends(name: str) -> bool:
            return name.lower().endswith(suffixes)

        files, _ = self._walked
        others = [name for name in self.unreadable(ends) if ends(name)]
        others = [name for name in others if not os.path.isdir(self.join(name))]
        return [name for name in files if ends(name)], others

    def refuse_unreadable(self, expected: Callable[[str], bool]) -> None:
        """Refuse what :meth:`unreadable` finds.

        Raises:
            UnreadableError: there is something.
        """
        packed = {
            name: "a packed file: unpack it"
            for name in self._walked[0]
            if name.lower().endswith(PACKED) and expected(name.rpartition(".")[0])
        }
        refuse_unreadable(self.path, {**self.unreadable(expected), **packed})

    @cached_property
    def _lower(self) -> list[str]:
        return [name.lower() for name in self.files]

    def ending(self, *suffixes: str) -> tuple[str, ...]:
        """The files whose names end so, in any case."""
        if suffixes not in self._ending:
            names = zip(self.files, self._lower, strict=True)
            self._ending[suffixes] = tuple(name for name, low in names if low.endswith(suffixes))
        return self._ending[suffixes]

    def join(self, name: str) -> str:
        """The path of a file in the folder."""
        return os.path.join(self.path, *name.split("/"))

    def contents(self, names: Sequence[str]) -> tuple[Contents, Input]:
        """The bytes of files of the folder, and what was read as one input.

        Raises:
            FormatError: some cannot be read; all of them are named.
        """
        faults: list[str] = []
        try:
            with _opened(self.path) as folder:
                contents = Contents(self._each_read(names, folder, faults))
        except OSError as error:
            raise FormatError(self.path, [f"cannot be read: {error.strerror}"]) from None
        if faults:
            raise FormatError(self.path, faults)
        return contents, Input(self.path, [*contents.pieces()])

    def _each_read(
        self, names: Sequence[str], folder: int | None, faults: list[str]
    ) -> Iterator[bytes]:
        return _each_read(names, folder, faults)

    def beginnings(self, names: Sequence[str]) -> list[bytes]:
        """The first lines of files of the folder, whole ones, to tell by them what the files are.

        Raises:
            FormatError: some cannot be read; all of them are named.
        """
        faults: list[str] = []
        with _opened(self.path) as folder:
            found = [*_each_read(names, folder, faults, most=HEAD)]
        if faults:
            raise FormatError(self.path, faults)
        return [_whole_lines(part, HEAD) for part in found]


class Beginning(Given):
    """The same path, with only the first lines of large text files, but JSON and binaries whole."""

    def content(self) -> tuple[bytes, Input]:
        """The file; see :meth:`Given.content`."""
        data, source = super().content()
        head = data[:HEAD]
        if head.startswith(UTF_16) or b"\0" in head or head.lstrip()[:1] in (b"", b"[", b"{"):
            return data, source
        return _whole_lines(data[:BEGINNING], BEGINNING), source

    def _each_read(
        self, names: Sequence[str], folder: int | None, faults: list[str]
    ) -> Iterator[bytes]:
        if not all(name.lower().endswith(".txt") for name in names):
            yield from super()._each_read(names, folder, faults)
            return
        for part in _each_read(names, folder, faults, most=BEGINNING):
            yield _whole_lines(part, BEGINNING)


def _whole_lines(part: bytes, most: int) -> bytes:
    """Without a last line that was cut off at this many bytes."""
    end = (part.rfind(b"\n") if b"\n" in part else part.rfind(b"\r")) + 1
    return part if len(part) < most or not end else part[:end]


@contextlib.contextmanager
def _opened(path: str) -> Iterator[int | None]:
    """A handle of the folder, so that names in it need not be looked up from the root."""
    if os.open not in os.supports_dir_fd:  # pragma: no cover  (Windows)
        with contextlib.chdir(path):
            yield None
        return
    handle = os.open(path, os.O_RDONLY)
    try:
        yield handle
    finally:
        os.close(handle)


def _each_read(
    names: Iterable[str], folder: int | None, faults: list[str], most: int | None = None
) -> Iterator[bytes]:
    for name in names:
        try:
            yield _read(name, folder, most)
        except OSError as error:
            faults.append(f"{printable(name)}: cannot be read: {error.strerror}")


def _read(name: str, folder: int | None, most: int | None = None) -> bytes:
    """A file, or where it is longer than ``most`` its beginning, unless it is in UTF-16."""
    handle = os.open(name, os.O_RDONLY | getattr(os, "O_BINARY", 0), dir_fd=folder)
    try:
        part = os.read(handle, AT_ONCE)
        if len(part) < AT_ONCE:
            return part
        if most is not None and not part.startswith(UTF_16):
            return part + os.read(handle, most - len(part))
        parts = [part]
        while part := os.read(handle, 1 << 24):
            parts.append(part)
        return b"".join(parts)
    finally:
        os.close(handle)


def _walk(folder: str) -> Iterator[tuple[str, bool]]:
    """Names with whether each is a file; not folders, unless they are named as files are."""
    waiting = [(folder, "")]  # no recursion: folders may lie in one another a thousand deep
    while waiting:
        at, prefix = waiting.pop()
        try:
            entries = [*os.scandir(at)]
        except OSError as error:
            raise FormatError(at, [f"cannot be read: {error.strerror}"]) from None
        for entry in entries:
            if entry.name.startswith("."):
                continue
            if not entry.is_dir(follow_symlinks=False):
                yield prefix + entry.name, _is_file(entry)
                continue
            waiting.append((entry.path, f"{prefix}{entry.name}/"))
            if "." in entry.name:
                yield prefix + entry.name, False


def _is_file(entry: os.DirEntry[str]) -> bool:
    """Whether it is a file or a link to one; a link to itself is none."""
    try:
        return entry.is_file()
    except OSError:
        return False


def _linked_file(link: str, root: str, expected: Callable[[str], bool]) -> str | None:
    """A file that is expected, in the folder that a link leads to; None for folders of pictures.

    A link into the folder that is read, or to one around it, leads to nothing new.
    """
    target, home = (os.path.join(os.path.realpath(path), "") for path in (link, root))
    if target.startswith(home) or home.startswith(target):
        return None
    try:
        names = sorted(os.listdir(target))
    except OSError:
        return None
    files = [name for name in names if expected(name)]
    pictures = any(name.lower().endswith(IMAGE_SUFFIXES) and name not in files for name in names)
    return files[0] if files and not pictures else None
