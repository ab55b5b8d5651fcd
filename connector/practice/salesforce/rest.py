"""The org at its address: who calls, what it costs, and which resource answers.

Source: REST API Developer Guide, "Reference"; paths arrive with or without a last slash.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import unquote

import orjson

from connector.practice.clock import PracticeClock
from connector.practice.faults import Faults
from connector.practice.oracle import Oracle
from connector.practice.salesforce import (
    bulk_ingest,
    bulk_query,
    composite,
    deployments,
    reading,
    rights,
    soap,
    soap_metadata,
    sobject_collections,
    steering,
    writing,
)
from connector.practice.salesforce.allowance import Allowance
from connector.practice.salesforce.cursors import Cursors
from connector.practice.salesforce.errors import ApiError, SaveError
from connector.practice.salesforce.jobs import Jobs
from connector.practice.salesforce.logins import Logins
from connector.practice.salesforce.org import Org
from connector.practice.wire import JSON, Request, Response, json_response

VERSIONS = tuple(f"{number}.0" for number in range(31, 69))
_DATA = re.compile(r"/services/data/v(\d+\.\d)/?(.*)")
_PAGE = 2000
_MOST_CHANGES = 600_000
_LONGEST = 16_384
_INDENTED = orjson.OPT_INDENT_2
_ENDED = "Session expired or invalid"
_KINDS = frozenset({"", "application/json", "multipart/form-data", "text/csv"})
"""What a body may be. Of XML the org reads nothing."""
_Resource = Callable[..., Response]
_PATTERNS: tuple[tuple[str, str, _Resource], ...] = (
    ("GET", r"(query|queryAll|tooling/query)", reading.query),
    ("GET", r"(query|queryAll)/(\w+)-(\d+)", reading.query_more),
    ("GET", r"sobjects", reading.sobjects),
    ("GET", r"sobjects/(\w+)", reading.basics),
    ("GET", r"sobjects/(\w+)/describe", reading.describe),
    ("GET", r"sobjects/(\w+)/updated", reading.updated),
    ("GET", r"sobjects/(\w+)/deleted", reading.deleted),
    ("GET", r"sobjects/(\w+)/(\w+)", reading.get),
    ("GET", r"sobjects/(\w+)/(\w+)/(.+)", reading.get_by_key),
    ("GET", r"limits", reading.limits),
    ("GET", r"limits/recordCount", reading.record_count),
    ("POST", r"sobjects/(\w+)", writing.create),
    ("PATCH", r"sobjects/(\w+)/(\w+)", writing.update),
    ("PATCH", r"sobjects/(\w+)/(\w+)/(.+)", writing.upsert),
    ("DELETE", r"sobjects/(\w+)/(\w+)", writing.delete),
    ("POST", r"composite/sobjects", sobject_collections.collection),
    ("PATCH", r"composite/sobjects", sobject_collections.collection),
    ("DELETE", r"composite/sobjects", sobject_collections.delete_several),
    ("PATCH", r"composite/sobjects/(\w+)/(\w+)", sobject_collections.upsert_several),
    ("GET", r"composite/sobjects/(\w+)", reading.retrieve),
    ("POST", r"composite/sobjects/(\w+)", reading.retrieve),
    ("POST", r"composite", composite.composite),
    ("POST", r"actions/standard/convertLead", writing.convert),
    ("POST", r"metadata/deployRequest", deployments.deploy),
    ("GET", r"metadata/deployRequest/(\w+)", deployments.deploy_status),
    ("GET", r"jobs/query", bulk_query.listing),
    ("POST", r"jobs/query", bulk_query.create),
    ("GET", r"jobs/query/(\w+)", bulk_query.status),
    ("PATCH", r"jobs/query/(\w+)", bulk_query.change),
    ("DELETE", r"jobs/query/(\w+)", bulk_query.delete),
    ("GET", r"jobs/query/(\w+)/results", bulk_query.results),
    ("GET", r"jobs/ingest", bulk_ingest.listing),
    ("POST", r"jobs/ingest", bulk_ingest.create),
    ("GET", r"jobs/ingest/(\w+)", bulk_ingest.status),
    ("PATCH", r"jobs/ingest/(\w+)", bulk_ingest.change),
    ("DELETE", r"jobs/ingest/(\w+)", bulk_ingest.delete),
    ("PUT", r"jobs/ingest/(\w+)/batches", bulk_ingest.upload),
    (
        "GET",
        r"jobs/ingest/(\w+)/(successfulResults|failedResults|unprocessed[Rr]ecords)",
        bulk_ingest.results,
    ),
)
_ROUTES = tuple((method, re.compile(pattern), does) for method, pattern, does in _PATTERNS)


class SalesforcePractice:
    """One org at one address."""

    def __init__(self, clock: PracticeClock, faults: Faults | None = None) -> None:
        self.clock = clock
        self.faults = faults or Faults()
        self.org = Org(clock)
        self.logins = Logins()
        self.jobs = Jobs()
        self.allowance = Allowance()
        self.cursors = Cursors()
        self.page = _PAGE
        self.most_changes = _MOST_CHANGES
        self.deploys: dict[str, dict[str, Any]] = {}

    @property
    def oracle(self) -> Oracle:
        """What truly changed."""
        return self.org.oracle

    def steer(self, verb: str, given: Any) -> Any:
        """Do what no client could; see steering.py."""
        return steering.steer(self, verb, given)

    def answer(self, request: Request) -> Response:
        """Do what the request asks."""
        self.org.settle()
        self.jobs.settle(self.org)
        try:
            response = self._answered(request)
        except (ApiError, SaveError) as error:
            response = error.response()
        except orjson.JSONDecodeError as error:
            response = ApiError(400, "JSON_PARSER_ERROR", str(error)).response()
        if not request.path.startswith("/services/data"):
            return response
        if request.headers.get("x-prettyprint") == "1":
            response = _pretty(response)
        usage = self.allowance.header(self.clock.now())
        return response._replace(headers={**response.headers, "Sforce-Limit-Info": usage})

    def resource(self, request: Request, path: str, user: str) -> Response:
        """Answer for a path below /services/data/vNN.N/. Raises ApiError or SaveError."""
        known = False
        for method, pattern, does in _ROUTES:
            found = pattern.fullmatch(path)
            if found and method == request.method:
                return does(self, request, user, *found.groups())
            known = known or found is not None
        if known:
            raise ApiError(405, "METHOD_NOT_ALLOWED", f"HTTP Method '{request.method}' not "
                           "allowed.")  # fmt: skip
        raise ApiError(404, "NOT_FOUND", "The requested resource does not exist")

    def inside(self, request: Request, url: str, method: str, body: Any,
               headers: Mapping[str, str], user: str) -> Response:  # fmt: skip
        """Answer for one part of a composite request: only what it says itself is asked."""
        path, _, query = url.partition("?")
        match = _DATA.fullmatch(unquote(path))
        if match is None:
            raise ApiError(404, "NOT_FOUND", "The requested resource does not exist")
        kept = {name.lower(): value for name, value in headers.items()}
        part = Request(method, path, query, kept, orjson.dumps(body))
        del request
        return self.resource(part, match.group(2).strip("/"), user)

    def _answered(self, request: Request) -> Response:
        path = unquote(request.path)
        if path.rstrip("/") == "/services/data":
            return json_response(200, [_version(one) for one in VERSIONS])
        if path == "/services/oauth2/token":
            return self.logins.token(self.org, request, _host(request))
        if (refused := soap.login(path)) is not None:
            return refused
        if path == "/services/oauth2/revoke":
            return self.logins.revoke(request)
        if path.startswith(soap_metadata.PREFIX):
            return soap_metadata.serve(self, request, _host(request))
        user = self.logins.user(self.org, request, _host(request))
        if user is None:
            raise ApiError(401, "INVALID_SESSION_ID", self.logins.barred or _ENDED)
        if path == "/services/oauth2/userinfo":
            return json_response(200, self.logins.userinfo(self.org, user))
        match = _DATA.fullmatch(path)
        if match is None or match.group(1) not in VERSIONS:
            raise ApiError(404, "NOT_FOUND", "The requested resource does not exist")
        if len(request.path) + len(request.query) > _LONGEST:
            raise ApiError(414, "URI_TOO_LONG", "URI too long")
        kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if request.body and kind not in _KINDS:
            raise ApiError(
                415, "UNSUPPORTED_MEDIA_TYPE", f"The content type is not supported: {kind}"
            )
        self.allowance.count(self.clock.now())
        rights.check_call(self.org, user)
        return self.resource(request, match.group(2).strip("/"), user)


def _host(request: Request) -> str:
    """Where the client reached us, as it named it; a mounted adapter says so in X-Orig-Host."""
    original = request.headers.get("x-orig-host")
    if original:
        return f"https://{original}"
    scheme = request.headers.get("x-forwarded-proto", "http")
    return f"{scheme}://{request.headers.get('host', '')}"


def _version(number: str) -> dict[str, str]:
    """Salesforce names versions by season: 62.0 is Winter '25."""
    past = int(float(number)) - 62
    season = ("Winter", "Spring", "Summer")[past % 3]
    year = 25 + past // 3
    return {
        "label": f"{season} '{year}",
        "url": f"/services/data/v{number}",
        "version": number,
    }


def _pretty(response: Response) -> Response:
    """The same answer with its JSON indented, for whoever asks with X-PrettyPrint."""
    if not response.body or response.headers.get("Content-Type") != JSON:
        return response
    return response._replace(body=orjson.dumps(orjson.loads(response.body), option=_INDENTED))
