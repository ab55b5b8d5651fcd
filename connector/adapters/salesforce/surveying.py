"""What our writes will meet in an org: room for fields, flows, triggers, rules that may refuse.

Each question may be refused to our user; then that is the answer.

Source: Tooling API, "ValidationRule", "ApexTrigger"; Object Reference, "FlowDefinitionView",
"DuplicateRule", "Organization"; Salesforce Features and Edition Allocations, "Custom Fields".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple
from urllib.parse import quote

from connector.adapters.base import FieldStep
from connector.adapters.salesforce.calls import Calls
from connector.adapters.salesforce.describing import Objects
from connector.adapters.salesforce.soql import quoted
from connector.errors import LoginError, RemoteError, UsageError

_FIELDS = {
    "Professional Edition": 100,
    "Enterprise Edition": 500,
    "Unlimited Edition": 800,
    "Developer Edition": 500,
    "Performance Edition": 800,
}
_SHOWN = 10


def survey(calls: Calls, objects: Objects, steps: Sequence[FieldStep]) -> list[str]:
    """Give one line for each thing a person should know before our fields are written."""
    sources = list(dict.fromkeys(objects.of(step.source).name for step in steps))
    edition = _edition(calls)
    lines = [_room(objects, steps, source, edition) for source in sources]
    for source in sources:
        named = quoted(source)
        lines += [
            _told(
                calls,
                f"active flows on {source}",
                "SELECT Label FROM FlowDefinitionView WHERE IsActive = true AND TriggerType != null"
                f" AND TriggerObjectOrEvent.QualifiedApiName = {named}",
                "Label",
                tooling=False,
            ),
            _told(
                calls,
                f"active triggers on {source}",
                f"SELECT Name FROM ApexTrigger WHERE Status = 'Active' AND TableEnumOrId = {named}",
                "Name",
            ),
            _told(
                calls,
                f"active validation rules on {source}",
                "SELECT ValidationName FROM ValidationRule WHERE Active = true AND "
                f"EntityDefinition.QualifiedApiName = {named}",
                "ValidationName",
            ),
            _told(
                calls,
                f"active duplicate rules on {source}",
                f"SELECT DeveloperName FROM DuplicateRule WHERE IsActive = true AND SobjectType = "
                f"{named}",
                "DeveloperName",
                tooling=False,
            ),
        ]
    return lines


class Org(NamedTuple):
    """Which edition an org has, and whether it is there to be tried things on."""

    edition: str
    is_sandbox: bool


def kind_of_org(calls: Calls) -> Org:
    """Say what an org says of itself. A Developer Edition org is nobody's production."""
    row = _rows(calls, "SELECT IsSandbox, OrganizationType FROM Organization", tooling=False)[0]
    edition = str(row["OrganizationType"])
    return Org(edition, bool(row["IsSandbox"]) or edition == "Developer Edition")


def _edition(calls: Calls) -> str | None:
    try:
        rows = _rows(calls, "SELECT OrganizationType FROM Organization", tooling=False)
    except (RemoteError, LoginError):
        return None
    return str(rows[0]["OrganizationType"]) if rows else None


def _room(objects: Objects, steps: Sequence[FieldStep], source: str, edition: str | None) -> str:
    used = sum(1 for spec in objects.of(source).fields.values() if spec.get("custom"))
    new = sum(
        1
        for s in steps
        if s.action == "create" and not s.note and objects.of(s.source).name == source
    )
    most = _FIELDS.get(edition or "")
    of = f" of {most} ({edition})" if most else ""
    left = f", {most - used - new} left afterwards" if most else ""
    return f"{source}: {used} custom fields that we see{of}, {new} more by us{left}"


def _told(calls: Calls, what: str, soql: str, name: str, *, tooling: bool = True) -> str:
    try:
        found = [str(row[name]) for row in _rows(calls, soql, tooling=tooling)]
    except (RemoteError, LoginError, UsageError):
        return f"{what}: our user may not see them"
    more = f" and {len(found) - _SHOWN} more" if len(found) > _SHOWN else ""
    return f"{what}: {', '.join(found[:_SHOWN]) or 'none'}{more}"


def _rows(calls: Calls, soql: str, *, tooling: bool) -> list[Mapping[str, Any]]:
    verb = "tooling/query" if tooling else "query"
    rows: list[Mapping[str, Any]] = calls.get(
        f"{verb}?q={quote(soql, safe='')}", "look at the org's rules", lambda told: told["records"]
    )
    return rows
