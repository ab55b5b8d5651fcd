"""Whether a score follows a lead that becomes a contact, by the fields that conversion copies.

Custom fields go along only where an admin mapped them. The mapping is metadata, which our own user
may not read; an admin's log-in may, for once. Without one there is what can be seen of converted
leads, and the step that settles it.

Source: Metadata API Developer Guide, "LeadConvertSettings" and "readMetadata()" (2026-11). Its one
component is called LeadConvertSettings, too.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from urllib.parse import quote
from xml.etree import ElementTree as ET

from connector.adapters.base import Check, Order
from connector.adapters.salesforce.answers import judge
from connector.adapters.salesforce.calls import API, Calls
from connector.adapters.salesforce.describing import Objects
from connector.adapters.salesforce.session import Session
from connector.errors import LoginError, RemoteError, TryLaterError, UsageError
from connector.transport.http import Answer

_PATH = f"/services/Soap/m/{API}"
_SPACE = "{http://soap.sforce.com/2006/04/metadata}"
_ASKED = (
    '<?xml version="1.0" encoding="UTF-8"?>'
    '<e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/" '
    'xmlns="http://soap.sforce.com/2006/04/metadata"><e:Header><SessionHeader>'
    "<sessionId>{token}</sessionId></SessionHeader></e:Header><e:Body><readMetadata>"
    "<type>LeadConvertSettings</type><fullNames>LeadConvertSettings</fullNames>"
    "</readMetadata></e:Body></e:Envelope>"
)
_WHERE = "Setup > Object Manager > Lead > Fields & Relationships > Map Lead Fields"
_SHOWN = 5


def mapped_fields(session: Session) -> Mapping[str, str] | None:
    """Give contact's field by lead's, as conversion copies them; None where we may not ask."""
    body = _ASKED.format(token=session.token()).encode()
    try:
        answer = session.http.send(
            "POST",
            _PATH,
            body,
            kind="text/xml; charset=UTF-8",
            repeatable=True,
            judge=_judged,
            headers={"SOAPAction": "readMetadata"},
        )
        told = ET.fromstring(answer.body)  # noqa: S314  the org's own, over a checked connection
    except (RemoteError, LoginError, UsageError, TryLaterError, ET.ParseError):
        return None
    found: dict[str, str] = {}
    for one in told.iter(f"{_SPACE}objectMapping"):
        if one.findtext(f"{_SPACE}outputObject") != "Contact":
            continue
        for pair in one.iter(f"{_SPACE}mappingFields"):
            lead = pair.findtext(f"{_SPACE}inputField") or ""
            found[lead] = pair.findtext(f"{_SPACE}outputField") or ""
    return found


def followed(session: Session, calls: Calls, objects: Objects, order: Order) -> Iterator[Check]:
    """Say whether the fields of ours on leads reach the contacts those become."""
    lead, contact = order.names.get("Lead", {}), order.names.get("Contact", {})
    wanted = {name: contact[word] for word, name in lead.items() if word in contact}
    wanted = {name: to for name, to in wanted.items() if name.endswith("__c")}
    if not wanted:
        return
    mapped = mapped_fields(session)
    if mapped is None:
        yield from _by_what_is_there(calls, lead, contact)
        return
    here = {name: to for name, to in wanted.items() if name in objects.of("Lead")}
    lost = [name for name, to in here.items() if mapped.get(name) != to]
    if lost:
        more = f" and {len(lost) - _SHOWN} more" if len(lost) > _SHOWN else ""
        yield Check(
            "look",
            f"conversion does not take {len(lost)} of our {len(here)} lead fields to the contact "
            f"({', '.join(lost[:_SHOWN])}{more}): a contact has them from the next run on only",
            f"{_WHERE}: map each to the field of the same name of the contact",
        )
    elif here:
        yield Check("ok", f"conversion takes our {len(here)} lead fields to the contact")


def _by_what_is_there(
    calls: Calls, lead: Mapping[str, str], contact: Mapping[str, str]
) -> Iterator[Check]:
    """What converted leads show, where the mapping itself cannot be read."""
    if "score" not in lead or "score" not in contact:
        return
    soql = (
        f"SELECT COUNT() FROM Lead WHERE IsConverted = true AND {lead['score']} != null "
        f"AND ConvertedContact.{contact['score']} = null"
    )
    try:
        without = calls.get(
            f"query?q={quote(soql, safe='')}",
            "look at converted leads",
            lambda told: int(told["totalSize"]),
        )
    except (RemoteError, LoginError, UsageError):
        return
    if without:
        yield Check(
            "look",
            f"{without} converted leads have a score that their contact does not have yet",
            f"The next run writes it; to have it at once, map the fields: {_WHERE}",
        )
    else:
        yield Check(
            "ok",
            "scores of converted leads are on their contacts; whether conversion itself takes "
            "them along our user may not ask (leadloop doctor --admin-cli ALIAS does)",
        )


def _judged(answer: Answer) -> None:
    if answer.status == 500 and b":Fault>" in answer.body:
        raise RemoteError(
            "Salesforce refused to show how leads are converted",
            vendor_code="SOAP_FAULT",
            hint="Ask with an admin's log-in: leadloop doctor --admin-cli ALIAS",
        )
    judge(answer, "look at how leads are converted")
