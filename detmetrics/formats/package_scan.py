"""Whether any installed package may add formats, told without ``importlib.metadata``.

To import that takes longer than to evaluate a small set, and hardly anyone has such a package.
"""

from __future__ import annotations

import os
import sys

__all__ = ["GROUP", "may_add_formats"]

GROUP = "detmetrics.formats"
FOLDERS = (".dist-info", ".egg-info")


def may_add_formats() -> bool:
    """Whether the group is named where packages say what they add, or that cannot be seen here."""
    finders = [finder for finder in sys.meta_path if hasattr(finder, "find_distributions")]
    if any(getattr(finder, "__module__", "") not in USUAL for finder in finders):
        return True
    return any(map(_may_hold, dict.fromkeys(sys.path)))


USUAL = ("_frozen_importlib_external", "importlib._bootstrap_external")


def _may_hold(path: str) -> bool:
    try:
        with os.scandir(path or ".") as entries:
            folders = [entry.path for entry in entries if _holds_metadata(entry.name.lower())]
    except NotADirectoryError:
        return True  # an archive, which may hold packages
    except OSError:
        return False
    return any(map(_names_group, folders))


def _holds_metadata(name: str) -> bool:
    return name.endswith(FOLDERS) or name == "egg-info"


def _names_group(folder: str) -> bool:
    try:
        with open(os.path.join(folder, "entry_points.txt"), "rb") as file:
            return f"[{GROUP}]".encode() in file.read()
    except OSError:
        return False
