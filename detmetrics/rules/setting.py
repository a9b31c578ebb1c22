"""How a setting of rules is described: once, in the metadata of its field.

Choices, the sentence in the documentation, the place in the signature, the cause that ``reconcile``
counts it to: whoever needs one of them derives it from here.
"""

from __future__ import annotations

import dataclasses
import textwrap
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args, get_origin, get_type_hints

__all__ = ["CAUSES", "Setting", "attributes_section", "choices_of", "setting", "settings_of"]

# The causes of a difference between two rule sets, in the order in which they are taken over.
SHAPE = "shape that is measured"
SCORE_CUT = "score cut"
LIMIT = "detection limit"
DIFFICULT = "difficult objects"
CROWDS = "crowds and ignored objects"
POOLED = "classes pooled"
MATCHING = "who may match"
STRICT = "> or >="
PIXEL = "a pixel more"
CLIPPED = "clipped boxes"
SIZES = "sizes that count"
THRESHOLDS = "IoU thresholds"
INTERPOLATION = "interpolation"
CLASS_SET = "class set"
TIES = "tie order"
FLOAT32 = "float32"
ROUNDING = "rounding in the file"
CAUSES = (
    SHAPE,
    SCORE_CUT,
    LIMIT,
    DIFFICULT,
    CROWDS,
    POOLED,
    MATCHING,
    STRICT,
    PIXEL,
    CLIPPED,
    SIZES,
    THRESHOLDS,
    INTERPOLATION,
    CLASS_SET,
    TIES,
    FLOAT32,
    ROUNDING,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """The description of one setting.

    sentence: what it does; cause: which of :data:`CAUSES` it belongs to, empty for none; choices:
    what it may be where its type does not say it; least: the least whole number that it may be
    beside None; signed: the signature shows it where it is not COCO's; label: its name there;
    place: those of a lower place come first there; changes_tables: the tables that are matched
    depend on it; of_boxes: it has a meaning for upright boxes, and for few shapes beside them.
    """

    sentence: str
    cause: str = ""
    choices: tuple[Any, ...] = ()
    least: int | None = None
    signed: bool = True
    label: str = ""
    place: int = 1
    changes_tables: bool = False
    of_boxes: bool = False


def setting(sentence: str, **described: Any) -> dict[str, Setting]:
    """The metadata of the field of a setting."""
    return {"setting": Setting(sentence=sentence, **described)}


def settings_of(rules: Any) -> Mapping[str, Setting]:
    """The settings of a class of rules, or of rules, by name."""
    return {field.name: field.metadata["setting"] for field in dataclasses.fields(rules)}


def choices_of(rules: type) -> dict[str, tuple[Any, ...]]:
    """What each setting that is a choice may be, COCO's first, from the type of its field."""
    types = get_type_hints(rules)
    choices = {
        name: described.choices or _choices(types[name])
        for name, described in settings_of(rules).items()
    }
    return {name: values for name, values in choices.items() if values}


def _choices(kind: Any) -> tuple[Any, ...]:
    if kind is bool:
        return (False, True)
    return get_args(kind) if get_origin(kind) is Literal else ()


def attributes_section(rules: type) -> str:
    """The part of a docstring that explains each setting."""
    lines = ["Attributes:"]
    for name, described in settings_of(rules).items():
        lines += textwrap.wrap(
            f"{name}: {described.sentence}",
            96,
            initial_indent=" " * 8,
            subsequent_indent=" " * 12,
            break_on_hyphens=False,
        )
    return "\n".join(lines)
