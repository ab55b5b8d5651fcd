"""A sample to ask sales about: of the size asked for, covering, and the same for the same seed."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from connector.funnel.sampling import Candidate, draw

CANDIDATES = st.lists(
    st.tuples(st.sampled_from("abc"), st.sampled_from("xyzw"), st.sampled_from("rst")), max_size=120
).map(lambda rows: [Candidate(str(n), *row) for n, row in enumerate(rows)])


@given(CANDIDATES, st.integers(1, 50), st.integers(0, 9))
def test_the_size_is_what_was_asked_for_and_nobody_is_asked_about_twice(pool, size, seed):
    drawn = draw(pool, size, seed)
    assert len(drawn) == min(size, len(pool))
    assert len(set(drawn)) == len(drawn)
    assert set(drawn) <= set(pool)


@given(CANDIDATES, st.integers(0, 9), st.randoms(use_true_random=False))
def test_the_same_seed_draws_the_same_whatever_the_order(pool, seed, random):
    shuffled = list(pool)
    random.shuffle(shuffled)
    assert draw(shuffled, 20, seed) == draw(pool, 20, seed)


@given(CANDIDATES, st.integers(0, 9))
def test_every_band_owner_and_verdict_is_among_them(pool, seed):
    drawn = draw(pool, 20, seed)  # 3 + 4 + 3 words at most
    for place in range(3):
        words = {one.stratum[place] for one in pool}
        assert {one.stratum[place] for one in drawn} == words


def test_another_seed_draws_others():
    pool = [Candidate(str(n), "a", "x", "r") for n in range(200)]
    assert draw(pool, 20, 0) != draw(pool, 20, 1)
