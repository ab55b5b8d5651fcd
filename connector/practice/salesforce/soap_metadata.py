"""The Metadata API by SOAP: `deploy` and `checkDeployStatus`, as older clients do, `readMetadata`.

Source: Metadata API Developer Guide, "deploy()", "checkDeployStatus()", "readMetadata()" and
"LeadConvertSettings", the one type that can be read here. The session is taken
from the SOAP header. As the real service does, this one reads `True` for true, and passes over
stray text among the options.
"""

from __future__ import annotations

import base64
import binascii
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET
from xml.sax.saxutils import escape

from connector.practice.salesforce import deployments
from connector.practice.salesforce.errors import ApiError
from connector.practice.salesforce.rights import may
from connector.practice.wire import Request, Response

if TYPE_CHECKING:
    from connector.practice.salesforce.rest import SalesforcePractice

PREFIX = "/services/Soap/m/"
_SPACE = "{http://soap.sforce.com/2006/04/metadata}"
_ENVELOPE = (
    '<?xml version="1.0" encoding="UTF-8"?><soapenv:Envelope '
    'xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/" '
    'xmlns="http://soap.sforce.com/2006/04/metadata" '
    'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" '
    'xmlns:sf="http://soap.sforce.com/2006/04/metadata"><soapenv:Body>{}</soapenv:Body>'
    "</soapenv:Envelope>"
)


def serve(crm: SalesforcePractice, request: Request, host: str) -> Response:
    """Do what the body asks, or say in a fault why not."""
    try:
        asked = ET.fromstring(request.body)  # noqa: S314  our own loopback client's
        token = asked.findtext(f".//{_SPACE}sessionId") or ""
        user = crm.logins.holder(crm.org, token, host)
        if user is None:
            raise ApiError(500, "INVALID_SESSION_ID", "INVALID_SESSION_ID: Invalid Session ID "
                           "found in SessionHeader: Illegal Session")  # fmt: skip
        return _envelope(200, _answer(crm, asked, user))
    except ET.ParseError as error:
        return _fault("MALFORMED_XML", str(error))
    except ApiError as error:
        return _fault(error.code, error.message)


def _answer(crm: SalesforcePractice, asked: ET.Element, user: str) -> str:
    if (deploy := asked.find(f".//{_SPACE}deploy")) is not None:
        return _deploy(crm, deploy, user)
    if (status := asked.find(f".//{_SPACE}checkDeployStatus")) is not None:
        return _status(crm, status)
    if (read := asked.find(f".//{_SPACE}readMetadata")) is not None:
        return _read(crm, read, user)
    raise ApiError(500, "INVALID_OPERATION", "no operation that is known here")


def _deploy(crm: SalesforcePractice, asked: ET.Element, user: str) -> str:
    given = asked.find(f"{_SPACE}DeployOptions")
    options = {
        one.tag.removeprefix(_SPACE): (one.text or "").strip().lower() == "true"
        for one in (given if given is not None else ())
    }
    company = next(iter(crm.org.tables["Organization"].values()))
    if not company["IsSandbox"] and not options.get("rollbackOnError"):
        raise ApiError(500, "INVALID_OPERATION", "rollbackOnError option must be true on a "
                       "production org")  # fmt: skip
    try:
        archive = base64.b64decode(asked.findtext(f"{_SPACE}ZipFile") or "", validate=True)
    except binascii.Error:
        raise ApiError(500, "INVALID_TYPE", "ZipFile is not base64") from None
    id_ = deployments.hand_in(crm, options, archive, user)
    begun = _plain({"done": False, "id": id_, "state": "Queued"})
    return f"<deployResponse><result>{begun}</result></deployResponse>"


def _status(crm: SalesforcePractice, asked: ET.Element) -> str:
    id_ = asked.findtext(f"{_SPACE}asyncProcessId") or ""
    result = dict(deployments.deployment(crm, id_)[1])
    details = result.pop("details")
    if (asked.findtext(f"{_SPACE}includeDetails") or "").lower() == "true":
        failures = details.get("componentFailures", ())
        listed = "".join(f"<componentFailures>{_plain(f)}</componentFailures>" for f in failures)
        inner = f"{_plain(result)}<details>{listed}</details>"
    else:
        inner = _plain(result)
    return f"<checkDeployStatusResponse><result>{inner}</result></checkDeployStatusResponse>"


def _read(crm: SalesforcePractice, asked: ET.Element, user: str) -> str:
    """How leads are converted: which custom field of a lead becomes which of a contact's."""
    if not may(crm.org, user, "ModifyAllData", "ModifyMetadata"):
        raise ApiError(500, "INSUFFICIENT_ACCESS", "use of the Metadata API requires a user with "
                       "the ModifyAllData or ModifyMetadata permissions")  # fmt: skip
    if asked.findtext(f"{_SPACE}type") != "LeadConvertSettings":
        raise ApiError(500, "INVALID_TYPE", "this type is not read here")
    pairs = "".join(
        f"<mappingFields>{_plain({'inputField': here, 'outputField': there})}</mappingFields>"
        for here, there in crm.org.rules.conversion.items()
    )
    mapping = f"<objectMapping><inputObject>Lead</inputObject>{pairs}"
    mapping += "<outputObject>Contact</outputObject></objectMapping>"
    name = "<fullName>LeadConvertSettings</fullName>"
    inner = f"{name}<allowOwnerChange>true</allowOwnerChange>{mapping if pairs else ''}"
    record = f'<records xsi:type="LeadConvertSettings">{inner}</records>'
    return f"<readMetadataResponse><result>{record}</result></readMetadataResponse>"


def _plain(values: dict[str, Any]) -> str:
    spelled = (
        (name, str(value).lower() if isinstance(value, bool) else str(value))
        for name, value in values.items()
    )
    return "".join(f"<{name}>{escape(text)}</{name}>" for name, text in spelled)


def _fault(code: str, message: str) -> Response:
    said = f"<faultcode>sf:{code}</faultcode><faultstring>{escape(message)}</faultstring>"
    return _envelope(500, f"<soapenv:Fault>{said}</soapenv:Fault>")


def _envelope(status: int, inner: str) -> Response:
    body = _ENVELOPE.format(inner).encode()
    return Response(status, {"Content-Type": "text/xml;charset=UTF-8"}, body)
