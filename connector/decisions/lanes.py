"""Two small lanes that let a company learn: chosen by a hash, so the same people every time."""

from __future__ import annotations

from hashlib import blake2b

HOLDOUT = "holdout"
"""The theme of people who are left without nurture, to see what nurture does."""
EXPLORE = "explore: below the threshold, handed off to learn from"


def lane(person: str, name: str) -> float:
    """Give a person's place in a lane, 0 up to 1: even over people, unlike from lane to lane."""
    digest = blake2b(f"{name}\x00{person}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") / 2**64


def explored(person: str, score: float, threshold: float, share: float, least: float) -> bool:
    """Whether somebody below the threshold is handed off all the same, to learn from."""
    return least <= score < threshold and lane(person, "explore") < share


def held_out(person: str, share: float) -> bool:
    """Whether somebody is left without nurture."""
    return lane(person, HOLDOUT) < share
