"""The portal at its address, in its v3/v4 paths and in the dated ones, over one state.

Source: developers.hubspot.com, API reference and the migration guide to dated versions.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import unquote

import orjson

from connector.domain.moment import Micros
from connector.practice.clock import PracticeClock
from connector.practice.faults import Faults
from connector.practice.hubspot import (
    associations,
    consent,
    lists,
    logs,
    objects,
    settings,
    steering,
)
from connector.practice.hubspot.call import Call
from connector.practice.hubspot.errors import HubError
from connector.practice.hubspot.limits import Limits
from connector.practice.hubspot.logins import Logins
from connector.practice.hubspot.portal import Portal
from connector.practice.hubspot.webhooks import Sender
from connector.practice.oracle import Oracle
from connector.practice.wire import Request, Response

_DATES = r"(2026-03|2026-09)"
_AREAS = (
    (rf"/crm/(?:v3/objects|v4/objects|objects/{_DATES})", "objects"),
    (rf"/crm/(?:v3/properties|properties/{_DATES})", "properties"),
    (rf"/crm/(?:v3/pipelines|pipelines/{_DATES})", "pipelines"),
    (rf"/crm/(?:v3/owners|owners/{_DATES})", "owners"),
    (rf"/crm/(?:v4/associations|associations/{_DATES})", "associations"),
    (rf"/events/(?:v3/events|event-occurrences/{_DATES})", "events"),
    (rf"/crm/(?:v3/lists|lists/{_DATES})", "lists"),
    (rf"/communication-preferences/(?:v4|{_DATES})/statuses", "consent"),
    (rf"/account-info/(?:v3|{_DATES})", "account"),
    (r"/crm/v3/schemas()", "schemas"),
    (r"/marketing/v3/forms()", "forms"),
    (r"/form-integrations/v1/submissions/forms()", "submissions"),
    (r"/email/public/v1/events()", "mails"),
)
_VERSIONS = tuple((re.compile(pattern + r"(?:/(.*))?"), area) for pattern, area in _AREAS)
_LONGEST_URL = 16_000
_REFRESH = re.compile(r"/oauth/(?:v1|v3|2026-03|2026-09)/token")
_PATTERNS: tuple[tuple[str, str, str, Callable[..., Response]], ...] = (
    ("GET", "objects", r"([\w-]+)", objects.listing),
    ("POST", "objects", r"([\w-]+)", objects.create),
    ("POST", "objects", r"([\w-]+)/search", objects.search),
    ("POST", "objects", r"([\w-]+)/batch/read", objects.batch_read),
    ("POST", "objects", r"([\w-]+)/batch/update", objects.batch_update),
    ("POST", "objects", r"([\w-]+)/batch/create", objects.batch_create),
    ("POST", "objects", r"([\w-]+)/batch/upsert", objects.batch_upsert),
    ("POST", "objects", r"([\w-]+)/batch/archive", objects.batch_archive),
    ("POST", "objects", r"([\w-]+)/merge", objects.merge),
    ("POST", "objects", r"([\w-]+)/gdpr-delete", objects.gdpr_delete),
    ("GET", "objects", r"([\w-]+)/(\d+)/associations/([\w-]+)", associations.of_one),
    ("PUT", "objects", r"([\w-]+)/(\d+)/associations/default/([\w-]+)/(\d+)", associations.default),
    ("GET", "objects", r"([\w-]+)/([^/]+)", objects.get),
    ("PATCH", "objects", r"([\w-]+)/([^/]+)", objects.patch),
    ("DELETE", "objects", r"([\w-]+)/([^/]+)", objects.archive),
    ("POST", "associations", r"([\w-]+)/([\w-]+)/batch/read", associations.read),
    ("POST", "associations", r"([\w-]+)/([\w-]+)/batch/create", associations.create),
    ("POST", "associations", r"([\w-]+)/([\w-]+)/batch/associate/default", associations.create),
    ("POST", "associations", r"([\w-]+)/([\w-]+)/batch/archive", associations.archive),
    ("GET", "associations", r"([\w-]+)/([\w-]+)/labels", associations.labels),
    ("GET", "properties", r"([\w-]+)", settings.properties),
    ("POST", "properties", r"([\w-]+)", settings.add_property),
    ("POST", "properties", r"([\w-]+)/batch/create", settings.add_properties),
    ("POST", "properties", r"([\w-]+)/batch/read", settings.read_properties),
    ("POST", "properties", r"([\w-]+)/batch/archive", settings.archive_properties),
    ("GET", "properties", r"([\w-]+)/groups", settings.groups),
    ("POST", "properties", r"([\w-]+)/groups", settings.add_group),
    ("GET", "properties", r"([\w-]+)/groups/(\w+)", settings.group),
    ("DELETE", "properties", r"([\w-]+)/groups/(\w+)", settings.archive_group),
    ("GET", "properties", r"([\w-]+)/(\w+)", settings.property_),
    ("PATCH", "properties", r"([\w-]+)/(\w+)", settings.patch_property),
    ("DELETE", "properties", r"([\w-]+)/(\w+)", settings.archive_property),
    ("GET", "pipelines", r"([\w-]+)", settings.pipelines),
    ("GET", "schemas", r"", settings.schemas),
    ("GET", "owners", r"", settings.owners),
    ("GET", "owners", r"(\d+)", settings.owner),
    ("GET", "account", r"details", settings.details),
    ("GET", "account", r"api-usage/daily/private-apps", settings.usage),
    ("GET", "events", r"", logs.occurrences),
    ("GET", "events", r"event-types", logs.event_types),
    ("GET", "mails", r"", logs.mail_events),
    ("POST", "lists", r"", lists.create),
    ("POST", "lists", r"search", lists.search),
    ("POST", "lists", r"records/memberships/batch/read", lists.lists_of),
    ("GET", "lists", r"(\d+)", lists.get),
    ("DELETE", "lists", r"(\d+)", lists.delete),
    ("GET", "lists", r"(\d+)/memberships", lists.memberships),
    ("PUT", "lists", r"(\d+)/memberships/add-and-remove", lists.add_and_remove),
    ("POST", "consent", r"batch/read", consent.batch),
    ("POST", "consent", r"batch/unsubscribe-all/read", consent.batch_of_all),
    ("GET", "consent", r"([^/]+@[^/]+)", consent.of_one),
    ("GET", "forms", r"", logs.forms),
    ("GET", "submissions", r"([\w-]+)", logs.submissions),
)
_ROUTES = tuple((method, area, re.compile(text), does) for method, area, text, does in _PATTERNS)


class HubSpotPractice:
    """One portal at one address."""

    def __init__(
        self, clock: PracticeClock, machine: Callable[[], Micros], faults: Faults | None = None
    ) -> None:
        self.clock = clock
        self.faults = faults or Faults()
        self.portal = Portal(clock)
        self.limits = Limits(machine)
        self.logins = Logins()
        self.sender: Sender | None = None

    @property
    def oracle(self) -> Oracle:
        """What truly changed."""
        return self.portal.oracle

    def steer(self, verb: str, given: Any) -> Any:
        """Do what no client could; see steering.py."""
        return steering.steer(self, verb, given)

    def answer(self, request: Request) -> Response:
        """Do what the request asks."""
        self.portal.settle()
        headers: Mapping[str, str] = {}
        try:
            if len(request.path) + len(request.query) > _LONGEST_URL:
                raise HubError(414, None, "URI Too Long")
            if _REFRESH.fullmatch(request.path) and request.method == "POST":
                return self.logins.refresh(request)
            token = self.logins.token(request)
            headers = self.limits.count(request.path)
            area, dated, rest = _area(request)
            response = _answered(Call(self, request, token, dated), area, rest)
        except HubError as error:
            response = error.response()
        except (orjson.JSONDecodeError, KeyError, TypeError, AttributeError):
            response = HubError(400, "VALIDATION_ERROR", "Invalid input JSON").response()
        return response._replace(headers={**response.headers, **headers})


def _area(request: Request) -> tuple[str, bool, str]:
    """Which area of the API a path is in, whether by a 2026-09 path, and what is left of it."""
    path = unquote(request.path).rstrip("/")
    for pattern, area in _VERSIONS:
        match = pattern.fullmatch(path)
        if match is not None:
            return area, match.group(1) == "2026-09", match.group(2) or ""
    raise HubError(404, None, "No page found")


def _answered(call: Call, area: str, rest: str) -> Response:
    known = False
    for method, where, pattern, does in _ROUTES:
        match = pattern.fullmatch(rest) if where == area else None
        if match is not None and method == call.request.method:
            return does(call, *match.groups())
        known = known or match is not None
    if known:
        raise HubError(405, None, "HTTP 405 Method Not Allowed")
    raise HubError(404, None, "No page found")
