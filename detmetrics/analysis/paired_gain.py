"""Whether one epoch is better than another by more than other images would explain.

The interval is that of the paired difference, as :func:`detmetrics.analysis.compare` takes it: what
makes an image hard for both epochs does not blur it. It knows nothing of the noise of the training
itself; see :mod:`detmetrics.analysis.seeds`.
"""

from __future__ import annotations

from collections.abc import Callable

from detmetrics.analysis.bootstrap import require_samples
from detmetrics.analysis.comparison import compare
from detmetrics.evaluation.result import Evaluation
from detmetrics.metrics.summary import lower_is_better

__all__ = ["paired_gain"]


def paired_gain(
    level: float = 0.95, resamples: int = 200, seed: int = 0
) -> Callable[[Evaluation, Evaluation, str], bool]:
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

    def improves(best: Evaluation, new: Evaluation, metric: str) -> bool:
        interval = compare(best, new, resamples, level, seed).metrics[metric].interval
        return interval.high < 0 if lower_is_better(metric) else interval.low > 0

    return improves
