"""What faster-coco-eval, hotcoco and ultrafast-pycocotools add to pycocotools' classes alike."""

from __future__ import annotations

import contextlib
import copy
import io
import os
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from detmetrics.compat import pycocotools

__all__ = [
    "ExtendedEvaluator",
    "ExtendedIndex",
    "detection_numbers",
    "keypoint_numbers",
    "printed_by",
    "refuse",
]


@contextlib.contextmanager
def printed_by(function: Callable[[str], Any]) -> Iterator[None]:
    """Hand the lines that are printed inside to a function."""
    said = io.StringIO()
    try:
        with contextlib.redirect_stdout(said):
            yield
    finally:
        for line in said.getvalue().splitlines():
            function(line)


def refuse(package: str, given: Mapping[str, Any], settings: Mapping[str, tuple[Any, str]]) -> None:
    """Refuse arguments that are not available here.

    settings: of each argument the value that is, and what to do where another is wanted.

    Raises:
        NotImplementedError: an argument has another value.
    """
    for name, (available, fix) in settings.items():
        if given[name] != available:
            raise NotImplementedError(
                f"{package}: {name}={given[name]!r} is not available in detmetrics' stand-in "
                f"(only {available!r}). Fix: {fix}"
            )


class ExtendedIndex(pycocotools.COCO):
    """An index that also takes mappings and path objects, and has names with underscores."""

    print_function: Callable[[str], Any] = print

    def __init__(self, annotation_file: Any = None) -> None:
        with printed_by(self.print_function):
            if isinstance(annotation_file, Mapping):
                super().__init__()
                self.dataset = dict(annotation_file)
                self.createIndex()
            else:
                path = annotation_file
                super().__init__(os.fspath(path) if isinstance(path, os.PathLike) else path)

    def createIndex(self) -> None:  # noqa: N802
        """Make the index of ``dataset``."""
        with printed_by(self.print_function):
            super().createIndex()

    def loadRes(self, resFile: Any) -> Any:  # noqa: N802, N803
        """The index of results: a path, a list of mappings, or an array (D, 7)."""
        function = getattr(self, "print_function", print)
        given = os.fspath(resFile) if isinstance(resFile, os.PathLike) else resFile
        with printed_by(function):
            results = pycocotools.COCO.loadRes(self, given)
        results.__class__ = type(self) if isinstance(self, ExtendedIndex) else ExtendedIndex
        results.print_function = function
        return results

    def get_ann_ids(
        self,
        img_ids: Any = None,
        cat_ids: Any = None,
        area_rng: Any = None,
        iscrowd: Any = None,
    ) -> list[Any]:
        """See ``getAnnIds``."""
        ids: list[Any] = self.getAnnIds(_some(img_ids), _some(cat_ids), _some(area_rng), iscrowd)
        return ids

    def get_cat_ids(self, cat_nms: Any = None, sup_nms: Any = None, cat_ids: Any = None) -> Any:
        """See ``getCatIds``."""
        return self.getCatIds(_some(cat_nms), _some(sup_nms), _some(cat_ids))

    def get_img_ids(self, img_ids: Any = None, cat_ids: Any = None) -> Any:
        """See ``getImgIds``."""
        return self.getImgIds(_some(img_ids), _some(cat_ids))

    def load_anns(self, ids: Any) -> Any:
        """See ``loadAnns``."""
        return self.loadAnns(ids)

    def load_cats(self, ids: Any) -> Any:
        """See ``loadCats``."""
        return self.loadCats(ids)

    def load_imgs(self, ids: Any) -> Any:
        """See ``loadImgs``."""
        return self.loadImgs(ids)

    def load_res(self, res: Any) -> Any:
        """See ``loadRes``."""
        return self.loadRes(res)

    def ann_to_rle(self, ann: Any) -> Any:
        """See ``annToRLE``."""
        return self.annToRLE(ann)

    def ann_to_mask(self, ann: Any) -> Any:
        """See ``annToMask``."""
        return self.annToMask(ann)

    @property
    def img_ann_map(self) -> Any:
        """The annotations of each image."""
        return self.imgToAnns

    @property
    def cat_img_map(self) -> Any:
        """The images of each category."""
        return self.catToImgs


class ExtendedEvaluator(pycocotools.COCOeval):
    """An evaluator that prints by a function, and evaluates and summarizes in one call."""

    print_function: Callable[[str], Any] = print

    def evaluate(self) -> None:
        """Match the detections."""
        with printed_by(self.print_function):
            super().evaluate()

    def accumulate(self, p: Any = None) -> None:
        """Precision, recall and scores."""
        with printed_by(self.print_function):
            super().accumulate(p)

    def run(self) -> None:
        """Evaluate, accumulate and summarize in one call."""
        self.evaluate()
        self.accumulate()
        self.summarize()

    def _summarize(
        self,
        ap: int = 1,
        iouThr: float | None = None,  # noqa: N803
        areaRng: str = "all",  # noqa: N803
        maxDets: int = 100,  # noqa: N803
    ) -> float:
        """The mean of precision (``ap=1``) or recall over the cells chosen, -1 without any."""
        params = self.params
        cells = self.eval["precision" if ap == 1 else "recall"]
        if iouThr is not None:
            cells = cells[np.where(iouThr == np.asarray(params.iouThrs))[0]]
        areas = [at for at, label in enumerate(params.areaRngLbl) if label == areaRng]
        limits = [at for at, limit in enumerate(params.maxDets) if limit == maxDets]
        cells = cells[..., areas, :][..., limits]
        known = cells[cells > -1]
        mean = float(np.mean(known)) if len(known) else -1.0
        title = "Average Precision" if ap == 1 else "Average Recall"
        first, last = params.iouThrs[0], params.iouThrs[-1]
        iou = f"{first:0.2f}:{last:0.2f}" if iouThr is None else f"{iouThr:0.2f}"
        self.print_function(
            f" {title:<18} {'(AP)' if ap == 1 else '(AR)'} @[ IoU={iou:<9} | area={areaRng:>6s} | "
            f"maxDets={maxDets:>3d} ] = {mean:0.3f}"
        )
        return mean


def detection_numbers(params: Any) -> dict[str, dict[str, Any]]:
    """The numbers of a summary of boxes or masks, and what ``_summarize`` is asked for each."""
    last = params.maxDets[-1]
    ranges = [label for label in params.areaRngLbl if label != "all"]
    return {
        "AP_all": {"ap": 1, "maxDets": last},
        "AP_50": {"ap": 1, "iouThr": 0.5, "maxDets": last},
        "AP_75": {"ap": 1, "iouThr": 0.75, "maxDets": last},
        **{f"AP_{label}": {"ap": 1, "areaRng": label, "maxDets": last} for label in ranges},
        **{f"AR_{limit}": {"ap": 0, "maxDets": limit} for limit in params.maxDets},
        **{f"AR_{label}": {"ap": 0, "areaRng": label, "maxDets": last} for label in ranges},
    }


def keypoint_numbers(params: Any) -> dict[str, dict[str, Any]]:
    """The same of keypoints."""
    last = params.maxDets[-1]
    ranges = [label for label in params.areaRngLbl if label != "all"]
    return {
        f"{name}_{part}": {"ap": ap, "maxDets": last, **asked}
        for name, ap in (("AP", 1), ("AR", 0))
        for part, asked in (
            ("all", {}),
            ("50", {"iouThr": 0.5}),
            ("75", {"iouThr": 0.75}),
            *((label, {"areaRng": label}) for label in ranges),
        )
    }


def _some(values: Any) -> Any:
    return [] if values is None else copy.copy(values)
