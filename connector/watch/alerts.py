"""Alerts: somebody is told when the loop turns from well to ill and back, not at every run."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from connector.transport import messages
from connector.watch.outcome import Outcome

NOTHING_TOLD = {"state": "ok", "held": []}


class Alert(NamedTuple):
    """What is told: ids, counts and the one next step."""

    title: str
    body: str


def turn(before: dict[str, object], outcome: Outcome) -> tuple[dict[str, object], Alert | None]:
    """Give what is known to be told from now on, and the alert if there is news.

    A run that only has to be tried later is no turn: its heartbeat's silence tells if it goes on.
    A plan that waits is told once, and again only when more is held than was told.
    """
    state = _state(outcome)
    parts = sorted({text.partition(":")[0] for text in outcome.held})
    if state is None:
        return before, None
    after: dict[str, object] = {"state": state, "held": parts if state == "needs_approval" else []}
    if state == "failed":
        return after, None if before["state"] == "failed" else _failed(outcome)
    if state == "needs_approval":
        told = before["held"] if isinstance(before["held"], list) else []
        more = before["state"] != "needs_approval" or set(parts) - set(told)
        return after, _waits(outcome) if more else None
    return after, _well(outcome) if before["state"] == "failed" else None


def send(addresses: Sequence[str], alert: Alert) -> str | None:
    """Send to every address; gives what went wrong in words, None when nothing."""
    return messages.send(addresses, alert.title, alert.body, where="alerts: ops")


def _state(outcome: Outcome) -> str | None:
    return {
        "ok": "ok",
        "partial": "ok",
        "needs_approval": "needs_approval",
        "failed": "failed",
    }.get(outcome.status)


def _failed(outcome: Outcome) -> Alert:
    step = outcome.hint or "leadloop doctor"
    return Alert(
        "Leadloop: a run failed",
        f"Run {outcome.run or '(not begun)'} ended with {outcome.error} (exit {outcome.exit}). "
        f"Nothing is lost; nothing more is sent until it is mended.\nNext: {step}",
    )


def _waits(outcome: Outcome) -> Alert:
    held = "\n".join(outcome.held)
    return Alert(
        "Leadloop: a plan waits for approval",
        f"{held}\nEverything else goes on.\n"
        f"Look: leadloop plan --show {outcome.plan}\n"
        f"Then: leadloop apply {outcome.plan} --approve",
    )


def _well(outcome: Outcome) -> Alert:
    return Alert("Leadloop: well again", f"Run {outcome.run} went through: {outcome.status}.")
