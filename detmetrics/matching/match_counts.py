"""What curves read of matches, whether every detection is a row or most of them are only counted.

A curve changes at detections that some pair settled, and between them only how many others count
matters. So matches answer in two ways, and curves, metrics and ties know no difference:
:class:`detmetrics.matching.matches.Matches` lists every detection, and
:class:`detmetrics.matching.counted.CountedMatches` lists the settled ones and counts the others.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple, Protocol

from detmetrics.foundation.arrays import Bools, Counts, Floats, Ints
from detmetrics.rules import Rules

__all__ = [
    "ClassOutcomes",
    "MatchCounts",
    "OutcomesByClass",
    "PerClass",
    "Ranked",
    "RankedRows",
    "ScoreRuns",
    "SettledRows",
    "Unmatched",
]


class SettledRows(NamedTuple):
    """The matched detections of one area range: by threshold, then best first by category.

    threshold : (Q,) indices; row : (Q,) rows of the matches; true_positive : (Q,) the detection is
    one, otherwise it is ignored.
    """

    threshold: Ints
    row: Ints
    true_positive: Bools


class Unmatched(NamedTuple):
    """How many detections would be false positives if nothing were matched.

    counts : (R,) whether each row would; down_to : (R,) how many down to each row, itself included,
    those of earlier categories too; above : (K + 1,) how many of the categories before each, and of
    all.
    """

    counts: Bools
    down_to: Counts
    above: Counts


class ScoreRuns(NamedTuple):
    """The rows by runs of equal score inside a category, and what counts unmatched around them.

    run : (R,) the run of each row; first, end : (U,) rows of each run; shared : (U,) other
    detections may have its score; before, through : (U,) how many would be false positives if
    nothing were matched, of better scores and down to the last of this score.
    """

    run: Ints
    first: Ints
    end: Ints
    shared: Bools
    before: Ints
    through: Ints


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassOutcomes:
    """One class at one threshold and in one range: all that most metrics need.

    true_positive, overlap, score, image : (n,) of the detections that count, best first; a
    detection that is no true positive is a false one. overlap is that with the ground truth which
    a true positive took, 0 for others. positives: the ground truths that count; images: of the
    data set, those without detections included; threshold: the overlap that a match needs;
    rules: those that were applied.
    """

    true_positive: Bools
    overlap: Floats
    score: Floats
    image: Ints
    positives: int
    images: int
    threshold: float
    rules: Rules


class PerClass(Protocol):
    """What is known per class: the denominators of metrics."""

    @property
    def rules(self) -> Rules:
        """The rules that were applied."""
        ...

    @property
    def positives(self) -> Ints:
        """(K, A) ground truths that count: the denominators of recall."""
        ...

    @property
    def detected(self) -> Ints:
        """(K,) the number of detections per category."""
        ...

    @property
    def unsized(self) -> Bools:
        """(A,) area ranges that are undefined because image sizes are unknown."""
        ...


class Ranked(Protocol):
    """Detections sorted by category, best score first; each is a row."""

    @property
    def rules(self) -> Rules:
        """The rules that were applied."""
        ...

    @property
    def images(self) -> int:
        """The number of images, including those without detections."""
        ...

    @property
    def first(self) -> Ints:
        """(K + 1,) the first row of each category, and the number of rows."""
        ...

    @property
    def score(self) -> Floats:
        """(R,) the score of each row."""
        ...

    def within(self, limit: float, rows: Ints | slice) -> Bools:
        """Which of these rows are within a limit of detections per image and category."""
        ...


class RankedRows(Ranked, Protocol):
    """Ranked detections with their images."""

    @property
    def image(self) -> Ints:
        """(R,) the image of each row."""
        ...


class OutcomesByClass(Protocol):
    """What became of detections at one threshold and in one range."""

    @property
    def positives(self) -> Ints:
        """(K,) ground truths that count: the denominators of recall."""
        ...

    def of_class(self, category: int, limit: float | None = None) -> ClassOutcomes:
        """The detections of one class that count, within a limit."""
        ...


class MatchCounts(PerClass, Ranked, Protocol):
    """What curves read of matches; areas, thresholds and categories are indices."""

    @property
    def categories(self) -> int:
        """K, how many there are."""
        ...

    @property
    def category(self) -> Ints:
        """(R,) of each row."""
        ...

    @property
    def frequency(self) -> tuple[str, ...]:
        """(K,) how frequent each class is, as LVIS has it; empty where unknown."""
        ...

    @property
    def best_scores(self) -> Floats:
        """(K,) the best score of each category, 0 without detections."""
        ...

    def settled(self, area: int) -> SettledRows:
        """The matched detections of an area range."""
        ...

    def settled_at(self, area: int, threshold: int) -> tuple[Ints, Bools]:
        """Those of one threshold: rows, and which of them are true positives."""
        ...

    def unmatched(self, area: int, limit: float) -> Unmatched:
        """What would be false positives if nothing were matched, within a limit."""
        ...

    def score_runs(self, area: int) -> ScoreRuns:
        """The runs of equal score, and what counts unmatched around them."""
        ...

    def outcomes(self, area: int = 0, threshold: int = 0) -> OutcomesByClass:
        """Who is right and who counts, class by class."""
        ...
