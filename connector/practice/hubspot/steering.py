"""What no client could do to a portal, and demo and tests must: see control.py for the way in.

Verbs: `token` {token, by, lacks, calls}, `app` {client, secret, refresh, life}, `load` {type: [{at,
changed, properties}], ties, owners, events, mails, forms, submissions, subscriptions, consents},
`rules`, `limits`, `stamp` {type, ids, at}, `edit` {type, id, set}, `archive` {type, id}, `erase`
{type, id}, `merge` {type, primary, other}, `webhooks` {url, secret, public, twice, backwards},
`deliver` {}.
"""

from __future__ import annotations

from collections.abc import Callable
from operator import itemgetter
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from connector.practice.hubspot.errors import HubError
from connector.practice.hubspot.logins import Token
from connector.practice.hubspot.webhooks import Sender

if TYPE_CHECKING:
    from connector.practice.hubspot.rest import HubSpotPractice

PERSON = "person"
"""Whose changes are made at the user interface."""


def steer(crm: HubSpotPractice, verb: str, given: Any) -> Any:
    """Do it. Raises ValueError."""
    does = _VERBS.get(verb)
    if does is None:
        raise ValueError(f"no verb `{verb}`; there are: {', '.join(_VERBS)}")
    try:
        return does(crm, given)
    except HubError as error:
        raise ValueError(f"{error.category}: {error.message}") from None


def _token(crm: HubSpotPractice, given: Any) -> None:
    """Let a token in; `lacks` are scopes such as crm.objects.deals.read it does not have."""
    lacks = frozenset(given.get("lacks", ()))
    by = given.get("by", given["token"])
    crm.logins.tokens[given["token"]] = Token(by, lacks, given.get("calls"))


def _app(crm: HubSpotPractice, given: Any) -> Any:
    crm.logins.apps[given["client"]] = (given["secret"], given["refresh"])
    crm.logins.life = given.get("life")
    return {"issued": crm.logins.issued}


def _load(crm: HubSpotPractice, given: Any) -> Any:
    """Rows as they stood before anybody looked: no checks, no effects; gives the new ids.

    `ties` are [type, place or id, other type, place or id]: a place in what was loaded here, or an
    id. Events name contacts the same way.
    """
    portal = crm.portal
    ids: dict[str, list[str]] = {}
    with portal.silently():
        for kind in portal.definitions:
            made = ids.setdefault(kind, [])
            for row in given.get(kind, ()):
                one = portal.insert(kind, row["properties"], "load", row.get("at"))
                if "changed" in row:
                    portal.change(kind, one, {}, "load", row["changed"])
                made.append(one.id)
        for near, one, far, other in given.get("ties", ()):
            portal.tie(near, _id(ids, near, one), far, _id(ids, far, other))
    portal.owners += given.get("owners", ())
    events = [
        {**event, "objectId": _id(ids, "contacts", event["objectId"])}
        for event in given.get("events", ())
    ]
    portal.add_events(events)
    portal.mails += given.get("mails", ())
    portal.mails.sort(key=itemgetter("created"))
    for form in given.get("forms", ()):
        portal.forms[form["id"]] = form
    portal.subscriptions |= given.get("subscriptions", {})
    for address, said in given.get("consents", {}).items():
        portal.consents.setdefault(address.lower(), {}).update(said)
    for form, sent in given.get("submissions", {}).items():
        known = portal.submissions.setdefault(form, [])
        known.extend(sent)
        known.sort(key=itemgetter("submittedAt"), reverse=True)
    return ids


def _id(ids: dict[str, list[str]], kind: str, given: Any) -> str:
    return ids[kind][given] if isinstance(given, int) else str(given)


def _rules(crm: HubSpotPractice, given: Any) -> None:
    for name, value in given.items():
        if not hasattr(crm.portal.rules, name):
            raise ValueError(f"no rule `{name}`")
        kept: Any = [tuple(one) for one in value] if name == "required" else value
        setattr(crm.portal.rules, name, set(kept) if name == "in_use" else kept)


def _limits(crm: HubSpotPractice, given: Any) -> Any:
    for name, value in given.items():
        if not hasattr(crm.limits, name) or name.startswith("_"):
            raise ValueError(f"no limit `{name}`")
        setattr(crm.limits, name, ZoneInfo(value) if name == "zone" else value)
    return {"used": crm.limits.used}


def _stamp(crm: HubSpotPractice, given: Any) -> None:
    """Give records one modified date, as bulk jobs do."""
    for id_ in given["ids"]:
        record = crm.portal.find(given["type"], id_)
        crm.portal.change(given["type"], record, {}, "bulk", given["at"])


def _edit(crm: HubSpotPractice, given: Any) -> None:
    """A person changes a record at the user interface, where a life cycle may go back."""
    record = crm.portal.find(given["type"], given["id"])
    crm.portal.change(given["type"], record, given["set"], PERSON)


def _archive(crm: HubSpotPractice, given: Any) -> None:
    record = crm.portal.find(given["type"], given["id"])
    crm.portal.archive(given["type"], record, PERSON)


def _erase(crm: HubSpotPractice, given: Any) -> None:
    """Privacy law: the record is gone for good."""
    record = crm.portal.find(given["type"], given["id"])
    crm.portal.erase(given["type"], record, PERSON)


def _webhooks(crm: HubSpotPractice, given: Any) -> None:
    """Subscribe a listener to what happens from now on."""
    options = {"public": given["url"], **given}
    seen = len(crm.oracle.effects)
    crm.sender = Sender(crm.portal, **options, seen=seen)


def _deliver(crm: HubSpotPractice, _given: Any) -> Any:
    if crm.sender is None:
        raise ValueError("nobody listens: steer `webhooks` first")
    return {"statuses": crm.sender.deliver(), "waiting": len(crm.sender.waiting)}


def _merge(crm: HubSpotPractice, given: Any) -> Any:
    made = crm.portal.merge(given["type"], given["primary"], given["other"], PERSON)
    return {"id": made.id}


_VERBS: dict[str, Callable[[HubSpotPractice, Any], Any]] = {
    "token": _token,
    "app": _app,
    "load": _load,
    "rules": _rules,
    "limits": _limits,
    "stamp": _stamp,
    "edit": _edit,
    "archive": _archive,
    "erase": _erase,
    "webhooks": _webhooks,
    "deliver": _deliver,
    "merge": _merge,
}
