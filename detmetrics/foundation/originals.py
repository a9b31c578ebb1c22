"""pycocotools itself, also where another package took over its name.

faster-coco-eval, hotcoco and ultrafast-pycocotools offer ``init_as_pycocotools()``, which puts
their modules under pycocotools' names in ``sys.modules``. What is computed with pycocotools here,
or compared with it, must not be theirs: where a name was taken over, the modules are loaded from
pycocotools' own files, and ``sys.modules`` is left as it was found.
"""

from __future__ import annotations

import importlib
import sys
import threading
from types import ModuleType
from typing import Any

__all__ = ["original", "original_class", "reinstate"]

PACKAGE = "pycocotools"
CLASSES = {"COCO": "coco", "COCOeval": "cocoeval"}
MODULES = tuple(f"{PACKAGE}.{name}" for name in ("_mask", "mask", "coco", "cocoeval"))

_loading = threading.Lock()
_loaded: dict[str, ModuleType] = {}


def original(name: str) -> ModuleType:
    """A module of pycocotools itself: ``"mask"``, ``"coco"`` or ``"cocoeval"``.

    Raises:
        ImportError: pycocotools is not installed.
    """
    if not _taken_over():
        return importlib.import_module(f"{PACKAGE}.{name}")
    return _from_files()[f"{PACKAGE}.{name}"]


def original_class(name: str, wanted_by: str) -> Any:
    """The class of this name of pycocotools itself, also where one built on it stands in for it.

    name: ``"COCO"`` or ``"COCOeval"``; wanted_by: begins the sentence of the error.

    Raises:
        ImportError: pycocotools is not installed, or its class was replaced by a foreign one.
    """
    stands_there = getattr(original(CLASSES[name]), name)
    found = _own(stands_there, CLASSES[name])
    if found is None:
        raise ImportError(
            f"{wanted_by} needs pycocotools itself, got {stands_there.__module__} in its place"
        )
    return found


def reinstate() -> None:
    """Give pycocotools its names back, and its modules their own classes.

    Raises:
        ImportError: pycocotools is not installed.
    """
    if _taken_over() or any(
        _own(getattr(original(module), name), module) is None for name, module in CLASSES.items()
    ):
        sys.modules.update(_from_files())


def _own(kind: Any, module: str) -> Any:
    """The class among those that this one is built on which is of this module."""
    mro = getattr(kind, "__mro__", ())
    return next((one for one in mro if one.__module__ == f"{PACKAGE}.{module}"), None)


def _taken_over() -> bool:
    """Whether some name of pycocotools leads to a module of another name, or to none of a file."""
    found = ((name, sys.modules.get(name)) for name in (PACKAGE, *MODULES))
    return any(
        module is not None and getattr(getattr(module, "__spec__", None), "name", None) != name
        for name, module in found
    )


def _from_files() -> dict[str, ModuleType]:
    """The package and its modules, loaded once beside whatever has their names now.

    Raises:
        ImportError: pycocotools is not installed.
    """
    with _loading:
        if _loaded:
            return _loaded
        held = _let_go()
        try:
            found = {name: importlib.import_module(name) for name in (PACKAGE, *MODULES)}
        except ImportError as error:
            other = getattr(held.get(PACKAGE), "__name__", "another package")
            raise ImportError(
                f"{other} took over the name pycocotools, and pycocotools itself cannot be "
                f"imported ({error}). Fix: pip install pycocotools"
            ) from error
        finally:
            _let_go()
            sys.modules.update(held)
        _loaded.update(found)
        return _loaded


def _let_go() -> dict[str, ModuleType]:
    """Take what has pycocotools' names out of ``sys.modules``."""
    names = [name for name in sys.modules if name == PACKAGE or name.startswith(f"{PACKAGE}.")]
    return {name: sys.modules.pop(name) for name in names}
