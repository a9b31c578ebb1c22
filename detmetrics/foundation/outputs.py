"""Files out, whole or not at all."""

from __future__ import annotations

import contextlib
import errno
import os
import stat
import sys
from collections.abc import Iterator, Mapping

from detmetrics.foundation.errors import OutputError
from detmetrics.foundation.inputs import STANDARD_STREAM
from detmetrics.foundation.messages import printable
from detmetrics.foundation.replacing import replace_folder, staging_prefix, sweep, undisturbed

__all__ = ["encoded", "give_up_standard_output", "under_way", "write_tree", "write_whole"]


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
    with _being_written():
        _write_all(outputs, staged)


def _write_all(outputs: Mapping[str, str | bytes], staged: list[tuple[str, str]]) -> None:
    """staged: takes the temporary file of each target."""
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
        with undisturbed():
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
            _write_direct(STANDARD_STREAM, files[""])
        return
    place = os.path.abspath(target)
    sweep(os.path.dirname(place))
    _refuse_taken(target, place, files, force)
    with _being_written(), _naming(target):
        folder = os.path.dirname(place)
        if not os.path.isdir(folder):
            raise FileNotFoundError(errno.ENOENT, "its folder does not exist")
        import tempfile

        with tempfile.TemporaryDirectory(
            prefix=staging_prefix(), dir=folder, ignore_cleanup_errors=True
        ) as stage:
            fresh = os.path.join(stage, "new")
            _fill(fresh, files)
            with undisturbed():
                replace_folder(fresh, place, stage)


_writers = 0


def under_way() -> bool:
    """Whether files are being written, which whoever stops must let be taken back."""
    return _writers > 0


@contextlib.contextmanager
def _being_written() -> Iterator[None]:
    global _writers
    _writers += 1
    try:
        yield
    finally:
        _writers -= 1


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
    except BrokenPipeError:
        raise  # nobody is there to be told
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
    sweep(folder)
    import tempfile

    handle, temporary = tempfile.mkstemp(prefix=staging_prefix(), dir=folder)
    try:
        with open(handle, "wb") as file:
            file.write(encoded(content))
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


def encoded(content: str | bytes) -> bytes:
    """The bytes that are written of a text."""
    return content.encode("utf-8", "backslashreplace") if isinstance(content, str) else content


def _write_direct(path: str, content: str | bytes) -> None:
    if path != STANDARD_STREAM:
        with open(path, "wb") as file:
            file.write(encoded(content))
    elif sys.stdout is None:
        raise OSError(errno.EBADF, "it is closed")
    else:
        encoding = sys.stdout.encoding or "utf-8"
        if sys.stdout.isatty():
            content = _harmless(content)
        try:
            if isinstance(content, bytes):
                sys.stdout.buffer.write(content)
            else:
                sys.stdout.write(content.encode(encoding, "backslashreplace").decode(encoding))
            sys.stdout.flush()
        except OSError:
            give_up_standard_output()
            raise


def _harmless(content: str | bytes) -> str:
    """Content for a terminal, which names from files must not steer."""
    try:
        text = content.decode() if isinstance(content, bytes) else content
    except UnicodeDecodeError:
        raise OSError(errno.EINVAL, "it is a terminal, and this is no text") from None
    return "\n".join("\t".join(map(printable, line.split("\t"))) for line in text.split("\n"))


def give_up_standard_output() -> None:
    """What is still buffered goes nowhere, so that Python does not fail on it again at exit."""
    with contextlib.suppress(OSError, ValueError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)
