"""Alerts to sales: at a crossing and at each step of an SLA, five lines, and never at night.

An alert is noted as sent before it leaves: what a crash may repeat is a task, which is looked for;
a message cannot be looked for, and twice is worse than never, for the task is there all the same.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

import orjson

from connector.decisions.calendar import Calendar, parse_hours
from connector.decisions.package import NAME, quiet_until
from connector.decisions.routing import Owner
from connector.domain.moment import DAY, HOUR, Micros
from connector.store.passes import handoffs
from connector.store.passes.handoffs import Alert, Handoff
from connector.store.persons import people
from connector.store.scored import scores
from connector.sync.context import Loop
from connector.sync.decide import owners_in
from connector.transport import messages

WEEK = 7 * DAY
_SAID = {
    "warned": "First contact is due soon",
    "escalated": "First contact is overdue",
    "reassigned": "Given to you, because nobody had made contact in time",
}


def send_alerts(loop: Loop) -> Counter[str]:
    """Send every alert whose time has come; those of one owner's digest in one message."""
    counts: Counter[str] = Counter()
    if not loop.allows("route"):
        return counts
    with loop.store.read() as tx:
        due = handoffs.due(tx, loop.now)
        if not due:
            return counts
        given = handoffs.of(tx, (one.person for one in due))
        told = handoffs.told_since(tx, (one.person for one in due), loop.now - WEEK)
        grades = scores.published(tx, (one.person for one in due))
        owners = {owner.key: owner for owner in owners_in(tx, loop.handoff.name, loop.now)}
    digests: dict[str, list[Alert]] = {}
    for one in due:
        hand_off = given.get((one.person, one.number))
        if hand_off is None or (one.kind == "crossing" and one.person in told):
            _settle(loop, [one], "left_out")
            counts["left out"] += 1
            continue
        if (until := quiet_until(loop.now, _hours(loop, owners.get(one.owner)))) > loop.now:
            _put_off(loop, one, until)
        elif one.state == "digest":
            digests.setdefault(one.owner, []).append(one)
        elif one.kind == "crossing" and not _at_once(loop, grades.get(one.person)):
            _to_digest(loop, one, owners.get(one.owner))
        else:
            counts.update(_tell(loop, one, hand_off, owners))
            told.add(one.person)
    for owner, some in digests.items():
        counts.update(_digest(loop, owner, some, given, owners))
    return counts


def _at_once(loop: Loop, published: scores.Published | None) -> bool:
    if published is None or published.score.fast_track_by is not None:
        return True
    return published.score.grade[:1] in loop.settings.alerts.at_once


def _to_digest(loop: Loop, one: Alert, owner: Owner | None) -> None:
    """Keep it for the owner's next morning."""
    morning = quiet_until((loop.now // DAY + 1) * DAY, _hours(loop, owner))
    with loop.store.write() as tx:
        handoffs.settle(tx, [one], "digest", loop.now)
        handoffs.put_off(tx, one, max(morning, loop.now + HOUR))


def _tell(loop: Loop, one: Alert, hand_off: Handoff, owners: Mapping[str, Owner]) -> Counter[str]:
    title, body = _named(loop, [hand_off])[0]
    if one.kind in _SAID:
        title = f"{_SAID[one.kind]}: {title}"
    alerts = loop.settings.alerts
    if one.kind == "escalated":
        to, where = alerts.escalate or _addresses(loop, owners.get(one.owner)), "alerts: escalate"
    else:
        to, where = _addresses(loop, owners.get(one.owner)), "alerts: owners"
    return _send(loop, [one], to, title, body, where)


def _named(loop: Loop, some: Sequence[Handoff]) -> list[tuple[str, str]]:
    """Title and body of alerts, with the people's names as they are now."""
    with loop.store.read() as tx:
        documents = people.documents_of(tx, (one.person for one in some))
    told = []
    for one in some:
        doc = documents.get(one.person, {})
        title, body = orjson.loads(one.alert)
        name = str(doc.get("name") or doc.get("email") or one.person)
        told.append((title.replace(NAME, name, 1), body))
    return told


def _digest(
    loop: Loop,
    owner: str,
    some: Sequence[Alert],
    given: Mapping[tuple[str, int], Handoff],
    owners: Mapping[str, Owner],
) -> Counter[str]:
    parts = _named(loop, [given[one.person, one.number] for one in some])
    body = "\n\n".join("\n".join(part) for part in parts)
    title = f"{len(some)} new people for you"
    return _send(loop, some, _addresses(loop, owners.get(owner)), title, body, "alerts: owners")


def _send(
    loop: Loop, some: Sequence[Alert], to: Sequence[str], title: str, body: str, where: str
) -> Counter[str]:
    if not to:
        _settle(loop, some, "left_out")
        return Counter({"left out": len(some)})
    _settle(loop, some, "sent")
    said = messages.send(to, title, body, where=where)
    if said is None:
        return Counter({"alerts": len(some)})
    _settle(loop, some, "failed")
    loop.warn(said)
    return Counter({"failed": len(some)})


def _settle(loop: Loop, some: Sequence[Alert], state: str) -> None:
    with loop.store.write() as tx:
        handoffs.settle(tx, some, state, loop.now)


def _put_off(loop: Loop, one: Alert, until: Micros) -> None:
    with loop.store.write() as tx:
        handoffs.put_off(tx, one, until)


def _addresses(loop: Loop, owner: Owner | None) -> list[str]:
    alerts = loop.settings.alerts
    if owner is None:
        return alerts.sales
    words = {owner.key, owner.key.partition("/")[2], owner.login.casefold(), owner.name.casefold()}
    own = [a for word, some in alerts.owners.items() if word.casefold() in words for a in some]
    if owner.away:  # the record is theirs, and somebody who is there should know
        own += alerts.sales or alerts.escalate
    return list(dict.fromkeys(own)) or alerts.sales


def _hours(loop: Loop, owner: Owner | None) -> Calendar | None:
    """The owner's own working hours where routing.yaml names them, else those of all alerts."""
    words = {owner.key, owner.login.casefold(), owner.name.casefold()} if owner else set()
    for pool in loop.routing.pools.values() if loop.routing else ():
        for member in pool.members:
            own = member.calendar()
            if own is not None and member.owner.casefold() in words:
                return own
    sla, hours = loop.settings.sla, loop.settings.alerts.hours
    return None if hours is None else Calendar(sla.tz, *parse_hours(hours), sla.country)
