"""Duplicate rules: another row with the same e-mail address is reported, or stops the save.

Source: Salesforce Help, "Duplicate Rules"; REST API Developer Guide, "Duplicate Rule Header". A
call that insists passes rules that alert and never those that block. The answer for one record
spells the key of the details `duplicateResut`, as the guide prints it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from connector.practice.salesforce.errors import SaveError

if TYPE_CHECKING:
    from connector.practice.salesforce.org import Org, Row
    from connector.practice.salesforce.rules import Wishes

_SHOWN = ("Name", "Email")


def check_duplicates(org: Org, name: str, whole: Row, wishes: Wishes) -> None:
    """Raises SaveError DUPLICATES_DETECTED."""
    rule = org.rules.duplicates.get(name)
    if rule is None or (rule == "alert" and wishes.allow_duplicates):
        return
    email = str(whole.get("Email") or "").lower()
    same = [
        there
        for there in org.tables[name].values()
        if str(there.get("Email") or "").lower() == email
        and not there["IsDeleted"]
        and there["Id"] != whole.get("Id")
    ]
    if email and same:
        details = _details(org, name, same, wishes, blocks=rule == "block")
        raise SaveError("DUPLICATES_DETECTED", "Use one of these records?", extra=details)


def _details(
    org: Org, name: str, same: list[Row], wishes: Wishes, *, blocks: bool
) -> dict[str, Any]:
    matches = []
    for row in same:
        url = f"/services/data/v{org.version}/sobjects/{name}/{row['Id']}"
        shown: dict[str, Any] = {"attributes": {"type": name, "url": url}, "Id": row["Id"]}
        if wishes.details:
            shown |= {key: row.get(key) for key in _SHOWN}
        matches.append({"additionalInformation": [], "fieldDiffs": [], "matchConfidence": 100.0,
                        "record": shown})  # fmt: skip
    found = {"entityType": name, "errors": [], "matchEngine": "ExactMatchEngine",
             "matchRecords": matches, "rule": f"Standard_{name}_Match", "size": len(matches),
             "success": True}  # fmt: skip
    return {
        "allowSave": not blocks,
        "duplicateRule": f"Standard_{name}_Duplicate_Rule",
        "duplicateRuleEntityType": name,
        "errorMessage": "Use one of these records?",
        "matchResults": [found],
    }
