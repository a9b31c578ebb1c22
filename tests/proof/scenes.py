"""What a comparison is given, as plain JSON, so that a finding is a file that anybody can read."""

from __future__ import annotations

import json
import re
import traceback
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

__all__ = ["Comparison", "Different", "Finding", "Scene"]


class Different(AssertionError):
    """Two ways to the same numbers do not agree."""


@dataclass(frozen=True, kw_only=True)
class Scene:
    """Ground truth and results as COCO has them, and the settings that they are measured with."""

    truth: dict[str, Any]
    found: list[dict[str, Any]]
    settings: dict[str, Any] = field(default_factory=dict)

    def replace(self, **changes: Any) -> Scene:
        """The same with other parts."""
        return Scene(**{**vars(self), **changes})


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """A way to compare a scene.

    made: a scene from a seed; compared: how many cells agree, or :class:`Different`; needs: the
    packages without which it cannot run.
    """

    name: str
    made: Callable[[int], Scene]
    compared: Callable[[Scene], int]
    needs: tuple[str, ...] = ()

    def run(self, seed: int) -> int:
        """How many cells of the set with this seed were compared, all of them equal.

        Raises:
            Finding: they are not, or something broke.
        """
        scene = self.made(seed)
        try:
            return self.compared(scene)
        except Exception as error:
            raise Finding(self.name, seed, _said(error), smaller(self, scene, error)) from error


class Finding(Exception):
    """A set on which a comparison fails, as small as it could be made."""

    def __init__(self, name: str, seed: int, said: str, scene: Scene) -> None:
        super().__init__(f"{name}, seed {seed}: {said}")
        self.name, self.seed, self.said, self.scene = name, seed, said, scene

    def __reduce__(self) -> tuple[Any, ...]:
        return Finding, (self.name, self.seed, self.said, self.scene)

    def write(self, folder: Path) -> Path:
        """The file of this finding, which ``run.py --again FILE`` reads."""
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{self.name}-{self.seed}.json"
        told = {"comparison": self.name, "seed": self.seed, "said": self.said}
        path.write_text(json.dumps({**told, **asdict(self.scene)}, indent=1) + "\n")
        return path


def scene_of(told: Mapping[str, Any]) -> Scene:
    """The scene of a file of a finding."""
    return Scene(**{name: told[name] for name in ("truth", "found", "settings")})


def smaller(comparison: Comparison, scene: Scene, error: Exception, tries: int = 400) -> Scene:
    """Without the rows that the failure does not need, halves of them first."""
    left = [tries]

    def fails(candidate: Scene) -> bool:
        left[0] -= 1
        try:
            comparison.compared(candidate)
        except Exception as other:
            return _kind(other) == _kind(error)
        return False

    for _ in range(2):
        for part in PARTS:
            rows, width = part.of(scene), max(1, len(part.of(scene)) // 2)
            while width and left[0] > 0:
                at = 0
                while at < len(rows) and left[0] > 0:
                    fewer = rows[:at] + rows[at + width :]
                    candidate = part.put(scene, fewer)
                    if fails(candidate):
                        scene, rows = candidate, fewer
                    else:
                        at += width
                width //= 2
    return scene


@dataclass(frozen=True)
class _Part:
    """A list of rows of a scene."""

    of: Callable[[Scene], list[Any]]
    put: Callable[[Scene, list[Any]], Scene]


def _of_truth(name: str) -> _Part:
    return _Part(
        lambda scene: scene.truth[name],
        lambda scene, rows: scene.replace(truth={**scene.truth, name: rows}),
    )


def _of_settings(name: str) -> _Part:
    return _Part(
        lambda scene: scene.settings.get(name, []),
        lambda scene, rows: scene.replace(settings={**scene.settings, name: rows}),
    )


PARTS = (
    _Part(lambda scene: scene.found, lambda scene, rows: scene.replace(found=rows)),
    _of_truth("annotations"),
    _of_truth("images"),
    _of_truth("categories"),
    *map(_of_settings, ("iouThrs", "recThrs", "maxDets", "areaRng")),
)


def _kind(error: Exception) -> tuple[type, str]:
    """What failed, without the numbers and paths of the case."""
    return type(error), re.sub(r"\S*[\d/]\S*", "", str(error))[:24]


def _said(error: Exception) -> str:
    place = traceback.extract_tb(error.__traceback__)[-1]
    said = f"{type(error).__name__}: {error} ({Path(place.filename).name}: {place.line})"
    return said[:2000]
