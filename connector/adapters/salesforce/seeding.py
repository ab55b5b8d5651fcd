"""Fills an empty sandbox with invented people, each marked, so that the loop has something to do.

A production org is refused, and so is one that holds leads of others. Addresses end in `.example`,
which nobody can own.

Source: Object Reference, "Organization" (`IsSandbox`); REST API Developer Guide, "Create Records".
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from typing import Any

import orjson

from connector.adapters.salesforce.answers import refusal
from connector.adapters.salesforce.calls import Calls
from connector.adapters.salesforce.describing import Objects
from connector.adapters.salesforce.soql import Select, quoted
from connector.adapters.salesforce.surveying import kind_of_org
from connector.adapters.salesforce.writing import CHUNK, HEADERS
from connector.errors import RemoteError, UsageError

MARK = "Leadloop practice"
"""LeadSource of every lead made here; Description of every task."""
_FIRST = (
    "Ada",
    "Ben",
    "Chidi",
    "Dana",
    "Emre",
    "Fay",
    "Gita",
    "Hugo",
    "Ines",
    "Jun",
    "Kofi",
    "Lea",
)
_LAST = (
    "Abara",
    "Brandt",
    "Costa",
    "Demir",
    "Evans",
    "Fournier",
    "Garcia",
    "Haas",
    "Ito",
    "Jansen",
)
_FIRMS = ("Mills", "Logistics", "Foods", "Instruments", "Textiles", "Glass", "Robotics", "Paper")
_TITLES = ("VP Operations", "Head of IT", "Plant Manager", "Buyer", "Student", "Analyst", "CEO")
_COUNTRIES = ("Germany", "France", "United States", "Brazil", "Japan", "India")
_CALLS = ("First call", "Sent the guide", "Asked for prices")


def seed(calls: Calls, objects: Objects, *, people: int, number: int) -> dict[str, int]:
    """Make as many marked leads as are missing, some with calls; gives how many of each.

    Raises UsageError for an org that is no sandbox, or that is not empty.
    """
    kind = kind_of_org(calls)
    if not kind.is_sandbox:
        raise UsageError(
            f"this org is no sandbox ({kind.edition}), so nothing is put into it",
            hint="Use a sandbox or a Developer Edition org",
        )
    marked = f"LeadSource = {quoted(MARK)}"
    others = _count(calls, f"LeadSource != {quoted(MARK)}")
    if others:
        raise UsageError(
            f"this org holds {others} leads that are not ours, so nothing is put among them",
            hint="Use an empty sandbox; leadloop practice salesforce serves one on this machine",
        )
    there = _count(calls, marked)
    chance = random.Random(number)  # noqa: S311  invented people, no secrets
    leads = list(_leads(people, chance))[there:]
    status = _status(objects)
    made = _made(calls, "Lead", [{**one, **status} for one in leads])
    tasks = [
        {
            "WhoId": ident,
            "Subject": chance.choice(_CALLS),
            "TaskSubtype": "Call",
            "Status": "Completed",
            "Description": MARK,
        }
        for ident in made
        if chance.random() < 0.4
    ]
    return {"leads": len(made), "tasks": len(_made(calls, "Task", tasks)), "there": there}


def _leads(people: int, chance: random.Random) -> Iterator[dict[str, Any]]:
    for place in range(people):
        first, last, firm = chance.choice(_FIRST), chance.choice(_LAST), chance.choice(_FIRMS)
        company = f"{last} {firm}"
        yield {
            "FirstName": first,
            "LastName": last,
            "Company": company,
            "Email": f"{first}.{last}{place}@{company.replace(' ', '-')}.example".lower(),
            "Title": chance.choice(_TITLES),
            "Country": chance.choice(_COUNTRIES),
            "NumberOfEmployees": chance.choice((12, 80, 300, 900, 4000)),
            "LeadSource": MARK,
        }


def _status(objects: Objects) -> dict[str, str]:
    """The status a new lead has here, if the org says one."""
    spec = objects.of("Lead").fields.get("status", {})
    default = [str(v["value"]) for v in spec.get("picklistValues", ()) if v.get("defaultValue")]
    return {"Status": default[0]} if default else {}


def _count(calls: Calls, condition: str) -> int:
    return calls.count(Select((), "Lead", [condition], 0), everything=False)


def _made(calls: Calls, source: str, records: Sequence[dict[str, Any]]) -> list[str]:
    """Create records; gives their ids. Raises RemoteError where one is refused."""
    ids: list[str] = []
    for start in range(0, len(records), CHUNK):
        some = [{"attributes": {"type": source}, **one} for one in records[start : start + CHUNK]]
        body = orjson.dumps({"allOrNone": True, "records": some})
        answer = calls.write(
            "POST", "composite/sobjects", body, f"create {source} records", headers=HEADERS
        )
        for told in orjson.loads(answer):
            if told.get("success") is not True:
                why = refusal((told.get("errors") or [{}])[0])
                raise RemoteError(
                    f"{source} records were refused: {why.code} {', '.join(why.fields)}".rstrip(),
                    vendor_code=why.code,
                    hint="A rule of this org stands in the way; use an empty sandbox",
                )
            ids.append(str(told["id"]))
    return ids
