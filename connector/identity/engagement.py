"""Which activities count: once each across systems, and not when a machine made them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from functools import lru_cache
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
    url: str | None = None


TOO_FAST = 5 * SECOND
"""A click this soon after its mail was sent was made by a scanner, not by a reader."""
AT_ONCE = 10 * SECOND
EVERY_LINK = 3
"""So many different links of one mail within AT_ONCE are a scanner that follows every link."""
OPEN_ONLY = 8
"""Who opened so many mails and never did anything else is a proxy that fetches pictures."""
_SCANNERS = (
    "barracuda", "mimecast", "proofpoint", "safelinks", "bitdefender", "trendmicro", "symantec",
    "fireeye", "forcepoint", "cloudmark", "scanner", "bot/", "crawler", "headlesschrome",
    "python-requests", "curl/", "go-http-client", "okhttp",
)  # fmt: skip
_PEOPLE_DO = frozenset({"email_open", "email_click"})
RECEIVED = frozenset({"email_sent", "email_delivered", "email_bounce", "email_open"})
"""What happens to somebody who only receives mail."""


def duplicates(activities: Iterable[Seen]) -> set[tuple[str, str, str]]:
    """Give the keys of activities that another system's record of the same event makes redundant.

    `activities` are of one person. The same: equal type and message id in different connections or
    objects, or equal type, asset and minute in different connections, not both with a message id.
    One with a message id is kept before one without, then the one with the smallest key. One object
    may well hold several events of one message, such as clicks.
    """
    activities = list(activities)
    if len({one.key[:2] for one in activities}) < 2:
        return set()  # all of one object of one system
    named: dict[tuple[object, ...], set[str]] = defaultdict(set)
    for one in activities:
        if one.message is not None:
            named[_moment(one)].add(one.connection)
    redundant: set[tuple[str, str, str]] = set()
    groups: dict[tuple[object, ...], list[Seen]] = defaultdict(list)
    for one in activities:
        if one.message is not None:
            groups["message", one.type, one.message].append(one)
        elif named.get(_moment(one), set()) - {one.connection}:
            redundant.add(one.key)  # a copy that lost its message id on the way
        else:
            groups["minute", *_moment(one)].append(one)
    for (by, *_), group in groups.items():
        first = min(group, key=lambda one: one.key)
        told = 2 if by == "message" else 1
        redundant |= {one.key for one in group if one.key[:told] != first.key[:told]}
    return redundant


def _moment(one: Seen) -> tuple[object, ...]:
    return one.type, one.asset, one.time // MINUTE


def machine_made(
    activities: Iterable[Seen], *, acted: bool = True
) -> dict[tuple[str, str, str], str]:
    """Give the keys of opens and clicks made by machines, each with the evidence in words.

    `activities` are of one person; `acted` says whether the person ever did more than receive
    and open mail. Nothing is deleted: who does something later is judged anew.
    """
    mails: dict[tuple[str, str], list[Seen]] = {}
    flagged: dict[tuple[str, str, str], str] = {}
    opens: list[Seen] = []
    mailed: list[Seen] = []
    for one in activities:
        if one.message is not None:
            mailed.append(one)
            if one.type == "email_click":
                mails.setdefault((one.connection, one.message), [])
        if one.type == "email_open":
            opens.append(one)
        word = _scanner(one.agent) if one.agent else None
        if word is not None:
            flagged[one.key] = f"agent of a scanner: {word}"
    for one in mailed if mails else ():  # a mail nobody clicked shows nothing
        if one.message is not None and (one.connection, one.message) in mails:
            mails[one.connection, one.message].append(one)
    if not acted and len({(one.connection, one.message or one.key) for one in opens}) >= OPEN_ONLY:
        for one in opens:
            flagged.setdefault(one.key, f"{len(opens)} opens and never anything else")
    for events in mails.values():
        flagged |= _at_once(events) | _too_fast(events)
    return flagged


@lru_cache(maxsize=4096)
def _scanner(agent: str) -> str | None:
    folded = agent.casefold()
    return next((word for word in _SCANNERS if word in folded), None)


def _too_fast(events: Sequence[Seen]) -> dict[tuple[str, str, str], str]:
    """Clicks of one mail seconds after it was sent, and what else happened to it by then."""
    sent = min((e.time for e in events if e.type == "email_sent"), default=None)
    if sent is None:
        return {}
    early = [e for e in events if e.type in _PEOPLE_DO and 0 <= e.time - sent < TOO_FAST]
    clicks = [e for e in early if e.type == "email_click"]
    if not clicks:
        return {}
    found = {e.key: "open of a mail a scanner clicked" for e in early if e.type == "email_open"}
    return found | {e.key: f"click {_seconds(e.time - sent)} s after sending" for e in clicks}


def _at_once(events: Sequence[Seen]) -> dict[tuple[str, str, str], str]:
    """Clicks on many different links of one mail within seconds of each other."""
    clicks = sorted((e for e in events if e.type == "email_click"), key=lambda e: (e.time, e.key))
    bursts: list[list[Seen]] = []
    for one in clicks:
        if not bursts or one.time - bursts[-1][0].time >= AT_ONCE:
            bursts.append([])
        bursts[-1].append(one)
    found: dict[tuple[str, str, str], str] = {}
    for burst in bursts:
        links = len({one.url for one in burst if one.url is not None})
        if links >= EVERY_LINK:
            found |= {one.key: f"{links} links of one mail within seconds" for one in burst}
    return found


def _seconds(span: Micros) -> str:
    return f"{span / SECOND:.1f}"
