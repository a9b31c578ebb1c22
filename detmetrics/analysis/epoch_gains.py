"""Whether one epoch is better than another by more than other images would explain.

The interval is that of the paired difference, as :func:`detmetrics.analysis.compare` takes it: what
makes an image hard for both epochs does not blur it. It knows nothing of the noise of the training
itself; see :mod:`detmetrics.analysis.seeds`.
"""

from __future__ import annotations

from dataclasses import dataclass

from detmetrics.analysis.bootstrap import require_samples
from detmetrics.analysis.comparison import compare
from detmetrics.evaluation.result import Evaluation
from detmetrics.metrics.summary import lower_is_better

__all__ = ["PairedGain", "paired_gain"]


@dataclass(frozen=True, slots=True)
class PairedGain:
    """Whether the interval of a paired difference lies on the better side of zero; a value that can
    be copied and pickled with what holds it.
    """

    level: float
    resamples: int
    seed: int

    def __call__(self, best: Evaluation, new: Evaluation, metric: str) -> bool:
        """Whether the new result is better by the metric than the best one.

        Raises:
            InputError: other ground truth, or other rules.
        """
        found = compare(best, new, self.resamples, self.level, self.seed)
        interval = found.metrics[metric].interval
        return interval.high < 0 if lower_is_better(metric) else interval.low > 0


def paired_gain(level: float = 0.95, resamples: int = 200, seed: int = 0) -> PairedGain:
    """What :class:`~detmetrics.EarlyStopping` takes as ``improves``: whether the interval of the
    paired difference lies on the better side of zero.

    level, resamples, seed: as in :func:`confidence_intervals`.

    Raises:
        InputError: fewer than two samples, or a level that is no share.

    >>> import detmetrics as dm
    >>> result = dm.evaluate("fixtures/ground_truth.json", "fixtures/detections.json")
    >>> stopping = dm.EarlyStopping(patience=2, improves=paired_gain())
    >>> [stopping.update(result) for _ in range(3)], stopping.best_epoch
    ([False, False, True], 0)
    """
    require_samples(resamples, level, seed)
    return PairedGain(level, resamples, seed)
