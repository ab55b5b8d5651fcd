"""Whether a difference in score fields is worth a write. Pure.

A score that only decayed is written when its band, grade or state changes, when it is
`min_change` off, or when what stands there is older than `max_age` (design: "Quiet").
"""

from __future__ import annotations

from collections.abc import Iterable

from connector.domain.moment import Micros
from connector.domain.outward import OUTWARD
from connector.domain.record import Scalar

_DRIFTING = frozenset({"score", "fit", "behaviour", "reasons"})


def worth_writing(
    changed: Iterable[str],
    *,
    desired: Scalar,
    remote: Scalar,
    written_at: Micros | None,
    now: Micros,
    min_change: float,
    max_age: Micros,
) -> bool:
    """Whether to write, given the outward fields that differ.

    `desired` and `remote` are the score we want and the one that stands there; `written_at` is
    when we last wrote it, None if never.
    """
    causes = {name for name in changed if not OUTWARD[name].passenger}
    if not causes:
        return False
    if causes - _DRIFTING or written_at is None:
        return True
    if not isinstance(desired, int | float) or not isinstance(remote, int | float):
        return True
    return abs(desired - remote) >= min_change or now - written_at >= max_age
