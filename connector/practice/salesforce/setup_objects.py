"""What an org tells of its own rules: flows, triggers, duplicate rules, validation rules.

Source: Object Reference, "FlowDefinitionView", "ApexTrigger" and "DuplicateRule"; Tooling API
Developer Guide, "ValidationRule" and "EntityDefinition". All of them want the right View Setup and
Configuration.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from connector.practice.salesforce.fields import ObjectSpec
from connector.practice.salesforce.spelling import flag, new_object, pick, ref, text

if TYPE_CHECKING:
    from connector.practice.salesforce.org import Org

TOOLING = frozenset({"ValidationRule"})
"""Objects that only the query of the Tooling API knows."""
EITHER = frozenset({"ApexTrigger", "EntityDefinition", "FlowDefinitionView"})
"""Objects that both know."""
SETUP = frozenset({*TOOLING, *EITHER, "DuplicateRule"})


def setup_objects() -> tuple[ObjectSpec, ...]:
    """The objects, of which nobody can create a record by API."""
    return (
        _read_only(
            "FlowDefinitionView", "3dd", text("DurableId"), text("ApiName"), text("Label"),
            pick("ProcessType", ("AutoLaunchedFlow", "Flow")),
            pick("TriggerType", ("RecordAfterSave", "RecordBeforeSave", "Scheduled")),
            text("TriggerObjectOrEventLabel"), flag("IsActive"),
            ref("TriggerObjectOrEventId", ("EntityDefinition",), "TriggerObjectOrEvent"),
            pick("RecordTriggerType", ("Create", "Update", "CreateAndUpdate", "Delete")),
        ),
        _read_only(
            "DuplicateRule", "0Bm", text("DeveloperName", 80), text("MasterLabel", 80),
            pick("SobjectType", ("Account", "Contact", "Lead"), 40, restricted=True),
            flag("IsActive"),
        ),
        _read_only(
            "ApexTrigger", "01q", text("Name"), text("TableEnumOrId", 40),
            pick("Status", ("Active", "Inactive"), 40, restricted=True),
        ),
        _read_only("EntityDefinition", "01I", text("QualifiedApiName"), text("Label")),
        _read_only(
            "ValidationRule", "03d", text("ValidationName"), flag("Active"), text("ErrorMessage"),
            text("Description"), ref("EntityDefinitionId", ("EntityDefinition",),
                                     "EntityDefinition"),
        ),
    )  # fmt: skip


def show(org: Org) -> None:
    """Let the objects tell of the rules as they stand now."""
    for name in SETUP:
        org.tables[name].clear()
        org.order[name].clear()
    with org.silently():
        kinds = {
            name: str(org.insert("EntityDefinition", {"QualifiedApiName": name, "Label": name}, "")
                      ["Id"])
            for name in org.schema
        }  # fmt: skip
        for number, flow in enumerate(org.rules.flows, start=1):
            _add(org, "FlowDefinitionView", ApiName=f"Flow_{number}", Label=f"Flow {number}",
                 DurableId=f"300{number:012}", ProcessType="AutoLaunchedFlow",
                 TriggerType="RecordAfterSave", RecordTriggerType="CreateAndUpdate",
                 TriggerObjectOrEventId=kinds[flow["object"]],
                 TriggerObjectOrEventLabel=flow["object"], IsActive=True)  # fmt: skip
        for number, trigger in enumerate(org.rules.triggers, start=1):
            _add(org, "ApexTrigger", Name=f"{trigger['object']}Trigger{number}", Status="Active",
                 TableEnumOrId=trigger["object"])  # fmt: skip
        for object_ in org.rules.duplicates:
            _add(org, "DuplicateRule", DeveloperName=f"Standard_{object_}_Duplicate_Rule",
                 MasterLabel=f"Standard {object_} Duplicate Rule", SobjectType=object_,
                 IsActive=True)  # fmt: skip
        for number, rule in enumerate(org.rules.validation, start=1):
            _add(org, "ValidationRule", ValidationName=f"Rule_{number}", Active=True,
                 ErrorMessage=rule["message"],
                 EntityDefinitionId=kinds[rule["object"]])  # fmt: skip


def _add(org: Org, name: str, **values: Any) -> None:
    org.insert(name, values, "")


def _read_only(name: str, prefix: str, *fields: Any) -> ObjectSpec:
    return new_object(name, prefix, *fields, create=False, deletable=False)
