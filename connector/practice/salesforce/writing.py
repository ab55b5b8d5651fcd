"""Resources that write one record, and convert leads.

Source: REST API Developer Guide, "sObject Rows", "Assignment Rule Header", "Duplicate Rule Header".
"""

from __future__ import annotations

from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any

from connector.domain.moment import to_micros
from connector.practice.salesforce import lifecycle
from connector.practice.salesforce.errors import ApiError, SaveError
from connector.practice.salesforce.ids import canonical
from connector.practice.salesforce.moments import moment_of
from connector.practice.salesforce.rules import Wishes
from connector.practice.wire import Request, Response, empty_response, json_response

if TYPE_CHECKING:
    from connector.practice.salesforce.rest import SalesforcePractice


def wishes_of(request: Request) -> Wishes:
    """Assignment rules run unless the call says FALSE; alerts stop a row unless it insists."""
    duplicates = request.headers.get("sforce-duplicate-rule-header", "").replace(" ", "").lower()
    return Wishes(
        request.headers.get("sforce-auto-assign", "TRUE").upper() != "FALSE",
        "allowsave=true" in duplicates,
        "includerecorddetails=true" in duplicates,
    )


def writable_object(crm: SalesforcePractice, name: Any) -> str:
    """The object of that name, if clients may write it. Raises ApiError 404."""
    spec = crm.org.spec(str(name))
    if spec is None or not spec.create:
        raise ApiError(404, "NOT_FOUND", "The requested resource does not exist")
    return spec.name


def create(crm: SalesforcePractice, request: Request, user: str, name: str) -> Response:
    """Add one record."""
    made = crm.org.create(writable_object(crm, name), request.json(), user, wishes_of(request))
    return json_response(201, {"id": made, "success": True, "errors": []})


def update(crm: SalesforcePractice, request: Request, user: str, name: str, id_: str) -> Response:
    """Change one record; 412 if it changed since the moment the call names."""
    writable_object(crm, name)
    since, row = request.headers.get("if-unmodified-since"), _there(crm, id_)
    if since and moment_of(row["LastModifiedDate"]) > to_micros(parsedate_to_datetime(since)):
        raise ApiError(412, "PRECONDITION_FAILED", "The record was modified since the given date")
    crm.org.update(id_, request.json(), user, wishes_of(request))
    return empty_response(204)


def _there(crm: SalesforcePractice, id_: str) -> dict[str, Any]:
    """The row of an id in a path. Raises ApiError 404."""
    row = crm.org.shared(canonical(id_))
    if row is None:
        raise ApiError(
            404, "NOT_FOUND",
            f"Provided external ID field does not exist or is not accessible: {id_}",
        )  # fmt: skip
    return row


def upsert(
    crm: SalesforcePractice, request: Request, user: str, name: str, key: str, value: str
) -> Response:
    """Change the record with that external id, or add it; 300 where several have it."""
    object_ = writable_object(crm, name)
    field = external_key(crm, object_, key)
    found = crm.org.with_external(object_, field, value)
    base = f"/services/data/v{crm.org.version}/sobjects/{object_}/"
    if len(found) > 1:
        return json_response(300, [base + one for one in found])
    body = {**request.json(), field: value}
    if found:
        crm.org.update(found[0], body, user, wishes_of(request))
        made, status = found[0], 200
    else:
        made, status = crm.org.create(object_, body, user, wishes_of(request)), 201
    answer = {"id": made, "success": True, "errors": [], "created": not found}
    return json_response(status, answer)


def external_key(crm: SalesforcePractice, object_: str, key: str) -> str:
    """The field that a path names to find records by. Raises ApiError 404."""
    spec = crm.org.schema[object_].find(key)
    if spec is None or not spec.looked_up:
        raise ApiError(404, "NOT_FOUND", "Provided external ID field does not exist or is not "
                       f"accessible: {key}")  # fmt: skip
    return spec.name


def delete(crm: SalesforcePractice, request: Request, user: str, name: str, id_: str) -> Response:
    """Put one record into the bin."""
    writable_object(crm, name)
    _there(crm, id_)
    crm.org.delete(id_, user)
    return empty_response(204)


def convert(crm: SalesforcePractice, request: Request, user: str) -> Response:
    """Convert leads, as the invocable action does."""
    answers = []
    for wish in request.json().get("inputs", []):
        answer: dict[str, Any] = {"actionName": "convertLead", "errors": None, "isSuccess": True,
                                  "outputValues": None, "version": 1}  # fmt: skip
        try:
            answer["outputValues"] = lifecycle.convert(crm.org, wish.get("leadId"), user, wish)
        except SaveError as error:
            answer |= {"errors": [error.entry()], "isSuccess": False}
        answers.append(answer)
    return json_response(200, answers)
