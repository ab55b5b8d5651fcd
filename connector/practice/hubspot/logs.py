"""What a portal remembers of visitors: event occurrences, mail events, form submissions.

Source: developers.hubspot.com, "Event analytics", "Email analytics (v1)", "Get form submissions".
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable
from operator import itemgetter
from typing import Any

from connector.practice.hubspot.call import Call
from connector.practice.hubspot.errors import HubError
from connector.practice.hubspot.logins import need
from connector.practice.hubspot.moments import epoch_ms, iso
from connector.practice.wire import Response, json_response

_EVER = "99999999999999"


def occurrences(call: Call) -> Response:
    """Events of a kind or a contact, oldest first. 403 where the edition has none."""
    portal, request = call.portal, call.request
    if not portal.rules.enterprise:
        raise HubError(403, "MISSING_SCOPES", "This portal has no access to event analytics")
    kind, object_ = request.argument("eventType"), request.argument("objectId")
    if object_ and not request.argument("objectType"):
        raise HubError(400, "VALIDATION_ERROR", "objectId needs objectType")
    try:
        low = epoch_ms(request.argument("occurredAfter") or "0")
        high = epoch_ms(request.argument("occurredBefore") or _EVER)
    except ValueError:
        raise HubError(400, "VALIDATION_ERROR", "occurredAfter is no moment") from None
    limit, start = min(call.whole("limit", 10), 1000), call.whole("after", 0)
    places: Iterable[int]
    if object_:
        id_ = portal.aliases["contacts"].get(object_, object_)
        places = [place for place in portal.events_of.get(id_, ()) if place >= start]
    else:
        at = itemgetter("at")
        places = range(max(start, bisect_left(portal.events, low, key=at)),
                       bisect_left(portal.events, high, key=at))  # fmt: skip
    page: list[dict[str, Any]] = []
    more = None
    for place in places:
        one = portal.events[place]
        if (kind and one["eventType"] != kind) or not low <= one["at"] < high:
            continue
        if len(page) == limit:
            more = str(place)
            break
        page.append(_occurrence(one))
    answer: dict[str, Any] = {"results": page}
    if more is not None:
        answer["paging"] = {"next": {"after": more}}
    return json_response(200, answer)


def event_types(call: Call) -> Response:
    """Kinds of events there may be, whether or not any has come."""
    seen = {one["eventType"] for one in call.portal.events}
    return json_response(200, {"eventTypes": sorted(seen | {"e_visited_page", "e_v2_clicked"})})


def _occurrence(one: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": one["id"],
        "eventType": one["eventType"],
        "objectType": "CONTACT",
        "objectId": one["objectId"],
        "occurredAt": iso(one["at"] * 1000),
        "properties": one["properties"],
    }


def mail_events(call: Call) -> Response:
    """Sends, opens, clicks and bounces, newest first."""
    need(call.token, "content")
    portal, request = call.portal, call.request
    kind, who = request.argument("eventType"), request.argument("recipient")
    low, high = call.whole("startTimestamp", 0), call.whole("endTimestamp", int(_EVER))
    limit, start = min(call.whole("limit", 10), 1000), call.whole("offset", 0)
    created = itemgetter("created")
    mails = portal.mails[
        bisect_left(portal.mails, low, key=created) : bisect_right(portal.mails, high, key=created)
    ]
    if kind or who:
        mails = [
            one
            for one in mails
            if (not kind or one["type"] == kind) and (not who or one["recipient"] == who)
        ]
    begin = max(0, len(mails) - start - limit)
    page = mails[begin : len(mails) - start][::-1]
    return json_response(
        200,
        {
            "hasMore": begin > 0,
            "offset": str(start + limit),
            "events": [{**one, "portalId": portal.id} for one in page],
        },
    )


def forms(call: Call) -> Response:
    """A page of forms."""
    need(call.token, "forms")
    limit, start = call.whole("limit", 50), call.whole("after", 0)
    known = list(call.portal.forms.values())
    answer: dict[str, Any] = {"results": known[start : start + limit]}
    if start + limit < len(known):
        answer["paging"] = {"next": {"after": str(start + limit)}}
    return json_response(200, answer)


def submissions(call: Call, form: str) -> Response:
    """What was sent with one form, newest first, 50 at most."""
    need(call.token, "forms")
    if form not in call.portal.forms:
        raise HubError(404, "OBJECT_NOT_FOUND", "No form with that id")
    limit, start = call.whole("limit", 20), call.whole("after", 0)
    if limit > 50:
        raise HubError(400, "VALIDATION_ERROR", "limit must be at most 50")
    sent = call.portal.submissions.get(form, [])
    answer: dict[str, Any] = {"results": sent[start : start + limit]}
    if start + limit < len(sent):
        answer["paging"] = {"next": {"after": str(start + limit)}}
    return json_response(200, answer)
