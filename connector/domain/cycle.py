"""One pass of a person through the funnel: its states, and what sales can say about it."""

from __future__ import annotations

from enum import StrEnum


class State(StrEnum):
    """Where a cycle stands. Rejected, won, lost and disqualified are final."""

    INQUIRY = "inquiry"
    NURTURE = "nurture"
    SALES_READY = "sales_ready"
    HELD = "held"
    HANDED_OFF = "handed_off"
    ACCEPTED = "accepted"
    QUALIFIED = "qualified"
    REJECTED = "rejected"
    RECYCLED = "recycled"
    NO_DECISION = "no_decision"
    WON = "won"
    LOST = "lost"
    DISQUALIFIED = "disqualified"


FINAL = frozenset({State.WON, State.LOST, State.DISQUALIFIED, State.REJECTED})
IN_SALES = frozenset({State.HANDED_OFF, State.ACCEPTED, State.QUALIFIED, State.NO_DECISION})


class Verdict(StrEnum):
    """What sales decided about a hand-off; the values a mapping's `status` may lead to."""

    ACCEPTED = "accepted"
    QUALIFIED = "qualified"
    REJECTED = "rejected"
    RECYCLED = "recycled"
    WON = "won"
    LOST = "lost"
