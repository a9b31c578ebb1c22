"""One run on files of a format, in a fresh process: ``format_child.py LABEL MODE TRUTH FOUND``.

Prints a line of JSON as ``child.py`` does. ``process`` is what a user's process does first: import
and ``dm.evaluate`` of two paths. ``evaluate`` takes the same steps one by one (*truth*, *found*,
*match*, together *call*) after doing so with a few files, so that nothing is imported while it is
timed. ``globox ...`` reads the same with globox, which is not asked for numbers. ``plain ...``
opens and reads every file and does nothing with it.

The numbers are those of the summary, then how many boxes each side has.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

from child import Phases, phase, profiled

Run = Callable[[Phases, Path, Path], list[float]]
PICTURES = "pictures"


def options(truth: Path, mode: str) -> dict[str, Any]:
    """What is told beside the two paths."""
    import detmetrics as dm

    return {"reading": dm.Reading(image_dir=truth.parent / PICTURES)} if "images" in mode else {}


def process(mode: str) -> Run:
    """Import and evaluate, as the first thing that a process does."""

    def run(phases: Phases, truth: Path, found: Path) -> list[float]:
        with phase(phases, "import"):
            import detmetrics as dm

            _ = dm.evaluate
        with phase(phases, "call"):
            return told(dm, mode, truth, found, **options(truth, mode))

    return run


def evaluate(mode: str) -> Run:
    """The steps of ``dm.evaluate`` of two paths, with all imports done."""

    def run(phases: Phases, truth: Path, found: Path) -> list[float]:
        with phase(phases, "import"):
            import detmetrics as dm

            tiny = [path.parent / "tiny" / path.name for path in (truth, found)]
            _ = dm.evaluate(*tiny, **options(tiny[0], mode)).summary
            if mode in ASKED:
                told(dm, mode, *tiny)
        more = options(truth, mode)
        with phase(phases, "truth"):
            gt = dm.read_ground_truth(truth, **more)
        with phase(phases, "found"):
            dt = dm.read_detections(found, gt, **more)
        with phase(phases, "match"):
            found_numbers = told(dm, mode, gt, dt)
        phases["call"] = phases["truth"] + phases["found"] + phases["match"]
        return found_numbers

    return run


ASKED = ("reconcile", "intervals")
RESAMPLES = 1_000


def told(dm: Any, mode: str, truth: Any, found: Any, **more: Any) -> list[float]:
    """The numbers of what the mode asks for."""
    if "reconcile" in mode:
        return reconciled(dm.reconcile(truth, found))
    result = dm.evaluate(truth, found, **more)
    if "intervals" in mode:
        from detmetrics.analysis import confidence_intervals

        confidence_intervals(result, RESAMPLES)
    return numbers(result)


def numbers(result: Any) -> list[float]:
    """The summary, and how many boxes each side has."""
    values = [float(value) for value in result.summary.values()]
    return [*values, len(result.ground_truth), len(result.detections)]


def reconciled(found: Any) -> list[float]:
    """The AP that it starts from, and how many boxes each side has."""
    return [found.waterfall.start, len(found.ground_truth), len(found.detections)]


def globox(read: Callable[[Any, Phases, Path, Path], tuple[Any, Any]]) -> Run:
    """Both sides read by globox."""

    def run(phases: Phases, truth: Path, found: Path) -> list[float]:
        with phase(phases, "import"):
            from globox import AnnotationSet
        sides = read(AnnotationSet, phases, truth, found)
        phases["call"] = phases["truth"] + phases["found"]
        return [float(side.nb_boxes()) for side in sides]

    return run


def globox_voc(sets: Any, phases: Phases, truth: Path, found: Path) -> tuple[Any, Any]:
    with phase(phases, "truth"):
        gt = sets.from_pascal_voc(truth)
    with phase(phases, "found"):
        return gt, sets.from_txt(found)


def globox_yolo(sets: Any, phases: Phases, truth: Path, found: Path) -> tuple[Any, Any]:
    images = {"image_folder": truth.parent / PICTURES, "image_extension": ".png"}
    with phase(phases, "truth"):
        gt = sets.from_yolo_v5(truth, **images)
    with phase(phases, "found"):
        return gt, sets.from_yolo_v5(found, **images)


def globox_open_images(sets: Any, phases: Phases, truth: Path, found: Path) -> tuple[Any, Any]:
    images = {"image_folder": truth.parent / PICTURES}
    with phase(phases, "truth"):
        gt = sets.from_openimage(truth, **images)
    with phase(phases, "found"):
        return gt, sets.from_openimage(found, **images)


def globox_coco(sets: Any, phases: Phases, truth: Path, found: Path) -> tuple[Any, Any]:
    with phase(phases, "truth"):
        gt = sets.from_coco(truth)
    with phase(phases, "found"):
        return gt, gt.from_results(found)


def plain(how: str) -> Run:
    """Open and read the files of two folders, which are listed beforehand."""

    def run(phases: Phases, truth: Path, found: Path) -> list[float]:
        with phase(phases, "list"):
            sides = [
                [os.path.join(side, name) for name in sorted(os.listdir(side))]
                for side in (truth, found)
            ]
        for name, paths in zip(("truth", "found"), sides, strict=True):
            with phase(phases, name):
                for path in paths:
                    with open(path, how) as file:
                        file.read()
        phases["call"] = phases["truth"] + phases["found"]
        return []

    return run


RUNS: dict[str, Run] = {
    "process": process("process"),
    "process images": process("process images"),
    "evaluate": evaluate("evaluate"),
    "evaluate images": evaluate("evaluate images"),
    "process reconcile": process("process reconcile"),
    "reconcile": evaluate("reconcile"),
    "process intervals": process("process intervals"),
    "intervals": evaluate("intervals"),
    "globox voc": globox(globox_voc),
    "globox yolo": globox(globox_yolo),
    "globox openimages": globox(globox_open_images),
    "globox coco": globox(globox_coco),
    "plain bytes": plain("rb"),
    "plain text": plain("r"),
}


def main() -> None:
    """Run what the command line names."""
    mode, truth, found = sys.argv[2], Path(sys.argv[3]), Path(sys.argv[4])
    warnings.simplefilter("ignore")
    phases: Phases = {}
    with contextlib.redirect_stdout(io.StringIO()):
        if sys.argv[5:] == ["--profile"]:
            document = {"profile": profiled(lambda: RUNS[mode](phases, truth, found))}
        else:
            document = {"numbers": RUNS[mode](phases, truth, found), "phases": phases}
    print(json.dumps(document))


if __name__ == "__main__":
    main()
