"""Nurture and consent inside the loop, and the lists people look at about them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

import orjson
from sqlalchemy import Connection

from connector.config.load import Loaded
from connector.config.settings import Settings
from connector.decisions.consent import Allowed, ConsentPolicy, allowed, judged
from connector.decisions.hygiene import findings
from connector.decisions.nurture import Asset, Matrix
from connector.decisions.standing import Recycling
from connector.documents import load, parse
from connector.documents.shipped import shipped
from connector.domain.moment import Micros, format_iso
from connector.domain.outward import Group
from connector.domain.record import Scalar
from connector.domain.text import normalise
from connector.mapping.document import load_mapping
from connector.store.database import Store
from connector.store.outgoing.outbox import Row, rows_of_plan
from connector.store.passes import nurture as stored
from connector.store.passes.nurture import Contact

PAGE = 2_000
_SECOND = 1_000_000
_NOT_WITH_SALES = frozenset({"inquiry", "nurture", "recycled"})


def matrix_of(settings: Settings) -> Matrix:
    """Give the agreed themes, phases and assets, with programmes as sales' CRM calls them."""
    given = settings.nurture
    return Matrix(
        themes=given.themes,
        default=given.default,
        phases=given.phases,
        programmes=given.named_in(settings.of_sales.name),
        catalogue=[Asset(a.name, a.theme, a.phase) for a in given.assets],
    )


def recycling_of(settings: Settings) -> dict[str, Recycling]:
    """Give what follows each reason of a "not ready"."""
    return {
        normalise(reason): Recycling(one.theme, one.cool_off, one.review)
        for reason, one in settings.nurture.recycle.items()
    }


def consent_of(loaded: Loaded) -> ConsentPolicy | None:
    """Read the consent policy the settings name; None where two plain rules do."""
    name = loaded.settings.consent.policy
    if name is None:
        return None
    if name == "shipped":
        return parse(shipped("consent.yaml"), ConsentPolicy, name="consent.yaml")
    return load(loaded.path(name), ConsentPolicy)


def may(
    settings: Settings,
    policy: ConsentPolicy | None,
    doc: Mapping[str, Scalar],
    facts: Mapping[str, Scalar],
    *,
    asked: bool,
) -> Allowed:
    """Say what may be done with a person, by the policy or by the two plain rules."""
    if policy is not None:
        country = facts.get("country") or facts.get("account.country")
        return allowed(doc, policy, country, asked=asked)
    consent = settings.consent
    return judged(doc, consent.sales, consent.nurture, "all countries", asked=asked)


# --- lists ---------------------------------------------------------------------------------------


def waiting_by_cell(store: Store, loaded: Loaded) -> list[dict[str, Any]]:
    """Give the matrix with who waits in each cell; empty cells where most wait come first."""
    with store.read() as tx:
        waiting = stored.waiting(tx)
    return [cell._asdict() for cell in matrix_of(loaded.settings).cells(waiting)]


def segments(store: Store, loaded: Loaded) -> list[dict[str, Any]]:
    """Give the segments of everybody, by the field that `nurture.segment` names."""
    with store.read() as tx:
        rows = stored.segments(tx, loaded.settings.nurture.segment)
    return [{**row._asdict(), "name": row.name or "not known"} for row in rows]


def unheard(store: Store, loaded: Loaded, now: Micros) -> list[dict[str, Any]]:
    """Give, by theme, the people whom no programme has mailed since they were flagged."""
    with store.read() as tx:
        rows = stored.unheard(tx, now - loaded.settings.nurture.unheard_after)
    return [
        {**row._asdict(), "longest": format_iso(row.longest // _SECOND * _SECOND)} for row in rows
    ]


def blocked(store: Store, loaded: Loaded) -> list[dict[str, Any]]:
    """Give for each row of the policy how many it keeps from sales and from mail."""
    with store.read() as tx:
        return blocked_in(tx, loaded)


def blocked_in(tx: Connection, loaded: Loaded) -> list[dict[str, Any]]:
    """Give the same of one view of the store."""
    policy = consent_of(loaded)
    counts: dict[str, Counter[str]] = {}
    for one in stored.alike(tx):
        found = may(loaded.settings, policy, one._asdict(), {"country": one.country}, asked=False)
        row = counts.setdefault(found.row, Counter())
        n = one.people
        row.update(people=n, no_sales=n * (not found.sales), no_mail=n * (not found.mail))
        row["other_lane"] += n * (not found.mail and one.state in _NOT_WITH_SALES)
    return [
        {
            "row": name,
            **{k: c[k] for k in ("people", "no_sales", "no_mail", "other_lane")},
        }
        for name, c in sorted(counts.items())
    ]


def joining(store: Store, loaded: Loaded, plan_id: str) -> list[dict[str, Any]]:
    """Give by theme how many people a plan brings into nurture and takes out of it.

    Static lists and campaigns of the CRM follow the flag, so this is what happens to them too.
    """
    names = _nurture_names(loaded)
    counts: dict[str, Counter[str]] = {}
    for row in _planned(store, plan_id):
        flag, theme = names[row.connection, row.object]
        ends = [{name: pair[end] for name, pair in row.changes.items()} for end in (0, 1)]
        before, after = ((end.get(flag, True), end.get(theme)) for end in ends)
        for word, (flagged, name) in (("leave", before), ("join", after)):
            if theme in row.changes and str(flagged).casefold() == "true" and name:
                counts.setdefault(str(name), Counter())[word] += 1
    return [
        {"theme": theme, "join": some["join"], "leave": some["leave"]}
        for theme, some in sorted(counts.items())
    ]


def _nurture_names(loaded: Loaded) -> dict[tuple[str, str], tuple[str, str]]:
    """What flag and theme are called in each object of each connection."""
    found = {}
    for connection in loaded.settings.connections:
        document = load_mapping(loaded.path(connection.mapping))
        for name, one in document.objects.items():
            words = ("nurture", "nurture_theme")
            flag, theme = (one.write[w].to if w in one.write else "" for w in words)
            found[connection.name, name] = flag, theme
    return found


def _planned(store: Store, plan_id: str) -> Iterator[Row]:
    after = 0
    while True:
        with store.read() as tx:
            page = rows_of_plan(tx, plan_id, after, PAGE)
        if not page:
            return
        yield from (row for row in page if row.grp == Group.NURTURE.value)
        after = page[-1].id


def other_lane(store: Store, loaded: Loaded) -> list[dict[str, Any]]:
    """Give who is not with sales and may not be mailed: for another lane, not to be dropped."""
    policy = consent_of(loaded)
    return [
        {"person": one.person, "state": one.state, "row": found.row, "may_call": found.sales}
        for one, doc, facts in _everybody(store)
        if one.state in _NOT_WITH_SALES
        and not (found := may(loaded.settings, policy, doc, facts, asked=False)).mail
    ]


def worklist(store: Store, loaded: Loaded, now: Micros) -> list[dict[str, Any]]:
    """Give everybody about whom something should be mended, and what."""
    hygiene = loaded.settings.hygiene
    rows = []
    for one, _, facts in _everybody(store):
        found = findings(
            facts,
            required=hygiene.required,
            bounced=one.bounced,
            newest=one.newest,
            stale_before=now - hygiene.stale_after,
        )
        rows += [{"person": one.person, "finding": said} for said in found]
    return sorted(rows, key=lambda row: (row["finding"], row["person"]))


def _everybody(store: Store) -> Iterator[tuple[Contact, dict[str, Any], dict[str, Any]]]:
    after = ""
    while True:
        with store.read() as tx:
            page = stored.contacts(tx, after, PAGE)
        if not page:
            return
        for one in page:
            yield one, orjson.loads(one.doc), orjson.loads(one.facts)
        after = page[-1].person
