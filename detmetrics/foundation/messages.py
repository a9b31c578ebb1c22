"""How messages are written: numbers with nouns, short values, lists of faults, tame text."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any

__all__ = [
    "SHOWN",
    "FewTexts",
    "counted",
    "few",
    "in_bytes",
    "listing",
    "no_such",
    "printable",
    "shown",
    "without_secrets",
]

SHOWN = 10
LONGEST = 80
MOST_NAMES = 40
# A password stands between a colon that begins no port and an @, and may have slashes in it.
PASSWORD = re.compile(r"^(\w[\w+.:-]*://[^/@:]*):(?!\d+(?:/|$)).*@")
QUERY = re.compile(r"^(https?://[^?]*)\?.+")


class FewTexts(Sequence[str]):
    """Texts of which the first ten are kept and the others counted: millions of rows may be wrong.

    >>> texts = FewTexts()
    >>> for row in range(12):
    ...     texts.add(f"[{row}]: wrong")
    >>> len(texts), texts.wanted, texts[:1]
    (12, False, ['[0]: wrong'])
    """

    def __init__(self) -> None:
        self._texts: list[str] = []
        self._count = 0

    @property
    def wanted(self) -> bool:
        """Whether the next one is shown, so that it is worth making."""
        return len(self._texts) < SHOWN

    def add(self, text: str) -> None:
        """One more."""
        if self.wanted:
            self._texts.append(text)
        self._count += 1

    def skip(self, more: int = 1) -> None:
        """More that are not shown."""
        self._count += more

    def extend(self, others: FewTexts) -> None:
        """All of these."""
        self._texts += others[: SHOWN - len(self._texts)]
        self._count += len(others)

    def __len__(self) -> int:
        return self._count

    def __getitem__(self, place: Any) -> Any:
        return self._texts[place]


def in_bytes(count: int) -> str:
    """A number of bytes in the largest unit that leaves it readable.

    >>> in_bytes(500), in_bytes(3 << 20), in_bytes(5 << 29)
    ('500 bytes', '3 MiB', '2.5 GiB')
    """
    for shift, unit in ((40, "TiB"), (30, "GiB"), (20, "MiB"), (10, "KiB")):
        if count >= 1 << shift:
            return f"{count / (1 << shift):.3g} {unit}"
    return counted(count, "byte")


def counted(count: int, singular: str, plural: str | None = None) -> str:
    """A number with its noun.

    >>> counted(1, "class", "classes"), counted(1200, "image")
    ('1 class', '1,200 images')
    """
    return f"{count:,} {singular if count == 1 else plural or singular + 's'}"


def shown(value: object) -> str:
    """A value as Python writes it, but not too long.

    >>> shown("x" * 1000)[-18:]
    '(1,002 characters)'
    """
    text = printable(repr(value))
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}... ({len(text):,} characters)"


def printable(text: str) -> str:
    r"""Text from a file without the characters that steer a terminal or that no file can hold.

    >>> print(printable("cat\x1b[31m"))
    cat\x1b[31m
    """
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def few(names: Sequence[str], most: int = 5) -> str:
    """The first of many names.

    >>> few(["a", "b", "c"], most=2)
    'a, b and 1 more'
    """
    more = f" and {len(names) - most:,} more" if len(names) > most else ""
    return ", ".join(map(printable, names[:most])) + more


def no_such(kind: str, name: object, known: Iterable[str], where: str = "") -> str:
    """That a name is none of those that are known.

    >>> print(no_such("metric", "mAP", ["AP", "AR100"]))
    no metric 'mAP' (do you mean AP?); there are AP, AR100
    """
    import difflib

    names = [*known]
    near = difflib.get_close_matches(name, names, n=1) if isinstance(name, str) else []
    meant = f" (do you mean {near[0]}?)" if near else ""
    return f"no {kind} {shown(name)}{where}{meant}; there are {few(names, MOST_NAMES)}"


def listing(subject: str, faults: Sequence[str], count: int) -> str:
    """One fault on one line; several as a list with what was left out.

    >>> print(listing("a.json", ["[0].score: expected a number, got text"], 1))
    a.json: [0].score: expected a number, got text
    """
    if count == 1:
        return f"{subject}: {faults[0]}"
    lines = [f"{subject}: {count:,} faults", *(f"  {fault}" for fault in faults[:SHOWN])]
    if count > len(lines) - 1:
        lines.append(f"  ... and {count - len(lines) + 1:,} more")
    return "\n".join(lines)


def without_secrets(url: str) -> str:
    """A URL without a password, and without a query, which may sign a request.

    >>> without_secrets("s3://key:se/cret@bucket/gt"), without_secrets("https://host/a?sig=x")
    ('s3://key:...@bucket/gt', 'https://host/a?...')
    >>> without_secrets("hdfs://host:8020/a@b")
    'hdfs://host:8020/a@b'
    """
    return QUERY.sub(r"\1?...", PASSWORD.sub(r"\1:...@", url))
