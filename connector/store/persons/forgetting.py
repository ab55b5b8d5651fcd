"""Forgetting a person for good.

What is counted stays under a pseudonym that leads to nobody: cycles, moves, verdicts without
their words, and how much was written when.
"""

from __future__ import annotations

import secrets
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

import orjson
from sqlalchemy import Connection, and_, bindparam, delete, func, or_, select, update

from connector.domain.moment import Micros
from connector.identity.address import normalise_address
from connector.scoring.model import ACCOUNT
from connector.store.incoming import field_history
from connector.store.outgoing.questions import CODES
from connector.store.persons.answers import keys_of_answers
from connector.store.persons.news import note_changed, note_news
from connector.store.persons.people import (
    chunks,
    dumps,
    forget_counted,
    people_of_accounts,
    values_of,
)
from connector.store.persons.suppressed import Key, figures_only
from connector.store.schema import (
    activity,
    alert,
    cycle,
    disposition,
    handoff,
    human_edit,
    identity_key,
    is_live,
    journal,
    last_written,
    move,
    offer,
    outbox,
    person,
    person_alias,
    quarantine,
    record,
    routing,
    score,
)
from connector.store.schema_review import survey_answer, survey_lead
from connector.store.schema_sync import flapping, shared_key

_NOTHING = "{}"


def find(tx: Connection, address: str) -> tuple[list[str], list[Key]]:
    """Give the people an address belongs to, and every record of theirs or with that address.

    Role and shared addresses are no identity, so records that carry one are found by looking.
    """
    people = set(
        tx.execute(
            select(identity_key.c.person).where(
                identity_key.c.kind == "email", identity_key.c.value == address
            )
        ).scalars()
    )
    keys: list[Key] = []
    local = address.partition("@")[0]
    query = select(
        record.c.connection, record.c.object, record.c.id, record.c.person, record.c.doc
    ).where(record.c.kind == "person")
    if local.isascii():  # databases fold the case of ASCII letters alike, and of no others
        query = query.where(func.lower(record.c.doc).like(f"%{_escaped(local)}%", escape="\\"))
    for row in tx.execute(query):
        email = orjson.loads(row.doc).get("email")
        if isinstance(email, str) and normalise_address(email) == address:
            keys.append((row.connection, row.object, row.id))
            people.update({row.person} - {None})
    for ids in chunks(people):
        rows = tx.execute(
            select(record.c.connection, record.c.object, record.c.id).where(
                record.c.person.in_(ids), record.c.kind == "person"
            )
        )
        keys += [(r.connection, r.object, r.id) for r in rows]
        aliases = select(person_alias.c.old).where(person_alias.c.person.in_(ids))
        people |= set(tx.execute(aliases).scalars())
    return sorted(people), sorted(set(keys))


def addresses(tx: Connection, people: Iterable[str]) -> set[str]:
    """Give every address these people are known by."""
    found: set[str] = set()
    for ids in chunks(people):
        rows = tx.execute(
            select(identity_key.c.value).where(
                identity_key.c.kind == "email", identity_key.c.person.in_(ids)
            )
        )
        found.update(rows.scalars())
    return found


def deals_of(tx: Connection, keys: Iterable[Key]) -> list[Key]:
    """Give the deals about these person records."""
    found: list[Key] = []
    for connection, _, ident in keys:
        rows = tx.execute(
            select(record.c.object, record.c.id).where(
                record.c.connection == connection,
                record.c.subject == ident,
                record.c.kind == "opportunity",
            )
        )
        found += [(connection, row.object, row.id) for row in rows]
    return found


def erase(
    tx: Connection, people: Sequence[str], keys: Sequence[Key], address: str, now: Micros
) -> tuple[str, Counter[str]]:
    """Erase people and their records; gives the pseudonym their counts stay under, and how many.

    Works on the store alone: what the CRM, a backup or an exported file holds is not touched.
    """
    pseudonym = f"forgotten/{secrets.token_hex(8)}"
    counts: Counter[str] = Counter()
    said = keys_of_answers(tx, people, keys)
    counts["earlier values"] += field_history.drop(tx, [*keys, *said, *deals_of(tx, keys)])
    for key in said:
        counts["answers"] += tx.execute(delete(record).where(_here(*key))).rowcount
    _erase_records(tx, keys, counts)
    _erase_written(tx, keys, people, pseudonym, now, counts)
    mine = or_(activity.c.person.in_(people), func.lower(activity.c.email) == address)
    subjects = [
        and_(activity.c.connection == c, activity.c.subject == f"{o}/{i}") for c, o, i in keys
    ]
    done = or_(mine, *subjects)
    doers = select(activity.c.person, activity.c.type).where(
        done, activity.c.person.is_not(None), activity.c.person.not_in(people)
    )
    note_changed(tx, ((who, kind) for who, kind in tx.execute(doers.distinct()).all()))
    forget_counted(tx, people)
    counts["activities"] += tx.execute(delete(activity).where(done)).rowcount
    counts["identity keys"] += tx.execute(
        delete(identity_key).where(identity_key.c.person.in_(people))
    ).rowcount
    common = or_(shared_key.c.value == address, shared_key.c.person.in_(people))
    tx.execute(delete(shared_key).where(common))
    tx.execute(delete(person_alias).where(person_alias.c.person.in_(people)))
    counts["explanations"] += tx.execute(delete(score).where(score.c.person.in_(people))).rowcount
    accounts = values_of(tx, people, ACCOUNT).values()
    counts["people"] += tx.execute(delete(person).where(person.c.id.in_(people))).rowcount
    colleagues = people_of_accounts(tx, {str(key) for key in accounts if key is not None})
    note_news(tx, colleagues, stale=True)  # a pull erases too, beside the middle
    _keep_counts(tx, people, pseudonym, counts)
    return pseudonym, counts


def _erase_records(tx: Connection, keys: Sequence[Key], counts: Counter[str]) -> None:
    for connection, obj, ident in deals_of(tx, keys):
        doc = tx.execute(select(record.c.doc).where(_here(connection, obj, ident))).scalar_one()
        kept = dumps(figures_only(orjson.loads(doc)))
        tx.execute(
            update(record).where(_here(connection, obj, ident)).values(doc=kept, subject=None)
        )
        counts["deals kept as figures"] += 1
    for connection, obj, ident in keys:
        counts["records"] += tx.execute(
            delete(record).where(_here(connection, obj, ident))
        ).rowcount


def _here(connection: str, obj: str, ident: str) -> Any:
    return and_(record.c.connection == connection, record.c.object == obj, record.c.id == ident)


def _erase_written(
    tx: Connection,
    keys: Sequence[Key],
    people: Sequence[str],
    pseudonym: str,
    now: Micros,
    counts: Counter[str],
) -> None:
    for connection, obj, ident in keys:
        for table in (last_written, human_edit, flapping):
            tx.execute(
                delete(table).where(
                    table.c.connection == connection,
                    table.c.object == obj,
                    table.c.record == ident,
                )
            )
        counts["journal values"] += tx.execute(
            update(journal)
            .where(
                journal.c.connection == connection,
                journal.c.object == obj,
                journal.c.record == ident,
            )
            .values(changes=_NOTHING, record=pseudonym)
        ).rowcount
        tx.execute(
            delete(quarantine).where(
                quarantine.c.connection == connection,
                quarantine.c.object == obj,
                quarantine.c.id == ident,
            )
        )
    rows = or_(
        outbox.c.person.in_(people),
        *(
            and_(outbox.c.connection == c, outbox.c.object == o, outbox.c.record == i)
            for c, o, i in keys
        ),
    )
    tx.execute(
        update(outbox)
        .where(
            rows,
            or_(
                is_live,
                and_(outbox.c.state == "conflict", outbox.c.code.in_(CODES)),
            ),
        )
        .values(state="cancelled", code="forgotten", settled_at=now)
    )
    counts["outbox rows"] += tx.execute(
        update(outbox)
        .where(rows)
        .values(changes="{}", message=None, record=pseudonym, person=pseudonym)
    ).rowcount


def _keep_counts(
    tx: Connection, people: Sequence[str], pseudonym: str, counts: Counter[str]
) -> None:
    """Leave cycles, moves, verdicts and routes as figures: under the pseudonym, without words."""
    offset = 0
    silent = {"why": "forgotten", "theme": None, "verdict_reason": None, "next_at": None}
    for who in people:
        mine = cycle.c.person == who
        highest = tx.execute(select(func.max(cycle.c.number)).where(mine)).scalar()
        counts["cycles kept as figures"] += tx.execute(
            update(cycle).where(mine).values(current=False, **silent)
        ).rowcount
        tx.execute(
            update(handoff)
            .where(handoff.c.person == who)
            .values(package="", do_next="", alert="[]", record=pseudonym, task_id=None, task="none")
        )
        tx.execute(
            update(alert)
            .where(alert.c.person == who, alert.c.state.in_(("wanted", "digest")))
            .values(state="left_out", settled_at=alert.c.due_at)
        )
        for table in (cycle, move, disposition, routing, handoff, alert, offer):
            tx.execute(
                update(table)
                .where(table.c.person == who)
                .values(person=pseudonym, number=table.c.number + offset)
            )
        offset += int(highest or 0)
    tx.execute(update(move).where(move.c.person == pseudonym).values(why="forgotten"))
    tx.execute(update(routing).where(routing.c.person == pseudonym).values(skipped="[]"))
    said = tx.execute(select(disposition.c.id).where(disposition.c.person == pseudonym)).scalars()
    renamed = [{"i": ident, "n": secrets.token_hex(16)} for ident in said]
    if renamed:
        tx.execute(
            update(disposition)
            .where(disposition.c.id == bindparam("i"))
            .values(id=bindparam("n"), reason=None, source=pseudonym),
            renamed,
        )
    counts["verdicts kept as figures"] += len(renamed)
    _rename_offers(tx, pseudonym)
    asked = select(survey_lead.c.code).where(survey_lead.c.person.in_(people))
    tx.execute(
        update(survey_answer)
        .where(survey_answer.c.code.in_(asked))
        .values(reason=None, missing=None)
    )
    tx.execute(
        update(survey_lead)
        .where(survey_lead.c.person.in_(people))
        .values(person=pseudonym, reason=None)
    )


def _rename_offers(tx: Connection, pseudonym: str) -> None:
    """A code is made of who was offered, so it goes too; what waited for an answer is over."""
    rows = tx.execute(select(offer.c.number, offer.c.partner).where(offer.c.person == pseudonym))
    for number, partner in rows.all():
        one = (offer.c.person == pseudonym, offer.c.number == number, offer.c.partner == partner)
        tx.execute(update(offer).where(*one).values(code=secrets.token_hex(8)))
    tx.execute(
        update(offer)
        .where(offer.c.person == pseudonym, offer.c.state.in_(("offered", "yes", "no")))
        .values(state="withdrawn")
    )


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
