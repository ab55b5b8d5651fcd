"""HubSpot's webhooks: proved by their signature, and taken as a word of where to look.

What an event says changed is never believed: events come twice, late and out of order. They give
the ids of records to read again. The order and number of them do not matter, so nothing of them
has to be kept.

Source: HubSpot's pages on validating requests (signature v3) and on webhooks (2026-11).
"""

from __future__ import annotations

import hmac
from base64 import b64encode
from collections.abc import Callable, Iterator, Mapping
from hashlib import sha256
from typing import Any

import orjson

from connector.adapters.base import ERASED
from connector.adapters.hubspot.objects import NAMES
from connector.adapters.hubspot.unconfirmed import EVENT_IDS, EVENT_MERGED
from connector.domain.moment import Micros
from connector.errors import LoginError

AGE_MS = 300_000
"""How far a request's own time may be from ours, either way."""
_PLURAL = {
    "contact": "contacts",
    "company": "companies",
    "deal": "deals",
    "ticket": "tickets",
    "line_item": "line_items",
    "lead": "leads",
}
_SPELLED = {  # what HubSpot decodes in an address before it signs it, and nothing else
    "%3A": ":",
    "%2F": "/",
    "%3F": "?",
    "%40": "@",
    "%21": "!",
    "%24": "$",
    "%27": "'",
    "%28": "(",
    "%29": ")",
    "%2A": "*",
    "%2C": ",",
    "%3B": ";",
}
_CHECK = "Check `auth.client_secret`, the public address behind the proxy, and this machine's clock"


class HubSpotHooks:
    """The webhooks of one app. The secret is opened with each request and never kept."""

    def __init__(self, secret: Callable[[], str]) -> None:
        self._secret = secret

    def verify(self, headers: Mapping[str, str], body: bytes, url: str, now: Micros) -> list[str]:
        """Give `<source>/<id>` of each record to read again, those erased for good with a mark.

        Args:
            body: The bytes as they came; parsed and written anew they have another signature.
            url: The public address HubSpot called, query and all.

        Raises:
            LoginError: the signature is wrong, or it was signed more than five minutes from now.
        """
        given = {name.lower(): value for name, value in headers.items()}
        stamp = given.get("x-hubspot-request-timestamp", "")
        if not (stamp.isascii() and stamp.isdigit() and len(stamp) < 16):
            raise LoginError("a webhook came without HubSpot's time", hint=_CHECK)
        if abs(now // 1000 - int(stamp)) > AGE_MS:
            raise LoginError("a webhook was signed more than five minutes from now", hint=_CHECK)
        said = b"".join((b"POST", _decoded(url).encode(), body, stamp.encode()))
        proof = b64encode(hmac.new(self._secret().encode(), said, sha256).digest())
        if not hmac.compare_digest(proof, given.get("x-hubspot-signature-v3", "").encode()):
            raise LoginError("a webhook's signature is not HubSpot's", hint=_CHECK)
        told = (one for one in _events(body) if not _is_echo(one))
        return list(dict.fromkeys(ident for one in told for ident in _records(one)))


def _decoded(url: str) -> str:
    for escaped, plain in _SPELLED.items():
        url = url.replace(escaped, plain).replace(escaped.lower(), plain)
    return url


def _events(body: bytes) -> list[Mapping[str, Any]]:
    try:
        events = orjson.loads(body)
    except orjson.JSONDecodeError:
        return []
    some = events if isinstance(events, list) else [events]
    return [one for one in some if isinstance(one, dict)]


def _is_echo(event: Mapping[str, Any]) -> bool:
    """Whether the app that is told of a change made it: what we wrote we need not read again.

    That the source's id is the app's was seen by others; where it is not, a read more is made.
    """
    kind, app = str(event.get("subscriptionType", "")), event.get("appId")
    ours = app is not None and str(event.get("sourceId")) == str(app)
    return kind.endswith(".propertyChange") and event.get("changeSource") == "INTEGRATION" and ours


def _records(event: Mapping[str, Any]) -> Iterator[str]:
    """Say which records an event is about; of a merge, all that took part."""
    kind, _, verb = str(event.get("subscriptionType", "")).partition(".")
    if verb == "associationChange":
        yield from _tied(kind, event)
        return
    source = _source(kind, event.get("objectTypeId"))
    if source is None:
        return
    mark = ERASED if verb == "privacyDeletion" else ""
    merged = event.get(EVENT_MERGED)
    ids = [event.get(n) for n in EVENT_IDS]
    for ident in [*ids, *(merged if isinstance(merged, list) else ())]:
        if _is_id(ident):
            yield f"{mark}{source}/{ident}"


def _tied(kind: str, event: Mapping[str, Any]) -> Iterator[str]:
    first, _, second = str(event.get("associationType", "")).lower().partition("_to_")
    for side, name in (("from", first or kind), ("to", second)):
        source = _source(name, event.get(f"{side}ObjectTypeId"))
        ident = event.get(f"{side}ObjectId")
        if source is not None and _is_id(ident):
            yield f"{source}/{ident}"


def _source(kind: str, type_id: Any) -> str | None:
    return NAMES.get(str(type_id)) or _PLURAL.get(kind)


def _is_id(ident: Any) -> bool:
    text = str(ident)
    return not isinstance(ident, bool) and text.isascii() and text.isdigit()
