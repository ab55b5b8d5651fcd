"""Person accounts: a contact that is an account, and is written through it.

What we write to such a contact goes to its account, where the custom field `X__c` of contacts is
called `X__pc` and the standard field `X` is called `PersonX`, but for those of the name and those
that both objects have. Orgs without the feature have no field IsPersonAccount and cost no call.

Source: Salesforce Help, "Considerations for Using Person Accounts"; Object Reference, "Account".
"""

from __future__ import annotations

from typing import Any

from connector.adapters.salesforce.describing import Described, Objects
from connector.adapters.salesforce.reading import Reading
from connector.domain.change import Write

ACCOUNT = "Account"
_FLAG = "IsPersonAccount"

Placed = dict[int, tuple[Write, dict[str, Any]]]


class PersonAccounts:
    """Finds the contacts among writes that are person accounts."""

    def __init__(self, objects: Objects, reading: Reading) -> None:
        self._objects = objects
        self._reading = reading

    def taken_out(self, described: Described, ready: Placed) -> Placed:
        """Take the writes of person accounts out; gives them as writes to their accounts."""
        if described.name != "Contact" or _FLAG not in described or not ready:
            return {}
        ids = [values["id"] for _, values in ready.values()]
        names = ["Id", "AccountId", _FLAG]
        found = self._reading.matching("Contact", names, "Id", ids, f"{_FLAG} = true")
        accounts = {row["Id"]: row["AccountId"] for row in found}
        there = self._objects.of(ACCOUNT) if accounts else None
        aside: Placed = {}
        for place, (one, values) in list(ready.items()):
            account = accounts.get(values["id"])
            if account and there is not None:
                renamed = {_name(there, n): v for n, v in values.items() if n != "id"}
                aside[place] = (one, {"id": account, **renamed})
                del ready[place]
        return aside


def _name(account: Described, name: str) -> str:
    """What a field of a contact is called on its account."""
    if name.endswith("__c"):
        return f"{name.removesuffix('__c')}__pc"
    return f"Person{name}" if f"Person{name}" in account else name
