"""What was counted of one person's activities, to be read again later."""

from __future__ import annotations

from typing import Any, NamedTuple

from connector.domain.moment import DAY, Micros


class Tally(NamedTuple):
    """Sums of decayed units as of a moment the holder knows, `;` between them; nothing is 0.

    The days that are open at that moment can be counted anew without the others.
    """

    newest: Micros | None
    """When the last activity was, where a rule asks for it."""
    until: Micros | None
    """From then on other activities count, so the sums say nothing; None: for good."""
    sums: str
    open: str = ""
    """What the open days add to `sums`, written like these."""


def open_since(as_of: Any) -> Any:
    """The start of the UTC day before that of a moment, or of an expression of one.

    Days since then are open: what CRMs tell of them may come hours late.
    """
    return as_of - as_of % DAY - DAY


def closes_at(time: Micros) -> Micros:
    """The first moment for which the day of `time` is not open any more."""
    return time - time % DAY + 2 * DAY
