"""What no client could do to an org, and demo and tests must: see control.py for the way in.

Verbs: `app` {client, secret, user}, `load` {object: [rows]}, `convert`, `merge`, `delete`,
`undelete`, `late` {object, id, set, seconds}, `bump` {ids}, `rules`, `session`, `page`, `quota`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from connector.practice.salesforce.errors import SaveError
from connector.practice.salesforce.org import ADMIN, Org

if TYPE_CHECKING:
    from connector.practice.salesforce.rest import SalesforcePractice

_LOADED_STAMPS = ("CreatedDate", "LastModifiedDate", "SystemModstamp")


def deployers(org: Org) -> set[str]:
    """The users who may change metadata."""
    return {org.user(ADMIN)}


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


def _load(crm: SalesforcePractice, given: Any) -> Any:
    """Rows as they stood before anybody looked: no checks, no effects; gives the new ids.

    A value `@Object:n` means the id of the n-th row loaded of that object.
    """
    org = crm.org
    admin = org.user(ADMIN)
    noted = len(org.oracle.effects)
    ids: dict[str, list[str]] = {}
    for name, rows in given.items():
        made = ids.setdefault(name, [])
        for row in rows:
            values = {key: _resolved(value, ids) for key, value in row.items()}
            stamps = {key: values.pop(key) for key in _LOADED_STAMPS if key in values}
            made.append(org.insert(name, values, admin, **stamps)["Id"])
    del org.oracle.effects[noted:]
    return ids


def _resolved(value: Any, ids: dict[str, list[str]]) -> Any:
    if isinstance(value, str) and value.startswith("@"):
        name, _, place = value[1:].partition(":")
        return ids[name][int(place)]
    return value


def _convert(crm: SalesforcePractice, given: Any) -> Any:
    return crm.org.convert(given["leadId"], crm.org.user(ADMIN), given)


def _merge(crm: SalesforcePractice, given: Any) -> Any:
    crm.org.merge(given["winner"], given["loser"], crm.org.user(ADMIN))


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
        crm.forget_cursors()


def _quota(crm: SalesforcePractice, given: Any) -> Any:
    crm.quota = given.get("max", crm.quota)
    crm.used = given.get("used", crm.used)
    return {"used": crm.used, "max": crm.quota}


_VERBS = {
    "app": _app,
    "load": _load,
    "convert": _convert,
    "merge": _merge,
    "delete": _delete,
    "undelete": _undelete,
    "late": _late,
    "bump": _bump,
    "rules": _rules,
    "session": _session,
    "page": _page,
    "quota": _quota,
}
