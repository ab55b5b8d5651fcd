"""What is wrong with what we know of a person: findings for a worklist. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from connector.domain.moment import Micros
from connector.domain.record import Scalar

STALE, BOUNCED, ROLE, DISPOSABLE, NO_ADDRESS = (
    "stale",
    "bounced",
    "role address",
    "disposable address",
    "address is none",
)


def findings(
    facts: Mapping[str, Scalar],
    *,
    required: Sequence[str],
    bounced: bool,
    newest: Micros | None,
    stale_before: Micros,
) -> list[str]:
    """Give what should be mended; `newest` is the last sign of life, None when there was none."""
    found = [f"missing {name}" for name in required if facts.get(name) is None]
    kind = facts.get("email_kind")
    if kind == "role":
        found.append(ROLE)
    if kind == "disposable":
        found.append(DISPOSABLE)
    if facts.get("email_invalid") is not None:
        found.append(NO_ADDRESS)
    if bounced:
        found.append(BOUNCED)
    created = facts.get("created")
    last = newest if newest is not None else created if isinstance(created, int) else None
    if last is not None and last < stale_before:
        found.append(STALE)
    return found
