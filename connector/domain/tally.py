"""What was counted of one person's activities, to be read again later."""

from __future__ import annotations

from typing import Any, NamedTuple

from connector.domain.moment import DAY, Micros


class Tally(NamedTuple):
    """Sums of decayed units as of a moment the holder knows, `;` between them; nothing is 0.

    Those of open days stand apart: these are counted again when there is more.
    """

    newest: Micros | None
    """When the last activity was, where a rule asks for it."""
    until: Micros | None
    """From then on other activities count, so the sums are not all; None: for good."""
    sums: str
    """What closed days add; of rules that look at single activities, all they count."""
    open: str = ""
    """What the open days add beside `sums`, written like these."""
    entries: str = ""
    """The activities of closed days that rules may still look at, as JSON [{"u": unit, "k": key,
    "t": time}]; TOO_MANY in place of more than are worth keeping."""


TOO_MANY = "*"
"""Stands for entries that are not kept: when there is more, all is counted anew."""


def open_since(as_of: Any) -> Any:
    """The start of the UTC day before that of a moment, or of an expression of one.

    Days since then are open: what CRMs tell of them may come hours late.
    """
    return as_of - as_of % DAY - DAY


def closes_at(time: Micros) -> Micros:
    """The first moment for which the day of `time` is not open any more."""
    return time - time % DAY + 2 * DAY
