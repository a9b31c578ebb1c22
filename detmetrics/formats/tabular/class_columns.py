"""Which of several columns names the class: the one that pairs with the ground truth."""

from __future__ import annotations

from typing import TYPE_CHECKING

from detmetrics.formats.tabular.headings import Heading
from detmetrics.foundation.messages import printable
from detmetrics.tables.catalog import Catalog

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["chosen_classes"]


def chosen_classes(
    frame: pd.DataFrame, heading: Heading, catalog: Catalog | None, path: str
) -> tuple[str, tuple[str, ...]]:
    """The column of classes, and what to say of it where there are several.

    frame: the rows with a box; catalog: of the ground truth, None where this is it.
    """
    column = heading.column
    usual = column["class" if "class" in column else "number"]
    if not heading.classes or not len(frame):
        return usual, ()
    # The first column of which every value is a class of the ground truth, by name before by id;
    # of ground truth the first with a value that is more than a number.
    texts = {name: _texts(frame, name) for name in heading.classes}
    if catalog is None:
        fits = [name for name in heading.classes if not all(map(str.isdigit, texts[name]))]
    else:
        names, ids = {*catalog.category_names}, {*map(str, catalog.category_ids.tolist())}
        fits = [name for known in (names, ids) for name in heading.classes if texts[name] <= known]
    taken = fits[0] if fits else usual
    others = " and ".join(printable(name) for name in heading.classes if name != taken)
    return taken, (f"{path}: classes are read from column {printable(taken)}, not from {others}",)


def _texts(frame: pd.DataFrame, name: str) -> set[str]:
    return {str(value).strip() for value in frame[name].unique().tolist()}
