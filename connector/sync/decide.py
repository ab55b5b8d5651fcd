"""Decide: move each cycle by score and clock, then give the sales-ready ones to somebody."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import orjson
from sqlalchemy import Connection

from connector.decisions.cycle import advance
from connector.decisions.interest import SINCE, Products
from connector.decisions.lanes import HOLDOUT, explored, held_out
from connector.decisions.matching import Accounts, chosen
from connector.decisions.nurture import Matrix
from connector.decisions.routing import Desk, Lead, Owner, Routed, Router
from connector.decisions.routing_document import Routing
from connector.decisions.standing import Cycle, Move, Policy, Standing
from connector.domain.cycle import IN_SALES, State
from connector.domain.moment import DAY, Micros
from connector.domain.text import normalise
from connector.scoring.choice import Models
from connector.store.passes import cycles, handoffs, nurture, offers
from connector.store.passes.cycles import Waiting
from connector.store.passes.nurture import Asked
from connector.store.passes.offers import Offer
from connector.store.persons import matching, people
from connector.store.scored import scores
from connector.store.scored.scores import Published
from connector.sync.context import Loop
from connector.sync.deciding import offering, overtaken
from connector.sync.deciding.nurturing import matrix_of, may, recycling_of
from connector.sync.deciding.packaging import packages
from connector.sync.deciding.primary import Primary, primaries
from connector.sync.deciding.statements import strongest

PAGE = 1000
THEME = "theme"
"""Who makes a step that changes a place in nurture and no state."""


def decide(loop: Loop, *, day_one: bool) -> Counter[str]:
    """Make every move that is due and route who is ready; gives how many of each.

    `day_one` holds free people above the threshold back as a backlog instead of routing them.
    """
    counts: Counter[str] = Counter()
    policy = policy_of(loop, day_one=day_one)
    for page in _pages(loop):
        with loop.store.write() as tx:
            found = primaries(tx, loop, (w.person for w in page))
            moves = list(_moves(loop, tx, page, found, policy))
            cycles.save(tx, moves, loop.now, loop.run)
            people.mark(tx, (m.cycle.person for m in moves if _tells(m)), pending=True)
        for step in moves:
            if _tells(step) and step.by != THEME:
                counts[step.cycle.state.value] += 1
        loop.tell("decide", counts)
    if loop.routing is not None and loop.allows("route"):
        counts.update(_route_everybody(loop))
    return counts


def policy_of(loop: Loop, *, day_one: bool) -> Policy:
    """Give the numbers of the process that the settings and the model agree on."""
    sla = loop.settings.sla
    return Policy(
        no_decision_after=sla.verdict,
        day_one=day_one,
        recycle=recycling_of(loop.settings),
    )


def _tells(step: Move) -> bool:
    moved = step.before is None or step.before is not step.cycle.state
    return moved or step.by == THEME


def _pages(loop: Loop) -> Iterator[Sequence[Waiting]]:
    after = ""
    while True:
        with loop.store.read() as tx:
            page = cycles.waiting(tx, loop.now, after, PAGE)
        if not page:
            return
        yield page
        after = page[-1].person


def _moves(
    loop: Loop,
    tx: Connection,
    page: Sequence[Waiting],
    found: dict[str, Primary],
    policy: Policy,
) -> Iterator[Move]:
    ids = [w.person for w in page]
    published = scores.published(tx, ids)
    behaved = cycles.behaviour(tx, ids, loop.now)
    asked_for = nurture.assets(tx, ids, loop.now)
    matrix = matrix_of(loop.settings)
    for one in page:
        asked = asked_for.get(one.person, [])
        standing = _standing(loop, one, published[one.person], found, behaved, matrix, asked)
        cycle = one.cycle
        if cycle is not None and cycle.state in IN_SALES and _owner_moved(cycle, standing):
            cycle = cycle._replace(owner=standing.owner)
            yield Move(cycle, cycle.state, "owner changed in the CRM", "crm")
        steps = advance(cycle, standing, policy, loop.calendar, loop.now)
        yield from steps
        last = steps[-1].cycle if steps else cycle
        if last is not None and (other := _elsewhere(loop, last, matrix, asked)) is not None:
            yield Move(other, other.state, other.why, THEME)


def _elsewhere(loop: Loop, cycle: Cycle, matrix: Matrix, asked: Sequence[Asked]) -> Cycle | None:
    """The cycle in another place of nurture, where what the person did since says so."""
    if cycle.state not in {State.NURTURE, State.RECYCLED} or cycle.theme in {None, HOLDOUT}:
        return None
    theme = cycle.theme or ""
    later = [one.asset for one in asked if one.at > cycle.since]
    if loop.settings.nurture.on == "activity":
        theme = matrix.later_theme(later) or theme
    phase = matrix.place(theme, [one.asset for one in asked]).phase
    if (theme, phase) == (cycle.theme, cycle.phase):
        return None
    return cycle._replace(theme=theme, phase=phase)


def _owner_moved(cycle: Cycle, standing: Standing) -> bool:
    return standing.owner is not None and standing.owner != cycle.owner


def _standing(
    loop: Loop,
    one: Waiting,
    published: Published,
    found: dict[str, Primary],
    behaved: dict[str, Micros],
    matrix: Matrix,
    asked: Sequence[Asked],
) -> Standing:
    doc = orjson.loads(one.doc)
    primary = found.get(one.person)
    explore = loop.settings.explore
    score = published.score
    facts = orjson.loads(one.facts) if loop.consent is not None else {}
    asks = score.fast_track_by is not None
    consent = may(loop.settings, loop.consent, doc, facts, asked=asks)
    had = [one.asset for one in asked]
    place = matrix.place(matrix.theme(had), had)
    held = held_out(one.person, loop.settings.nurture.holdout)
    said = strongest(primary.statements) if primary else None
    return Standing(
        score=score,
        said=said.state if said else None,
        said_reason=said.reason if said else None,
        said_at=said.at if said else None,
        owner=primary.owner if primary else None,
        behaviour_at=behaved.get(one.person),
        theme=HOLDOUT if held else place.theme,
        phase=None if held else place.phase,
        may_sell=consent.sales,
        may_nurture=consent.mail,
        in_handoff=primary is not None,
        hysteresis=loop.models.by_hash(published.model).hysteresis,
        explore=explored(one.person, score.score, score.threshold, explore.share, explore.least),
    )


# --- routing -------------------------------------------------------------------------------------


def _route_everybody(loop: Loop) -> Counter[str]:
    with loop.store.write() as tx:
        owners = owners_in(tx, loop.handoff.name, loop.now)
        counts = offering.settle(loop, tx, owners)
        counts["taken back"] += overtaken.take_back(loop, tx, owners)
        waiting = cycles.queue(tx)
        queue = [c for c in waiting if not _placed(c)]
        router = _router(loop, tx, owners)
        found = primaries(tx, loop, (c.person for c in waiting))
        facts = _facts(loop, tx, [c.person for c in queue])
        matched = _to_accounts(loop, tx, found, facts)
        barred = _barred(tx, [c.person for c in queue])
        made = _hand_out(loop, queue, matched, facts, barred, router)
        cycles.save(tx, made.moves, loop.now, loop.run)
        cycles.add_routing(tx, made.rows)
        cycles.save_turns(tx, router.desk.credit)
        offers.save(tx, made.offers)
        _package(loop, tx, found, made.rows)
        _give_back(loop, tx, router)
        people.mark(tx, (m.cycle.person for m in made.moves), pending=True)
    counts.update(
        "routed" if m.cycle.state is State.SALES_READY
        else "offered" if m.cycle.why.startswith(offering.OFFERED)
        else "held for capacity"
        for m in made.moves
    )  # fmt: skip
    return counts


class Made(NamedTuple):
    """What one turn of routing leads to."""

    moves: list[Move]
    rows: list[dict[str, Any]]
    offers: list[Offer]


def _package(
    loop: Loop, tx: Connection, found: dict[str, Primary], rows: Sequence[dict[str, Any]]
) -> None:
    """Make the packages of everybody whose owner is chosen and who has none for that owner yet."""
    placed = [c for c in cycles.queue(tx) if _placed(c) and c.person in found]
    known = handoffs.of(tx, (c.person for c in placed))
    owners = {key: one.owner for key, one in known.items()}
    given = [c for c in placed if owners.get((c.person, c.number)) != c.owner]
    handoffs.save(tx, packages(loop, tx, given, found, _why(rows)))


def _barred(tx: Connection, ids: Sequence[str]) -> dict[str, frozenset[str]]:
    found = cycles.barred(tx, ids)
    for person, partners in offers.refused(tx, ids).items():
        found[person] = found.get(person, frozenset()) | partners
    return found


def _to_accounts(
    loop: Loop, tx: Connection, found: dict[str, Primary], facts: dict[str, dict[str, Any]]
) -> dict[str, Primary]:
    """Match people whose record names no account; a sure match lends them owner and fields."""
    alone = [p for p in facts if p in found and not found[p].record.doc.get("account")]
    if not alone:
        return found
    known = matching.accounts(tx, loop.handoff.name)
    accounts = Accounts(known)
    best = {person: chosen(accounts.match(facts[person])) for person in alone}
    matched = dict(found)
    for person, one in best.items():
        if one is None:
            continue
        account = one.account
        for name in ("name", "domain", "country"):
            value = getattr(account, name)
            facts[person].setdefault(f"account.{name}", value and normalise(value))
        facts[person].setdefault("account.key", account.id)
        if account.owner is not None:
            key = f"{loop.handoff.name}/{account.owner}"
            matched[person] = found[person]._replace(account_owner=key)
    return matched


def _give_back(loop: Loop, tx: Connection, router: Router) -> None:
    """Choose who owns a record next after sales said no or not ready, where the rules say so."""
    assert loop.routing is not None  # noqa: S101  the caller asked before
    for state, target in (
        (State.RECYCLED, loop.routing.on_recycle),
        (State.REJECTED, loop.routing.on_reject),
    ):
        if isinstance(target, str):
            continue
        due = [c for c in cycles.in_state(tx, state) if c.next_owner is None and c.verdict]
        moves = []
        for cycle in due:
            owner = router.onward(target, loop.now, frozenset({cycle.owner or ""}))
            if owner is not None:
                moves.append(Move(cycle._replace(next_owner=owner), state, cycle.why, "rule"))
        cycles.save(tx, moves, loop.now, loop.run)
        cycles.save_turns(tx, router.desk.credit)
        people.mark(tx, (m.cycle.person for m in moves), pending=True)


def _why(rows: Sequence[dict[str, Any]]) -> dict[str, str]:
    """Why each person's owner got the person, in one sentence for the owner."""
    told = {}
    for row in rows:
        pool = f", pool {row['pool']}" if row["pool"] else ""
        passed = "; ".join(row["skipped"][:3])
        told[row["person"]] = f"{row['rule']}{pool}" + (f" ({passed})" if passed else "")
    return told


def facts_for_routing(
    tx: Connection, ids: Sequence[str], routing: Routing | None, models: Models, now: Micros
) -> dict[str, dict[str, Any]]:
    """Give what routing may ask about people: all that rules read, their score and the name of the
    model that gave it, and the product they are interested in."""
    facts = people.facts_of(tx, ids)
    for person, published in scores.published(tx, ids).items():
        score = published.score
        facts.setdefault(person, {}).update(
            score=score.score,
            fit=score.fit,
            behaviour=score.behaviour,
            grade=score.grade,
            model=models.by_hash(published.model).name,
        )
    if routing is not None and routing.products:
        products = Products(routing.products)
        unsaid = [one for one in ids if facts.get(one, {}).get("product") is None]
        for person, some in nurture.signs(tx, unsaid, now - SINCE, now):
            facts.setdefault(person, {})["product"] = products.interest(some)
    return facts


def _facts(loop: Loop, tx: Connection, ids: Sequence[str]) -> dict[str, dict[str, Any]]:
    return facts_for_routing(tx, ids, loop.routing, loop.models, loop.now)


def _placed(cycle: Cycle) -> bool:
    """Whether this pass has its owner already, and only waits for the write to be confirmed."""
    return cycle.state is State.SALES_READY and cycle.routed_at is not None


def _router(loop: Loop, tx: Connection, owners: Sequence[Owner] | None = None) -> Router:
    assert loop.routing is not None  # noqa: S101  the caller asked before
    loads = cycles.loads(tx, loop.now)
    desk = Desk(
        credit=cycles.turns(tx),
        open={owner: load.open for owner, load in loads.items()},
        today={owner: load.day for owner, load in loads.items()},
        week={owner: load.week for owner, load in loads.items()},
    )
    for one in offers.unsettled(tx):
        desk.take(one.partner)
    known = owners_in(tx, loop.handoff.name, loop.now) if owners is None else owners
    return Router(loop.routing, known, desk)


def owners_in(tx: Connection, connection: str, now: Micros) -> list[Owner]:
    """Give the owners of a connection, active or not.

    One is away when the mapping's `away` says so, or until the moment its `away_until` names.
    """
    return [
        Owner(
            key=f"{row.connection}/{row.id}",
            login=str(row.doc.get("email") or ""),
            name=str(row.doc.get("name") or ""),
            active=row.doc.get("active") is not False and not row.gone,
            queue=row.doc.get("type") == "queue",
            away=row.doc.get("away") is True or _later(row.doc.get("away_until"), now),
        )
        for row in people.records_of_kind(tx, connection, "owner")
    ]


def _later(moment: object, now: Micros) -> bool:
    return isinstance(moment, int) and moment > now


def _hand_out(
    loop: Loop,
    queue: Sequence[Cycle],
    found: dict[str, Primary],
    facts: dict[str, dict[str, Any]],
    barred: dict[str, frozenset[str]],
    router: Router,
) -> Made:
    made = Made([], [], [])
    for cycle in queue:
        primary = found.get(cycle.person)
        if primary is None:
            continue
        lead = _lead(cycle, primary, facts.get(cycle.person, {}))
        lead = lead._replace(barred=barred.get(cycle.person, frozenset()))
        routed = router.route(lead, loop.now)
        if routed.owner is not None and routed.partner is not None:
            step, asked = offering.offer(loop, cycle, routed.owner, routed.partner)
            made.offers.append(asked)
        else:
            given = _given(cycle, routed, loop)
            if given is None:
                continue
            step = given
        made.moves.append(step)
        made.rows.append(
            {
                "person": cycle.person,
                "number": cycle.number,
                "rule": f"{routed.rule}{cycles.OFFERED if routed.partner else ''}",
                "pool": routed.pool,
                "owner": routed.owner,
                "skipped": list(routed.skipped),
                "value": lead.value,
                "at": loop.now,
                "run": loop.run,
            }
        )
    return made


def give_anew(loop: Loop, tx: Connection, late: Sequence[Cycle]) -> dict[str, Routed]:
    """Choose somebody else for people whose owner let them lie; gives what was chosen, by person.

    Nobody who said no to a person, or had it before, gets it again.
    """
    router = _router(loop, tx)
    ids = [cycle.person for cycle in late]
    found = primaries(tx, loop, ids)
    facts = _facts(loop, tx, ids)
    barred = _barred(tx, ids)
    anew = {}
    for cycle in late:
        primary = found.get(cycle.person)
        if primary is None or primary.remote_owner != cycle.owner:
            continue  # a person has moved it since: that word counts
        lead = _lead(cycle, primary, facts.get(cycle.person, {}))._replace(
            current_owner=None,
            last_owner=None,
            barred=barred.get(cycle.person, frozenset()) | {cycle.owner or ""},
        )
        routed = router.route(lead, loop.now)
        if routed.partner is None:
            anew[cycle.person] = routed
    cycles.save_turns(tx, router.desk.credit)
    return anew


def _lead(cycle: Cycle, primary: Primary, facts: dict[str, Any]) -> Lead:
    return Lead(
        facts=facts,
        current_owner=primary.owner,
        opportunity_owner=primary.opportunity_owner,
        account_owner=primary.account_owner,
        last_owner=cycle.owner,
        rejected_by=cycle.owner if cycle.verdict == "rejected" else None,
        held_since=cycle.since if cycle.state is State.HELD else None,
        value=expected(facts),
    )


def expected(facts: dict[str, Any]) -> float:
    """Give what a lead is expected to bring: its mapped `deal_value`, if any, times its score."""
    worth = facts.get("deal_value")
    known = worth if isinstance(worth, int | float) and worth > 0 else 1.0
    return float(known) * max(float(facts.get("score") or 0), 1.0) / 100


def _given(cycle: Cycle, routed: Routed, loop: Loop) -> Move | None:
    """The cycle with its owner, or held; None when it waits on as it did."""
    if routed.owner is not None:
        after = cycle._replace(
            state=State.SALES_READY,
            owner=routed.owner,
            routed_at=loop.now,
            why=cycle.why if cycle.state is State.SALES_READY else "capacity free again",
            since=cycle.since if cycle.state is State.SALES_READY else loop.now,
            next_at=loop.now + DAY,
        )
        return Move(after, cycle.state, f"routed by {routed.rule}", "rule")
    if cycle.state is State.HELD:
        return None
    after = cycle._replace(state=State.HELD, why="capacity", since=loop.now, next_at=loop.now + DAY)
    return Move(after, cycle.state, "; ".join(routed.skipped) or "nobody free", "rule")


def deliver_offers(loop: Loop) -> Counter[str]:
    """Bring every partner's list up to date, once nobody else is at work."""
    if loop.routing is None or not loop.allows("route"):
        return Counter()
    with loop.store.read() as tx:
        owners = owners_in(tx, loop.handoff.name, loop.now)
    return offering.deliver(loop, owners)
