"""Resources that write: records alone, in collections, in composites; conversion; metadata.

Source: REST API Developer Guide, "sObject Rows", "sObject Collections" and "Composite".
"""

from __future__ import annotations

from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any

import orjson

from connector.domain.moment import to_micros
from connector.practice.salesforce import deploy as metadata
from connector.practice.salesforce import lifecycle
from connector.practice.salesforce.errors import ApiError, SaveError
from connector.practice.salesforce.ids import canonical, make_id
from connector.practice.salesforce.moments import moment_of
from connector.practice.salesforce.org import ADMIN, Wishes
from connector.practice.wire import Request, Response, empty_response, json_response

if TYPE_CHECKING:
    from connector.practice.salesforce.rest import SalesforcePractice

_BATCH = 200
_CHUNKS = 10
_PARTS = 25
_ROLLED_BACK = SaveError(
    "ALL_OR_NONE_OPERATION_ROLLED_BACK",
    "Record rolled back because not all records were valid and the request was using AllOrNone "
    "header",
)


def _wishes(request: Request) -> Wishes:
    """Assignment rules run unless the call says FALSE; alerts stop a row unless it insists."""
    duplicates = request.headers.get("sforce-duplicate-rule-header", "").replace(" ", "").lower()
    return Wishes(
        request.headers.get("sforce-auto-assign", "TRUE").upper() != "FALSE",
        "allowsave=true" in duplicates,
    )


def _named(crm: SalesforcePractice, name: Any) -> str:
    spec = crm.org.spec(str(name))
    if spec is None or not spec.create:
        raise ApiError(404, "NOT_FOUND", "The requested resource does not exist")
    return spec.name


def create(crm: SalesforcePractice, request: Request, user: str, name: str) -> Response:
    """Add one record."""
    made = crm.org.create(_named(crm, name), request.json(), user, _wishes(request))
    return json_response(201, {"id": made, "success": True, "errors": []})


def update(crm: SalesforcePractice, request: Request, user: str, name: str, id_: str) -> Response:
    """Change one record; 412 if it changed since the moment the call names."""
    _named(crm, name)
    since, row = request.headers.get("if-unmodified-since"), _there(crm, id_)
    if since and moment_of(row["LastModifiedDate"]) > to_micros(parsedate_to_datetime(since)):
        raise ApiError(412, "PRECONDITION_FAILED", "The record was modified since the given date")
    crm.org.update(id_, request.json(), user, _wishes(request))
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
    object_ = _named(crm, name)
    spec = crm.org.schema[object_].find(key)
    if spec is None or not spec.external:
        raise ApiError(404, "NOT_FOUND", "Provided external ID field does not exist or is not "
                       f"accessible: {key}")  # fmt: skip
    found = [
        row["Id"]
        for row in crm.org.tables[object_].values()
        if str(row.get(spec.name) or "").lower() == value.lower() and not row.get("IsDeleted")
    ]
    base = f"/services/data/v{crm.org.version}/sobjects/{object_}/"
    if len(found) > 1:
        return json_response(300, [base + one for one in found])
    body = {**request.json(), spec.name: value}
    if found:
        crm.org.update(found[0], body, user, _wishes(request))
        made, status = found[0], 200
    else:
        made, status = crm.org.create(object_, body, user, _wishes(request)), 201
    answer = {"id": made, "success": True, "errors": [], "created": not found}
    return json_response(status, answer)


def delete(crm: SalesforcePractice, request: Request, user: str, name: str, id_: str) -> Response:
    """Put one record into the bin."""
    _named(crm, name)
    _there(crm, id_)
    crm.org.delete(id_, user)
    return empty_response(204)


# --- collections ----------------------------------------------------------------------------------


def collection(crm: SalesforcePractice, request: Request, user: str) -> Response:
    """Add or change up to 200 records, in order, with a result for each."""
    body = request.json()
    records = body.get("records") if isinstance(body, dict) else None
    if not isinstance(records, list):
        raise ApiError(400, "JSON_PARSER_ERROR", "`records` is missing")
    _check_size(len(records))
    if _chunks(records) > _CHUNKS:
        raise ApiError(400, "INVALID_INPUT", "cannot have more than 10 chunks in one call")
    ids = [canonical(record.get("id") or record.get("Id")) for record in records]
    if request.method == "PATCH" and len(set(ids)) < len(ids):
        raise ApiError(400, "INVALID_INPUT", "Duplicate id in the records")
    save = _updated if request.method == "PATCH" else _created
    wishes = _wishes(request)

    def one(record: Any) -> dict[str, Any]:
        return save(crm, record, user, wishes)

    return json_response(200, _each(crm, records, one, whole=bool(body.get("allOrNone"))))


def delete_several(crm: SalesforcePractice, request: Request, user: str) -> Response:
    """Put up to 200 records into the bin."""
    ids = request.arguments("ids")
    _check_size(len(ids))

    def one(id_: Any) -> dict[str, Any]:
        crm.org.delete(id_, user)
        return {"id": canonical(id_), "success": True, "errors": []}

    whole = request.flag("allOrNone")
    return json_response(200, _each(crm, ids, one, whole=whole))


def _each(
    crm: SalesforcePractice, records: list[Any], save: Any, *, whole: bool
) -> list[dict[str, Any]]:
    """Save records one by one; with `whole` all or none of them."""
    results: list[dict[str, Any]] = []

    def each() -> None:
        failed: SaveError | None = None
        for record in records:
            try:
                results.append(save(record))
            except SaveError as error:
                failed = error
                results.append({"success": False, "errors": [error.entry()]})
        if whole and failed is not None:
            raise failed

    if not whole:
        each()
        return results
    try:
        with crm.org.all_or_none():
            each()
    except SaveError:
        undone = {"success": False, "errors": [_ROLLED_BACK.entry()]}
        return [undone if one["success"] else one for one in results]
    return results


def _check_size(count: int) -> None:
    if count > _BATCH:
        raise ApiError(
            400, "EXCEEDED_ID_LIMIT",
            f"record limit reached. cannot submit more than {_BATCH} records in this call",
        )  # fmt: skip


def _created(crm: SalesforcePractice, record: Any, user: str, wishes: Wishes) -> dict[str, Any]:
    try:
        name = _named(crm, record.get("attributes", {}).get("type", ""))
    except ApiError:
        raise SaveError("INVALID_TYPE", "sObject type is not supported") from None
    made = crm.org.create(name, record, user, wishes)
    return {"id": made, "success": True, "errors": []}


def _updated(crm: SalesforcePractice, record: Any, user: str, wishes: Wishes) -> dict[str, Any]:
    id_ = record.get("id") or record.get("Id")
    if id_ is None:
        raise SaveError("MISSING_ARGUMENT", "Id not specified in an update call")
    if canonical(id_) in crm.org.rules.unshared:
        raise SaveError(
            "INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY",
            "insufficient access rights on cross-reference id",
        )
    crm.org.update(id_, record, user, wishes)
    return {"id": canonical(id_), "success": True, "errors": []}


def _chunks(records: list[Any]) -> int:
    types = [record.get("attributes", {}).get("type") for record in records]
    return sum(1 for place, name in enumerate(types) if place == 0 or name != types[place - 1])


# --- composite ------------------------------------------------------------------------------------


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
            raise _ROLLED_BACK

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
    try:
        response = crm.inside(
            request, url, part["method"], body, part.get("httpHeaders") or {}, user
        )
    except (ApiError, SaveError) as error:
        response = error.response()
    said = orjson.loads(response.body) if response.body else None
    if isinstance(said, dict) and "id" in said:
        known[reference] = said["id"]
    return {
        "body": said,
        "httpHeaders": {},
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


# --- conversion and metadata ----------------------------------------------------------------------


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


def deploy(crm: SalesforcePractice, request: Request, user: str) -> Response:
    """Take a metadata zip; its result waits to be asked for."""
    if user != crm.org.user(ADMIN):
        raise ApiError(403, "INSUFFICIENT_ACCESS", "use of the Metadata API requires a user with "
                       "the ModifyAllData or ModifyMetadata permissions")  # fmt: skip
    options, archive = metadata.parts(request)
    try:
        result = metadata.deploy(crm.org, archive, options, user)
    except ValueError as error:
        raise ApiError(400, "INVALID_MULTIPART_REQUEST", str(error)) from None
    id_ = make_id("0Af", len(crm.deploys) + 1)
    crm.deploys[id_] = {"options": options, "result": {"id": id_, **result}, "polls": 1}
    waiting = {"id": id_, "status": "Pending", "done": False, "success": False}
    return json_response(201, {"id": id_, "deployOptions": options, "deployResult": waiting})


def deploy_status(crm: SalesforcePractice, request: Request, user: str, id_: str) -> Response:
    """How a deployment stands; the first time one asks it is still in progress."""
    known = crm.deploys.get(str(canonical(id_)))
    if known is None:
        raise ApiError(404, "NOT_FOUND", "The requested resource does not exist")
    result = dict(known["result"])
    if known["polls"]:
        known["polls"] -= 1
        result |= {"status": "InProgress", "done": False, "success": False,
                   "numberComponentsDeployed": 0, "details": {}}  # fmt: skip
    if not request.flag("includeDetails"):
        result.pop("details")
    url = f"/services/data/v{crm.org.version}/metadata/deployRequest/{id_}"
    return json_response(
        200, {"id": id_, "url": url, "deployOptions": known["options"], "deployResult": result}
    )
