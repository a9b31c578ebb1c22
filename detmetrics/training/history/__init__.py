"""The history of a training: which epoch is best, and whether it is still learning.

Rows (:mod:`~detmetrics.training.history.epoch_rows`) come from a journal on disk
(:mod:`~detmetrics.training.history.journal`) or from the log of a framework
(:mod:`~detmetrics.training.history.logs`). They choose an epoch
(:mod:`~detmetrics.training.history.choosing`), they are judged
(:mod:`~detmetrics.training.history.verdict`), and they stop a training
(:mod:`~detmetrics.training.history.stopping`). Nothing is measured here.
"""

from __future__ import annotations

from detmetrics.training.history.choosing import Best
from detmetrics.training.history.epoch_rows import Row
from detmetrics.training.history.record import History
from detmetrics.training.history.stopping import EarlyStopping
from detmetrics.training.history.verdict import Verdict

__all__ = ["Best", "EarlyStopping", "History", "Row", "Verdict"]
