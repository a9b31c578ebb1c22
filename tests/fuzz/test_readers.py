"""Mutated files of every format: a table, or one message that names the file."""

from __future__ import annotations

import random
import warnings

import pytest
from hypothesis import HealthCheck, given
from hypothesis import strategies as st
from profiles import examples
from samples import SAMPLES, lay, mutate, settles

import detmetrics as dm

FUZZ = examples(30, HealthCheck.function_scoped_fixture)
EVERY = pytest.mark.parametrize("kind", SAMPLES)


@EVERY
def test_sample_is_read(tmp_path, kind):
    sample = SAMPLES[kind]
    assert settles(sample, lay(tmp_path / "there", sample, sample.files))


@EVERY
@FUZZ
@given(seed=st.integers(0, 2**32), times=st.integers(1, 6), asked=st.booleans())
def test_mutated(tmp_path, kind, seed, times, asked):
    sample = SAMPLES[kind]
    chance = random.Random(seed)
    name = chance.choice([*sample.files])
    files = {**sample.files, name: mutate(sample.files[name], chance, times)}
    path = lay(tmp_path / "there", sample, files)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", dm.DetmetricsWarning)
        settles(sample, path, asked=asked)
