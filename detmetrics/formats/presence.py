"""Whether a file is there: absent is one thing, there but unreadable is another.

A dead link among labels is an image whose objects nobody knows, not an image without objects; so
what a format expects and cannot read is refused, and never passed over.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Mapping
from typing import ClassVar

from detmetrics.foundation.errors import FormatError
from detmetrics.foundation.messages import printable, shown

__all__ = [
    "LINKED_FOLDER",
    "UnreadableError",
    "is_there",
    "obstacle",
    "obstacle_above",
    "refuse_unreadable",
]

KINDS = (
    (stat.S_ISDIR, "a folder"),
    (stat.S_ISFIFO, "a named pipe"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
)
LINKED_FOLDER = "a link to a folder"
NO_SUCH_FILE = frozenset((errno.ENOENT, errno.ENOTDIR, errno.ENAMETOOLONG))
CURE = "Fix: restore the files, or delete these entries"


class UnreadableError(FormatError):
    """Files that a folder holds and nobody can read: dead links, pipes, folders in their place."""

    code: ClassVar[str] = "D003"


def obstacle(path: str) -> str | None:
    """What stands where a file is expected; None for a file, a link to one, and nothing at all."""
    try:
        mode = os.stat(path).st_mode
    except ValueError:  # a name that no system has
        return None
    except OSError as error:
        if error.errno == errno.ELOOP and os.path.islink(path):
            return "a link that leads back to itself"
        if error.errno not in NO_SUCH_FILE:
            return f"unreadable ({error.strerror})"
        dead = os.path.islink(path)
        return f"a dead link (to {shown(os.readlink(path))})" if dead else None
    what = next((name for is_it, name in KINDS if is_it(mode)), None)
    return f"a link to {what}" if what and os.path.islink(path) else what


def is_there(path: str) -> bool:
    """Whether a file is there.

    Raises:
        UnreadableError: something is there that cannot be read as a file.
    """
    if why := obstacle(path):
        raise UnreadableError(path, [f"expected a file, found {why}. {CURE}"])
    return os.path.isfile(path)


def obstacle_above(path: str) -> str | None:
    """The dead link or other entry that stands where a folder above an absent file should be."""
    folder = os.path.dirname(path)
    while folder and not os.path.lexists(folder) and folder != os.path.dirname(folder):
        folder = os.path.dirname(folder)
    if not os.path.lexists(folder) or os.path.isdir(folder):
        return None
    return folder


def refuse_unreadable(path: str, found: Mapping[str, str], expected: str = "a file") -> None:
    """Refuse entries by name, with what each is; path: of what holds them.

    Raises:
        UnreadableError: there are some.
    """
    faults = [f"{printable(name)}: expected {expected}, found {why}" for name, why in found.items()]
    if faults:
        faults[0] += f". {CURE}"
        raise UnreadableError(path, faults)
