"""Every choice of every setting of rules on a scene drawn by hand, with its numbers by hand."""

from __future__ import annotations

import dataclasses
import typing
from itertools import combinations
from typing import Any

import pytest
from setting_scenes import SCENES
from setting_scenes.scene import Scene

import detmetrics as dm
from detmetrics.matching.candidates import Memory
from detmetrics.matching.matching import match
from detmetrics.matching.preparation import TABLE_SETTINGS, prepare
from detmetrics.metrics.registry import NAMES as METRIC_GROUPS
from detmetrics.overlap import SHAPES

pytestmark = pytest.mark.filterwarnings("ignore::detmetrics.DetmetricsWarning")

HINTS = typing.get_type_hints(dm.Rules)
SETTINGS = [field.name for field in dataclasses.fields(dm.Rules) if field.name != "name"]
CASES = [(scene, choice) for scene in SCENES for choice in scene.expected]


def close(number: float | None) -> Any:
    """To twelve digits: precision has the spacing of floats in its denominator."""
    return None if number is None else pytest.approx(number, rel=0, abs=1e-12)


def label(scene: Scene, choice: Any) -> str:
    return f"{scene.setting}={choice}: {scene.what}"


@pytest.mark.parametrize(("scene", "choice"), CASES, ids=[label(*case) for case in CASES])
def test_a_choice_on_its_scene(scene, choice):
    letters, numbers = scene.outcome(choice)
    expected_letters, expected = scene.expected[choice]
    assert letters == expected_letters
    if scene.metric is not None:
        assert numbers == close(expected)
    else:
        assert numbers == {name: close(number) for name, number in expected.items()}


OF_SAME_TABLES = [scene for scene in SCENES if scene.setting not in TABLE_SETTINGS]


@pytest.mark.parametrize(
    "scene", OF_SAME_TABLES, ids=[f"{s.setting}: {s.what}" for s in OF_SAME_TABLES]
)
def test_what_the_choices_share_changes_none_of_them(scene):
    """Whatever was matched before with the same memory, and in whatever order."""
    tables = prepare(*scene.tables(), scene.rules)[:2]
    apart = {choice: scene.outcome(choice) for choice in scene.expected}
    for choices in ([*apart], [*apart][::-1]):
        memory = Memory(lowest=0.3)
        for choice in choices:
            rules = scene.rules_with(choice)
            result = dm.Evaluation(*tables, rules, match(*tables, rules, memory=memory))
            assert scene.seen(result) == apart[choice]


def choices_of(setting: str) -> list[Any]:
    """What a setting may be; none where it is a number or a sequence of the caller's."""
    hint = HINTS[setting]
    if setting == "shape":
        return [*SHAPES]
    if setting == "metrics":
        return [(group,) for group in METRIC_GROUPS]
    if hint is bool:
        return [False, True]
    return [*typing.get_args(hint)] if typing.get_origin(hint) is typing.Literal else []


def of(setting: str) -> list[Scene]:
    return [scene for scene in SCENES if scene.setting == setting]


def told_apart(setting: str, one: Any, other: Any) -> bool:
    """Some scene has both choices, and expects something else of them."""
    return any(
        scene.expected[one] != scene.expected[other]
        for scene in of(setting)
        if one in scene.expected and other in scene.expected
    )


class TestTheTable:
    """It leaves no choice out, and each of its choices makes a difference."""

    @pytest.mark.parametrize("setting", SETTINGS)
    def test_has_a_scene_for_every_choice(self, setting):
        shown = {choice for scene in of(setting) for choice in scene.expected}
        assert set(choices_of(setting)) <= shown
        if type(None) in typing.get_args(HINTS[setting]):
            assert None in shown

    @pytest.mark.parametrize("setting", SETTINGS)
    def test_tells_every_choice_from_every_other(self, setting):
        pairs = [*combinations(choices_of(setting), 2)]
        assert [pair for pair in pairs if not told_apart(setting, *pair)] == []
        shown = [(one, other) for s in of(setting) for one, other in combinations(s.expected, 2)]
        assert any(told_apart(setting, *pair) for pair in shown)

    def test_has_a_range_of_every_kind(self):
        kinds = typing.get_args(typing.get_type_hints(dm.AreaRange)["of"])
        shown = {
            area.of for scene in of("area_ranges") for areas in scene.expected for area in areas
        }
        assert shown == set(kinds)

    def test_has_settings_that_exist(self):
        assert {scene.setting for scene in SCENES} <= set(SETTINGS)
