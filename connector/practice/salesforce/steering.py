"""What no client could do to an org, and demo and tests must: see control.py for the way in.

Verbs: `app` {client, secret, user}, `load` {object: [rows]}, `convert`, `merge`, `delete`,
`undelete`, `edit` {id, set, user}, `late` {id, set, seconds}, `bump` {ids}, `rules`, `session`,
`page`, `quota`, `refresher` {client}, `anew` {reset: {id: values}}.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from connector.practice.salesforce import lifecycle
from connector.practice.salesforce.errors import SaveError
from connector.practice.salesforce.org import ADMIN, Wishes

if TYPE_CHECKING:
    from connector.practice.salesforce.rest import SalesforcePractice


def steer(crm: SalesforcePractice, verb: str, given: Any) -> Any:
    """Do it. Raises ValueError."""
    does = _VERBS.get(verb)
    if does is None:
        raise ValueError(f"no verb `{verb}`; there are: {', '.join(_VERBS)}")
    try:
        return does(crm, given)
    except SaveError as error:
        raise ValueError(f"{error.code}: {error.message}") from None


def _app(crm: SalesforcePractice, given: Any) -> Any:
    user = given.get("user") or ADMIN
    id_ = user if crm.org.find(user) else crm.org.user(user)
    crm.logins.apps[given["client"]] = (given["secret"], id_)
    return {"user": id_}


def _refresher(crm: SalesforcePractice, given: Any) -> Any:
    """Somebody logged the app in by hand: the refresh token it was given."""
    return {"refresh_token": crm.logins.refresher(given["client"])}


def _load(crm: SalesforcePractice, given: Any) -> Any:
    """Rows as they stood before anybody looked: no checks, no effects; gives the new ids.

    A reference `@Object:n` means the id of the n-th row loaded of that object.
    """
    org = crm.org
    admin = org.user(ADMIN)
    stages = "OpportunityHistory" not in given
    ids: dict[str, list[str]] = {}
    with org.silently():
        for name, rows in given.items():
            made = ids.setdefault(name, [])
            fields = org.schema[name].fields
            links = [one.name for one in fields.values() if one.type == "reference"]
            for row in rows:
                values = dict(row)
                for key in links:
                    place = values.get(key)
                    if place is not None and place[0] == "@":
                        object_, _, number = place[1:].partition(":")
                        values[key] = ids[object_][int(number)]
                loaded = org.insert(name, values, admin, loaded=True)
                made.append(loaded["Id"])
                if name == "Opportunity" and stages:
                    org.remember_stage(loaded, admin, str(loaded["CreatedDate"]))
    return ids


def _convert(crm: SalesforcePractice, given: Any) -> Any:
    return lifecycle.convert(crm.org, given["leadId"], crm.org.user(ADMIN), given)


def _merge(crm: SalesforcePractice, given: Any) -> Any:
    lifecycle.merge(crm.org, given["winner"], given["loser"], crm.org.user(ADMIN))


def _delete(crm: SalesforcePractice, given: Any) -> Any:
    crm.org.delete(given["id"], crm.org.user(ADMIN), hard=bool(given.get("hard")))


def _undelete(crm: SalesforcePractice, given: Any) -> Any:
    crm.org.undelete(given["id"], crm.org.user(ADMIN))


def _late(crm: SalesforcePractice, given: Any) -> Any:
    """A change by a slow transaction: stamped now, seen `seconds` later."""
    org, admin = crm.org, crm.org.user(ADMIN)
    row = org.find(given["id"])
    if row is None:
        raise ValueError("no such record")
    org.later(given["seconds"], lambda stamp: org.change(row, given["set"], admin, stamp))


def _edit(crm: SalesforcePractice, given: Any) -> None:
    """A person changes a record at the user interface, under the org's checks and rules."""
    user = given.get("user") or ADMIN
    who = user if crm.org.find(user) else crm.org.user(user)
    crm.org.update(given["id"], given["set"], who, Wishes(auto_assign=False))


def _bump(crm: SalesforcePractice, given: Any) -> Any:
    """The system touches rows: SystemModstamp moves and nothing else."""
    for id_ in given["ids"]:
        row = crm.org.find(id_)
        if row is not None:
            row["SystemModstamp"] = crm.org.stamp()


def _rules(crm: SalesforcePractice, given: Any) -> Any:
    for name, value in given.items():
        if not hasattr(crm.org.rules, name):
            raise ValueError(f"no rule `{name}`")
        kept = {(one[0], one[1]) for one in value} if name == "hidden" else value
        kept = set(value) if name == "unshared" else kept
        setattr(crm.org.rules, name, kept)


def _session(crm: SalesforcePractice, given: Any) -> Any:
    """End every session; `life` is how many calls new ones are good for."""
    crm.logins.expire()
    crm.logins.life = given.get("life")
    return {"issued": crm.logins.issued}


def _page(crm: SalesforcePractice, given: Any) -> Any:
    """Give pages of at most `size` rows, and forget cursors if `forget`."""
    crm.page = given.get("size", crm.page)
    if given.get("forget"):
        crm.cursors.clear()


def _quota(crm: SalesforcePractice, given: Any) -> Any:
    """How many calls a day has; `told` false forbids asking /limits, as for most users."""
    crm.limits_told = given.get("told", crm.limits_told)
    crm.quota = given.get("max", crm.quota)
    crm.used = given.get("used", crm.used)
    return {"used": crm.used, "max": crm.quota}


def _anew(crm: SalesforcePractice, given: Any) -> None:
    """A refreshed sandbox: an organisation of another id, in which records have the ids they had.

    `reset` is how some of them stand in production, stamps and all.
    """
    org = crm.org
    ((old, row),) = org.tables["Organization"].items()
    kept = {key: row[key] for key in ("Name", "IsSandbox", "OrganizationType", "TimeZoneSidKey")}
    del org.tables["Organization"][old]
    org.order["Organization"].remove(old)
    with org.silently():
        org.insert("Organization", {**kept, "InstanceName": "CS98"}, org.user(ADMIN))
    for id_, values in (given or {}).get("reset", {}).items():
        (org.find(id_) or {}).update(values)
    crm.logins.expire()


_VERBS = {
    "app": _app,
    "load": _load,
    "convert": _convert,
    "merge": _merge,
    "delete": _delete,
    "undelete": _undelete,
    "late": _late,
    "edit": _edit,
    "bump": _bump,
    "rules": _rules,
    "session": _session,
    "page": _page,
    "quota": _quota,
    "refresher": _refresher,
    "anew": _anew,
}
