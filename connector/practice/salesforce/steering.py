"""What no client could do to an org, and demo and tests must: see control.py for the way in.

Verbs: `app` {client, secret, user, certificate, approved}, `load` {object: [rows]}, `convert`,
`merge`, `delete`, `undelete`, `edit` {id, set, user}, `late` {id, set, seconds}, `bump` {ids},
`rules`, `session` {life, minutes, barred}, `page`, `quota`, `refresher` {client}, `bulk` {polls,
seconds, page, fail, after, refused, queries, batches, abort}, `move` {to}, `features`,
`rename` {object, field, from, to}, `field` {object, field, set}, `lock` {ids, seconds},
`password` {user, password}, `rights` {user, permissions, objects, marketing},
`anew` {reset: {id: values}}, `plenty` {object, set, many, link, to}: so many rows alike.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from connector.domain.moment import SECOND
from connector.practice.salesforce import features, lifecycle, rights, setup_objects
from connector.practice.salesforce.errors import ApiError, SaveError
from connector.practice.salesforce.founding import ADMIN
from connector.practice.salesforce.history import remember_stage
from connector.practice.salesforce.jobs import Failure
from connector.practice.salesforce.logins import App
from connector.practice.salesforce.rules import Wishes

if TYPE_CHECKING:
    from connector.practice.salesforce.rest import SalesforcePractice


def steer(crm: SalesforcePractice, verb: str, given: Any) -> Any:
    """Do it. Raises ValueError."""
    does = _VERBS.get(verb)
    if does is None:
        raise ValueError(f"no verb `{verb}`; there are: {', '.join(_VERBS)}")
    try:
        return does(crm, given)
    except (ApiError, SaveError) as error:
        raise ValueError(f"{error.code}: {error.message}") from None


def _app(crm: SalesforcePractice, given: Any) -> Any:
    user = given.get("user") or ADMIN
    id_ = user if crm.org.find(user) else crm.org.user(user)
    approved = frozenset(crm.org.user(one) for one in given.get("approved", ()))
    app = App(given["secret"], id_, given.get("certificate"), approved)
    crm.logins.apps[given["client"]] = app
    return {"user": id_}


def _features(crm: SalesforcePractice, given: Any) -> Any:
    """An admin switches things on or off for the whole org; see features.py."""
    for name, how in given.items():
        features.switch(crm.org, name, how)


def _lock(crm: SalesforcePractice, given: Any) -> Any:
    """Another transaction holds records (or accounts, with all below them) for some seconds."""
    until = crm.clock.now() + int(given["seconds"] * SECOND)
    crm.org.rules.held |= dict.fromkeys(given["ids"], until)


def _field(crm: SalesforcePractice, given: Any) -> Any:
    """An admin changes what a field is: `set` names what of it; null takes the field away."""
    features.redefine(crm.org, given["object"], given["field"], given["set"])


def _rename(crm: SalesforcePractice, given: Any) -> Any:
    """An admin renames a value of a picklist."""
    features.rename(crm.org, given["object"], given["field"], given["from"], given["to"])


def _move(crm: SalesforcePractice, given: Any) -> Any:
    """The org moves to another instance, which is served at `to`."""
    crm.logins.move(given["to"])


def _password(crm: SalesforcePractice, given: Any) -> Any:
    """An admin lets a user log in by name and password, which new orgs block."""
    crm.logins.passwords[crm.org.user(given["user"])] = given["password"]


def _rights(crm: SalesforcePractice, given: Any) -> Any:
    """An admin gives a user these permissions and no others; `objects` as {object: [what]}."""
    rights.narrow(crm.org, given["user"], given)
    crm.org.schema_changed = crm.clock.now()


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
                    remember_stage(org, loaded, admin, str(loaded["CreatedDate"]))
    return ids


def _plenty(crm: SalesforcePractice, given: Any) -> Any:
    """More rows than a memory holds: alike but for their ids and the row each belongs to."""
    org, name = crm.org, given["object"]
    if org.tables[name]:
        raise ValueError(f"there are {name} rows already")
    with org.silently():
        org.load_plenty(
            name, given["set"], org.user(ADMIN), given["many"], given["link"], given["to"]
        )


def _convert(crm: SalesforcePractice, given: Any) -> Any:
    return lifecycle.convert(crm.org, given["leadId"], crm.org.user(ADMIN), given)


def _merge(crm: SalesforcePractice, given: Any) -> Any:
    lifecycle.merge(crm.org, given["winner"], given["loser"], crm.org.user(ADMIN))


def _delete(crm: SalesforcePractice, given: Any) -> Any:
    crm.org.delete(given["id"], crm.org.user(ADMIN), hard=bool(given.get("hard")))


def _undelete(crm: SalesforcePractice, given: Any) -> Any:
    crm.org.undelete(given["id"], crm.org.user(ADMIN))


def _late(crm: SalesforcePractice, given: Any) -> Any:
    """What a slow transaction does is stamped now and seen `seconds` later: a change {id, set},
    a new row {object, values}, or nothing of ours at all."""
    org, admin = crm.org, crm.org.user(ADMIN)
    if "object" in given:
        name, id_ = given["object"], org.new_id(given["object"])
        org.later(
            given["seconds"],
            lambda stamp: org.insert(name, given["values"], admin, at=stamp, id_=id_),
        )
        return {"id": id_}
    if "id" not in given:
        org.later(given["seconds"], lambda _stamp: None)
        return None
    row = org.find(given["id"])
    if row is None:
        raise ValueError("no such record")
    org.later(given["seconds"], lambda stamp: org.change(row, given["set"], admin, stamp))
    return {"id": row["Id"]}


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
        if name == "hidden":
            kept: Any = {(one[0], one[1]) for one in value}
        else:
            kept = set(value) if name in {"unshared", "blind"} else value
        setattr(crm.org.rules, name, kept)
    crm.org.schema_changed = crm.clock.now()
    setup_objects.show(crm.org)


def _session(crm: SalesforcePractice, given: Any) -> Any:
    """End every session; new ones are good for `life` calls, or until they are unused for so
    many `minutes`; with `barred` every call is refused in those words."""
    crm.logins.expire()
    crm.logins.life = given.get("life")
    crm.logins.last(given.get("minutes"))
    crm.logins.barred = given.get("barred")
    return {"issued": crm.logins.issued}


def _page(crm: SalesforcePractice, given: Any) -> Any:
    """Give pages of at most `size` rows, at most `changes` ids of a span, and forget cursors if
    `forget`."""
    crm.page = given.get("size", crm.page)
    crm.most_changes = given.get("changes", crm.most_changes)
    if given.get("forget"):
        crm.cursors.forget()


def _quota(crm: SalesforcePractice, given: Any) -> Any:
    """How many calls a day has, or one `app` {name, max} of them; `told` false forbids asking
    /limits, as for most users. Others have `running` {count, seconds} long calls."""
    calls, now = crm.allowance, crm.clock.now()
    calls.told = given.get("told", calls.told)
    calls.most = given.get("max", calls.most)
    if "used" in given:
        calls.set_used(now, given["used"])
    if "app" in given:
        calls.app = (given["app"]["name"], given["app"]["max"])
    if "running" in given:
        calls.run(now, given["running"]["count"], given["running"]["seconds"])
    return {"used": calls.used(now), "max": calls.most}


def _bulk(crm: SalesforcePractice, given: Any) -> Any:
    """How long jobs take, which objects they do not serve, how the next one goes wrong, what is
    left of the day; `abort` ends a job as an admin does."""
    jobs = crm.jobs
    jobs.polls = given.get("polls", jobs.polls)
    jobs.page = given.get("page", jobs.page)
    if "seconds" in given:
        jobs.lasts = int(given["seconds"] * SECOND)
    jobs.refused = frozenset(given.get("refused", jobs.refused))
    jobs.most_queries = given.get("queries", jobs.most_queries)
    jobs.most_batches = given.get("batches", jobs.most_batches)
    if "fail" in given:
        jobs.failure = Failure(given["fail"], given.get("after", 0))
    if "abort" in given:
        jobs.known[given["abort"]].abort(crm.org)
    return {"jobs": list(jobs.known)}


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
    "bulk": _bulk,
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
    "move": _move,
    "features": _features,
    "rename": _rename,
    "lock": _lock,
    "field": _field,
    "password": _password,
    "rights": _rights,
    "anew": _anew,
    "plenty": _plenty,
}
