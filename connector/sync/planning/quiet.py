"""Whether a difference in score fields is worth a write. Pure.

A score that only decayed is written when its band, grade or state changes, when it is
`min_change` off, or before what stands there is older than `max_age` (design: "Quiet"). Records
written on one day would all come of age on one day; so each has an age of its own at which it is
refreshed, between half of `max_age` and the whole.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from hashlib import blake2b

from connector.domain.moment import Micros
from connector.domain.outward import OUTWARD
from connector.domain.record import Scalar

_DRIFTING = frozenset({"score", "fit", "behaviour", "reasons"})
_PASSENGERS = frozenset(name for name, field in OUTWARD.items() if field.passenger)


class Worth(StrEnum):
    """What a difference is worth."""

    NOTHING = "nothing"
    REFRESH = "refresh"  # only for its age: a few points, and nothing else
    WRITE = "write"


def worth_writing(
    changed: Iterable[str],
    *,
    record: str,
    desired: Scalar,
    remote: Scalar,
    written_at: Micros | None,
    now: Micros,
    min_change: float,
    max_age: Micros,
) -> Worth:
    """Say what it is worth to write, given the outward fields that differ.

    `desired` and `remote` are the score we want and the one that stands there; `written_at` is
    when we last wrote to `record`, None if never.
    """
    causes = set(changed) - _PASSENGERS
    if not causes:
        return Worth.NOTHING
    if not causes <= _DRIFTING or written_at is None:
        return Worth.WRITE
    if not isinstance(desired, int | float) or not isinstance(remote, int | float):
        return Worth.WRITE
    if abs(desired - remote) >= min_change:
        return Worth.WRITE
    age = now - written_at
    if 2 * age < max_age:  # nobody's own age is less
        return Worth.NOTHING
    return Worth.REFRESH if age >= _own_age(record, max_age) else Worth.NOTHING


def _own_age(record: str, max_age: Micros) -> Micros:
    place = int.from_bytes(blake2b(record.encode(), digest_size=4).digest()) / 2**32
    return max_age - int(max_age / 2 * place)
