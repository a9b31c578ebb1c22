"""The images of one process, matched and condensed, as every process holds them.

All have the anchors, 35 to 45 bytes each; every detection is in its own process alone, unless a
metric of the rules looks at each of them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detmetrics.evaluation.result import Evaluation
from detmetrics.foundation.archives import archived, opened
from detmetrics.foundation.arrays import Floats, Ints, Objects, running
from detmetrics.foundation.errors import DetmetricsError, InputError, RulesError
from detmetrics.parts.condensed_part import Head, coverage_marks, head_bytes, head_of, told_head
from detmetrics.parts.condensing import Marks, Records, condensed
from detmetrics.rules import Rules
from detmetrics.tables.catalog import Id, id_array

__all__ = ["RankPart", "fault_bytes", "part_of", "part_to_bytes", "told_part"]

ARCHIVE, VERSION = "detmetrics.training.RankPart", 1


@dataclass(frozen=True, kw_only=True)
class RankPart:
    """The images of one process; see :class:`detmetrics.parts.condensed_part.CondensedPart`.

    ids : (N,) of its images, in order; marks : (N,) of coverage; best : (K,) the best score of each
    class, 0 without detections; all_anchors, all_ranked: its tables of all classes, the second None
    where it is elsewhere.
    """

    head: Head
    rules: Rules
    ids: Objects
    marks: NDArray[np.uint8]
    best: Floats
    all_anchors: Records
    all_ranked: Records | None = None
    path: str = field(default="", init=False)

    def image_ids(self) -> Objects:
        """(N,) the ids of its images, in order."""
        return self.ids

    def coverage(self) -> NDArray[np.uint8]:
        """(N,) which images have objects, and whether these have detections."""
        return self.marks

    def anchors(self, category: int) -> Records:
        """The anchors of a class (an index), best first."""
        return _of_class(self.all_anchors, self.head.anchors, category)

    def ranked(self, category: int) -> Records:
        """Every detection of a class (an index), best first."""
        assert self.all_ranked is not None
        return _of_class(self.all_ranked, self.head.detections, category)

    def with_ranked(self, data: bytes) -> RankPart:
        """With every detection; data: the bytes of :attr:`all_ranked` in its own process."""
        kind = Marks(self.rules).ranked(self.head.images, single=self.head.single)
        return replace(self, all_ranked=np.frombuffer(data, kind))


def _of_class(table: Records, count: Ints, category: int) -> Records:
    return table[slice(*running(count)[category : category + 2])]


def part_of(rank: int, result: Evaluation) -> RankPart:
    """The images of a process, from their evaluation."""
    matches, table = result.matching, condensed(result.matching)
    return RankPart(
        head=head_of(f"rank {rank}", 0, result, table, 0),
        rules=result.rules,
        ids=result.ground_truth.catalog.image_ids,
        marks=coverage_marks(result.covered, matches.images),
        best=matches.best_scores,
        all_anchors=table.anchors,
        all_ranked=table.ranked,
    )


def part_to_bytes(part: RankPart) -> bytes:
    """Everything but the ids, which all have, and the detections that are no anchors."""
    header = {"head": head_bytes(part.head).decode(), "rules": asdict(part.rules)}
    anchors = np.frombuffer(part.all_anchors.tobytes(), np.uint8)
    arrays: dict[str, NDArray[Any]] = {"marks": part.marks, "best": part.best, "anchors": anchors}
    return archived(ARCHIVE, VERSION, header, arrays)


def fault_bytes(error: Exception) -> bytes:
    """In place of a part, why there is none."""
    text = str(error) if isinstance(error, DetmetricsError) else f"{type(error).__name__}: {error}"
    fault = {"fault": text, "of_rules": isinstance(error, RulesError)}
    return archived(ARCHIVE, VERSION, fault, {})


def told_part(data: bytes, ids: Sequence[Id]) -> RankPart | InputError | RulesError:
    """The part of another process, or why it has none; ids: of its images, in order.

    Raises:
        InputError: the bytes are damaged.
    """

    def kept(
        header: Mapping[str, Any], arrays: Mapping[str, Any]
    ) -> RankPart | InputError | RulesError:
        if "fault" in header:
            return (RulesError if header["of_rules"] else InputError)(header["fault"])
        head, rules = told_head(header["head"].encode()), Rules(**header["rules"])
        return RankPart(
            head=head,
            rules=rules,
            ids=id_array(ids),
            marks=arrays["marks"],
            best=arrays["best"],
            all_anchors=np.frombuffer(arrays["anchors"], Marks(rules).anchors(head.images)),
        )

    return opened(data, ARCHIVE, VERSION, kept)
