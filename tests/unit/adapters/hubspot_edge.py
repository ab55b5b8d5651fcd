"""HubSpot at the HTTP edge, as far as these tests need it: strict about what it is asked.

It answers on the paths of one version only, so that a call on the wrong one fails.
"""

from __future__ import annotations

import json
import re
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Callable
from functools import lru_cache
from operator import ge, gt, le, lt
from typing import Any
from urllib.parse import parse_qs, urlsplit

import responses

from connector.adapters.hubspot.adapter import HubSpotAdapter
from connector.adapters.hubspot.calls import Calls
from connector.adapters.hubspot.paths import Paths
from connector.domain.moment import parse_iso

URL = "https://api.hubapi.com"
TOKEN = "pat-eu1-canary-7f3a"
NOW = "Sun, 01 Nov 2026 12:00:00 GMT"
PREFIX = {
    "2026-09": {
        "objects": "/crm/objects/2026-09",
        "associations": "/crm/associations/2026-09",
        "properties": "/crm/properties/2026-09",
        "pipelines": "/crm/pipelines/2026-09",
        "owners": "/crm/owners/2026-09",
        "account": "/account-info/2026-09/details",
        "events": "/events/event-occurrences/2026-09",
        "lists": "/crm/lists/2026-09",
        "consent": "/communication-preferences/2026-09/statuses",
        "usage": "/account-info/2026-09/api-usage/daily/private-apps",
    },
    "v3": {
        "objects": "/crm/v3/objects",
        "associations": "/crm/v4/associations",
        "properties": "/crm/v3/properties",
        "pipelines": "/crm/v3/pipelines",
        "owners": "/crm/v3/owners",
        "account": "/account-info/v3/details",
        "events": "/events/v3/events",
        "lists": "/crm/v3/lists",
        "consent": "/communication-preferences/v4/statuses",
        "usage": "/account-info/v3/api-usage/daily/private-apps",
    },
}
LEGACY = {
    "forms": "/marketing/v3/forms",
    "submissions": "/form-integrations/v1/submissions/forms",
    "mails": "/email/public/v1/events",
}


def error(status: int, message: str, category: str = "VALIDATION_ERROR", **more: Any) -> Any:
    body = {"status": "error", "message": message, "category": category, "correlationId": "c-1"}
    return status, {**body, **more}


def definition(name: str, kind: str = "string", control: str = "text", **more: Any) -> dict:
    return {
        "name": name,
        "label": name.title(),
        "type": kind,
        "fieldType": control,
        "groupName": "contactinformation",
        "options": [],
        "modificationMetadata": {
            "archivable": True,
            "readOnlyDefinition": False,
            "readOnlyValue": False,
        },
        **more,
    }


def options(*values: str) -> list[dict]:
    return [{"label": v.title(), "value": v, "displayOrder": 0, "hidden": False} for v in values]


READ_ONLY = {"archivable": False, "readOnlyDefinition": True, "readOnlyValue": True}
BASE = [
    definition("hs_object_id", "number", "number", modificationMetadata=READ_ONLY),
    definition("lastmodifieddate", "datetime", "date", modificationMetadata=READ_ONLY),
    definition("hs_lastmodifieddate", "datetime", "date", modificationMetadata=READ_ONLY),
    definition("hs_merged_object_ids", "enumeration", "checkbox", modificationMetadata=READ_ONLY),
]
PROPERTIES = {
    "contacts": [
        *BASE,
        definition("email"),
        definition("firstname"),
        definition("lastname"),
        definition("jobtitle"),
        definition("leadloop_score", "number", "number"),
        definition("leadloop_nurture_theme"),
        definition("leadloop_nurture", "bool", "booleancheckbox", options=options("true", "false")),
        definition("tier", "enumeration", "select", options=options("gold", "silver")),
        definition("hs_lead_status", "enumeration", "radio", options=options("NEW", "OPEN")),
        definition("hubspotscore", "number", "number", calculated=True),
        definition(
            "hubspot_owner_id",
            "enumeration",
            "select",
            referencedObjectType="OWNER",
            externalOptions=True,
        ),
        *(definition(f"wide_property_number_{n:03}") for n in range(200)),
    ],
    "deals": [
        *BASE,
        definition("dealstage", "enumeration", "radio", options=options("a", "b")),
        definition("pipeline", "enumeration", "select", options=options("default")),
        definition("hs_is_closed", "bool", "booleancheckbox"),
        definition("hs_is_closed_won", "bool", "booleancheckbox"),
    ],
    "emails": [*BASE, definition("hs_timestamp", "datetime", "date")],
    "companies": [*BASE, definition("name")],
    "tasks": [*BASE, definition("hs_task_body"), definition("hs_task_subject")],
    "notes": [*BASE, definition("hs_note_body")],
}


@lru_cache(100_000)
def _ms(moment: str) -> int:
    return parse_iso(moment) // 1000


_COMPARED = {"GTE": ge, "LT": lt, "GT": gt, "LTE": le}


def _held(one: dict) -> Callable[[dict], bool]:
    """What tells of a record whether it fits a filter: read once, asked of each of thousands."""
    name = one["propertyName"]
    if one["operator"] == "HAS_PROPERTY":
        return lambda record: record.get(name) not in {None, ""}
    compared, wanted = _COMPARED[one["operator"]], int(one["value"])
    value = int if name == "hs_object_id" else _ms
    return lambda record: compared(value(record[name]), wanted)


def _begin(ids: list[int], filters: list[dict]) -> int:
    """Where the ids begin that fit the lower bounds of a search."""
    cuts = {"GT": bisect_right, "GTE": bisect_left}
    low = [
        cuts[f["operator"]](ids, int(f["value"]))
        for f in filters
        if f["propertyName"] == "hs_object_id" and f["operator"] in cuts
    ]
    return max(low, default=0)


class Portal:
    """Records, definitions, owners; `calls` counts what was asked, `bodies` keeps it."""

    def __init__(self, version: str) -> None:
        self.version = version
        self.records: dict[str, dict[int, dict[str, Any]]] = {}
        self.properties = {kind: [*some] for kind, some in PROPERTIES.items()}
        self.archived_properties: dict[str, list[dict]] = {}
        self.groups: dict[str, set[str]] = {}
        self.owners: list[dict[str, Any]] = []
        self.ties: dict[tuple[str, str], dict[str, list[dict]]] = {}
        self.pipelines: list[dict] = []
        self.consents: dict[str, dict[str, str]] = {}
        self.lists: dict[str, dict[str, Any]] = {}
        self.submissions: dict[str, list[dict]] = {}
        self.mails: list[dict] = []
        self.merged: dict[str, str] = {}
        self.forbidden: set[str] = set()
        self.web = "app-eu1.hubspot.com"
        self.bad: set[str] = set()
        self.in_use: set[str] = set()
        self.deaf: set[str] = set()
        self.required: str | None = None
        self.calls: Counter[str] = Counter()
        self.bodies: list[tuple[str, Any]] = []
        self.headers: dict[str, str] = {}
        self.queue: list[Any] = []
        self.list_order = sorted
        self.list_cursor: Callable[[list[int], int], str] = lambda _ids, place: str(place)
        self.list_from: Callable[[list[int], str], int] = lambda ids, a: bisect_left(ids, int(a))
        self.leapt: list[str] = []
        self.list_page: int | None = None
        self.lost = 0
        self.search_cap = 10_000
        self.body_limit: int | None = None
        self.clock: Callable[[], float] | None = None
        self.searched_at: list[float] = []

    def put(self, kind: str, ident: int, modified: str = "2026-10-01T00:00:00Z", **values: Any):
        named = "lastmodifieddate" if kind == "contacts" else "hs_lastmodifieddate"
        there = self.records.setdefault(kind, {}).setdefault(ident, {"archivedAt": None})
        there.update(values)
        there[named] = modified
        there["hs_object_id"] = str(ident)
        return str(ident)

    def archive(self, kind: str, ident: int, at: str = "2026-10-01T00:00:00Z") -> None:
        self.records[kind][ident]["archivedAt"] = at

    # --- serving ---------------------------------------------------------------------------------

    def serve(self, mock: Any) -> None:
        for method in (responses.GET, responses.POST, responses.PUT, responses.DELETE):
            mock.add_callback(method, re.compile(re.escape(URL)), self._answer)

    def _answer(self, request: Any) -> Any:
        headers = {"Content-Type": "application/json;charset=utf-8", "Date": NOW, **self.headers}
        if self.queue:
            planned = self.queue.pop(0)
            if planned is not None:
                status, more, body = planned
                return status, {**headers, **more}, json.dumps(body)
        if request.headers["Authorization"] != f"Bearer {TOKEN}":
            return 401, headers, json.dumps(error(401, "no", "INVALID_AUTHENTICATION")[1])
        parts = urlsplit(request.url)
        query = {k: v[0] for k, v in parse_qs(parts.query).items()}
        body = json.loads(request.body) if request.body else None
        status, answer = self._route(request.method, parts.path, query, body, request.body)
        changes = parts.path.endswith(
            ("/batch/update", "/objects/2026-09/tasks", "/v3/objects/tasks")
        )
        if self.lost and changes and status in {200, 201, 207}:
            self.lost -= 1
            raise responses.ConnectionError("connection reset")
        return status, headers, json.dumps(answer)

    def _route(self, method: str, path: str, query: dict, body: Any, raw: Any) -> Any:
        for name, prefix in {**PREFIX[self.version], **LEGACY}.items():
            if path == prefix or path.startswith(f"{prefix}/"):
                rest = [part for part in path[len(prefix) :].split("/") if part]
                verb = rest[-1] if name == "objects" and len(rest) > 1 else "list"
                if verb == "search" and self.clock is not None:
                    self.searched_at.append(self.clock())
                self.calls[name if name != "objects" else f"{rest[0]} {verb}"] += 1
                self.bodies.append((path, body))
                if name in self.forbidden or (rest and rest[0] in self.forbidden):
                    scope = {
                        "requiredGranularScopes": [f"crm.objects.{rest[0] if rest else name}.read"]
                    }
                    return error(
                        403,
                        "no scope",
                        "MISSING_SCOPES",
                        errors=[{"message": "", "context": scope}],
                    )
                return getattr(self, f"_{name}")(method, rest, query, body, raw)
        return error(404, f"nothing at {path}")

    def _account(self, *_: Any) -> Any:
        return 200, {
            "portalId": 4711,
            "accountType": "STANDARD",
            "timeZone": "Pacific/Apia",
            "uiDomain": self.web,
        }

    def _properties(self, method: str, rest: list, query: dict, body: Any, _raw: Any) -> Any:
        kind = rest[0]
        if kind not in self.properties:
            return error(404, "no such type", "OBJECT_NOT_FOUND")
        if method == "DELETE":
            return self._delete_property(kind, rest[1:])
        if rest[1:] == ["groups"]:
            if method == "GET":
                some = self.groups.get(kind, set())
                return 200, {"results": [{"name": n, "label": n, "archived": False} for n in some]}
            self.groups.setdefault(kind, set()).add(body["name"])
            return 201, {**body, "archived": False}
        if rest[1:] == ["batch", "create"]:
            return self._create_properties(kind, body)
        archived = query.get("archived") == "true"
        return 200, {
            "results": self.archived_properties.get(kind, []) if archived else self.properties[kind]
        }

    def _delete_property(self, kind: str, rest: list) -> Any:
        if rest[0] == "groups":
            if any(p["groupName"] == rest[1] for p in self.properties[kind]):
                return error(400, "not empty", subCategory="GROUP_WITH_ACTIVE_PROPERTIES")
            self.groups.get(kind, set()).discard(rest[1])
            return 200, {}
        if rest[0] in self.in_use:
            return error(400, "in use", subCategory="Properties.CANNOT_DELETE_PROPERTY_IN_USE")
        self.properties[kind] = [p for p in self.properties[kind] if p["name"] != rest[0]]
        return 200, {}

    def _create_properties(self, kind: str, body: Any) -> Any:
        made, errors = [], []
        for one in body["inputs"]:
            assert one["groupName"] in self.groups.get(kind, set()), "the group comes first"
            if one["type"] == "bool":
                assert [o["value"] for o in one["options"]] == ["true", "false"]
            if any(p["name"] == one["name"] for p in self.properties[kind]):
                errors.append(
                    {"status": "error", "category": "OBJECT_ALREADY_EXISTS", "message": "is there"}
                )
                continue
            old = [p for p in self.archived_properties.get(kind, []) if p["name"] == one["name"]]
            made.append(old[0] if old else definition(one["name"], one["type"], one["fieldType"]))
        self.properties[kind] += made
        if errors and not made:
            return 409, errors[0]
        answer = {
            "status": "COMPLETE",
            "results": made,
            "startedAt": "2026-11-01T00:00:00Z",
            "completedAt": "2026-11-01T00:00:00Z",
        }
        return (
            (207, {**answer, "numErrors": len(errors), "errors": errors})
            if errors
            else (201, answer)
        )

    def _owners(self, _m: str, _rest: list, query: dict, *_: Any) -> Any:
        archived = query.get("archived") == "true"
        found = [o for o in self.owners if o["archived"] is archived]
        return self._paged(found, query, 100)

    def _pipelines(self, *_: Any) -> Any:
        return 200, {"results": self.pipelines}

    def _forms(self, _m: str, rest: list, query: dict, *_: Any) -> Any:
        forms = [{"id": guid, "name": f"Form {guid}"} for guid in self.submissions]
        if rest:
            return 200, next(one for one in forms if one["id"] == rest[0])
        return self._paged(forms, query, 100)

    def _submissions(self, _m: str, rest: list, query: dict, *_: Any) -> Any:
        newest = sorted(self.submissions[rest[0]], key=lambda s: -s["submittedAt"])
        return self._paged(newest, query, 50)

    def _mails(self, _m: str, _r: list, query: dict, *_: Any) -> Any:
        low, high = int(query.get("startTimestamp", 0)), int(query["endTimestamp"])
        found = [m for m in self.mails if low <= m["created"] <= high]
        start = int(query.get("offset", "0"))
        return 200, {"hasMore": True, "offset": str(start + 2), "events": found[start : start + 2]}

    def _events(self, *_: Any) -> Any:
        return error(403, "Enterprise only", "FORBIDDEN")

    def _associations(self, _m: str, rest: list, _q: dict, body: Any, _raw: Any) -> Any:
        if rest[2:] == ["labels"]:
            kind = {"tasks": 204, "notes": 202}[rest[0]]
            return 200, {
                "results": [
                    {"category": "USER_DEFINED", "typeId": 7, "label": None},
                    {"category": "HUBSPOT_DEFINED", "typeId": kind, "label": None},
                ]
            }
        assert rest[2:] == ["batch", "read"]
        assert len(body["inputs"]) <= 1000, "at most 1,000 ids"
        results, errors = [], []
        for one in body["inputs"]:
            tied = self.ties.get((rest[0], rest[1]), {}).get(one["id"])
            if tied is None:
                errors.append(
                    {
                        "subCategory": "crm.associations.NO_ASSOCIATIONS_FOUND",
                        "context": {"fromObjectId": [one["id"]]},
                    }
                )
                continue
            start = int(one.get("after", "0"))
            paging = {"next": {"after": str(start + 2)}} if len(tied) > start + 2 else None
            results.append(
                {
                    "from": {"id": one["id"]},
                    "to": tied[start : start + 2],
                    **({"paging": paging} if paging else {}),
                }
            )
        return (207 if errors else 200), {
            "results": results,
            "errors": errors,
            "status": "COMPLETE",
        }

    # --- objects ---------------------------------------------------------------------------------

    def _objects(self, method: str, rest: list, query: dict, body: Any, raw: Any) -> Any:
        kind = rest[0]
        verb = "/".join(rest[1:]) or "list"
        if verb == "list" and method == "POST":
            return self._create(kind, body)
        if verb == "list":
            return self._list(kind, query)
        if verb == "search":
            return self._search(kind, body, raw)
        if verb == "batch/read":
            return self._batch_read(kind, body)
        assert verb == "batch/update"
        return self._batch_update(kind, body)

    def _shown(self, kind: str, ident: int, wanted: Any) -> dict:
        there = self.records[kind][ident]
        known = {p["name"] for p in self.properties[kind]}
        named = ["hs_object_id", *(n for n in wanted if n in known)]
        shown = {
            "id": str(ident),
            "properties": {n: there.get(n) for n in sorted(named)},
            "createdAt": "2026-01-01T00:00:00Z",
            "updatedAt": "2026-10-01T00:00:00Z",
            "archived": there["archivedAt"] is not None,
        }
        return {**shown, "archivedAt": there["archivedAt"]} if there["archivedAt"] else shown

    def _paged(self, found: list, query: dict, most: int) -> Any:
        limit = int(query.get("limit", "10"))
        assert limit <= most, f"limit {limit}"
        limit = self.list_page or limit
        start = int(query.get("after", "0"))
        page = {"results": found[start : start + limit]}
        if start + limit < len(found):
            page["paging"] = {"next": {"after": str(start + limit), "link": "x"}}
        return 200, page

    def _list(self, kind: str, query: dict) -> Any:
        """Cursors are places in the list, or what `list_cursor` makes of the ids before and
        behind them: those of HubSpot are ids."""
        archived = query.get("archived") == "true"
        ids = self.list_order(
            i
            for i, r in self.records.get(kind, {}).copy().items()
            if (r["archivedAt"] is not None) is archived
        )
        limit, after = int(query.get("limit", "10")), query.get("after", "0")
        assert limit <= 100, f"limit {limit}"
        limit = self.list_page or limit
        cursors = {self.list_cursor(ids, place): place for place in range(1, len(ids))}
        start = cursors.get(after)
        if start is None:  # a cursor nobody gave
            self.leapt += [after] * (after != "0")
            start = self.list_from(ids, after) if after != "0" else 0
        wanted = query.get("properties", "").split(",")
        page = {"results": [self._shown(kind, i, wanted) for i in ids[start : start + limit]]}
        if start + limit < len(ids):
            page["paging"] = {"next": {"after": self.list_cursor(ids, start + limit), "link": "x"}}
        return 200, page

    def _search(self, kind: str, body: Any, raw: Any) -> Any:
        if self.body_limit is not None and len(raw) > self.body_limit:
            return error(400, "the body is too long")
        assert body["limit"] <= 200
        (group,) = body["filterGroups"]
        assert body["sorts"] == [{"propertyName": "hs_object_id", "direction": "ASCENDING"}]
        filters = group["filters"]
        ids = sorted(self.records.get(kind, {}))
        ids = ids[_begin(ids, filters) :]
        rest = [
            _held(f)
            for f in filters
            if not (f["propertyName"] == "hs_object_id" and f["operator"][0] == "G")
        ]
        found = [
            i
            for i in ids
            if self.records[kind][i]["archivedAt"] is None
            and all(fits(self.records[kind][i]) for fits in rest)
        ]
        start, limit = int(body["after"]), body["limit"]
        if start + limit > self.search_cap:
            return error(400, "beyond 10,000")
        shown = [self._shown(kind, i, body["properties"]) for i in found[start : start + limit]]
        page = {"total": len(found), "results": shown}
        if start + limit < len(found):
            page["paging"] = {"next": {"after": str(start + limit)}}
        return 200, page

    def _batch_read(self, kind: str, body: Any) -> Any:
        history = body.get("propertiesWithHistory") or []
        assert len(body["inputs"]) <= (50 if history else 100)
        results, errors = [], []
        for one in body["inputs"]:
            ident = self.merged.get(one["id"], one["id"])
            there = self.records.get(kind, {}).get(int(ident))
            if there is None or there["archivedAt"]:
                errors.append(
                    {
                        "status": "error",
                        "category": "OBJECT_NOT_FOUND",
                        "message": "x",
                        "context": {"ids": [one["id"]]},
                    }
                )
                continue
            shown = self._shown(kind, int(ident), body["properties"])
            if history:
                past = {
                    n: [
                        {"value": there.get(n), "timestamp": t}
                        for t in there.get("_past", {}).get(n, [])
                    ]
                    for n in history
                }
                shown["propertiesWithHistory"] = past
            results.insert(0, shown)  # no order is promised
        return (207 if errors else 200), {
            "status": "COMPLETE",
            "results": results,
            "errors": errors,
        }

    def _create(self, kind: str, body: Any) -> Any:
        (tie,) = body["associations"]
        assert tie["types"] == [
            {
                "associationCategory": "HUBSPOT_DEFINED",
                "associationTypeId": {"tasks": 204, "notes": 202}[kind],
            }
        ]
        ident = self.put(kind, 5000 + len(self.records.get(kind, {})), **body["properties"])
        known = self.ties.setdefault(("contacts", kind), {})
        known.setdefault(tie["to"]["id"], []).append({"toObjectId": ident, "associationTypes": []})
        return 201, self._shown(kind, int(ident), [])

    def _consent(self, _m: str, rest: list, query: dict, body: Any, _raw: Any) -> Any:
        assert (rest, query) == (["batch", "read"], {"channel": "EMAIL"})
        assert len(body["inputs"]) <= 100
        results = [
            {
                "subscriberIdString": one,
                "statuses": [
                    {"subscriptionId": int(s), "status": said}
                    for s, said in self.consents.get(one.lower(), {}).items()
                ],
            }
            for one in body["inputs"]
        ]
        return 200, {"status": "COMPLETE", "results": results}

    def _lists(self, method: str, rest: list, query: dict, body: Any, _raw: Any) -> Any:
        if rest == ["search"]:
            found = [one for one in self.lists.values() if body["query"] in one["name"]]
            start, most = body["offset"], 2
            some = found[start : start + most]
            more = len(found) > start + most
            return 200, {"lists": some, "offset": start + len(some), "hasMore": more}
        if not rest:
            if any(one["name"] == body["name"] for one in self.lists.values()):
                return error(400, "a list of that name is there")
            ident = str(len(self.lists) + 1)
            self.lists[ident] = {**body, "listId": ident, "members": []}
            return 200, {"list": self.lists[ident]}
        if rest[0] not in self.lists:
            return error(404, "no such list", "OBJECT_NOT_FOUND")
        one = self.lists[rest[0]]
        if method == "DELETE":
            del self.lists[rest[0]]
            return 200, {}
        if rest[2:] == ["add-and-remove"]:
            assert method == "PUT"
            assert one["processingType"] == "MANUAL"
            now = {*one["members"], *body["recordIdsToAdd"]} - {*body["recordIdsToRemove"]}
            one["members"] = sorted(now)
            return 200, {}
        some = [
            {"recordId": r, "membershipTimestamp": "2026-10-01T00:00:00Z"}
            for r in sorted(one["members"])
        ]
        return self._paged(some, query, 250)

    def _batch_update(self, kind: str, body: Any) -> Any:
        ids = [one["id"] for one in body["inputs"]]
        assert len(ids) == len(set(ids)) <= 100, "an id twice in a batch"
        for one in body["inputs"]:
            for name, value in one["properties"].items():
                assert isinstance(value, str), f"{name} is sent as {value!r}"
            if one["id"] in self.bad:
                inner = [
                    {
                        "message": 'Property "tier" is bad',
                        "code": "INVALID_OPTION",
                        "context": {"propertyName": ["tier"]},
                    }
                ]
                return error(400, "Property values were not valid", errors=inner)
        results, errors = [], []
        for one in body["inputs"]:
            ident = int(self.merged.get(one["id"], one["id"]))
            there = self.records.get(kind, {}).get(ident)
            if there is None:
                errors.append(
                    {
                        "status": "error",
                        "category": "OBJECT_NOT_FOUND",
                        "message": "x",
                        "context": {"ids": [one["id"]]},
                    }
                )
            elif self.required and self.version != "v3" and not there.get(self.required):
                inner = [
                    {
                        "code": "MISSING_CONDITIONAL_REQUIRED_PROPERTY",
                        "message": "m",
                        "context": {"propertyName": [self.required]},
                    }
                ]
                errors.append(
                    {
                        "status": "error",
                        "category": "VALIDATION_ERROR",
                        "message": "m",
                        "context": {"ids": [one["id"]]},
                        "errors": inner,
                    }
                )
            else:
                kept = {n: v for n, v in one["properties"].items() if n not in self.deaf}
                there.update(kept)
                results.append(self._shown(kind, ident, one["properties"]))
        return (207 if errors else 200), {
            "status": "COMPLETE",
            "results": results,
            "errors": errors,
            "numErrors": len(errors),
        }


class Slow:
    """A clock that only sleeping moves."""

    def __init__(self) -> None:
        self.now, self.slept = 100.0, 0.0

    def clock(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds
        self.slept += seconds


def opened(
    portal: Portal, slow: Slow | None = None, token: str = TOKEN, **given: Any
) -> HubSpotAdapter:
    return HubSpotAdapter(calls_to(portal, slow, token), **given)


def calls_to(portal: Portal, slow: Slow | None = None, token: str = TOKEN) -> Calls:
    """Calls whose time passes by the clock of `slow`."""
    slow = slow or Slow()
    return Calls(URL, lambda: token, Paths(portal.version))
