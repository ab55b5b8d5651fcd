"""What a portal is made of: property definitions, groups, pipelines, owners, the account itself.

Source: developers.hubspot.com, "Properties", "Pipelines", "Owners" and "Account information".
"""

from __future__ import annotations

from typing import Any

from connector.domain.moment import to_datetime
from connector.practice.hubspot.call import Call
from connector.practice.hubspot.errors import HubError
from connector.practice.hubspot.logins import need
from connector.practice.hubspot.pipelines import pipelines as made_pipelines
from connector.practice.hubspot.properties import Definitions
from connector.practice.wire import Response, empty_response, json_response

_BORN = "2020-01-01T00:00:00Z"


def _defined(call: Call, name: str, use: str = "read") -> Definitions:
    kind = call.kind(name)
    need(call.token, f"crm.schemas.{kind}.{use}")
    return call.portal.definitions[kind]


def properties(call: Call, name: str) -> Response:
    """All definitions of an object type, live ones or archived ones."""
    archived = call.request.flag("archived")
    known = _defined(call, name).known.values()
    return json_response(
        200, {"results": [one.plain(_BORN) for one in known if one.archived is archived]}
    )


def schemas(call: Call) -> Response:
    """The custom objects of the portal: it has none."""
    need(call.token, "crm.schemas.custom.read")
    return json_response(200, {"results": []})


def property_(call: Call, name: str, one: str) -> Response:
    """One definition."""
    found = _defined(call, name).live(one)
    if found is None:
        raise HubError(
            404, "OBJECT_NOT_FOUND", f'Property with name "{one}" does not exist',
            context={"propertyName": [one]},
        )  # fmt: skip
    return json_response(200, found.plain(_BORN))


def add_property(call: Call, name: str) -> Response:
    """Define a property, or bring an archived one back."""
    made = _defined(call, name, "write").create(call.request.json())
    return json_response(201, made.plain(_BORN))


def add_properties(call: Call, name: str) -> Response:
    """Define several; 207 where some cannot be."""
    known = _defined(call, name, "write")
    results, errors = [], []
    for one in call.inputs(call.request.json(), 100):
        try:
            results.append(known.create(one).plain(_BORN))
        except HubError as error:
            error.context = {"name": [str(one.get("name"))]}
            errors.append(error.entry())
    return call.settled(results, errors, status=201)


def read_properties(call: Call, name: str) -> Response:
    """Several definitions by name."""
    known = _defined(call, name)
    names = [str(one["name"]) for one in call.inputs(call.request.json(), 100)]
    found = [one.plain(_BORN) for name in names if (one := known.live(name)) is not None]
    return call.settled(found)


def patch_property(call: Call, name: str, one: str) -> Response:
    """Change a definition; `options` replaces the whole list."""
    changed = _defined(call, name, "write").patch(one, call.request.json())
    return json_response(200, changed.plain(_BORN))


def archive_property(call: Call, name: str, one: str) -> Response:
    """Archive a definition that nothing uses."""
    if one in call.portal.rules.in_use:
        raise HubError(
            400, "CANNOT_DELETE_PROPERTY_IN_USE", f"Property {one} is in use and cannot be deleted"
        )
    _defined(call, name, "write").archive(one)
    return empty_response(204)


def archive_properties(call: Call, name: str) -> Response:
    """Archive several definitions."""
    for one in call.inputs(call.request.json(), 100):
        archive_property(call, name, str(one["name"]))
    return empty_response(204)


def groups(call: Call, name: str) -> Response:
    """All groups of an object type."""
    known = _defined(call, name).groups.items()
    return json_response(200, {"results": [_group(*one) for one in known]})


def group(call: Call, name: str, one: str) -> Response:
    """One group."""
    known = _defined(call, name).groups
    if one not in known:
        raise HubError(404, "OBJECT_NOT_FOUND", f"No group named {one}")
    return json_response(200, _group(one, known[one]))


def add_group(call: Call, name: str) -> Response:
    """Make a group."""
    body = call.request.json()
    _defined(call, name, "write").add_group(str(body["name"]), str(body["label"]))
    return json_response(201, _group(str(body["name"]), str(body["label"])))


def archive_group(call: Call, name: str, one: str) -> Response:
    """Archive a group without live properties."""
    known = _defined(call, name, "write")
    if any(p.group == one and not p.archived for p in known.known.values()):
        raise HubError(400, "GROUP_WITH_ACTIVE_PROPERTIES", f"Group {one} has active properties")
    known.groups.pop(one, None)
    return empty_response(204)


def _group(name: str, label: str) -> dict[str, Any]:
    return {"name": name, "label": label, "displayOrder": -1, "archived": False}


def pipelines(call: Call, name: str) -> Response:
    """All pipelines of an object type."""
    return json_response(200, {"results": made_pipelines(call.kind(name))})


def owners(call: Call) -> Response:
    """A page of owners, live ones or archived ones."""
    need(call.token, "crm.objects.owners.read")
    archived = call.request.flag("archived")
    limit, start = min(call.whole("limit", 100), 500), call.whole("after", 0)
    email = call.request.argument("email")
    known = [
        one
        for one in call.portal.owners
        if one["archived"] is archived and (not email or one["email"] == email)
    ]
    answer: dict[str, Any] = {"results": known[start : start + limit]}
    if start + limit < len(known):
        answer["paging"] = {"next": {"after": str(start + limit)}}
    return json_response(200, answer)


def owner(call: Call, id_: str) -> Response:
    """One owner, by its own id or by the user's, two numbers people mix up."""
    need(call.token, "crm.objects.owners.read")
    by = "userId" if call.request.argument("idProperty") == "userId" else "id"
    archived = call.request.flag("archived")
    for one in call.portal.owners:
        if str(one[by]) == id_ and one["archived"] is archived:
            return json_response(200, one)
    raise HubError(404, "OBJECT_NOT_FOUND", "Owner not found", context={"id": [id_]})


def details(call: Call) -> Response:
    """Which portal this is, and its time zone."""
    zone = call.crm.limits.zone
    offset = to_datetime(call.portal.clock.now()).astimezone(zone).strftime("%z")
    span = int(offset[:3]) * 60 + int(offset[0] + offset[3:])
    return json_response(
        200,
        {
            "portalId": call.portal.id,
            "accountType": "DEVELOPER_TEST",
            "timeZone": zone.key,
            "companyCurrency": "EUR",
            "additionalCurrencies": [],
            "utcOffset": f"{offset[:3]}:{offset[3:]}",
            "utcOffsetMilliseconds": span * 60_000,
            "uiDomain": "app-eu1.hubspot.com",
            "dataHostingLocation": "eu1",
        },
    )


def usage(call: Call) -> Response:
    """How many calls of the day private apps have made."""
    limits = call.crm.limits
    one = {
        "name": "private-apps-api-calls-daily",
        "usageLimit": limits.daily,
        "currentUsage": limits.used,
        "collectedAt": to_datetime(call.portal.clock.now()).isoformat(),
        "fetchStatus": "SUCCESS",
        "resetsAt": limits.resets_at().isoformat(),
    }
    return json_response(200, {"results": [one]})
