"""The portal's REST resources, in their v3/v4 paths and in the dated ones, over one state.

Source: developers.hubspot.com, API reference and the migration guide to dated versions.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from urllib.parse import unquote

import orjson

from connector.domain.moment import Micros
from connector.practice.clock import PracticeClock
from connector.practice.faults import Faults
from connector.practice.hubspot import logs, steering
from connector.practice.hubspot.errors import HubError, not_found
from connector.practice.hubspot.limits import Limits
from connector.practice.hubspot.portal import ASSOCIATION, Portal, Record, iso, pipelines
from connector.practice.hubspot.properties import TYPE_IDS, Definitions
from connector.practice.hubspot.search import search
from connector.practice.oracle import Oracle
from connector.practice.wire import Request, Response, empty_response, json_response

_DATES = r"(2026-03|2026-09)"
_VERSIONS = (
    (rf"/crm/(?:v3/objects|objects/{_DATES})", "objects"),
    (rf"/crm/(?:v3/properties|properties/{_DATES})", "properties"),
    (rf"/crm/(?:v3/pipelines|pipelines/{_DATES})", "pipelines"),
    (rf"/crm/(?:v3/owners|owners/{_DATES})", "owners"),
    (rf"/crm/(?:v4/associations|associations/{_DATES})", "associations"),
    (rf"/events/(?:v3/events|event-occurrences/{_DATES})", "events"),
    (rf"/account-info/(?:v3|{_DATES})", "account"),
    (r"/marketing/v3/forms()", "forms"),
    (r"/form-integrations/v1/submissions/forms()", "submissions"),
    (r"/email/public/v1/events()", "mails"),
)
_DEFAULTS = {
    "contacts": ("createdate", "email", "firstname", "hs_object_id", "lastmodifieddate",
                 "lastname"),
    "companies": ("createdate", "domain", "hs_lastmodifieddate", "hs_object_id", "name"),
    "deals": ("amount", "closedate", "createdate", "dealname", "dealstage",
              "hs_lastmodifieddate", "hs_object_id", "pipeline"),
}  # fmt: skip
_ALWAYS = ("hs_createdate", "hs_lastmodifieddate", "hs_object_id")


class HubSpotPractice:
    """One portal at one address."""

    def __init__(
        self, clock: PracticeClock, machine: Callable[[], Micros], faults: Faults | None = None
    ) -> None:
        self.clock = clock
        self.faults = faults or Faults()
        self.portal = Portal(clock)
        self.limits = Limits(machine)
        self.tokens: dict[str, tuple[str, frozenset[str]]] = {}
        """Token -> (whose changes they are, scopes it lacks)."""

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
            by = self._who(request)
            headers = self.limits.count(search=request.path.endswith("/search"))
            response = self._answered(request, by)
        except HubError as error:
            response = error.response()
        except orjson.JSONDecodeError:
            response = HubError(400, "VALIDATION_ERROR", "Invalid input JSON").response()
        return response._replace(headers={**response.headers, **headers})

    def _who(self, request: Request) -> str:
        word, _, token = request.headers.get("authorization", "").partition(" ")
        known = self.tokens.get(token) if word.lower() == "bearer" else None
        if known is None:
            raise HubError(
                401, "INVALID_AUTHENTICATION",
                "Authentication credentials not found. This API supports OAuth 2.0 authentication",
            )  # fmt: skip
        by, lacks = known
        for scope in lacks:
            if f"/{scope.split('.')[2]}" in request.path:
                raise HubError(
                    403, "MISSING_SCOPES",
                    "This app hasn't been granted all required scopes to make this call.",
                    errors=[{"message": "missing", "context": {"requiredGranularScopes": [scope]}}],
                )  # fmt: skip
        return by

    def _answered(self, request: Request, by: str) -> Response:
        path = unquote(request.path).rstrip("/")
        for pattern, area in _VERSIONS:
            match = re.match(pattern + r"(?:/(.*))?$", path)
            if match is None:
                continue
            dated = match.group(1) == "2026-09"
            call = _Call(self, request, by, match.group(2) or "", dated=dated)
            return call.answer(area)
        raise HubError(404, None, "No page found")


class _Call:
    """One request on its way through the portal."""

    def __init__(
        self, crm: HubSpotPractice, request: Request, by: str, rest: str, *, dated: bool
    ) -> None:
        self.portal = crm.portal
        self.crm = crm
        self.request = request
        self.by = by
        self.rest = rest
        self.dated = dated

    def answer(self, area: str) -> Response:
        for method, where, pattern, does in _ROUTES:
            if where == area and method == self.request.method:
                match = re.fullmatch(pattern, self.rest)
                if match:
                    return does(self, *match.groups())
        raise HubError(405 if self.rest else 404, None, "Method Not Allowed")

    # --- objects --------------------------------------------------------------------------------

    def _kind(self, name: str) -> str:
        kind = TYPE_IDS.get(name, name)
        kind = kind if kind in self.portal.definitions else f"{kind}s"
        if kind not in self.portal.definitions:
            raise HubError(400, "VALIDATION_ERROR", f"Unable to infer object type from: {name}")
        if kind == "leads" and not self.portal.rules.leads_enabled:
            raise HubError(403, "MISSING_SCOPES", "The leads object is not enabled")
        return kind

    def listing(self, name: str) -> Response:
        kind = self._kind(name)
        limit = min(int(self.request.argument("limit", "10") or 10), 100)
        after = int(self.request.argument("after", "0") or 0)
        archived = self.request.argument("archived") == "true"
        rows = self.portal.records[kind]
        page: list[Record] = []
        more = None
        for id_ in self.portal.order[kind]:
            if id_ < after or (rows[str(id_)].archived is not None) is not archived:
                continue
            if len(page) == limit:
                more = str(id_)
                break
            page.append(rows[str(id_)])
        names = self.request.arguments("properties")
        histories = self.request.arguments("propertiesWithHistory")
        if histories and limit > 50:
            raise HubError(400, "VALIDATION_ERROR", "The maximum limit with histories is 50")
        others = self.request.arguments("associations")
        shown = [self._shown(kind, one, names, histories, others) for one in page]
        answer: dict[str, Any] = {"results": shown}
        if more is not None:
            link = f"https://api.hubapi.com{self.request.path}?after={more}"
            answer["paging"] = {"next": {"after": more, "link": link}}
        return json_response(200, answer)

    def create(self, name: str) -> Response:
        kind = self._kind(name)
        body = self.request.json()
        record = self.portal.create(kind, body.get("properties", {}), self.by, dated=self.dated)
        for tie in body.get("associations") or []:
            for one in tie.get("types", []):
                other = _other_side(kind, int(one["associationTypeId"]))
                self.portal.tie(kind, record.id, other, str(tie["to"]["id"]))
        return json_response(
            201, self._shown(kind, record, list(body.get("properties", {}))), Location=record.id
        )

    def get(self, name: str, id_: str) -> Response:
        kind = self._kind(name)
        by = self.request.argument("idProperty")
        record = self.portal.find_by(kind, by, id_) if by else self.portal.find(kind, id_)
        names = self.request.arguments("properties")
        histories = self.request.arguments("propertiesWithHistory")
        others = self.request.arguments("associations")
        return json_response(200, self._shown(kind, record, names, histories, others))

    def patch(self, name: str, id_: str) -> Response:
        kind = self._kind(name)
        given = self.request.json().get("properties", {})
        record = self.portal.find(kind, id_)
        self.portal.update(kind, record, given, self.by, dated=self.dated)
        return json_response(200, self._shown(kind, record, list(given)))

    def delete(self, name: str, id_: str) -> Response:
        kind = self._kind(name)
        try:
            self.portal.archive(kind, self.portal.find(kind, id_), self.by)
        except HubError:
            return empty_response(204)
        return empty_response(204)

    def search(self, name: str) -> Response:
        kind = self._kind(name)
        body = self.request.json()
        total, ids, after = search(self.portal, kind, body)
        names = body.get("properties") or []
        index = self.portal.index[kind]
        shown = [self._shown_indexed(kind, id_, *index[id_], names) for id_ in ids]
        answer: dict[str, Any] = {"total": total, "results": shown}
        if after < total:
            answer["paging"] = {"next": {"after": str(after)}}
        return json_response(200, answer)

    def batch_read(self, name: str) -> Response:
        kind = self._kind(name)
        body = self.request.json()
        inputs = self._inputs(body, 50 if body.get("propertiesWithHistory") else 100)
        by = body.get("idProperty")
        found, errors = [], []
        for one in inputs:
            id_ = str(one["id"])
            try:
                record = self.portal.find_by(kind, by, id_) if by else self.portal.find(kind, id_)
            except HubError:
                errors.append(_missing(id_))
            else:
                found.append(record)
        names, histories = body.get("properties") or [], body.get("propertiesWithHistory") or []
        shown = {one.id: self._shown(kind, one, names, histories) for one in found}
        return self._settled(list(shown.values()), errors)

    def batch_update(self, name: str) -> Response:
        kind = self._kind(name)
        inputs = self._inputs(self.request.json(), 100)
        ids = [str(one["id"]) for one in inputs]
        if len(set(ids)) < len(ids):
            raise HubError(400, "VALIDATION_ERROR", "Duplicate IDs found in batch input")
        ready, errors = [], []
        for one in inputs:
            try:
                record = self.portal.find(kind, str(one["id"]))
            except HubError:
                errors.append(_missing(str(one["id"])))
            else:
                ready.append((record, one.get("properties", {})))
        for record, given in ready:
            self.portal.check(kind, record, given, dated=self.dated)
        for record, given in ready:
            self.portal.update(kind, record, given, self.by, dated=self.dated)
        shown = [self._shown(kind, record, list(given)) for record, given in ready]
        return self._settled(shown, errors)

    def batch_create(self, name: str) -> Response:
        kind = self._kind(name)
        made = [
            self.portal.create(kind, one.get("properties", {}), self.by, dated=self.dated)
            for one in self._inputs(self.request.json(), 100)
        ]
        return self._settled([self._shown(kind, one, []) for one in made], [], status=201)

    def merge(self, name: str) -> Response:
        kind = self._kind(name)
        body = self.request.json()
        primary, other = str(body["primaryObjectId"]), str(body["objectIdToMerge"])
        record = self.portal.merge(kind, primary, other, self.by)
        return json_response(200, self._shown(kind, record, []))

    def gdpr_delete(self, name: str) -> Response:
        kind = self._kind(name)
        body = self.request.json()
        by, id_ = body.get("idProperty"), str(body["objectId"])
        record = self.portal.find_by(kind, by, id_) if by else self.portal.find(kind, id_)
        self.portal.erase(kind, record, self.by)
        return empty_response(204)

    # --- associations, properties, owners and the rest --------------------------------------------

    def ties(self, near: str, far: str) -> Response:
        kind, other = self._kind(near), self._kind(far)
        results, errors = [], []
        for one in self._inputs(self.request.json(), 1000):
            id_ = str(one["id"])
            ties = self.portal.associated(kind, id_, other)
            if not ties:
                errors.append(_untied(id_, kind, other))
                continue
            to = [
                {
                    "toObjectId": tie if self.dated else int(tie),
                    "associationTypes": self.portal.tie_type(kind, other, primary=place == 0),
                }
                for place, tie in enumerate(ties)
            ]
            results.append({"from": {"id": id_}, "to": to})
        return self._settled(results, errors)

    def labels(self, near: str, far: str) -> Response:
        types = self.portal.tie_type(self._kind(near), self._kind(far), primary=True)
        return json_response(200, {"results": types})

    def _defined(self, name: str) -> Definitions:
        return self.portal.definitions[self._kind(name)]

    def properties(self, name: str) -> Response:
        archived = self.request.argument("archived") == "true"
        known = self._defined(name).known.values()
        shown = [one.plain(_BORN) for one in known if one.archived is archived]
        return json_response(200, {"results": shown})

    def property(self, name: str, one: str) -> Response:
        found = self._defined(name).live(one)
        if found is None:
            raise HubError(404, "OBJECT_NOT_FOUND", f"No property named {one}")
        return json_response(200, found.plain(_BORN))

    def add_property(self, name: str) -> Response:
        made = self._defined(name).create(self.request.json())
        return json_response(201, made.plain(_BORN))

    def add_properties(self, name: str) -> Response:
        results, errors = [], []
        for one in self._inputs(self.request.json(), 100):
            try:
                results.append(self._defined(name).create(one).plain(_BORN))
            except HubError as error:
                error.context = {"name": [str(one.get("name"))]}
                errors.append(error.entry())
        return self._settled(results, errors, status=201)

    def patch_property(self, name: str, one: str) -> Response:
        return json_response(200, self._defined(name).patch(one, self.request.json()).plain(_BORN))

    def archive_property(self, name: str, one: str) -> Response:
        self._defined(name).archive(one)
        return empty_response(204)

    def groups(self, name: str) -> Response:
        known = self._defined(name).groups.items()
        return json_response(200, {"results": [_group(*one) for one in known]})

    def add_group(self, name: str) -> Response:
        body = self.request.json()
        self._defined(name).add_group(str(body["name"]), str(body["label"]))
        return json_response(201, _group(str(body["name"]), str(body["label"])))

    def pipelines(self, name: str) -> Response:
        return json_response(200, {"results": pipelines(self._kind(name))})

    def owners(self) -> Response:
        archived = self.request.argument("archived") == "true"
        limit = int(self.request.argument("limit", "100") or 100)
        start = int(self.request.argument("after", "0") or 0)
        known = [one for one in self.portal.owners if one["archived"] is archived]
        answer: dict[str, Any] = {"results": known[start : start + limit]}
        if start + limit < len(known):
            answer["paging"] = {"next": {"after": str(start + limit)}}
        return json_response(200, answer)

    def details(self) -> Response:
        return json_response(
            200,
            {
                "portalId": self.portal.id,
                "accountType": "DEVELOPER_TEST",
                "timeZone": "Pacific/Auckland",
                "companyCurrency": "EUR",
                "additionalCurrencies": [],
                "utcOffset": "+13:00",
                "utcOffsetMilliseconds": 46800000,
                "uiDomain": "app-eu1.hubspot.com",
                "dataHostingLocation": "eu1",
            },
        )

    def events(self) -> Response:
        return json_response(200, logs.occurrences(self.portal, self.request))

    def mails(self) -> Response:
        return json_response(200, logs.mail_events(self.portal, self.request))

    def forms(self) -> Response:
        return json_response(200, {"results": list(self.portal.forms.values()), "total": None})

    def submissions(self, form: str) -> Response:
        return json_response(200, logs.submissions(self.portal, self.request, form))

    # --- shapes ---------------------------------------------------------------------------------

    def _inputs(self, body: Any, most: int) -> list[dict[str, Any]]:
        inputs = body.get("inputs") if isinstance(body, dict) else None
        if not isinstance(inputs, list):
            raise HubError(400, "VALIDATION_ERROR", "Invalid input JSON: `inputs` is missing")
        if len(inputs) > most:
            raise HubError(
                400, "VALIDATION_ERROR",
                f"The maximum number of inputs supported in a batch request is {most}",
            )  # fmt: skip
        return inputs

    def _settled(
        self, results: Sequence[Any], errors: Sequence[Any], status: int = 200
    ) -> Response:
        now = iso(self.portal.clock.now())
        answer: dict[str, Any] = {
            "status": "COMPLETE",
            "results": results,
            "startedAt": now,
            "completedAt": now,
        }
        if errors:
            answer |= {"numErrors": len(errors), "errors": errors}
        return json_response(207 if errors else status, answer)

    def _shown(
        self,
        kind: str,
        record: Record,
        names: Sequence[str],
        histories: Sequence[str] = (),
        others: Sequence[str] = (),
    ) -> dict[str, Any]:
        shown = self._shown_indexed(kind, record.id, record.values, record.updated, names)
        if record.archived is not None:
            shown |= {"archived": True, "archivedAt": iso(record.archived)}
        if histories:
            shown["propertiesWithHistory"] = {n: record.history.get(n, []) for n in histories}
        ties = {}
        for other in others:
            far = self._kind(other)
            found = self.portal.associated(kind, record.id, far)
            if found:
                word = f"{kind.rstrip('s')}_to_{_singular(far)}"
                ties[other] = {"results": [{"id": one, "type": word} for one in found]}
        if ties:
            shown["associations"] = ties
        return shown

    def _shown_indexed(
        self, kind: str, id_: str, values: Mapping[str, str], updated: Micros, names: Sequence[str]
    ) -> dict[str, Any]:
        known = self.portal.definitions[kind]
        asked = set(names or _DEFAULTS.get(kind, ())) | set(_ALWAYS)
        asked |= {"createdate", "lastmodifieddate"} if kind == "contacts" else set()
        return {
            "id": id_,
            "properties": {n: values.get(n) for n in sorted(asked) if known.live(n) is not None},
            "createdAt": values.get("createdate"),
            "updatedAt": iso(updated),
            "archived": False,
            "url": f"https://app-eu1.hubspot.com/contacts/{self.portal.id}/record/{kind}/{id_}",
        }


_BORN = "2020-01-01T00:00:00Z"
_Route = tuple[str, str, str, Callable[..., Response]]
_ROUTES: tuple[_Route, ...] = (
    ("GET", "objects", r"([\w-]+)", _Call.listing),
    ("POST", "objects", r"([\w-]+)", _Call.create),
    ("POST", "objects", r"([\w-]+)/search", _Call.search),
    ("POST", "objects", r"([\w-]+)/batch/read", _Call.batch_read),
    ("POST", "objects", r"([\w-]+)/batch/update", _Call.batch_update),
    ("POST", "objects", r"([\w-]+)/batch/create", _Call.batch_create),
    ("POST", "objects", r"([\w-]+)/merge", _Call.merge),
    ("POST", "objects", r"([\w-]+)/gdpr-delete", _Call.gdpr_delete),
    ("GET", "objects", r"([\w-]+)/([^/]+)", _Call.get),
    ("PATCH", "objects", r"([\w-]+)/([^/]+)", _Call.patch),
    ("DELETE", "objects", r"([\w-]+)/([^/]+)", _Call.delete),
    ("POST", "associations", r"([\w-]+)/([\w-]+)/batch/read", _Call.ties),
    ("GET", "associations", r"([\w-]+)/([\w-]+)/labels", _Call.labels),
    ("GET", "properties", r"([\w-]+)", _Call.properties),
    ("POST", "properties", r"([\w-]+)", _Call.add_property),
    ("POST", "properties", r"([\w-]+)/batch/create", _Call.add_properties),
    ("GET", "properties", r"([\w-]+)/groups", _Call.groups),
    ("POST", "properties", r"([\w-]+)/groups", _Call.add_group),
    ("GET", "properties", r"([\w-]+)/(\w+)", _Call.property),
    ("PATCH", "properties", r"([\w-]+)/(\w+)", _Call.patch_property),
    ("DELETE", "properties", r"([\w-]+)/(\w+)", _Call.archive_property),
    ("GET", "pipelines", r"([\w-]+)", _Call.pipelines),
    ("GET", "owners", r"", _Call.owners),
    ("GET", "account", r"details", _Call.details),
    ("GET", "events", r"", _Call.events),
    ("GET", "mails", r"", _Call.mails),
    ("GET", "forms", r"", _Call.forms),
    ("GET", "submissions", r"([\w-]+)", _Call.submissions),
)


def _missing(id_: str) -> dict[str, Any]:
    error = not_found(id_)
    error.category, error.message = "OBJECT_NOT_FOUND", "Could not get some objects"
    error.context = {"ids": [id_]}
    return error.entry()


def _untied(id_: str, kind: str, other: str) -> dict[str, Any]:
    message = f"No {other} is associated with {kind} {id_}."
    error = HubError(404, "OBJECT_NOT_FOUND", message, context={"fromObjectId": [id_]})
    return {**error.entry(), "subCategory": "crm.associations.NO_ASSOCIATIONS_FOUND"}


def _group(name: str, label: str) -> dict[str, Any]:
    return {"name": name, "label": label, "displayOrder": -1, "archived": False}


def _singular(kind: str) -> str:
    return {"companies": "company"}.get(kind, kind.rstrip("s"))


def _other_side(kind: str, type_id: int) -> str:
    for (near, far), known in ASSOCIATION.items():
        if near == kind and known == type_id:
            return far
    raise HubError(400, "VALIDATION_ERROR", f"Unknown association type {type_id} from {kind}")
