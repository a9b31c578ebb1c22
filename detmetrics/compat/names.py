"""Modules of other packages' names, with what is there, and a sentence for what is not."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

from detmetrics.foundation.originals import original
from detmetrics.foundation.version import __version__

__all__ = ["mask_module", "register"]


def register(
    contents: Mapping[str, Mapping[str, Any]],
    absent: Mapping[str, str],
    short: Mapping[str, str] | None = None,
) -> None:
    """Put modules under these names, a package before its parts.

    contents: of each module its names; absent: names that the package has and the stand-in has not,
    and what to use instead; short: further names of modules in the package.
    """
    modules = {name: _module(name, names, absent) for name, names in contents.items()}
    for name, module in modules.items():
        parent, _, part = name.rpartition(".")
        if parent:
            setattr(modules[parent], part, module)
    package = next(iter(contents))
    for name, part in (short or {}).items():
        setattr(modules[package], name, modules[f"{package}.{part}"])
    held = [name for name in sys.modules if name == package or name.startswith(f"{package}.")]
    for name in held:
        del sys.modules[name]
    sys.modules.update(modules)


def mask_module(encode: Callable[[Any], Any] | None = None) -> dict[str, Any]:
    """The names of pycocotools' module of masks; encode: in the place of its own."""
    theirs = original("mask")
    names = ("encode", "decode", "area", "iou", "merge", "frPyObjects", "toBbox")
    found = {name: getattr(theirs, name) for name in names}
    return found if encode is None else {**found, "encode": encode}


def _module(name: str, names: Mapping[str, Any], absent: Mapping[str, str]) -> ModuleType:
    module = ModuleType(name, f"detmetrics' stand-in for {name}.")
    module.__spec__ = ModuleSpec(name, None, is_package=True)
    module.__path__ = []
    module.__dict__.update({"__version__": __version__, **names})

    def missing(attribute: str) -> Any:
        sentence = f"{name}.{attribute} is not available in detmetrics' stand-in"
        if attribute in absent:  # from NAME import ATTRIBUTE shows the sentence of an ImportError
            raise ImportError(f"{sentence}. Fix: {absent[attribute]}")
        raise AttributeError(sentence)

    module.__dict__["__getattr__"] = missing
    return module
