"""The org's REST resources: which path is which, and the shapes of their answers.

Source: REST API Developer Guide, "Reference"; paths arrive with or without a last slash.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from email import policy
from email.parser import BytesParser
from typing import Any
from urllib.parse import unquote

import orjson

from connector.practice.clock import PracticeClock
from connector.practice.faults import Faults
from connector.practice.oracle import Oracle
from connector.practice.salesforce import steering
from connector.practice.salesforce.deploy import deploy
from connector.practice.salesforce.errors import ApiError, SaveError
from connector.practice.salesforce.ids import canonical, make_id
from connector.practice.salesforce.logins import Logins
from connector.practice.salesforce.org import Org
from connector.practice.salesforce.select import Selection
from connector.practice.salesforce.soql import parse
from connector.practice.wire import Request, Response, empty_response, json_response

VERSIONS = tuple(f"{number}.0" for number in range(31, 69))
_DATA = re.compile(r"/services/data/v(\d+\.\d)/?(.*)")
_BATCH = 200
_PAGE = 2000
_LONGEST = 16_384


class SalesforcePractice:
    """One org at one address."""

    def __init__(self, clock: PracticeClock, faults: Faults | None = None) -> None:
        self.clock = clock
        self.faults = faults or Faults()
        self.org = Org(clock)
        self.logins = Logins()
        self.page = _PAGE
        self.quota = 100_000
        self.used = 0
        self._cursors: dict[str, tuple[Selection, list[str]]] = {}
        self._deploys: dict[str, dict[str, Any]] = {}

    @property
    def oracle(self) -> Oracle:
        """What truly changed."""
        return self.org.oracle

    def steer(self, verb: str, given: Any) -> Any:
        """Do what no client could; see steering.py."""
        return steering.steer(self, verb, given)

    def forget_cursors(self) -> None:
        """Let every open cursor be lost."""
        self._cursors.clear()

    def answer(self, request: Request) -> Response:
        """Do what the request asks."""
        self.org.settle()
        try:
            response = self._answered(request)
        except ApiError as error:
            response = error.response()
        except SaveError as error:
            response = error.response()
        except orjson.JSONDecodeError as error:
            response = ApiError(400, "JSON_PARSER_ERROR", str(error)).response()
        usage = f"api-usage={self.used}/{self.quota}"
        return response._replace(headers={**response.headers, "Sforce-Limit-Info": usage})

    def _answered(self, request: Request) -> Response:
        path = unquote(request.path)
        if path.rstrip("/") == "/services/data":
            return json_response(200, [_version(one) for one in VERSIONS])
        if path == "/services/oauth2/token":
            scheme = request.headers.get("x-forwarded-proto", "http")
            host = f"{scheme}://{request.headers.get('host', '')}"
            return self.logins.token(self.org, request, host)
        user = self.logins.user(request)
        if user is None:
            raise ApiError(401, "INVALID_SESSION_ID", "Session expired or invalid")
        if path == "/services/oauth2/userinfo":
            return json_response(200, self.logins.userinfo(self.org, user))
        match = _DATA.fullmatch(path)
        if match is None or match.group(1) not in VERSIONS:
            raise ApiError(404, "NOT_FOUND", "The requested resource does not exist")
        if len(request.path) + len(request.query) > _LONGEST:
            raise ApiError(414, "URI_TOO_LONG", "URI too long")
        self.used += 1
        if self.used > self.quota:
            raise ApiError(403, "REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded.")
        return self._resource(request, match.group(2).strip("/"), user)

    def _resource(self, request: Request, path: str, user: str) -> Response:
        for method, pattern, does in _ROUTES:
            found = re.fullmatch(pattern, path)
            if found and method == request.method:
                return does(self, request, user, *found.groups())
        raise ApiError(404, "NOT_FOUND", "The requested resource does not exist")

    # --- reading --------------------------------------------------------------------------------

    def _query(self, request: Request, user: str, verb: str) -> Response:
        text = request.argument("q")
        if not text:
            raise ApiError(400, "MALFORMED_QUERY", "SOQL statements cannot be empty or null")
        query = parse(text)
        selection = Selection(self.org, user, query, everything=verb == "queryAll")
        ids = selection.ids()
        if query.count == "":
            return json_response(200, {"totalSize": len(ids), "done": True, "records": []})
        if query.count:
            one = {"attributes": {"type": "AggregateResult"}, "expr0": len(ids)}
            return json_response(200, {"totalSize": 1, "done": True, "records": [one]})
        return json_response(200, self._paged(request, selection, ids, 0, verb))

    def _paged(
        self, request: Request, selection: Selection, ids: list[str], start: int, verb: str
    ) -> dict[str, Any]:
        size = min(self.page, _asked_size(request) or self.page)
        end = start + size
        answer: dict[str, Any] = {"totalSize": len(ids), "done": end >= len(ids)}
        if end < len(ids):
            cursor = make_id("0r8", len(self._cursors) + 1)
            self._cursors[cursor] = (selection, ids)
            locator = f"/services/data/v{self.org.version}/{verb}/{cursor}-{end}"
            answer["nextRecordsUrl"] = locator
        return {**answer, "records": selection.render(ids[start:end])}

    def _more(self, request: Request, user: str, verb: str, cursor: str, start: str) -> Response:
        kept = self._cursors.get(cursor)
        if kept is None:
            raise ApiError(400, "INVALID_QUERY_LOCATOR", "invalid query locator")
        return json_response(200, self._paged(request, *kept, int(start), verb))

    def _sobjects(self, request: Request, user: str) -> Response:
        known = [spec.summary(self.org.version) for spec in self.org.schema.values()]
        return json_response(200, {"encoding": "UTF-8", "maxBatchSize": 200, "sobjects": known})

    def _describe(self, request: Request, user: str, name: str) -> Response:
        spec = self.org.spec(name)
        if spec is None:
            raise ApiError(404, "NOT_FOUND", "The requested resource does not exist")
        seen = []
        for one in spec.fields.values():
            if self.org.sees(user, spec, one):
                described = one.describe()
                described["updateable"] &= self.org.edits(user, spec, one)
                seen.append((one, described))
        whole = spec.describe(self.org.version, [])
        return json_response(200, {**whole, "fields": [described for _, described in seen]})

    def _get(self, request: Request, user: str, name: str, id_: str) -> Response:
        spec = self.org.spec(name)
        row = self.org.find(canonical(id_))
        if spec is None or row is None or self.org.type_of(row["Id"]) != spec.name:
            raise ApiError(
                404, "NOT_FOUND",
                f"Provided external ID field does not exist or is not accessible: {id_}",
            )  # fmt: skip
        if row.get("IsDeleted"):
            raise ApiError(404, "ENTITY_IS_DELETED", "entity is deleted")
        names = request.arguments("fields") or [
            one.name for one in spec.fields.values() if self.org.sees(user, spec, one)
        ]
        query = parse(f"SELECT {', '.join(names)} FROM {spec.name}")
        selection = Selection(self.org, user, query, everything=True)
        return json_response(200, selection.render([row["Id"]])[0])

    def _limits(self, request: Request, user: str) -> Response:
        left = {"Max": self.quota, "Remaining": max(0, self.quota - self.used)}
        bulk = {"Max": 10_000, "Remaining": 10_000}
        return json_response(200, {"DailyApiRequests": left, "DailyBulkV2QueryJobs": bulk})

    def _record_count(self, request: Request, user: str) -> Response:
        counts = []
        for name in request.arguments("sObjects"):
            rows = self.org.tables.get(name, {}).values()
            counts.append({"count": sum(not r.get("IsDeleted") for r in rows), "name": name})
        return json_response(200, {"sObjects": counts})

    # --- writing --------------------------------------------------------------------------------

    def _create(self, request: Request, user: str, name: str) -> Response:
        spec = self._named(name)
        made = self.org.create(spec, request.json(), user, auto_assign=_assigns(request))
        return json_response(201, {"id": made, "success": True, "errors": []})

    def _update(self, request: Request, user: str, name: str, id_: str) -> Response:
        self._named(name)
        self.org.update(id_, request.json(), user, auto_assign=_assigns(request))
        return empty_response(204)

    def _delete(self, request: Request, user: str, name: str, id_: str) -> Response:
        self._named(name)
        self.org.delete(id_, user)
        return empty_response(204)

    def _collection(self, request: Request, user: str) -> Response:
        body = request.json()
        records = body.get("records") if isinstance(body, dict) else None
        if not isinstance(records, list):
            raise ApiError(400, "JSON_PARSER_ERROR", "`records` is missing")
        if len(records) > _BATCH:
            raise ApiError(
                400, "EXCEEDED_ID_LIMIT",
                f"record limit reached. cannot submit more than {_BATCH} records in this call",
            )  # fmt: skip
        if _chunks(records) > 10:
            raise ApiError(400, "INVALID_INPUT", "cannot have more than 10 chunks in one call")
        ids = [record.get("id") or record.get("Id") for record in records]
        if request.method == "PATCH" and len(set(ids)) < len(ids):
            raise ApiError(400, "INVALID_INPUT", "Duplicate id in the records")
        save = self._updated if request.method == "PATCH" else self._created
        if body.get("allOrNone"):
            return json_response(200, self._all_or_none(records, save, user, request))
        assigns = _assigns(request)
        return json_response(200, [save(one, user, assigns) for one in records])

    def _all_or_none(
        self, records: list[Any], save: Callable[..., Any], user: str, request: Request
    ) -> list[Any]:
        """One record alone; a practice org cannot undo the first ones of a set."""
        if len(records) > 1:
            raise ApiError(400, "INVALID_INPUT", "this practice org takes allOrNone for one record")
        return [save(one, user, _assigns(request)) for one in records]

    def _created(self, record: Any, user: str, assigns: bool) -> dict[str, Any]:  # noqa: FBT001
        try:
            name = self._named(record.get("attributes", {}).get("type", ""))
            made = self.org.create(name, record, user, auto_assign=assigns)
        except SaveError as error:
            return {"success": False, "errors": [error.entry()]}
        return {"id": made, "success": True, "errors": []}

    def _updated(self, record: Any, user: str, assigns: bool) -> dict[str, Any]:  # noqa: FBT001
        id_ = record.get("id") or record.get("Id")
        try:
            if id_ is None:
                raise SaveError("MISSING_ARGUMENT", "Id not specified in an update call")
            self.org.update(id_, record, user, auto_assign=assigns)
        except SaveError as error:
            return {"success": False, "errors": [error.entry()]}
        return {"id": canonical(id_), "success": True, "errors": []}

    def _convert(self, request: Request, user: str) -> Response:
        answers = []
        for wish in request.json().get("inputs", []):
            try:
                made = self.org.convert(wish.get("leadId"), user, wish)
            except SaveError as error:
                answers.append(_action(errors=[error.entry()]))
            else:
                answers.append(_action(values=made))
        return json_response(200, answers)

    # --- deploying ------------------------------------------------------------------------------

    def _deploy(self, request: Request, user: str) -> Response:
        if user not in steering.deployers(self.org):
            raise ApiError(403, "INSUFFICIENT_ACCESS", "use of the Metadata API requires a user "
                           "with the ModifyAllData or ModifyMetadata permissions")  # fmt: skip
        options, archive = _parts(request)
        try:
            result = deploy(self.org, archive, options, user)
        except ValueError as error:
            raise ApiError(400, "INVALID_MULTIPART_REQUEST", str(error)) from None
        id_ = make_id("0Af", len(self._deploys) + 1)
        self._deploys[id_] = {"options": options, "result": {"id": id_, **result}}
        waiting = {"id": id_, "status": "Pending", "done": False, "success": False}
        return json_response(201, {"id": id_, "deployOptions": options, "deployResult": waiting})

    def _deploy_status(self, request: Request, user: str, id_: str) -> Response:
        known = self._deploys.get(str(canonical(id_)))
        if known is None:
            raise ApiError(404, "NOT_FOUND", "The requested resource does not exist")
        result = dict(known["result"])
        if request.argument("includeDetails") != "true":
            result.pop("details")
        return json_response(
            200, {"id": id_, "deployOptions": known["options"], "deployResult": result}
        )

    def _named(self, name: str) -> str:
        spec = self.org.spec(name)
        if spec is None or not (spec.create or spec.name == "PermissionSetAssignment"):
            raise ApiError(404, "NOT_FOUND", "The requested resource does not exist")
        return spec.name


_Route = tuple[str, str, Callable[..., Response]]
_ROUTES: tuple[_Route, ...] = (
    ("GET", r"(query|queryAll)", SalesforcePractice._query),  # noqa: SLF001  its own routes
    ("GET", r"(query|queryAll)/(\w+)-(\d+)", SalesforcePractice._more),  # noqa: SLF001
    ("GET", r"sobjects", SalesforcePractice._sobjects),  # noqa: SLF001
    ("GET", r"sobjects/(\w+)/describe", SalesforcePractice._describe),  # noqa: SLF001
    ("GET", r"sobjects/(\w+)/(\w+)", SalesforcePractice._get),  # noqa: SLF001
    ("GET", r"limits", SalesforcePractice._limits),  # noqa: SLF001
    ("GET", r"limits/recordCount", SalesforcePractice._record_count),  # noqa: SLF001
    ("POST", r"sobjects/(\w+)", SalesforcePractice._create),  # noqa: SLF001
    ("PATCH", r"sobjects/(\w+)/(\w+)", SalesforcePractice._update),  # noqa: SLF001
    ("DELETE", r"sobjects/(\w+)/(\w+)", SalesforcePractice._delete),  # noqa: SLF001
    ("POST", r"composite/sobjects", SalesforcePractice._collection),  # noqa: SLF001
    ("PATCH", r"composite/sobjects", SalesforcePractice._collection),  # noqa: SLF001
    ("POST", r"actions/standard/convertLead", SalesforcePractice._convert),  # noqa: SLF001
    ("POST", r"metadata/deployRequest", SalesforcePractice._deploy),  # noqa: SLF001
    ("GET", r"metadata/deployRequest/(\w+)", SalesforcePractice._deploy_status),  # noqa: SLF001
)


def _version(number: str) -> dict[str, str]:
    return {"label": f"v{number}", "url": f"/services/data/v{number}", "version": number}


def _asked_size(request: Request) -> int | None:
    match = re.search(r"batchSize=(\d+)", request.headers.get("sforce-query-options", ""))
    return min(2000, max(200, int(match.group(1)))) if match else None


def _assigns(request: Request) -> bool:
    """Whether assignment rules run: they do unless the call says FALSE."""
    return request.headers.get("sforce-auto-assign", "TRUE").upper() != "FALSE"


def _chunks(records: list[Any]) -> int:
    types = [record.get("attributes", {}).get("type") for record in records]
    return sum(1 for place, name in enumerate(types) if place == 0 or name != types[place - 1])


def _action(*, values: Any = None, errors: Any = None) -> dict[str, Any]:
    return {
        "actionName": "convertLead",
        "errors": errors,
        "isSuccess": errors is None,
        "outputValues": values,
        "version": 1,
    }


def _parts(request: Request) -> tuple[dict[str, Any], bytes]:
    """The options and the zip of a multipart body. Raises ApiError."""
    kind = request.headers.get("content-type", "").encode()
    parsed = BytesParser(policy=policy.HTTP).parsebytes(
        b"Content-Type: " + kind + b"\r\n\r\n" + request.body
    )
    options: dict[str, Any] = {}
    archive = b""
    for part in parsed.iter_parts() if parsed.is_multipart() else ():
        content = part.get_payload(decode=True)
        body = content if isinstance(content, bytes) else b""
        if part.get_param("name", header="content-disposition") == "json":
            options = orjson.loads(body).get("deployOptions", {})
        else:
            archive = body
    if not archive:
        raise ApiError(400, "INVALID_MULTIPART_REQUEST", "the multipart request has no file part")
    return options, archive
