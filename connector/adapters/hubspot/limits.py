"""How fast we may ask, and how much of the day's calls we leave to others.

Source: HubSpot's usage guidelines (2026-11): five searches a second for the whole portal, without
headers; 100 to 190 other calls in ten seconds and a day's allowance, both told by headers. Batches
of associations are exempt from the ten seconds.
"""

from __future__ import annotations

from connector.adapters.base import Pace
from connector.errors import QuotaError
from connector.transport.http import Answer

PACES = (
    Pace("search", r"/search$", most=5, span=1.0),
    Pace("ten seconds", r"^(?!.*/associations/.+/batch/)", most=100, span=10.0, told=True),
)
"""Kept through the store, for each allowance is that of all our processes together."""


class Allowance:
    """The day's calls; a share of them is left to the people and apps of the portal."""

    def __init__(self, reserve: float) -> None:
        self._reserve = reserve
        self._low: tuple[int, int] | None = None

    def hear(self, answer: Answer) -> None:
        """Take in what an answer says is left of the day."""
        most = _number(answer, "X-HubSpot-RateLimit-Daily")
        left = _number(answer, "X-HubSpot-RateLimit-Daily-Remaining")
        if most is not None and left is not None:
            self._low = (left, most) if left < self._reserve * most else None

    def check(self) -> None:
        """Raise QuotaError before a call that would eat into the reserve."""
        if self._low is not None:
            left, most = self._low
            raise QuotaError(
                f"HubSpot has {left:,} of {most:,} calls left today, and "
                f"{self._reserve:.0%} are reserved for people",
                hint="Run again after midnight in the portal's time zone, or lower `api.reserve`",
            )


def _number(answer: Answer, name: str) -> int | None:
    text = answer.headers.get(name, "")
    return int(text) if text.isdigit() else None
