"""What no client could do to a portal, and demo and tests must: see control.py for the way in.

Verbs: `token` {token, by, lacks}, `load` {type: [{at, changed, properties}], ties, owners,
events, mails, forms, submissions}, `rules`, `limits`, `stamp` {type, ids, at}.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from connector.practice.hubspot.rest import HubSpotPractice


def steer(crm: HubSpotPractice, verb: str, given: Any) -> Any:
    """Do it. Raises ValueError."""
    does = _VERBS.get(verb)
    if does is None:
        raise ValueError(f"no verb `{verb}`; there are: {', '.join(_VERBS)}")
    return does(crm, given)


def _token(crm: HubSpotPractice, given: Any) -> None:
    """Let a token in; `lacks` are scopes such as crm.objects.deals.read it does not have."""
    lacks = frozenset(given.get("lacks", ()))
    crm.tokens[given["token"]] = (given.get("by", given["token"]), lacks)


def _load(crm: HubSpotPractice, given: Any) -> Any:
    """Rows as they stood before anybody looked: no checks, no effects; gives the new ids.

    `ties` are [type, place or id, other type, place or id]: a place in what was loaded here, or an
    id. Events, mails and submissions name contacts and addresses the same way.
    """
    portal = crm.portal
    noted = len(portal.oracle.effects)
    ids: dict[str, list[str]] = {}
    for kind in portal.definitions:
        for row in given.get(kind, ()):
            made = portal.insert(kind, row["properties"], "load", row.get("at"))
            if "changed" in row:
                portal.change(kind, made, {}, "load", row["changed"])
            ids.setdefault(kind, []).append(made.id)
    for near, one, far, other in given.get("ties", ()):
        portal.tie(near, _id(ids, near, one), far, _id(ids, far, other))
    portal.owners += given.get("owners", ())
    for event in given.get("events", ()):
        portal.events.append({**event, "objectId": _id(ids, "contacts", event["objectId"])})
    portal.mails += given.get("mails", ())
    portal.mails.sort(key=lambda one: one["created"])
    for form in given.get("forms", ()):
        portal.forms[form["id"]] = form
    for form, sent in given.get("submissions", {}).items():
        portal.submissions.setdefault(form, []).extend(sent)
    del portal.oracle.effects[noted:]
    return ids


def _id(ids: dict[str, list[str]], kind: str, given: Any) -> str:
    return ids[kind][given] if isinstance(given, int) else str(given)


def _rules(crm: HubSpotPractice, given: Any) -> None:
    for name, value in given.items():
        if not hasattr(crm.portal.rules, name):
            raise ValueError(f"no rule `{name}`")
        kept = [tuple(one) for one in value] if name == "required" else value
        setattr(crm.portal.rules, name, kept)


def _limits(crm: HubSpotPractice, given: Any) -> Any:
    for name, value in given.items():
        if not hasattr(crm.limits, name):
            raise ValueError(f"no limit `{name}`")
        setattr(crm.limits, name, value)
    return {"used": crm.limits.used}


def _stamp(crm: HubSpotPractice, given: Any) -> None:
    """Give records one modified date, as bulk jobs do."""
    for id_ in given["ids"]:
        record = crm.portal.find(given["type"], id_)
        crm.portal.change(given["type"], record, {}, "bulk", given["at"])


_VERBS = {"token": _token, "load": _load, "rules": _rules, "limits": _limits, "stamp": _stamp}
