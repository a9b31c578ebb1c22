"""What something that no format knows looks like, and what to give in its place."""

from __future__ import annotations

from detmetrics.formats.format import Side
from detmetrics.formats.given import Given
from detmetrics.formats.lines.separators import thousands
from detmetrics.formats.lines.text_folder import box_files, sampled
from detmetrics.formats.metadata.image_sizes import IMAGE_SUFFIXES
from detmetrics.foundation.decoding import binary_kind
from detmetrics.foundation.hints import hint
from detmetrics.foundation.messages import counted

__all__ = ["advice", "look"]

SINGLE = (".json", ".csv", ".tsv", ".parquet", ".json.gz", ".csv.gz", ".tsv.gz")
MOSTLY = 0.9
IGNORING = {
    "ground truth": {"side": "gt", "order": "class xmin ymin xmax ymax -"},
    "detections": {"side": "det", "order": "class score xmin ymin xmax ymax -"},
}


def look(given: Given) -> str:
    """In a few words what it is."""
    if not given.is_folder:
        return binary_kind(given.head) or ("a file" if given.head else "an empty file")
    endings = sorted({name.rpartition(".")[2].lower() for name in given.files if "." in name})
    kinds = f" of the kinds {', '.join(endings[:6])}" if endings else ""
    return f"a folder with {counted(len(given.files), 'file')}{kinds}"


def advice(given: Given, side: Side) -> str | None:
    """What most likely has to be done, where that can be seen."""
    if not given.is_folder:
        archive = (binary_kind(given.head) or "").endswith("archive")
        return "unpack it and give what is in it" if archive else None
    tables = [name for name in given.files if name.lower().endswith(SINGLE)]
    if len(tables) == 1:
        return hint("the-file", path=given.join(tables[0]))
    if len(tables) == len(given.files):
        return hint("parts")
    if len(given.ending(*IMAGE_SUFFIXES)) >= MOSTLY * len(given.files):
        return "these are images: give the folder with their boxes"
    return _of_lines(given, side)


def _of_lines(given: Given, side: Side) -> str | None:
    lines = sampled(given) if box_files(given) else None
    files = box_files(given)
    open_one = thousands(given.beginnings(files[:20])) if files and lines is None else None
    if open_one is not None:
        return f"{open_one} may have a decimal comma or a comma between thousands"
    widths = set() if lines is None else set(lines.width.tolist())
    if len(widths) != 1:
        return None
    return (
        f"its lines have {counted(widths.pop() + 1, 'column')}, where labels have 5 (class cx cy w "
        "h) and predictions 6 (with a score): add what is missing; if they are oriented boxes "
        f"{hint('oriented-columns')}; {hint('ignored-column', **IGNORING[side])}"
    )
