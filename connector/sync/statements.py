"""What a CRM says about a person: by the status of the lead and by the deals. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from connector.domain.cycle import State, Verdict
from connector.domain.moment import Micros
from connector.store.people import PersonRecord

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
VERDICTS = frozenset(verdict.value for verdict in Verdict)


class Statement(NamedTuple):
    """One thing one record says; `at` is None when the CRM does not tell when."""

    source: str
    state: State
    reason: str | None
    at: Micros | None
    by: str | None
    deal: bool = False


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
