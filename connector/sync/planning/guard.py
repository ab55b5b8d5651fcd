"""The guard: what a plan may change before a person has to look at it."""

from __future__ import annotations

from typing import NamedTuple

from sqlalchemy import Connection

from connector.domain.outward import Group
from connector.store.outgoing import outbox


class Limits(NamedTuple):
    """`records` and `clears` are shares of all person records (0 to 1), `owners` a count."""

    records: float
    owners: int
    clears: float


class Hold(NamedTuple):
    """What waits whatever its size, each with the reason in words: everything, or what may have
    fallen for want of news (scores and nurture flags, not hand-offs).
    """

    all: str | None = None
    scores: str | None = None


def exceeded(
    tx: Connection, plan_id: str, limits: Limits, total: int, *, refreshed: int, hold: Hold
) -> list[str]:
    """Say in words which limits the plan exceeds, and hold exactly the rows over them.

    Rows within the limits are approved, but for what is on hold anyway. The `refreshed` score rows,
    a few points off and written only for their age, count towards no limit.
    """
    tally = outbox.tally(tx, plan_id)
    held: list[str] = []
    if hold.all is not None and tally:
        return [hold.all]
    for group in (Group.SCORE, Group.NURTURE):
        if group.value not in tally:
            continue
        rows, cleared = tally[group.value]
        counted = rows - refreshed if group is Group.SCORE else rows
        if hold.scores is not None:
            held.append(f"{group.value}: {hold.scores}")
            continue
        if counted > max(1.0, limits.records * total):
            held.append(f"{group.value}: {counted} of {total} records (limit {limits.records:.0%})")
            continue
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
        outbox.approve(tx, plan_id, Group.HANDOFF.value)
    return held
