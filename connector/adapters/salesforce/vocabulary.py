"""Whether the mapping's words for statuses and stages agree with what the org says they mean.

Every org words its statuses in its own way. Which of them converted leads have, which one new leads
get, and which stages are won or lost, Salesforce keeps beside the words.

Source: Object Reference, "LeadStatus" and "OpportunityStage".
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import quote

from connector.adapters.base import Check, Order
from connector.adapters.salesforce.calls import Calls
from connector.adapters.salesforce.describing import Objects
from connector.errors import LoginError, RemoteError, UsageError

_SHOWN = 5
_VERDICTS = frozenset({"accepted", "qualified", "rejected", "recycled", "won", "lost"})
_NEVER_CONVERTED = frozenset({"rejected", "recycled", "lost", "disqualified", "no_decision"})


def agreed(calls: Calls, objects: Objects, order: Order) -> Iterator[Check]:
    """Yield what doctor should say of the words of leads and deals."""
    for source, (field, means) in {**order.statuses, **order.deals}.items():
        yield from _known(objects, order, source, field)
        named = {remote: ours for ours, remotes in means.items() for remote in remotes}
        name = objects.of(source).name
        if (name, field) == ("Lead", "Status"):
            yield from _lead(calls, named)
        elif (name, field) == ("Opportunity", "StageName"):
            yield from _stages(calls, named)
    if "Opportunity" in order.uses and "Opportunity" not in order.deals:
        yield from _ends(calls)


def _known(objects: Objects, order: Order, source: str, field: str) -> Iterator[Check]:
    """Whether the mapping knows every word one can choose: others say nothing to us."""
    spec = objects.of(source).fields.get(field.casefold(), {})
    there = [str(one["value"]) for one in spec.get("picklistValues", ()) if one.get("active")]
    strange = [value for value in there if value not in order.known.get(source, ())]
    if strange:
        yield Check(
            "look",
            f"{len(strange)} values of {source}.{field} mean nothing to the mapping: "
            f"{', '.join(strange[:_SHOWN])}",
            f"Add them to the mapping, under `status: values:` of {source}",
        )
    elif there:
        yield Check("ok", f"the mapping knows every {source}.{field}")


def _lead(calls: Calls, named: Mapping[str, str]) -> Iterator[Check]:
    """Whether converted leads count as gone on, and new ones as nobody's word yet."""
    rows = _asked(calls, "SELECT ApiName, IsConverted, IsDefault FROM LeadStatus")
    if rows is None:
        return
    wrong = False
    for row in rows:
        word, ours = str(row["ApiName"]), named.get(str(row["ApiName"]), "")
        if row["IsConverted"] and ours in _NEVER_CONVERTED:
            wrong = True
            yield Check(
                "look",
                f"`{word}` is a status of converted leads, and the mapping reads it as `{ours}`",
                "Under `status: values:` of Lead, let it mean accepted or qualified",
            )
        if row["IsDefault"] and not row["IsConverted"] and ours in _VERDICTS:
            wrong = True
            yield Check(
                "look",
                f"`{word}` is the status of new leads, and the mapping reads it as a verdict, "
                f"`{ours}`",
                "Under `status: values:` of Lead, let it mean null",
            )
    if rows and not wrong:
        converted = sum(bool(row["IsConverted"]) for row in rows)
        yield Check("ok", f"{len(rows)} lead statuses, {converted} of them of converted leads")


def _stages(calls: Calls, named: Mapping[str, str]) -> Iterator[Check]:
    """Whether a mapping that names stages means by each what the org does."""
    rows = _asked(
        calls, "SELECT ApiName, IsClosed, IsWon FROM OpportunityStage WHERE IsActive = true"
    )
    for row in rows or ():
        meant = _meant(row)
        word, ours = str(row["ApiName"]), named.get(str(row["ApiName"]), meant)
        if ours != meant:
            yield Check(
                "look",
                f"the stage `{word}` is {meant} in Salesforce, and the mapping reads it as "
                f"`{ours}`",
                "Under `status:` of Opportunity, write `from: [IsClosed, IsWon]`, as the shipped "
                "mapping does",
            )


def _ends(calls: Calls) -> Iterator[Check]:
    """Whether deals can end both ways, where the mapping reads what a stage means."""
    rows = _asked(
        calls, "SELECT ApiName, IsClosed, IsWon FROM OpportunityStage WHERE IsActive = true"
    )
    if rows is None:
        return
    ends = [_meant(row) for row in rows]
    for end in ("won", "lost"):
        if end not in ends:
            yield Check(
                "look",
                f"no active stage of opportunities is {end}, so none ever counts as {end}",
                "Setup > Object Manager > Opportunity > Fields & Relationships > Stage: let one "
                f"be Closed/{end.title()}",
            )
    if {"won", "lost"} <= set(ends):
        yield Check(
            "ok",
            f"{len(ends)} stages of opportunities, {ends.count('won')} won and "
            f"{ends.count('lost')} lost",
        )


def _meant(row: Mapping[str, Any]) -> str:
    if not row["IsClosed"]:
        return "open"
    return "won" if row["IsWon"] else "lost"


def _asked(calls: Calls, soql: str) -> Sequence[Mapping[str, Any]] | None:
    """Ask; None where our user may not."""
    try:
        rows: list[Mapping[str, Any]] = calls.get(
            f"query?q={quote(soql, safe='')}", "look at statuses", lambda told: told["records"]
        )
    except (RemoteError, LoginError, UsageError):
        return None
    return rows
