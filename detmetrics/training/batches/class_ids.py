"""The classes of a metric: which labels batches may have, and their names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from detmetrics.foundation.arrays import Floats, Ints
from detmetrics.foundation.errors import InputError
from detmetrics.foundation.messages import few, shown
from detmetrics.training.batches.row_faults import RowFaults
from detmetrics.training.batches.tensors import array_of, is_whole

__all__ = ["Classes"]


@dataclass(frozen=True)
class Classes:
    """The classes by id, and which ids labels may have.

    >>> Classes.of(["cat", "dog"]).names
    {0: 'cat', 1: 'dog'}
    """

    names: Mapping[int, str]

    @cached_property
    def known(self) -> Ints:
        """(K,) the labels, rising."""
        return np.array(list(self.names), np.int64)

    @classmethod
    def of(cls, given: Any) -> Classes:
        """Names in the order of labels from 0 on, or a mapping from labels to names.

        Raises:
            InputError: neither, none, or a name is there twice.
        """
        if isinstance(given, Mapping):
            names = dict(given)
        elif isinstance(given, Sequence) and not isinstance(given, str):
            names = dict(enumerate(given))
        else:
            raise InputError(f"classes: expected a list of names or a mapping, got {shown(given)}")
        if not names or not all(is_whole(key) for key in names):
            raise InputError("classes: expected at least one, and whole numbers as labels")
        if not all(isinstance(name, str) for name in names.values()):
            raise InputError("classes: expected names as text")
        if len(set(names.values())) < len(names):
            raise InputError("classes: a name is there twice")
        return cls({int(key): names[key] for key in sorted(names)})

    def labels(self, argument: str, given: Any, count: int, faults: RowFaults) -> Floats:
        """(count,) ids, from labels or from names; any class for rows that faults leaves out.

        Raises:
            InputError: one is no class.
        """
        if getattr(getattr(given, "dtype", None), "kind", "") in ("U", "O", "T"):
            given = given.tolist()
        if isinstance(given, Sequence) and any(isinstance(label, str) for label in given):
            by_name = {name: key for key, name in self.names.items()}
            unknown = [n for n, label in enumerate(given) if label not in by_name]
            if unknown:
                self._refuse(argument, unknown[0], given[unknown[0]])
            given = [by_name[label] for label in given]
        labels = array_of(argument, given, (count,))
        odd = ~np.isfinite(labels)
        faults.refuse(odd, lambda row: self._unknown(argument, row, labels[row].item()))
        labels = np.where(odd, self.known[0], labels) if odd.any() else labels
        # The largest known label that is not above each: equal to it, or it is no class. Below all
        # of them that is -1, which takes the last one, and differs too.
        near = self.known.searchsorted(labels, side="right") - 1
        right = self.known[near] == labels
        if not right.all():
            wrong = int(np.argmin(right))
            self._refuse(argument, wrong, labels[wrong].item())
        return labels

    def _refuse(self, argument: str, place: int, label: Any) -> None:
        raise InputError(self._unknown(argument, place, label))

    def _unknown(self, argument: str, place: int, label: Any) -> str:
        """What to say of a label that is no class."""
        labels = [f"{key} ({name})" for key, name in self.names.items()]
        label = int(label) if isinstance(label, float) and label.is_integer() else label
        return f"{argument}[{place}]: expected a class, {few(labels)}, got {label!r}"
