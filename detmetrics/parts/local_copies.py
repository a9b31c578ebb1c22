"""What is in an object store as files of this machine, for readers of files.

They are copied whole into a temporary folder, which is deleted with what is in it once they are
read, also where that fails; what a killed worker left is deleted by the next one of its machine.
Messages name their URLs.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from shutil import rmtree
from tempfile import TemporaryDirectory, gettempdir
from typing import NamedTuple

from detmetrics.foundation.errors import DetmetricsError, InputError
from detmetrics.foundation.replacing import abandoned, staging_prefix
from detmetrics.parts.object_store import ObjectStore
from detmetrics.parts.storage import Storage, is_url

__all__ = ["AtHand", "at_hand"]

MARK = "copy-"
"""In the names of folders of copies, behind what tells the process."""


class AtHand(NamedTuple):
    """paths: of files and folders of this machine; named: gives these in a text the names that the
    user knows.
    """

    paths: Sequence[str]
    named: Callable[[str], str]


@contextmanager
def at_hand(paths: Sequence[str], storage: Storage) -> Iterator[AtHand]:
    """Files and folders where they are, and copies of those in an object store.

    Raises:
        FormatError: one is not there, or cannot be reached.
        InputError: what was raised with them at hand, with URLs for the names of copies.
    """
    if not any(map(is_url, paths)):
        yield AtHand(paths, str)
        return
    for entry in abandoned(gettempdir()):
        if MARK in entry.name and entry.is_dir(follow_symlinks=False):
            rmtree(entry.path, ignore_errors=True)
    prefix = f"{staging_prefix()}{MARK}"
    with TemporaryDirectory(prefix=prefix, ignore_cleanup_errors=True) as folder:
        known: dict[str, str] = {}
        here = []
        for number, path in enumerate(paths):
            here.append(_copied(path, os.path.join(folder, str(number)), storage, known))

        def named(text: str) -> str:
            for own, theirs in known.items():
                text = text.replace(own, theirs)
            return text

        try:
            yield AtHand(here, named)
        except DetmetricsError as error:
            raise InputError(named(str(error))) from None


def _copied(path: str, folder: str, storage: Storage, known: dict[str, str]) -> str:
    """A path, or that of its copy in a folder; known: takes the name of the folder."""
    if not is_url(path):
        return path
    above, _, name = path.rpartition("/")
    known[folder] = above
    target = os.path.join(folder, name)
    ObjectStore(storage.options).fetch(path, target)
    return target
