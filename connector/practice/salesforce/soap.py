"""The old log-in by SOAP, which answers that it is no more: switched off in new orgs, gone in
later versions.

Source: Salesforce Help, "SOAP API login() Call Is Being Retired".
"""

from __future__ import annotations

import re

from connector.practice.wire import Response

_PATH = re.compile(r"/services/Soap/[cu]/(\d+)\.\d(?:/\w+)?")
_GONE_FROM = 65
_FAULT = (
    '<?xml version="1.0" encoding="UTF-8"?><soapenv:Envelope '
    'xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/" '
    'xmlns:sf="urn:fault.partner.soap.sforce.com"><soapenv:Body><soapenv:Fault>'
    "<faultcode>sf:INVALID_OPERATION</faultcode><faultstring>INVALID_OPERATION: {}</faultstring>"
    "</soapenv:Fault></soapenv:Body></soapenv:Envelope>"
)


def login(path: str) -> Response | None:
    """Refuse the log-in; None for a path that is none of SOAP's."""
    match = _PATH.fullmatch(path)
    if match is None:
        return None
    gone = int(match.group(1)) >= _GONE_FROM
    said = "not available in this API version" if gone else "disabled by default in this org"
    body = _FAULT.format(f"SOAP API login() is {said}.").encode()
    return Response(500, {"Content-Type": "text/xml;charset=UTF-8"}, body)
