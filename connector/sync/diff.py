"""What to do with one field: our wish, what we last wrote, and what the CRM holds now. Pure."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple

from connector.domain.moment import Micros
from connector.domain.record import Scalar
from connector.mapping.compile import WriteTarget
from connector.mapping.outbound import same


class Do(StrEnum):
    """What follows for one field."""

    NOTHING = "nothing"  # the CRM already holds it
    WRITE = "write"
    KEEP = "keep"  # somebody else's value stands
    ASK = "ask"  # somebody must decide
    STOP = "stop"  # somebody keeps setting it back: we stop


class Base(NamedTuple):
    """What we last wrote and had confirmed, and when."""

    value: Scalar
    at: Micros


def settle(
    target: WriteTarget,
    desired: Scalar,
    base: Base | None,
    remote: Scalar,
    *,
    edited_at: Micros | None,
    changed_at: Micros | None,
    now: Micros,
) -> Do:
    """Decide one field by its policy.

    `edited_at` is when a run first saw the CRM's present value as somebody else's, were it equal
    to what we last wrote; `changed_at` the record's change time, which the policy `newest` compares
    with our last write.
    """
    if same(remote, desired):
        return Do.NOTHING
    if remote is None and base is None:
        return Do.WRITE  # as every field at first
    if desired in (None, "") and not target.clear:
        return Do.KEEP
    ours_stands = base is not None and same(base.value, remote) and edited_at is None
    untouched = ours_stands or same(remote, None)
    if untouched and not _cleared_by_hand(target, base, remote, desired):
        return Do.WRITE
    return _contested(target, base, edited_at, changed_at, now)


def _cleared_by_hand(
    target: WriteTarget, base: Base | None, remote: Scalar, desired: Scalar
) -> bool:
    """Somebody whose word counts took away the very value we want."""
    return (
        target.policy in {"theirs_for", "newest", "ask"}
        and base is not None
        and same(base.value, desired)
        and same(remote, None)
    )


def _contested(
    target: WriteTarget,
    base: Base | None,
    edited_at: Micros | None,
    changed_at: Micros | None,
    now: Micros,
) -> Do:
    """The CRM holds a value that is neither ours nor our wish."""
    match target.policy:
        case "ours":
            return Do.WRITE
        case "theirs":
            return Do.KEEP
        case "theirs_for":
            fresh = edited_at is None or now - edited_at < (target.keep_for or 0)
            return Do.KEEP if fresh else Do.WRITE
        case "newest":
            newer = base is not None and changed_at is not None and changed_at <= base.at
            return Do.WRITE if newer else Do.KEEP
        case _:
            return Do.ASK
