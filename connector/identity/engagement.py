"""Which activities count: once each across systems, and not when a machine made them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import NamedTuple

from connector.domain.moment import MINUTE, SECOND, Micros


class Seen(NamedTuple):
    """One stored activity of a person, as much of it as these rules read."""

    key: tuple[str, str, str]
    connection: str
    type: str
    time: Micros
    asset: str | None
    message: str | None
    agent: str | None


TOO_FAST = 5 * SECOND
"""A click this soon after its mail was sent was made by a scanner, not by a reader."""
_SCANNERS = ("barracuda", "mimecast", "proofpoint", "safelinks", "bitdefender", "scanner", "bot/")
_PEOPLE_DO = frozenset({"email_open", "email_click"})


def duplicates(activities: Iterable[Seen]) -> set[tuple[str, str, str]]:
    """Give the keys of activities that another system's record of the same event makes redundant.

    The same: equal type and message id, or equal type, asset and minute, in different connections.
    The one with the smallest key is kept.
    """
    groups: dict[tuple[object, ...], list[Seen]] = defaultdict(list)
    for one in activities:
        if one.message is not None:
            groups["message", one.type, one.message].append(one)
        else:
            groups["minute", one.type, one.asset, one.time // MINUTE].append(one)
    redundant: set[tuple[str, str, str]] = set()
    for group in groups.values():
        first = min(group, key=lambda one: one.key)
        redundant |= {one.key for one in group if one.connection != first.connection}
    return redundant


def machine_made(activities: Iterable[Seen]) -> dict[tuple[str, str, str], str]:
    """Give the keys of opens and clicks made by machines, each with the evidence in words."""
    mails: dict[tuple[str, str], list[Seen]] = defaultdict(list)
    flagged: dict[tuple[str, str, str], str] = {}
    for one in activities:
        if one.agent and any(word in one.agent.casefold() for word in _SCANNERS):
            flagged[one.key] = "scanner's user agent"
        if one.message is not None:
            mails[one.connection, one.message].append(one)
    for events in mails.values():
        sent = min((e.time for e in events if e.type == "email_sent"), default=None)
        if sent is None:
            continue
        fast = [e for e in events if e.type == "email_click" and 0 <= e.time - sent < TOO_FAST]
        if fast:
            near = [e for e in events if e.type in _PEOPLE_DO and e.time - sent < TOO_FAST]
            flagged.update({e.key: "open of a mail a scanner clicked" for e in near})
            flagged.update({e.key: "click seconds after sending" for e in fast})
    return flagged
