"""What a CRM says about a person: by the status of the lead and by the deals. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from connector.domain.cycle import State, Verdict
from connector.domain.moment import Micros
from connector.domain.record import Scalar
from connector.store.incoming.field_history import Kept
from connector.store.persons.people import PersonRecord

_DEALS = {"open": State.QUALIFIED, "won": State.WON, "lost": State.LOST}
_DECIDED = {
    state.value: state
    for state in (State.ACCEPTED, State.QUALIFIED, State.REJECTED, State.RECYCLED)
}
_WEIGHT = {
    State.WON: 5,
    State.QUALIFIED: 4,
    State.LOST: 3,
    State.REJECTED: 3,
    State.RECYCLED: 3,
    State.ACCEPTED: 2,
    State.HANDED_OFF: 1,
}
_RANK = {state: n for n, state in enumerate((State.ACCEPTED, State.QUALIFIED), start=1)}
_RANK |= dict.fromkeys((State.RECYCLED, State.REJECTED, State.LOST, State.WON), 3)
VERDICTS = frozenset(verdict.value for verdict in Verdict)


class Statement(NamedTuple):
    """One thing one record says; `at` is None when the CRM does not tell when."""

    source: str
    state: State
    reason: str | None
    at: Micros | None
    by: str | None
    deal: bool = False


class Step(NamedTuple):
    """One thing a record said once, by the CRM's own history, and no longer says."""

    source: str
    state: State
    reason: str | None
    at: Micros
    by: str | None


def statements(
    record: PersonRecord, deals: Sequence[PersonRecord], owner: str | None
) -> list[Statement]:
    """Give everything said by a person's record, which `owner` works on, and by its deals; a deal's
    record may also be one by which sales decides about the person, such as HubSpot's leads."""
    found = []
    status = record.doc.get("status")
    if isinstance(status, str):
        at = record.doc.get("status_at")
        found.append(_statement(record, State(status), at, owner))
    for deal in deals:
        word = str(deal.doc.get("status"))
        state = _DEALS.get(word) or _DECIDED.get(word)
        if state is not None:
            at = deal.doc.get("status_at") or deal.doc.get(
                "created" if state is State.QUALIFIED else "closed"
            )
            by = deal.doc.get("owner")
            key = f"{deal.connection}/{by}" if by else owner
            found.append(_statement(deal, state, at, key)._replace(deal=word in _DEALS))
    return found


def dated(said: Statement, edits: Sequence[Kept]) -> Statement:
    """Give the statement the moment and the author of the edit that made it, where one is known."""
    last = edits[-1] if edits else None
    if last is None or (not said.deal and last.after != said.state.value):
        return said
    if said.deal and said.state is State.QUALIFIED:
        return said  # since the deal was made, through whatever stages
    return said._replace(at=last.at, by=_author(said.source, last) or said.by)


def earlier(
    source: str, edits: Sequence[Kept], reasons: Sequence[Kept], now: State | None
) -> list[Step]:
    """Give what a record said before it said what it says `now`, oldest first.

    The reason of each is the one that stood there when the next was said.
    """
    past = list(edits)
    if past and now is not None and past[-1].after == now.value:
        past.pop()
    said = []
    for place, one in enumerate(past):
        if one.after not in VERDICTS:
            continue
        until = edits[place + 1].at if place + 1 < len(edits) else None
        reason = _at(reasons, until)
        said.append(
            Step(
                source,
                State(str(one.after)),
                str(reason) if reason else None,
                one.at,
                _author(source, one),
            )
        )
    return said


def leading_up(steps: Sequence[Step], to: Statement | None) -> list[Step]:
    """Give the last of these steps that each took the person further, up to what is said now."""
    found: list[Step] = []
    after = _RANK.get(to.state, 0) if to is not None else None
    for one in reversed(steps):
        rank = _RANK.get(one.state, 0)
        if after is not None and rank >= after:
            break
        found.append(one)
        after = rank
    return found[::-1]


def _at(edits: Sequence[Kept], until: Micros | None) -> Scalar:
    """The value a field held just before a moment; None where no edit tells."""
    before = [one for one in edits if until is None or one.at < until]
    if before:
        return before[-1].after
    return edits[0].before if edits else None


def _author(source: str, one: Kept) -> str | None:
    return f"{source.partition('/')[0]}/{one.by}" if one.by else None


def strongest(said: Iterable[Statement]) -> Statement | None:
    """Give the statement that tells how far the person is: a won deal before an open one,
    before a lost one or a refusal, before a mere acceptance; of equals the newest.

    A lead that was called qualified is no more than its deal: lost later, it is lost.
    """
    ranked = [one for one in said if one.state in _WEIGHT]
    return max(ranked, key=lambda one: (_weight(one), one.at or 0), default=None)


def _weight(one: Statement) -> int:
    if one.state is State.QUALIFIED and not one.deal:
        return _WEIGHT[State.LOST]
    return _WEIGHT[one.state]


def _statement(record: PersonRecord, state: State, at: object, by: str | None) -> Statement:
    reason = record.doc.get("reason")
    return Statement(
        source=record.key,
        state=state,
        reason=str(reason) if reason else None,
        at=at if isinstance(at, int) else None,
        by=by,
    )
