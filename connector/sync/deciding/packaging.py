"""The package that goes along with a hand-off, made once when the owner is chosen.

It is kept as it was then: a text that followed every page view would be written every day.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import orjson
from sqlalchemy import Connection

from connector.decisions import package
from connector.decisions.package import Deed, Package
from connector.decisions.sla import OTHERS, Tier, tier_of
from connector.decisions.standing import Cycle
from connector.domain.moment import Micros, format_iso
from connector.store.incoming import activities
from connector.store.passes import cycles
from connector.store.passes.handoffs import Handoff
from connector.store.persons import matching, people
from connector.store.persons.people import PersonRecord
from connector.store.scored import scores
from connector.store.scored.scores import Published
from connector.sync.context import Loop
from connector.sync.deciding.primary import Primary

_LOOKED_AT = 50
"""The newest activities, among which the meaningful ones are looked for."""


def tiers_of(loop: Loop) -> tuple[Tier, ...]:
    """Give the agreed tiers, the one for everybody else last."""
    sla = loop.settings.sla
    own = [Tier(t.name, t.first_touch, t.fast_track, t.score) for t in sla.tiers]
    return (*own, Tier(OTHERS, sla.first_touch))


def touch_due(loop: Loop, tier: str) -> Micros:
    """Say when first contact is due from now on; a tier agreed no more counts as the last one."""
    tiers = tiers_of(loop)
    found = next((one for one in tiers if one.name == tier), tiers[-1])
    return loop.calendar.due(loop.now, found.first_touch)


def packages(
    loop: Loop,
    tx: Connection,
    routed: Sequence[Cycle],
    found: Mapping[str, Primary],
    why: Mapping[str, str],
    turns: Mapping[str, int] | None = None,
) -> list[Handoff]:
    """Make the hand-offs of people who were just given an owner.

    Args:
        why: By person, the sentence that says why this owner got the person.
        turns: How often a person was given to somebody else before, in this cycle.
    """
    ids = [cycle.person for cycle in routed]
    published = scores.published(tx, ids)
    documents = people.documents_of(tx, ids)
    crossed = cycles.crossed(tx, ids)
    accounts = _accounts(loop, tx, [found[i] for i in ids])
    rows = []
    for cycle in routed:
        person, primary = cycle.person, found[cycle.person]
        score = published[person].score
        tier = tier_of(
            tiers_of(loop), fast_track=score.fast_track_by is not None, score=score.score
        )
        due = loop.calendar.due(loop.now, tier.first_touch)
        account = accounts.get(str(primary.record.doc.get("account") or ""))
        one = _package(
            loop,
            tx,
            cycle,
            published[person],
            documents.get(person, {}),
            account,
        )._replace(
            crossed_at=crossed.get((person, cycle.number), cycle.since),
            why_you=why.get(person, "routed before packages were kept"),
            due=due,
        )
        record = primary.record
        link = loop.settings.handoff.link.replace("{id}", record.id)
        rows.append(
            Handoff(
                person=person,
                number=cycle.number,
                record=record.key,
                owner=cycle.owner or "",
                tier=tier.name,
                crossed_at=one.crossed_at,
                began_at=None,
                touch_due=due,
                touched_at=None,
                step="",
                turn=(turns or {}).get(person, 0),
                package=package.text_of(one),
                do_next=one.do_next,
                alert=orjson.dumps(
                    package.alert_of(one, link.replace("{object}", record.object) or record.key)
                ).decode(),
                task="wanted" if loop.settings.handoff.task else "none",
                score=one.score.score,
            )
        )
    return rows


def _package(
    loop: Loop,
    tx: Connection,
    cycle: Cycle,
    published: Published,
    doc: Mapping[str, Any],
    account: tuple[PersonRecord, int] | None,
) -> Package:
    score, settings = published.score, loop.settings.handoff
    deeds = package.meaningful(_deeds(tx, cycle.person))
    held = [line.rule for line in sorted(published.lines, key=lambda line: -line.points)]
    advice = settings.do_next
    name = str(account[0].doc.get("name") or "") if account else ""
    return Package(
        name=package.NAME,
        company=str(doc.get("company") or name),
        score=score,
        crossed_at=cycle.since,
        reasons=package.top_reasons(published.lines),
        deeds=deeds,
        source=_source(doc, deeds),
        answers=tuple((n, str(doc[n])) for n in settings.answers if doc.get(n) is not None),
        account=_account(account),
        earlier=_earlier(tx, cycle.person),
        do_next=package.do_next(
            advice.rules,
            advice.assets,
            advice.default,
            held=[score.fast_track_by or "", *held],
            deeds=deeds,
        ),
        why_you="",
        due=None,
        how=settings.how,
    )


def _deeds(tx: Connection, person: str) -> list[Deed]:
    return [
        Deed(a["type"], a["time"], a["asset"] or a["form"] or a["url"], a["campaign"])
        for a in activities.of_person(tx, person, _LOOKED_AT)
        if not a["machine"] and not a["duplicate"] and a["owner"] is None
    ]


def _source(doc: Mapping[str, Any], deeds: Sequence[Deed]) -> str | None:
    campaign = next((deed.campaign for deed in deeds if deed.campaign), None)
    known = [str(part) for part in (doc.get("source"), campaign) if part]
    return ", ".join(dict.fromkeys(known)) or None


def _accounts(
    loop: Loop, tx: Connection, primaries: Sequence[Primary]
) -> dict[str, tuple[PersonRecord, int]]:
    """Each account with its number of open opportunities."""
    name = loop.handoff.name
    ids = {str(p.record.doc["account"]) for p in primaries if p.record.doc.get("account")}
    open_deals = matching.open_deals(tx, name, ids)
    known = people.records_by_id(tx, name, "account", ids)
    return {ident: (record, open_deals.get(ident, 0)) for ident, record in known.items()}


def _account(account: tuple[PersonRecord, int] | None) -> str | None:
    if account is None:
        return None
    record, deals = account
    told = f"{deals} open opportunities" if deals != 1 else "1 open opportunity"
    return f"{record.doc.get('name') or record.id} ({told})"


def _earlier(tx: Connection, person: str) -> tuple[str, ...]:
    said = cycles.dispositions(tx, 5, person)
    return tuple(
        f"{format_iso(one['at'])[:10]} {one['verdict']}"
        + (f": {one['reason']}" if one["reason"] else "")
        + (f" ({one['by']})" if one["by"] else "")
        for one in said
    )
