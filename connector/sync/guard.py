"""The guard: what a plan may change before a person has to look at it."""

from __future__ import annotations

from typing import NamedTuple

from sqlalchemy import Connection

from connector.domain.outward import Group
from connector.store import outbox


class Limits(NamedTuple):
    """`records` and `clears` are shares of all person records (0 to 1), `owners` a count."""

    records: float
    owners: int
    clears: float


def exceeded(
    tx: Connection, plan_id: str, limits: Limits, total: int, *, refreshed: int, hold: str | None
) -> list[str]:
    """Say in words which limits the plan exceeds, and hold exactly the rows over them.

    Rows within the limits are approved. With `hold`, a reason in words, nothing passes. The
    `refreshed` score rows, a few points off and written only for their age, count towards no limit.
    """
    tally = outbox.tally(tx, plan_id)
    held: list[str] = []
    if hold is not None and tally:
        return [hold]
    for group in (Group.SCORE, Group.NURTURE):
        rows = tally.get(group.value, (0, 0))[0] - (refreshed if group is Group.SCORE else 0)
        if rows > max(1.0, limits.records * total):
            held.append(f"{group.value}: {rows} of {total} records (limit {limits.records:.0%})")
            continue
        cleared = tally.get(group.value, (0, 0))[1]
        if cleared > max(1.0, limits.clears * total):
            held.append(
                f"{group.value}: {cleared} values would be emptied (limit {limits.clears:.0%})"
            )
            continue
        outbox.approve(tx, plan_id, group.value)
    owners = tally.get(Group.OWNER.value, (0, 0))[0]
    if owners > limits.owners:
        held.append(f"owner: {owners} owners would change (limit {limits.owners})")
    else:
        outbox.approve(tx, plan_id, Group.OWNER.value)
    return held
