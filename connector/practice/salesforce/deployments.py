"""Resources that take metadata and say how its deployment stands.

Source: Metadata API Developer Guide, "Deploying with REST".
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from connector.practice.salesforce import deploy as metadata
from connector.practice.salesforce.errors import ApiError
from connector.practice.salesforce.ids import canonical, make_id
from connector.practice.salesforce.rights import may
from connector.practice.wire import Request, Response, json_response

if TYPE_CHECKING:
    from connector.practice.salesforce.rest import SalesforcePractice


def deploy(crm: SalesforcePractice, request: Request, user: str) -> Response:
    """Take a metadata zip; its result waits to be asked for."""
    options, archive = metadata.parts(request)
    id_ = hand_in(crm, options, archive, user)
    waiting = {"id": id_, "status": "Pending", "done": False, "success": False}
    return json_response(201, {"id": id_, "deployOptions": options, "deployResult": waiting})


def hand_in(crm: SalesforcePractice, options: dict[str, Any], archive: bytes, user: str) -> str:
    """Deploy a zip; gives the id under which its result waits. Raises ApiError."""
    if not may(crm.org, user, "ModifyAllData", "ModifyMetadata"):
        raise ApiError(403, "INSUFFICIENT_ACCESS", "use of the Metadata API requires a user with "
                       "the ModifyAllData or ModifyMetadata permissions")  # fmt: skip
    try:
        result = metadata.deploy(crm.org, archive, options, user)
    except ValueError as error:
        raise ApiError(400, "INVALID_MULTIPART_REQUEST", str(error)) from None
    id_ = make_id("0Af", len(crm.deploys) + 1)
    crm.deploys[id_] = {"options": options, "result": {"id": id_, **result}, "polls": 1}
    return id_


def deployment(crm: SalesforcePractice, id_: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """A deployment's options and how it stands; the first time one asks it is in progress."""
    known = crm.deploys.get(str(canonical(id_)))
    if known is None:
        raise ApiError(404, "NOT_FOUND", "The requested resource does not exist")
    result = dict(known["result"])
    if known["polls"]:
        known["polls"] -= 1
        result |= {"status": "InProgress", "done": False, "success": False,
                   "numberComponentsDeployed": 0, "details": {}}  # fmt: skip
    return known["options"], result


def deploy_status(crm: SalesforcePractice, request: Request, user: str, id_: str) -> Response:
    """How a deployment stands."""
    options, result = deployment(crm, id_)
    if not request.flag("includeDetails"):
        result.pop("details")
    url = f"/services/data/v{crm.org.version}/metadata/deployRequest/{id_}"
    return json_response(
        200, {"id": id_, "url": url, "deployOptions": options, "deployResult": result}
    )
