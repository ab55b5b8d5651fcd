"""What an object and a field are, and how `describe` tells of them.

Source: the shape of describe is DescribeSObjectResult of the REST API Developer Guide.
"""

from __future__ import annotations

from collections.abc import Container
from dataclasses import dataclass, field
from typing import Any

_TEXTS = {"string", "textarea", "email", "phone", "url", "picklist", "combobox"}
_FILLED = {"Id", "OwnerId", "CreatedDate", "CreatedById", "LastModifiedDate", "LastModifiedById",
           "SystemModstamp"}  # fmt: skip
_SOAP = {
    "int": "xsd:int",
    "double": "xsd:double",
    "currency": "xsd:double",
    "percent": "xsd:double",
    "boolean": "xsd:boolean",
    "date": "xsd:date",
    "datetime": "xsd:dateTime",
    "id": "tns:ID",
    "reference": "tns:ID",
    "address": "urn:address",
}


CHILDREN = {
    ("Account", "Contacts"): ("Contact", "AccountId"),
    ("Account", "Opportunities"): ("Opportunity", "AccountId"),
    ("Account", "Tasks"): ("Task", "WhatId"),
    ("Account", "Events"): ("Event", "WhatId"),
    ("Campaign", "CampaignMembers"): ("CampaignMember", "CampaignId"),
    ("Contact", "CampaignMembers"): ("CampaignMember", "ContactId"),
    ("Contact", "OpportunityContactRoles"): ("OpportunityContactRole", "ContactId"),
    ("Contact", "Opportunities"): ("Opportunity", "ContactId"),
    ("Contact", "Tasks"): ("Task", "WhoId"),
    ("Contact", "Events"): ("Event", "WhoId"),
    ("Lead", "CampaignMembers"): ("CampaignMember", "LeadId"),
    ("Lead", "Histories"): ("LeadHistory", "LeadId"),
    ("Lead", "Tasks"): ("Task", "WhoId"),
    ("Lead", "Events"): ("Event", "WhoId"),
    ("Opportunity", "OpportunityContactRoles"): ("OpportunityContactRole", "OpportunityId"),
    ("Campaign", "CampaignMemberStatuses"): ("CampaignMemberStatus", "CampaignId"),
    ("EmailMessage", "EmailMessageRelations"): ("EmailMessageRelation", "EmailMessageId"),
    ("Opportunity", "Histories"): ("OpportunityFieldHistory", "OpportunityId"),
    ("Opportunity", "OpportunityLineItems"): ("OpportunityLineItem", "OpportunityId"),
    ("Opportunity", "OpportunityHistories"): ("OpportunityHistory", "OpportunityId"),
    ("Opportunity", "Tasks"): ("Task", "WhatId"),
    ("Opportunity", "Events"): ("Event", "WhatId"),
}
"""(Parent, name of the relationship) -> (child, its field)."""


@dataclass(frozen=True, slots=True)
class FieldSpec:
    """One field. `create` and `update` say whether clients may set it."""

    name: str
    type: str
    label: str = ""
    length: int = 0
    precision: int = 0
    scale: int = 0
    nillable: bool = True
    create: bool = True
    update: bool = True
    default: Any = None
    refers: tuple[str, ...] = ()
    relation: str | None = None
    values: tuple[str, ...] = ()
    retired: tuple[str, ...] = ()
    """Values that rows may still have and no new one gets."""
    restricted: bool = False
    custom: bool = False
    formula: bool = False
    external: bool = False
    compound: str | None = None
    """The field of several parts that this one is a part of."""
    sparse: bool = False
    """Whether rows hold it only where it is set."""
    unfiltered: bool = False
    """Whether no query may test it, whatever its type."""
    filled: bool = False
    """Whether the platform sets it where nobody does."""

    @property
    def filterable(self) -> bool:
        """Whether a query may test it: not long texts, nor values of any type."""
        if self.unfiltered:
            return False
        return self.type != "anyType" and (self.type != "textarea" or self.length <= 255)

    @property
    def looked_up(self) -> bool:
        """Whether an upsert may find records by it."""
        return self.external or self.type in {"id", "email"}

    def describe(self) -> dict[str, Any]:
        """As an entry of `fields` in describe."""
        text = self.type in _TEXTS
        return {
            "aggregatable": True,
            "aiPredictionField": False,
            "autoNumber": False,
            "byteLength": self.length * (3 if text else 1),
            "calculated": self.formula,
            "calculatedFormula": None,
            "cascadeDelete": False,
            "caseSensitive": False,
            "compoundFieldName": self.compound,
            "controllerName": None,
            "createable": self.create,
            "custom": self.custom,
            "defaultValue": self.default,
            "defaultValueFormula": None,
            "defaultedOnCreate": self.default is not None
            or self.type == "boolean"
            or self.filled
            or self.name in _FILLED,
            "dependentPicklist": False,
            "deprecatedAndHidden": False,
            "digits": 8 if self.type == "int" else 0,
            "displayLocationInDecimal": False,
            "encrypted": False,
            "externalId": self.external,
            "extraTypeInfo": "plaintextarea" if self.type == "textarea" else None,
            "filterable": self.filterable,
            "filteredLookupInfo": None,
            "formulaTreatNullNumberAsZero": False,
            "groupable": self.type not in {"datetime", "textarea", "double", "currency"},
            "highScaleNumber": False,
            "htmlFormatted": False,
            "idLookup": self.looked_up,
            "inlineHelpText": None,
            "label": self.label or self.name,
            "length": self.length,
            "mask": None,
            "maskType": None,
            "name": self.name,
            "nameField": self.name in {"Name", "Subject"},
            "namePointing": len(self.refers) > 1,
            "nillable": self.nillable,
            "permissionable": self.custom or (self.nillable and self.create),
            "picklistValues": [
                {
                    "active": value not in self.retired,
                    "defaultValue": value == self.default,
                    "label": value,
                    "validFor": None,
                    "value": value,
                }
                for value in (*self.values, *self.retired)
            ],
            "polymorphicForeignKey": len(self.refers) > 1,
            "precision": self.precision,
            "queryByDistance": False,
            "referenceTargetField": None,
            "referenceTo": list(self.refers),
            "relationshipName": self.relation,
            "relationshipOrder": None,
            "restrictedDelete": False,
            "restrictedPicklist": self.restricted,
            "scale": self.scale,
            "searchPrefilterable": False,
            "soapType": _SOAP.get(self.type, "xsd:string"),
            "sortable": self.type != "address"
            and not self.unfiltered
            and (self.type != "textarea" or self.length <= 255),
            "type": self.type,
            "unique": False,
            "updateable": self.update,
            "writeRequiresMasterRead": False,
        }


@dataclass(slots=True)
class ObjectSpec:
    """One object: its fields by name, in the order they are described."""

    name: str
    prefix: str
    label: str
    plural: str
    fields: dict[str, FieldSpec] = field(default_factory=dict)
    create: bool = True
    owners: tuple[str, ...] = ()
    tracked: tuple[str, ...] = ()
    """Fields whose changes leave a row of history."""

    def find(self, name: str) -> FieldSpec | None:
        """The field of that name, in any spelling of case."""
        exact = self.fields.get(name)
        if exact is not None:
            return exact
        wanted = name.lower()
        return next((f for f in self.fields.values() if f.name.lower() == wanted), None)

    def summary(self, version: str) -> dict[str, Any]:
        """As an entry of the global describe."""
        base = f"/services/data/v{version}/sobjects/{self.name}"
        return {
            "activateable": False,
            "associateEntityType": None,
            "associateParentEntity": None,
            "createable": self.create,
            "custom": False,
            "customSetting": False,
            "deepCloneable": False,
            "deletable": self.create,
            "deprecatedAndHidden": False,
            "feedEnabled": False,
            "hasSubtypes": False,
            "isInterface": False,
            "isSubtype": False,
            "keyPrefix": self.prefix,
            "label": self.label,
            "labelPlural": self.plural,
            "layoutable": self.create,
            "mergeable": self.name in {"Lead", "Contact", "Account"},
            "mruEnabled": self.create,
            "name": self.name,
            "queryable": True,
            "replicateable": True,
            "retrieveable": True,
            "searchable": True,
            "triggerable": self.create,
            "undeletable": self.create,
            "updateable": self.create,
            "urls": {
                "compactLayouts": f"{base}/describe/compactLayouts",
                "rowTemplate": f"{base}/{{ID}}",
                "describe": f"{base}/describe",
                "layouts": f"{base}/describe/layouts",
                "sobject": base,
            },
        }

    def describe(
        self, version: str, fields: list[FieldSpec], known: Container[str]
    ) -> dict[str, Any]:
        """As the object's own describe, with the fields the asking user may see; `known` are the
        objects there are."""
        return {
            "actionOverrides": [],
            "childRelationships": [
                {
                    "cascadeDelete": False,
                    "childSObject": child,
                    "deprecatedAndHidden": False,
                    "field": name,
                    "junctionIdListNames": [],
                    "junctionReferenceTo": [],
                    "relationshipName": relation,
                    "restrictedDelete": False,
                }
                for (parent, relation), (child, name) in CHILDREN.items()
                if parent == self.name and child in known
            ],
            "compactLayoutable": True,
            "defaultImplementation": None,
            "extendedBy": None,
            "extendsInterfaces": None,
            "fields": [one.describe() for one in fields],
            "implementedBy": None,
            "implementsInterfaces": None,
            "listviewable": None,
            "lookupLayoutable": None,
            "namedLayoutInfos": [],
            "networkScopeFieldName": None,
            "recordTypeInfos": [],
            "searchLayoutable": True,
            "sobjectDescribeOption": "FULL",
            "supportedScopes": [{"label": f"All {self.plural}", "name": "everything"}],
            **self.summary(version),
        }
