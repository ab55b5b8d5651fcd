"""Several calls in one, of which later ones may name what earlier ones made.

Source: REST API Developer Guide, "Composite".
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson

from connector.practice.salesforce.errors import ApiError, SaveError
from connector.practice.salesforce.sobject_collections import ROLLED_BACK
from connector.practice.wire import Request, Response, json_response

if TYPE_CHECKING:
    from connector.practice.salesforce.rest import SalesforcePractice

_PARTS = 25
_PASSED = frozenset({"ETag", "Last-Modified", "Location"})
_INHERITED = frozenset({"accept", "authorization", "content-type"})


def composite(crm: SalesforcePractice, request: Request, user: str) -> Response:
    """Up to 25 calls in one; a later one may name `@{reference.id}` of an earlier one.

    No header but those each part brings is passed on, so assignment rules run by default.
    """
    body = request.json()
    parts = body.get("compositeRequest") or []
    if len(parts) > _PARTS:
        raise ApiError(400, "LIMIT_EXCEEDED", f"Limit of {_PARTS} subrequests exceeded")
    answers: list[dict[str, Any]] = []
    known: dict[str, Any] = {}

    def run() -> None:
        for part in parts:
            answers.append(_part(crm, request, user, part, known))
        if body.get("allOrNone") and any(one["httpStatusCode"] >= 400 for one in answers):
            raise ROLLED_BACK

    if body.get("allOrNone"):
        try:
            with crm.org.all_or_none():
                run()
        except SaveError:
            answers = [
                one if one["httpStatusCode"] >= 400 else _halted(one["referenceId"])
                for one in answers
            ]
    else:
        run()
    return json_response(200, {"compositeResponse": answers})


def _part(
    crm: SalesforcePractice, request: Request, user: str, part: Any, known: dict[str, Any]
) -> dict[str, Any]:
    reference = str(part["referenceId"])
    text = orjson.dumps([part["url"], part.get("body")]).decode()
    for name, id_ in known.items():
        text = text.replace("@{" + name + ".id}", str(id_))
    if "@{" in text:
        return _halted(reference)
    url, body = orjson.loads(text)
    headers = part.get("httpHeaders") or {}
    if any(name.lower() in _INHERITED for name in headers):
        raise ApiError(400, "INVALID_HTTP_HEADER", "Accept, Authorization and Content-Type are "
                       "taken from the composite request")  # fmt: skip
    try:
        response = crm.inside(request, url, part["method"], body, headers, user)
    except (ApiError, SaveError) as error:
        response = error.response()
    said = orjson.loads(response.body) if response.body else None
    if isinstance(said, dict) and "id" in said:
        known[reference] = said["id"]
    return {
        "body": said,
        "httpHeaders": {n: v for n, v in response.headers.items() if n in _PASSED},
        "httpStatusCode": response.status,
        "referenceId": reference,
    }


def _halted(reference: str) -> dict[str, Any]:
    said = {
        "errorCode": "PROCESSING_HALTED",
        "message": "The transaction was rolled back since another operation in the same "
        "transaction failed.",
    }
    return {
        "body": [said],
        "httpHeaders": {},
        "httpStatusCode": 400,
        "referenceId": reference,
    }
