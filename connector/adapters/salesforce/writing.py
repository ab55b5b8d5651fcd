"""Writing: up to 200 records of one object a request, or a job of many, each settled for itself.

Every attempt carries `Sforce-Auto-Assign: FALSE`, or an assignment rule would take our owner away
again; the duplicate rule is told to let an alert pass, for a score must not wait for a tidy CRM.

Source: REST API Developer Guide, "sObject Collections", "Assignment Rule Header", "Duplicate Rule
Header".
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import orjson

from connector.adapters.salesforce.answers import Refusal, refusal
from connector.adapters.salesforce.calls import Calls
from connector.adapters.salesforce.campaigns import FLAG, THEME, WHO, Campaigns
from connector.adapters.salesforce.describing import Described, Objects
from connector.adapters.salesforce.ingest import Ingest
from connector.adapters.salesforce.outcomes import LOCKED, outcome
from connector.adapters.salesforce.person_accounts import ACCOUNT, PersonAccounts
from connector.adapters.salesforce.reading import Reading
from connector.adapters.salesforce.soql import full_id, quoted
from connector.adapters.salesforce.unconfirmed import BULK_KEEPS_OWNERS
from connector.adapters.salesforce.values import Refused, prepared
from connector.domain.change import Outcome, Result, Write
from connector.domain.moment import MINUTE, Micros
from connector.errors import (
    LoginError,
    RemoteError,
    StoppedError,
    TryLaterError,
    UnknownOutcomeError,
)

CHUNK = 200
"""Records of one request."""
BATCH = 20_000
"""Records of one turn: one job, where Bulk takes them."""
TURN: Micros = 8 * MINUTE
"""How long a turn goes on with requests, each with its rules and flows: a lease lasts fifteen."""
JOB_FROM = 2_000
"""So many records of one turn go as a job, if Bulk takes them."""
HEADERS = {
    "Sforce-Auto-Assign": "FALSE",
    "Sforce-Duplicate-Rule-Header": (
        "allowSave=true; includeRecordDetails=false; runAsCurrentUser=false"
    ),
    "Sforce-Call-Options": "client=leadloop",
}
_OWNER = "OwnerId"
_NURTURED = frozenset({FLAG, THEME})
_PUT_OFF = "try_later"

Ready = list[tuple[Write, dict[str, Any]]]


class Writing:
    """Writes values that are checked first, so that what cannot succeed costs no call."""

    def __init__(
        self,
        calls: Calls,
        objects: Objects,
        reading: Reading,
        ingest: Ingest,
        campaigns: Campaigns,
        clock: Callable[[], Micros],
        *,
        job_from: int = JOB_FROM,
    ) -> None:
        self._calls = calls
        self._clock = clock
        self._campaigns = campaigns
        self._objects = objects
        self._reading = reading
        self._ingest = ingest
        self._job_from = job_from
        self._people = PersonAccounts(objects, reading)

    def write(self, batch: Sequence[Write]) -> list[Outcome]:
        """Apply writes to one object; one outcome each, in their order."""
        if not batch:
            return []
        if len(batch) > BATCH:
            raise ValueError("a batch larger than batch_size")
        described = self._objects.of(batch[0].source)
        self._ingest.settle(described.name)
        outcomes: dict[int, Outcome] = {}
        ready: dict[int, tuple[Write, dict[str, Any]]] = {}
        for place, one in enumerate(batch):
            ident, values = full_id(one.id), prepared(described, one.values)
            if ident is None:
                outcomes[place] = Outcome(one.id, Result.GONE, "MALFORMED_ID")
            elif isinstance(values, Refused):
                outcomes[place] = Outcome(one.id, Result.REFUSED, values.code, field=values.field)
            else:
                ready[place] = (one, {"id": ident, **values})
        self._check_owners(described, ready, outcomes)
        self._join_campaigns(described.name, [values for _, values in ready.values()])
        aside = self._people.taken_out(described, ready)
        fresh = True
        for source, some in ((described.name, ready), (ACCOUNT, aside)):
            sent = self._sent(source, list(some.values()), fresh=fresh)
            outcomes.update(zip(some, sent, strict=True))
            fresh = fresh and not some
        return [outcomes[place] for place in range(len(batch))]

    def _sent(self, source: str, ready: Ready, *, fresh: bool) -> list[Outcome]:
        """Send much as a job and a few by requests; what met a lock is tried once more, alone."""
        by_job = BULK_KEEPS_OWNERS and not any(_OWNER in values for _, values in ready)
        if by_job and len(ready) >= self._job_from:
            told = self._ingest.update(source, [values for _, values in ready])
            if told is not None:
                return [
                    o if o.id == one.id else o._replace(id=one.id)
                    for (one, _), o in zip(ready, told, strict=True)
                ]
        outcomes = self._save_in_chunks(source, ready, fresh=fresh)
        locked = [n for n, one in enumerate(outcomes) if one.code == LOCKED]
        if locked and len(locked) < len(ready):
            places = self._by_parent(source, [(n, ready[n]) for n in locked])
            again = self._save_in_chunks(source, [ready[n] for n in places], fresh=False)
            for n, settled in zip(places, again, strict=True):
                outcomes[n] = settled
        return outcomes

    def _save_in_chunks(self, source: str, ready: Ready, *, fresh: bool) -> list[Outcome]:
        """Send request by request. Once Salesforce says later, or the turn has lasted its time,
        the rest is not sent at all."""
        outcomes: list[Outcome] = []
        ends = self._clock() + TURN
        for start in range(0, len(ready), CHUNK):
            some = ready[start : start + CHUNK]
            if outcomes and (outcomes[-1].code == _PUT_OFF or self._clock() >= ends):
                outcomes += [Outcome(one.id, Result.RETRY, _PUT_OFF) for one, _ in some]
            else:
                outcomes += self._save(source, some, fresh=fresh and not outcomes)
        return outcomes

    def _by_parent(
        self, source: str, rows: Sequence[tuple[int, tuple[Write, dict[str, Any]]]]
    ) -> list[int]:
        """Put rows of one account side by side: two requests that touch it lock each other out.

        Where that cannot be asked now, they stay as they are: others of the batch are written.
        """
        as_they_are = [n for n, _ in rows]
        if "AccountId" not in self._objects.of(source):
            return as_they_are
        ids = [values["id"] for _, (_, values) in rows]
        try:
            found = self._reading.matching(source, ["Id", "AccountId"], "Id", ids)
        except (LoginError, TryLaterError):
            return as_they_are
        parents = {row["Id"]: str(row["AccountId"] or "") for row in found}
        return [n for n, (_, v) in sorted(rows, key=lambda row: parents.get(row[1][1]["id"], ""))]

    def _save(self, source: str, ready: Ready, *, fresh: bool) -> list[Outcome]:
        """Send, and where the whole request is refused, halve it until the offender is alone.

        `fresh` says that nothing of the batch was applied yet, so that an error may say so.
        """
        if not ready:
            return []
        try:
            body = self._calls.write(
                "PATCH",
                "composite/sobjects",
                _body(source, ready),
                f"write to {source}",
                headers=HEADERS,
            )
        except UnknownOutcomeError:
            return [Outcome(one.id, Result.UNKNOWN, "no_answer") for one, _ in ready]
        except RemoteError as error:
            if len(ready) == 1:
                return [Outcome(ready[0][0].id, Result.REFUSED, error.vendor_code)]
            half = len(ready) // 2
            done = self._save(source, ready[:half], fresh=fresh)
            fresh = fresh and all(one.result is Result.REFUSED for one in done)
            return done + self._save(source, ready[half:], fresh=fresh)
        except StoppedError:
            raise  # the next run reads what became of it
        except (TryLaterError, LoginError):
            if fresh:
                raise
            return [Outcome(one.id, Result.RETRY, _PUT_OFF) for one, _ in ready]
        return _outcomes(ready, body)

    # --- nurture ---------------------------------------------------------------------------------

    def _join_campaigns(self, source: str, values: Sequence[dict[str, Any]]) -> None:
        """Make whoever is nurtured a member of the theme's campaign, where the org has them.

        Before the fields: a run that dies in between sends both again.
        """
        flagged = {one["id"]: one for one in values if not _NURTURED.isdisjoint(one)}
        if source not in WHO or not flagged or not self._campaigns.are_there:
            return
        held: dict[str, Any] = {}
        if not all(one.keys() >= _NURTURED for one in flagged.values()):
            rows = self._reading.read_ids(source, ["Id", *sorted(_NURTURED)], list(flagged))
            held = {row["Id"]: row for row in rows}
        wanted: dict[str, str | None] = {}
        for ident, one in flagged.items():
            now = {**held.get(ident, {}), **one}
            wanted[ident] = (now.get(THEME) or None) if now.get(FLAG) is True else None
        self._campaigns.follow(source, wanted)

    # --- owners ----------------------------------------------------------------------------------

    def _check_owners(
        self,
        described: Described,
        ready: dict[int, tuple[Write, dict[str, Any]]],
        outcomes: dict[int, Outcome],
    ) -> None:
        """Refuse owners that are no active user, and queues that do not take this object."""
        wanted = {values[_OWNER] for _, values in ready.values() if values.get(_OWNER)}
        if not wanted:
            return
        users = self._reading.matching("User", ["Id", "IsActive"], "Id", sorted(wanted))
        active = {row["Id"]: bool(row["IsActive"]) for row in users}
        queues = self._queues(described, sorted(wanted - active.keys()))
        for place, (one, values) in list(ready.items()):
            owner = values.get(_OWNER)
            if not owner or active.get(owner) or owner in queues:
                continue
            code = "INACTIVE_OWNER_OR_USER" if owner in active else "QUEUE_NOT_FOR_OBJECT"
            outcomes[place] = outcome(one.id, [Refusal(code, "", (_OWNER,))])
            del ready[place]

    def _queues(self, described: Described, ids: Sequence[str]) -> set[str]:
        """Those of the ids that are queues this object may go to; not every object may."""
        if not ids or "Group" not in described.fields[_OWNER.casefold()]["referenceTo"]:
            return set()
        serves = f"SobjectType = {quoted(described.name)}"
        rows = self._reading.matching("QueueSobject", ["QueueId"], "QueueId", ids, serves)
        return {row["QueueId"] for row in rows}


def _body(source: str, ready: Ready) -> bytes:
    records = [{"attributes": {"type": source}, **values} for _, values in ready]
    return orjson.dumps({"allOrNone": False, "records": records})


def _outcomes(ready: Ready, body: bytes) -> list[Outcome]:
    """Read the answer by position. One that does not fit what was sent tells us nothing."""
    try:
        given = orjson.loads(body)
    except orjson.JSONDecodeError:
        given = None
    results = given if isinstance(given, list) else []
    fits = len(results) <= len(ready) and all(
        isinstance(result, dict) and full_id(str(result.get("id") or values["id"])) == values["id"]
        for result, (_, values) in zip(results, ready, strict=False)
    )
    if not fits:
        results = []
    missing: list[Any] = [None] * (len(ready) - len(results))
    return [
        _outcome(one, result) for (one, _), result in zip(ready, [*results, *missing], strict=True)
    ]


def _outcome(one: Write, result: Any) -> Outcome:
    if result is None:
        return Outcome(one.id, Result.UNKNOWN, "no_answer")
    if result.get("success") is True:
        return Outcome(one.id, Result.APPLIED)
    return outcome(one.id, [refusal(e) for e in result.get("errors") or () if isinstance(e, dict)])
