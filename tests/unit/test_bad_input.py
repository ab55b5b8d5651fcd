"""Broken files and hostile cells: read, refused in our words, or kept aside; never a traceback."""

from __future__ import annotations

from random import Random

import pytest

from tests.bad_input import KINDS


@pytest.mark.parametrize("kind", KINDS)
def test_bad_input_is_refused_in_our_words_or_kept_aside(kind):
    for seed in range(25):
        KINDS[kind](Random(seed))
