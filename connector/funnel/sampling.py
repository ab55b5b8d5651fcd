"""Draws leads to ask about so that every band, owner and verdict is among them. Pure.

Chance comes from a hash of the seed and the lead's key: the same seed draws the same leads.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from hashlib import blake2b
from typing import NamedTuple


class Candidate(NamedTuple):
    """One judged pass that could be asked about; `key` names it."""

    key: str
    band: str
    owner: str
    verdict: str

    @property
    def stratum(self) -> tuple[str, str, str]:
        """The kind of lead it stands for."""
        return (self.band, self.owner, self.verdict)


def draw(candidates: Iterable[Candidate], size: int, seed: int) -> list[Candidate]:
    """Give `size` candidates, or all of them if they are fewer, in an order of chance.

    First every band, owner and verdict is covered, then each stratum has its share of the rest.
    """
    pool = sorted(candidates, key=lambda one: _chance(seed, one.key))
    if len(pool) <= size:
        return pool
    drawn = _cover(pool, size)
    taken = set(drawn)
    counts = Counter(one.stratum for one in pool)
    have = Counter(one.stratum for one in drawn)
    rest = [one for one in pool if one not in taken]
    for one in rest:  # each stratum up to its whole share, in the order of chance
        if len(drawn) < size and have[one.stratum] < size * counts[one.stratum] // len(pool):
            drawn.append(one)
            have[one.stratum] += 1
    taken = set(drawn)
    drawn += [one for one in rest if one not in taken][: size - len(drawn)]
    return sorted(drawn, key=lambda one: _chance(seed, one.key))


def _cover(pool: list[Candidate], size: int) -> list[Candidate]:
    missing = {(place, word) for one in pool for place, word in enumerate(one.stratum)}
    drawn: list[Candidate] = []
    while missing and len(drawn) < size:
        best = max(pool, key=lambda one: len(missing & set(enumerate(one.stratum))))
        drawn.append(best)
        missing -= set(enumerate(best.stratum))
    return drawn


def _chance(seed: int, key: str) -> bytes:
    return blake2b(f"{seed}/{key}".encode(), digest_size=8).digest()
