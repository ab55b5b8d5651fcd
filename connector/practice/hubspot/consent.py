"""What people said about being written to: one address at a time, or many where the edition can.

Source: developers.hubspot.com, "Communication preferences". Nobody having said anything is
NOT_SPECIFIED, which is not a yes.
"""

from __future__ import annotations

from typing import Any

from connector.practice.hubspot.call import Call
from connector.practice.hubspot.errors import HubError
from connector.practice.hubspot.logins import need
from connector.practice.wire import Response, json_response

_SCOPE = "communication_preferences.read"


def of_one(call: Call, address: str) -> Response:
    """What one address said."""
    need(call.token, _SCOPE)
    if call.request.argument("channel") != "EMAIL":
        raise HubError(400, "VALIDATION_ERROR", "channel is required")
    return json_response(200, {"status": "COMPLETE", "results": _said(call, address)})


def batch(call: Call) -> Response:
    """What up to 100 addresses said. 403 where the edition has no batches."""
    addresses = _asked(call)
    return call.settled(
        [{"subscriberIdString": one, "statuses": _said(call, one)} for one in addresses]
    )


def batch_of_all(call: Call) -> Response:
    """Which of up to 100 addresses want nothing at all."""
    results = []
    for one in _asked(call):
        statuses = [said["status"] for said in _said(call, one)]
        gone = bool(statuses) and set(statuses) == {"UNSUBSCRIBED"}
        wide = [{"wideStatusType": "PORTAL_WIDE", "status": "UNSUBSCRIBED"}] if gone else []
        results.append({"subscriberIdString": one, "wideStatuses": wide})
    return call.settled(results)


def _asked(call: Call) -> list[str]:
    need(call.token, _SCOPE)
    if not call.portal.rules.enterprise:
        raise HubError(403, "MISSING_SCOPES", "This portal has no batches of subscriptions")
    inputs: Any = call.request.json().get("inputs")
    if not isinstance(inputs, list) or len(inputs) > 100:
        raise HubError(400, "VALIDATION_ERROR", "inputs must be a list of at most 100 addresses")
    return [str(one) for one in inputs]


def _said(call: Call, address: str) -> list[dict[str, Any]]:
    said = call.portal.consents.get(address.lower(), {})
    return [
        {
            "subscriptionId": int(id_),
            "subscriptionName": name,
            "status": said.get(id_, "NOT_SPECIFIED"),
            "channel": "EMAIL",
            "source": "INTERNAL",
            "subscriberIdString": address,
        }
        for id_, name in call.portal.subscriptions.items()
    ]
