"""Tells a listener what happened in the portal, signed, in batches, again where it said no.

Source: developers.hubspot.com, "Webhooks" and "Validating requests" (signature v3). It promises
neither order nor that a thing is told once, so both can be asked for. It never waits: what was not
taken is sent again by the next deliver(), as the vendor does over the following day.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from dataclasses import dataclass, field
from typing import Any

import orjson
import requests

from connector.practice.hubspot.portal import Portal
from connector.practice.oracle import Effect

_BATCH = 100
_ATTEMPTS = 11
_TIMEOUT_S = 5
_NOUN = {"contacts": "contact", "companies": "company", "deals": "deal"}
_SOURCES = {"person": "CRM_UI", "load": "IMPORT"}


def signature(secret: str, method: str, url: str, body: bytes, stamp: str) -> str:
    """Signature v3 of a request."""
    said = method.encode() + url.encode() + body + stamp.encode()
    return base64.b64encode(hmac.new(secret.encode(), said, hashlib.sha256).digest()).decode()


@dataclass
class Sender:
    """One app's subscription to everything."""

    portal: Portal
    url: str
    secret: str
    public: str
    """The address the listener has to the outside; it is the one that is signed."""
    app: int = 9318066
    twice: bool = False
    backwards: bool = False
    seen: int = 0
    waiting: list[dict[str, Any]] = field(default_factory=list)
    given_up: list[dict[str, Any]] = field(default_factory=list)

    def deliver(self) -> list[int]:
        """Send what happened since the last time and what was not taken; gives each answer's
        status, 0 for none within five seconds."""
        self.waiting += self._happened()
        due, self.waiting = self.waiting, []
        if self.backwards:
            due.reverse()
        statuses = []
        for start in range(0, len(due), _BATCH):
            batch = due[start : start + _BATCH]
            statuses += [self._post(batch) for _ in range(2 if self.twice else 1)]
            if not 200 <= statuses[-1] < 300:
                self._again(batch)
        return statuses

    def _again(self, batch: list[dict[str, Any]]) -> None:
        for one in batch:
            one["attemptNumber"] += 1
            (self.waiting if one["attemptNumber"] < _ATTEMPTS else self.given_up).append(one)

    def _post(self, batch: list[dict[str, Any]]) -> int:
        body, stamp = orjson.dumps(batch), str(self.portal.clock.now() // 1000)
        headers = {
            "Content-Type": "application/json",
            "X-HubSpot-Request-Timestamp": stamp,
            "X-HubSpot-Signature-v3": signature(self.secret, "POST", self.public, body, stamp),
        }
        try:
            return requests.post(self.url, body, headers=headers, timeout=_TIMEOUT_S).status_code
        except requests.RequestException:
            return 0

    def _happened(self) -> list[dict[str, Any]]:
        effects = self.portal.oracle.effects
        new, self.seen = effects[self.seen :], len(effects)
        numbered = ((self.seen - len(new) + place, one) for place, one in enumerate(new))
        told = (self._event(place, one) for place, one in numbered if one.object in _NOUN)
        return [one for one in told if one is not None]

    def _event(self, place: int, one: Effect) -> dict[str, Any] | None:
        noun, portal = _NOUN[one.object], self.portal
        what: dict[str, Any] = {}
        merged = portal.merged[one.object]
        if one.field == "+" and one.id in merged:
            kept, lost = merged[one.id]
            kind = f"{noun}.merge"
            what = {"primaryObjectId": int(kept), "mergedObjectIds": [int(kept), int(lost)],
                    "newObjectId": int(one.id), "numberOfPropertiesMoved": 0}  # fmt: skip
        elif one.field == "+":
            kind = f"{noun}.creation"
        elif one.field == "-" and one.id in portal.aliases[one.object]:
            return None
        elif one.field == "-":
            gone = one.object == "contacts" and one.id not in portal.records["contacts"]
            kind = f"{noun}.privacyDeletion" if gone else f"{noun}.deletion"
        else:
            kind = f"{noun}.propertyChange"
            what = {"propertyName": one.field, "propertyValue": one.after or ""}
        return {
            "eventId": 100_000 + place,
            "subscriptionId": 4_000_001,
            "portalId": portal.id,
            "appId": self.app,
            "occurredAt": one.at // 1000,
            "subscriptionType": kind,
            "attemptNumber": 0,
            "objectId": int(one.id),
            "changeSource": _SOURCES.get(one.by, "INTEGRATION"),
            "sourceId": one.by,
            **what,
        }
