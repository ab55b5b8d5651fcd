"""Leads offered to partners: asked first, masked until they say yes, and given on when they do not.

What a partner sees is written whole each time, so that a crash loses and repeats nothing; a web
address gets each offer with its code, by which it tells a repeated one.
"""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from email.message import EmailMessage
from hashlib import blake2b
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import orjson
from sqlalchemy import Connection

from connector.decisions.routing import Owner
from connector.decisions.routing_document import Delivery, Partner
from connector.decisions.standing import Cycle, Move
from connector.domain.cycle import State
from connector.domain.moment import DAY, format_iso
from connector.domain.record import Fields
from connector.domain.text import inert, normalise
from connector.errors import LeadloopError
from connector.points import point
from connector.store.passes import cycles, offers
from connector.store.passes.offers import Offer
from connector.store.persons import people
from connector.store.scored import scores
from connector.sync.context import Loop

if TYPE_CHECKING:
    from connector.transport.http import Answer

OFFERED = "offered to "
_ANSWERS = "answers.csv"
_WORDS = {"accept": "yes", "yes": "yes", "decline": "no", "no": "no"}
_MASKED = ("code", "company", "region", "country", "score", "answer_by")
_WHOLE = (*_MASKED, "name", "email", "phone", "title")


def offer(loop: Loop, cycle: Cycle, owner: str, partner: Partner) -> tuple[Move, Offer]:
    """Ask a partner: the cycle is held until there is an answer, or time is over."""
    due = loop.now + partner.answer_within
    held = cycle._replace(
        state=State.HELD, why=f"{OFFERED}{partner.name}", since=loop.now, next_at=due
    )
    named = f"{cycle.person}\x00{cycle.number}\x00{owner}"
    code = blake2b(named.encode(), digest_size=8).hexdigest()
    asked = Offer(cycle.person, cycle.number, owner, "offered", code, loop.now, due)
    return Move(held, cycle.state, f"{OFFERED}{partner.name}", "rule"), asked


def settle(loop: Loop, tx: Connection, owners: Sequence[Owner]) -> Counter[str]:
    """Take in answers and time-outs: who said yes gets the lead, else it is routed anew."""
    counts: Counter[str] = Counter()
    for path in _folders(loop):
        for code, word in _answers(path / _ANSWERS):
            offers.answer(tx, code, word, loop.now)
    waiting = offers.unsettled(tx)
    current = cycles.current(tx, (one.person for one in waiting))
    active = {owner.key for owner in owners if owner.active}
    moves, after = [], []
    for one in waiting:
        cycle = current.get(one.person)
        state = _state(loop, one, taken=one.partner in active)
        if cycle is None or cycle.number != one.number or not cycle.why.startswith(OFFERED):
            after.append(one._replace(state="withdrawn", answered_at=loop.now))
            counts["offers withdrawn"] += 1
            continue
        if state is None:
            continue
        after.append(one._replace(state=state, answered_at=one.answered_at or loop.now))
        counts[f"offers {state.replace('_', ' ')}"] += 1
        moves.append(_moved(loop, cycle, one, accepted=state == "accepted"))
    offers.save(tx, after)
    cycles.save(tx, moves, loop.now, loop.run)
    people.mark(tx, (m.cycle.person for m in moves), pending=True)
    return counts


def _state(loop: Loop, one: Offer, *, taken: bool) -> str | None:
    if one.state == "yes" and taken:
        return "accepted"
    if one.state in {"yes", "no"}:
        return "declined"  # a yes of somebody who left the CRM meanwhile is none
    return "timed_out" if loop.now >= one.due_at else None


def _moved(loop: Loop, cycle: Cycle, one: Offer, *, accepted: bool) -> Move:
    ready = cycle._replace(
        state=State.SALES_READY,
        owner=one.partner if accepted else cycle.owner,
        routed_at=loop.now if accepted else None,
        why="accepted by the partner" if accepted else "not taken by the partner",
        since=loop.now,
        next_at=loop.now + DAY,
    )
    return Move(ready, cycle.state, ready.why, "person" if accepted else "clock")


# --- what partners see ---------------------------------------------------------------------------


def deliver(loop: Loop, owners: Sequence[Owner]) -> Counter[str]:
    """Bring every partner's list up to date."""
    counts: Counter[str] = Counter()
    for key, partner in _partners(loop, owners):
        with loop.store.read() as tx:
            mine = offers.of_partner(tx, key)
            rows = [_seen(tx, one) for one in mine]
        news = [o for o in mine if o.delivered != _level(o)]
        if not news:
            continue
        said = _bring(loop, partner, rows, mine, news)
        if said is None:
            with loop.store.write() as tx:
                offers.save(tx, [one._replace(delivered=_level(one)) for one in news])
            counts["offers delivered"] += len(news)
        else:
            loop.warn(f"offers to partner {partner.name}: {said}; they are sent again next time")
    return counts


def _level(one: Offer) -> str:
    return "whole" if one.state == "accepted" else "offer"


def _bring(
    loop: Loop,
    partner: Partner,
    rows: Sequence[Mapping[str, Any]],
    mine: Sequence[Offer],
    news: Sequence[Offer],
) -> str | None:
    way = partner.deliver
    try:
        if way.csv is not None:
            _write(loop.folder / way.csv / f"offers-{_file(partner.name)}.csv", _table(rows))
            return None
        for one, row in zip(mine, rows, strict=True):
            if one not in news:
                continue
            if way.mail is not None:
                name = f"{one.code}-{_level(one)}.eml"
                _write(loop.folder / way.mail / name, _mail(str(way.to), partner, row))
            elif (said := _post(str(way.webhook), row)) is not None:
                return said
    except OSError as error:
        return f"cannot be written: {error.strerror}"
    return None


def _seen(tx: Connection, one: Offer) -> dict[str, Any]:
    """What a partner sees: who it is only after a yes."""
    doc: Fields = people.documents_of(tx, [one.person]).get(one.person, {})
    facts = people.facts_of(tx, [one.person]).get(one.person, {})
    published = scores.published(tx, [one.person]).get(one.person)
    known: dict[str, Any] = {
        **{name: doc.get(name) for name in ("country", "name", "email", "phone", "title")},
        "code": one.code,
        "company": doc.get("company") or facts.get("account.name"),
        "region": facts.get("region"),
        "score": published.score.score if published else None,
        "answer_by": format_iso(one.due_at // 1_000_000 * 1_000_000),
        "state": one.state,
    }
    shown = _WHOLE if one.state == "accepted" else _MASKED
    return {"state": one.state, **{name: known[name] for name in shown}}


def _table(rows: Sequence[Mapping[str, Any]]) -> bytes:
    out = StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["state", *_WHOLE])
    for row in rows:
        writer.writerow([inert(row.get(name)) for name in ("state", *_WHOLE)])
    return out.getvalue().encode()


def _mail(to: str, partner: Partner, row: Mapping[str, Any]) -> bytes:
    message = EmailMessage()
    message["To"] = to
    message["Subject"] = f"Lead {row['code']} for {partner.name}: {row['state']}"
    told = "\n".join(f"{name}: {value}" for name, value in row.items() if value is not None)
    message.set_content(f"{told}\n\nAnswer with the code and accept or decline.\n")
    return message.as_bytes()


def _post(address: str, row: Mapping[str, Any]) -> str | None:
    from connector.transport.http import Transport  # noqa: PLC0415  slow to import, and few post

    parts = urlsplit(address)
    try:
        transport = Transport(f"{parts.scheme}://{parts.netloc}", attempts=2)
        try:
            path = parts.path + (f"?{parts.query}" if parts.query else "")
            body = orjson.dumps(dict(row))
            answer = transport.send("POST", path or "/", body, repeatable=True, judge=_anything)
        finally:
            transport.close()
    except LeadloopError:
        return "the web address did not answer"
    return None if answer.status < 300 else f"the web address answered {answer.status}"


def _anything(_answer: Answer) -> None:
    """Every answer will do: its status is told, never raised."""


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.new")
    draft.write_bytes(content)
    point("file.before")
    draft.replace(path)
    point("file.after")


# --- who they are --------------------------------------------------------------------------------


def _partners(loop: Loop, owners: Sequence[Owner]) -> Iterator[tuple[str, Partner]]:
    words = {
        normalise(word): owner.key
        for owner in owners
        for word in (owner.key, owner.key.partition("/")[2], owner.name, owner.login)
        if word
    }
    for pool in loop.routing.pools.values() if loop.routing else ():
        for member in pool.members:
            key = words.get(normalise(member.owner))
            if member.partner is not None and key is not None:
                yield key, member.partner


def _folders(loop: Loop) -> list[Path]:
    ways: list[Delivery] = [
        member.partner.deliver
        for pool in (loop.routing.pools.values() if loop.routing else ())
        for member in pool.members
        if member.partner is not None
    ]
    named = [way.csv or way.mail for way in ways]
    return [loop.folder / name for name in dict.fromkeys(named) if name is not None]


def _answers(path: Path) -> Iterator[tuple[str, str]]:
    """Codes and words of a file that partners, or somebody for them, fill in."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError):
        return
    for row in csv.DictReader(StringIO(text)):
        word = _WORDS.get(str(row.get("answer") or "").strip().casefold())
        code = str(row.get("code") or "").strip()
        if word is not None and code:
            yield code, word


def _file(name: str) -> str:
    return "".join(letter if letter.isalnum() else "-" for letter in name.casefold())
