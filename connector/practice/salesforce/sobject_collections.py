"""Up to 200 records of one or several objects in one call, each with a result of its own.

Source: REST API Developer Guide, "sObject Collections".
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from connector.practice.salesforce.errors import ApiError, SaveError
from connector.practice.salesforce.ids import canonical
from connector.practice.salesforce.rules import Wishes
from connector.practice.salesforce.writing import external_key, wishes_of, writable_object
from connector.practice.wire import Request, Response, json_response

if TYPE_CHECKING:
    from connector.practice.salesforce.rest import SalesforcePractice

_BATCH = 200
_CHUNKS = 10
ROLLED_BACK = SaveError(
    "ALL_OR_NONE_OPERATION_ROLLED_BACK",
    "Record rolled back because not all records were valid and the request was using AllOrNone "
    "header",
)
"""What an innocent record is told when another one spoilt it for all."""


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
    wishes = wishes_of(request)

    def one(record: Any) -> dict[str, Any]:
        return save(crm, record, user, wishes)

    return json_response(200, _each(crm, records, one, whole=bool(body.get("allOrNone"))))


def upsert_several(
    crm: SalesforcePractice, request: Request, user: str, name: str, key: str
) -> Response:
    """Change or add up to 200 records by an external id, in order, with a result for each."""
    body, object_ = request.json(), writable_object(crm, name)
    field, wishes = external_key(crm, object_, key), wishes_of(request)
    records = body.get("records") or []
    _check_size(len(records))

    def one(record: Any) -> dict[str, Any]:
        given = next((v for k, v in record.items() if k.lower() == field.lower()), None)
        if not given and field != "Id":
            raise SaveError("MISSING_ARGUMENT", f"{field} not specified")
        found = crm.org.with_external(object_, field, str(given)) if given else []
        if len(found) > 1:
            raise SaveError("DUPLICATE_EXTERNAL_ID", f"{field}: more than one record found")
        if found:
            crm.org.update(found[0], record, user, wishes)
        made = found[0] if found else crm.org.create(object_, record, user, wishes)
        return {"id": made, "success": True, "errors": [], "created": not found}

    results = _each(crm, records, one, whole=bool(body.get("allOrNone")))
    return json_response(200, [{**said, "created": said.get("created", False)} for said in results])


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
        undone = {"success": False, "errors": [ROLLED_BACK.entry()]}
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
        name = writable_object(crm, record.get("attributes", {}).get("type", ""))
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
