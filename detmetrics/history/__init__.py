"""The history of a training: which epoch is best, and whether it is still learning.

Rows (:mod:`~detmetrics.history.rows`) come from a journal on disk
(:mod:`~detmetrics.history.journal`) or from the log of a framework
(:mod:`~detmetrics.history.logs`). They choose an epoch (:mod:`~detmetrics.history.choosing`), they
are judged (:mod:`~detmetrics.history.verdict`), and they stop a training
(:mod:`~detmetrics.history.stopping`). Nothing is measured here.
"""

from __future__ import annotations

from detmetrics.history.choosing import Best
from detmetrics.history.record import History
from detmetrics.history.rows import Row
from detmetrics.history.stopping import EarlyStopping
from detmetrics.history.verdict import Verdict

__all__ = ["Best", "EarlyStopping", "History", "Row", "Verdict"]
