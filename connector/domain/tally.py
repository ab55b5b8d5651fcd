"""What was counted of one person's activities, to be read again later."""

from __future__ import annotations

from typing import NamedTuple

from connector.domain.moment import Micros


class Tally(NamedTuple):
    """Sums of decayed units as of a moment the holder knows, `;` between them; empty: all 0."""

    newest: Micros | None
    """When the last activity was, where a rule asks for it."""
    until: Micros | None
    """From then on other activities count, so the sums say nothing; None: for good."""
    sums: str
