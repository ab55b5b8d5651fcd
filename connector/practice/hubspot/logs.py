"""What a portal remembers of visitors: event occurrences, mail events, form submissions.

Source: developers.hubspot.com, "Event analytics", "Email analytics (v1)", "Get form submissions".
"""

from __future__ import annotations

from typing import Any

from connector.practice.hubspot.errors import HubError
from connector.practice.hubspot.moments import epoch_ms
from connector.practice.hubspot.portal import Portal, iso
from connector.practice.wire import Request


def occurrences(portal: Portal, request: Request) -> dict[str, Any]:
    """Events of a kind, oldest first. Raises HubError 403 where the edition has none."""
    if not portal.rules.enterprise:
        raise HubError(403, "MISSING_SCOPES", "This portal has no access to event analytics")
    kind, object_ = request.argument("eventType"), request.argument("objectId")
    if object_ and not request.argument("objectType"):
        raise HubError(400, "VALIDATION_ERROR", "objectId needs objectType")
    low = epoch_ms(request.argument("occurredAfter") or "0")
    high = epoch_ms(request.argument("occurredBefore") or "99999999999999")
    limit = min(int(request.argument("limit", "10") or 10), 1000)
    start = int(request.argument("after", "0") or 0)
    page: list[dict[str, Any]] = []
    more = None
    for place in range(start, len(portal.events)):
        one = portal.events[place]
        if (kind and one["eventType"] != kind) or (object_ and one["objectId"] != object_):
            continue
        if not low <= one["at"] < high:
            continue
        if len(page) == limit:
            more = str(place)
            break
        page.append(_occurrence(one))
    answer: dict[str, Any] = {"results": page}
    if more is not None:
        answer["paging"] = {"next": {"after": more}}
    return answer


def _occurrence(one: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": one["id"],
        "eventType": one["eventType"],
        "objectType": "CONTACT",
        "objectId": one["objectId"],
        "occurredAt": iso(one["at"] * 1000),
        "properties": one["properties"],
    }


def mail_events(portal: Portal, request: Request) -> dict[str, Any]:
    """Sends, opens, clicks and bounces, newest first."""
    kind, who = request.argument("eventType"), request.argument("recipient")
    low = int(request.argument("startTimestamp", "0") or 0)
    high = int(request.argument("endTimestamp", "99999999999999") or 0)
    limit = min(int(request.argument("limit", "10") or 10), 1000)
    start = int(request.argument("offset", "0") or 0)
    found = [
        one
        for one in reversed(portal.mails)
        if low <= one["created"] <= high
        and (not kind or one["type"] == kind)
        and (not who or one["recipient"] == who)
    ]
    return {
        "hasMore": start + limit < len(found),
        "offset": str(start + limit),
        "events": [{**one, "portalId": portal.id} for one in found[start : start + limit]],
    }


def submissions(portal: Portal, request: Request, form: str) -> dict[str, Any]:
    """What was sent with one form, newest first, 50 at most. Raises HubError 404."""
    if form not in portal.forms:
        raise HubError(404, "OBJECT_NOT_FOUND", "No form with that id")
    limit = int(request.argument("limit", "20") or 20)
    if limit > 50:
        raise HubError(400, "VALIDATION_ERROR", "limit must be at most 50")
    start = int(request.argument("after", "0") or 0)
    sent = portal.submissions.get(form, [])
    newest = sorted(sent, key=lambda one: -one["submittedAt"])
    answer: dict[str, Any] = {"results": newest[start : start + limit]}
    if start + limit < len(newest):
        answer["paging"] = {"next": {"after": str(start + limit)}}
    return answer
