"""Property definitions of a portal: the standard ones, and what an admin or an app adds.

Source: developers.hubspot.com, "Properties" guide. Values are strings or nothing; a definition says
which strings.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from connector.practice.hubspot.errors import HubError, invalid

TYPE_IDS = {
    "0-1": "contacts",
    "0-2": "companies",
    "0-3": "deals",
    "0-5": "tickets",
    "0-8": "line_items",
    "0-27": "tasks",
    "0-46": "notes",
    "0-47": "meetings",
    "0-48": "calls",
    "0-49": "emails",
    "0-136": "leads",
}
KINDS = {name: id_ for id_, name in TYPE_IDS.items()}
LIFECYCLE = ("subscriber", "lead", "marketingqualifiedlead", "salesqualifiedlead", "opportunity",
             "customer", "evangelist", "other")  # fmt: skip
LEAD_STATUS = ("NEW", "OPEN", "IN_PROGRESS", "OPEN_DEAL", "UNQUALIFIED", "ATTEMPTED_TO_CONTACT",
               "CONNECTED", "BAD_TIMING")  # fmt: skip
_FIELD_TYPES = {
    "string": {"text", "textarea", "html", "phonenumber", "file"},
    "number": {"number"},
    "bool": {"booleancheckbox"},
    "date": {"date"},
    "datetime": {"date"},
    "enumeration": {"select", "radio", "checkbox", "booleancheckbox"},
    "phone_number": {"phonenumber"},
}
_NAME = re.compile(r"[a-z][a-z0-9_]{0,99}")
_NUMBER = re.compile(r"-?\d+(\.\d+)?([eE][+-]?\d+)?")
_LONGEST = 65_536
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")


@dataclass(frozen=True, slots=True)
class Property:
    """One property definition."""

    name: str
    type: str = "string"
    field_type: str = "text"
    label: str = ""
    group: str = "contactinformation"
    options: tuple[str, ...] = ()
    read_only: bool = False
    calculated: bool = False
    standard: bool = True
    description: str = ""
    archived: bool = False
    unique: bool = False

    def plain(self, created: str) -> dict[str, Any]:
        """As the API gives it."""
        return {
            "name": self.name,
            "label": self.label or self.name,
            "type": self.type,
            "fieldType": self.field_type,
            "description": self.description,
            "groupName": self.group,
            "options": [
                {"label": o, "value": o, "displayOrder": n, "hidden": False, "description": ""}
                for n, o in enumerate(self.options)
            ],
            "displayOrder": -1,
            "calculated": self.calculated,
            "externalOptions": self.name == "hubspot_owner_id",
            "hasUniqueValue": self.unique,
            "hidden": False,
            "hubspotDefined": self.standard,
            "modificationMetadata": {
                "archivable": not self.standard,
                "readOnlyDefinition": self.standard,
                "readOnlyValue": self.read_only or self.calculated,
                "readOnlyOptions": False,
            },
            "formField": False,
            "archived": self.archived,
            "createdAt": created,
            "updatedAt": created,
            "dataSensitivity": "non_sensitive",
        }


@dataclass
class Definitions:
    """The properties and groups of one object type."""

    known: dict[str, Property] = field(default_factory=dict)
    groups: dict[str, str] = field(default_factory=dict)

    def live(self, name: str) -> Property | None:
        """The definition of a name, unless archived."""
        found = self.known.get(name)
        return None if found is None or found.archived else found

    def create(self, given: Mapping[str, Any]) -> Property:
        """Add a property, or bring an archived one of that name back. Raises HubError."""
        name = str(given.get("name", ""))
        there = self.known.get(name)
        if there is not None and there.archived:
            self.known[name] = replace(there, archived=False)
            return self.known[name]
        if there is not None:
            raise HubError(
                409, "OBJECT_ALREADY_EXISTS", f"A property named '{name}' already exists.",
                errors=[{"message": "exists", "code": "Properties.PROPERTY_WITH_NAME_EXISTS"}],
            )  # fmt: skip
        self._check(name, given)
        made = Property(
            name,
            str(given["type"]),
            str(given["fieldType"]),
            str(given["label"]),
            str(given["groupName"]),
            tuple(str(o["value"]) for o in given.get("options") or ()),
            standard=False,
            description=str(given.get("description") or ""),
            unique=bool(given.get("hasUniqueValue")),
        )
        self.known[name] = made
        return made

    def patch(self, name: str, given: Mapping[str, Any]) -> Property:
        """Change a definition; `options` replaces the whole list. Raises HubError."""
        there = self.live(name)
        if there is None:
            raise HubError(404, "OBJECT_NOT_FOUND", f"No property named {name}")
        if there.standard:
            raise HubError(400, "VALIDATION_ERROR", f"{name} is defined by HubSpot")
        options = there.options
        if given.get("options") is not None:
            options = tuple(str(o["value"]) for o in given["options"])
        self.known[name] = replace(
            there,
            label=str(given.get("label", there.label)),
            description=str(given.get("description", there.description)),
            group=str(given.get("groupName", there.group)),
            options=options,
        )
        return self.known[name]

    def archive(self, name: str) -> None:
        """Archive a property; its name stays taken. Raises HubError."""
        there = self.live(name)
        if there is not None and there.standard:
            raise HubError(400, "CANNOT_DELETE_PROPERTY", f"{name} is defined by HubSpot")
        if there is not None:
            self.known[name] = replace(there, archived=True)

    def add_group(self, name: str, label: str) -> None:
        """Add a group. Raises HubError 409 where there is one."""
        if name in self.groups:
            raise HubError(409, "OBJECT_ALREADY_EXISTS", f"A group named '{name}' already exists.")
        self.groups[name] = label

    def _check(self, name: str, given: Mapping[str, Any]) -> None:
        for needed in ("label", "type", "fieldType", "groupName"):
            if not given.get(needed):
                raise HubError(400, "VALIDATION_ERROR", f"Some required fields were not set: "
                               f"[{needed}]")  # fmt: skip
        if not _NAME.fullmatch(name):
            raise HubError(400, "VALIDATION_ERROR", f"Property name '{name}' is not valid")
        if given["groupName"] not in self.groups:
            raise HubError(400, "PROPERTY_GROUP_DOES_NOT_EXIST",
                           f"Property group '{given['groupName']}' does not exist")  # fmt: skip
        if given["fieldType"] not in _FIELD_TYPES.get(str(given["type"]), set()):
            raise HubError(
                400, "VALIDATION_ERROR",
                f"fieldType {given['fieldType']} cannot go with type {given['type']}",
            )  # fmt: skip


def checked_value(definition: Property | None, name: str, value: Any, owners: set[str]) -> str:
    """The string a portal keeps for a given value ("" clears). Raises HubError."""
    if definition is None:
        raise invalid("PROPERTY_DOESNT_EXIST", name, f'Property "{name}" does not exist')
    if definition.read_only or definition.calculated:
        word = "a calculated" if definition.calculated else "a read only"
        raise invalid(
            "READ_ONLY_VALUE", name, f'"{name}" is {word} property; its value cannot be set.'
        )
    text = "" if value is None else str(value)
    if isinstance(value, bool):
        text = text.lower()
    if text == "":
        return text
    if definition.name == "hubspot_owner_id":
        if text not in owners:
            raise invalid("INVALID_OPTION", name, f"{text} was not one of the allowed options")
        return text
    return _CHECKS.get(definition.type, _as_text)(definition, text)


def _as_text(definition: Property, text: str) -> str:
    if len(text) > _LONGEST:
        raise invalid("VALUE_TOO_LONG", definition.name, f"longer than {_LONGEST} characters")
    if definition.name == "email" and not _EMAIL.fullmatch(text):
        raise invalid("INVALID_EMAIL", "email", f"Email address {text} is invalid")
    return text


def _as_number(definition: Property, text: str) -> str:
    if not _NUMBER.fullmatch(text):
        raise invalid("INVALID_LONG", definition.name, f"{text} was not a valid number.")
    return text


def _as_bool(definition: Property, text: str) -> str:
    if text not in {"true", "false"}:
        raise invalid("INVALID_OPTION", definition.name, f"{text} was not true or false")
    return text


def _as_option(definition: Property, text: str) -> str:
    for one in text.split(";") if definition.field_type == "checkbox" else [text]:
        if one and one not in definition.options:
            raise invalid(
                "INVALID_OPTION", definition.name, f"{one} was not one of the allowed options"
            )
    return text


def _as_moment(definition: Property, text: str) -> str:
    if text.lstrip("-").isdigit():
        return text
    try:
        datetime.fromisoformat(text)
    except ValueError:
        raise invalid(
            "INVALID_DATE", definition.name, f"{text} was not a valid date or time"
        ) from None
    return text


_CHECKS = {
    "number": _as_number,
    "bool": _as_bool,
    "enumeration": _as_option,
    "datetime": _as_moment,
    "date": _as_moment,
}


def new_definitions() -> dict[str, Definitions]:
    """The properties of a new portal, by object type."""
    return {
        "contacts": _made("contactinformation", _CONTACT, _system("lastmodifieddate")),
        "companies": _made("companyinformation", _COMPANY, _system()),
        "deals": _made("dealinformation", _DEAL, _system()),
        "leads": _made("leadinformation", _LEAD, _system()),
        "tickets": _made("ticketinformation", _TICKET, _system()),
        "line_items": _made("lineiteminformation", _LINE_ITEM, _system()),
        **{name: _made("engagement", _ENGAGEMENTS[name], _system()) for name in _ENGAGEMENTS},
    }


def _made(group: str, *several: tuple[Property, ...]) -> Definitions:
    known = {one.name: replace(one, group=group) for few in several for one in few}
    return Definitions(known, {group: group})


def _system(*more: str) -> tuple[Property, ...]:
    dates = ("createdate", "hs_createdate", "hs_lastmodifieddate", *more)
    return (
        Property("hs_object_id", "number", "number", read_only=True),
        *(Property(name, "datetime", "date", read_only=True) for name in dates),
        Property("hubspot_owner_id", "enumeration", "select"),
        Property("hs_merged_object_ids", "enumeration", "text", read_only=True),
    )


def _texts(*names: str) -> tuple[Property, ...]:
    return tuple(Property(name) for name in names)


def _select(name: str, *options: str) -> Property:
    return Property(name, "enumeration", "select", options=options)


_INDUSTRIES = ("ACCOUNTING", "COMPUTER_SOFTWARE", "CONSTRUCTION", "EDUCATION_MANAGEMENT",
               "ELECTRICAL_ELECTRONIC_MANUFACTURING", "FARMING", "FINANCIAL_SERVICES",
               "GOVERNMENT_ADMINISTRATION", "HIGHER_EDUCATION", "HOSPITAL_HEALTH_CARE",
               "INSURANCE", "LOGISTICS_AND_SUPPLY_CHAIN", "MACHINERY",
               "NON_PROFIT_ORGANIZATION_MANAGEMENT", "RECREATIONAL_FACILITIES_AND_SERVICES",
               "RETAIL", "TRANSPORTATION_TRUCKING_RAILROAD", "WHOLESALE")  # fmt: skip
_CONTACT = (
    *_texts("email", "firstname", "lastname", "jobtitle", "phone", "company", "country", "city",
            "website", "industry", "hs_analytics_source_data_1"),
    Property("lead_source_detail", standard=False),
    replace(_select("unqualified_reason", "no_budget", "bad_timing", "no_authority", "no_contact",
                    "not_icp_size"), standard=False),
    _select("lifecyclestage", *LIFECYCLE),
    *(Property(f"hs_lifecyclestage_{stage}_date", "datetime", "date", read_only=True)
      for stage in LIFECYCLE),
    _select("hs_lead_status", *LEAD_STATUS),
    Property("hs_email_optout", "bool", "booleancheckbox"),
    Property("hs_analytics_source", "enumeration", "select", read_only=True),
    Property("associatedcompanyid", "number", "number"),
    Property("hs_calculated_merged_vids", "enumeration", "text", read_only=True),
    Property("hubspotscore", "number", "number", calculated=True),
    Property("num_conversion_events", "number", "number", read_only=True),
    Property("hs_analytics_num_page_views", "number", "number", read_only=True),
)  # fmt: skip
_COMPANY = (
    *_texts("name", "domain", "country", "city", "phone", "website"),
    _select("industry", *_INDUSTRIES),
    Property("numberofemployees", "number", "number"),
    Property("annualrevenue", "number", "number"),
    _select("lifecyclestage", *LIFECYCLE),
    _select("type", "PROSPECT", "PARTNER", "RESELLER", "VENDOR", "OTHER"),
)
_DEAL = (
    *_texts("dealname"),
    Property("closed_lost_reason", "string", "textarea"),
    Property("amount", "number", "number"),
    Property("closedate", "datetime", "date"),
    _select("dealstage", "appointmentscheduled", "qualifiedtobuy", "presentationscheduled",
            "decisionmakerboughtin", "contractsent", "closedwon", "closedlost"),
    _select("pipeline", "default"),
    Property("hs_is_closed", "bool", "booleancheckbox", calculated=True),
    Property("hs_is_closed_won", "bool", "booleancheckbox", calculated=True),
    Property("hs_is_closed_lost", "bool", "booleancheckbox", calculated=True),
)  # fmt: skip
_LEAD = (
    *_texts("hs_lead_name"),
    _select("hs_lead_type", "NEW_BUSINESS", "UPSELL", "RE_ATTEMPTING"),
    _select("hs_lead_label", "HOT", "WARM", "COLD"),
    _select("hs_pipeline", "lead-pipeline-id"),
    _select("hs_pipeline_stage", "new-stage-id", "attempting-stage-id", "connected-stage-id",
            "qualified-stage-id", "unqualified-stage-id"),
)  # fmt: skip
_TICKET = (
    *_texts("subject", "content"),
    _select("hs_pipeline", "0"),
    _select("hs_pipeline_stage", "1", "2", "3", "4"),
    _select("hs_ticket_priority", "LOW", "MEDIUM", "HIGH"),
)
_LINE_ITEM = (
    *_texts("name", "hs_sku", "hs_product_id"),
    *(Property(name, "number", "number") for name in ("quantity", "price")),
    Property("amount", "number", "number", calculated=True),
)
_WHEN = Property("hs_timestamp", "datetime", "date")
_ENGAGEMENTS: dict[str, tuple[Property, ...]] = {
    "calls": (_WHEN, *_texts("hs_call_title", "hs_call_body", "hs_call_duration"),
              _select("hs_call_direction", "INBOUND", "OUTBOUND"),
              _select("hs_call_status", "COMPLETED", "NO_ANSWER", "BUSY", "FAILED")),
    "emails": (_WHEN, *_texts("hs_email_subject", "hs_email_text", "hs_email_message_id"),
               _select("hs_email_direction", "EMAIL", "INCOMING_EMAIL", "FORWARDED_EMAIL"),
               _select("hs_email_status", "SENT", "BOUNCED", "FAILED", "SENDING")),
    "meetings": (_WHEN, *_texts("hs_meeting_title", "hs_meeting_body"),
                 Property("hs_meeting_start_time", "datetime", "date"),
                 Property("hs_meeting_end_time", "datetime", "date"),
                 _select("hs_meeting_outcome", "SCHEDULED", "COMPLETED", "NO_SHOW", "CANCELED")),
    "notes": (_WHEN, *_texts("hs_note_body")),
    "tasks": (_WHEN, *_texts("hs_task_subject", "hs_task_body"),
              _select("hs_task_status", "NOT_STARTED", "IN_PROGRESS", "COMPLETED", "DEFERRED"),
              _select("hs_task_type", "TODO", "CALL", "EMAIL"),
              Property("hs_task_completion_date", "datetime", "date", read_only=True)),
}  # fmt: skip
