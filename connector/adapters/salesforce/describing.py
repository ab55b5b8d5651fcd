"""What Salesforce says about its objects, asked once each through simple-salesforce.

The library brings the calls and the errors; its session is ours, so that its requests go through
our transport. A field that is missing from a description does not exist or is hidden from our user:
Salesforce does not tell these apart.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from simple_salesforce.api import Salesforce
from simple_salesforce.exceptions import SalesforceError, SalesforceResourceNotFound

from connector.adapters.base import RemoteField
from connector.adapters.salesforce.calls import API
from connector.adapters.salesforce.recalling import Recalling
from connector.domain.outward import FieldType
from connector.errors import LoginError, RemoteError, TryLaterError, UsageError
from connector.transport.http import Transport
from connector.transport.riding import RidingSession

Spec = Mapping[str, Any]
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,79}")
_MOST_TARGETS = 8
"""Objects looked at behind a reference that may lead to many, such as What."""
_NUMBERS = frozenset({"int", "long", "double", "currency", "percent"})
_TEXTS = frozenset(
    {"string", "picklist", "multipicklist", "combobox", "email", "phone", "url", "id", "reference"}
    | {"encryptedstring"}
)


class Described:
    """One object: its own spelling, its fields and references by lower-case name."""

    def __init__(self, given: Mapping[str, Any]) -> None:
        self.name = str(given["name"])
        self.updateable = bool(given.get("updateable", True))
        self.replicated = bool(given.get("replicateable"))
        """Whether Salesforce keeps a log of what was changed and deleted."""
        self.fields: dict[str, Spec] = {str(f["name"]).casefold(): f for f in given["fields"]}
        self.relations: dict[str, Spec] = {
            str(f["relationshipName"]).casefold(): f
            for f in given["fields"]
            if f.get("relationshipName")
        }
        self.children: dict[str, tuple[str, str, str]] = {
            str(one["relationshipName"]).casefold(): (
                str(one["relationshipName"]),
                str(one["childSObject"]),
                str(one["field"]),
            )
            for one in given.get("childRelationships") or ()
            if one.get("relationshipName")
        }
        """Name, child object and its reference to us, by the relationship's lower-case name."""

    def __contains__(self, name: str) -> bool:
        return name.casefold() in self.fields

    def stamp(self) -> str | None:
        """Give the field that tells when a row changed; the best of those there are."""
        names = ("SystemModstamp", "LastModifiedDate", "CreatedDate")
        return next((name for name in names if name in self), None)


class Objects:
    """Descriptions of objects, kept until forgotten."""

    def __init__(self, http: Transport, address: str, recalling: Recalling | None = None) -> None:
        self._recalling = recalling
        self._riding = RidingSession(http)
        self._library = Salesforce(
            session_id="of our transport",
            instance_url=address,
            session=self._riding,
            version=API,
            object_pairs_hook=dict,
        )
        self._known: dict[str, Described] = {}

    def names(self) -> list[str]:
        """Give the objects that can be queried."""
        given = self._ask("sobjects", "the list of objects")
        return [str(one["name"]) for one in given["sobjects"] if one.get("queryable")]

    def of(self, source: str) -> Described:
        """Describe one object. Raises UsageError when our user sees none of that name."""
        key = source.casefold()
        if key not in self._known:
            if not _NAME.fullmatch(source):
                raise _unknown(source)
            given = self._said_of(source)
            if not given:
                raise _unknown(source)
            self._known[key] = Described(given)
        return self._known[key]

    def _said_of(self, source: str) -> Mapping[str, Any]:
        """What is said of an object, now or in an earlier run; nothing where there is none."""
        given = self._recalling.load(source) if self._recalling is not None else None
        if given is not None:
            return given
        try:
            given = self._ask(f"sobjects/{source}/describe", source)
        except SalesforceResourceNotFound:
            given = {}
        if self._recalling is not None:
            self._recalling.keep(source, given, self._riding.date)
        return given

    def forget(self) -> None:
        """Ask anew from now on, after something was changed."""
        self._known.clear()
        if self._recalling is not None:
            self._recalling.forget()

    def column(self, source: str, name: str) -> str:
        """Give a field, or a path such as `Owner.Email`, in Salesforce's own spelling.

        Raises UsageError that names it where our user sees no such field.
        """
        described = self.of(source)
        first, dot, rest = name.partition(".")
        if not dot:
            if name in described:
                return str(described.fields[name.casefold()]["name"])
            raise _no_field(described.name, name)
        reference = described.relations.get(first.casefold())
        if reference is None:
            raise _no_field(described.name, name)
        for target in reference["referenceTo"][:_MOST_TARGETS]:
            try:
                inner = self.column(str(target), rest)
            except UsageError:
                continue
            return f"{reference['relationshipName']}.{inner}"
        raise _no_field(described.name, name)

    def spec(self, source: str, column: str) -> Spec:
        """Describe a column, or a path, that `column` has spelled."""
        described = self.of(source)
        first, dot, rest = column.partition(".")
        if not dot:
            return described.fields[first.casefold()]
        reference = described.relations[first.casefold()]
        for target in reference["referenceTo"][:_MOST_TARGETS]:
            try:
                return self.spec(str(target), rest)
            except (UsageError, KeyError):
                continue
        raise _no_field(described.name, column)

    def _ask(self, path: str, what: str) -> Mapping[str, Any]:
        try:
            given = self._library.restful(path)
        except SalesforceResourceNotFound:
            raise
        except SalesforceError as error:
            if error.status in {401, 403}:
                raise LoginError(
                    f"our Salesforce user may not read the description of {what}",
                    hint="Give the user the permissions API Enabled and View Setup",
                ) from None
            raise RemoteError(
                f"Salesforce refused to describe {what} ({error.status})",
                vendor_code=str(error.status),
                hint="Check `address:` and that the org has API version " + API,
            ) from None
        except ValueError:
            given = None
        if not isinstance(given, dict):
            raise TryLaterError(
                f"the description of {what} came in part only", hint="Run again later"
            )
        return given


def remote_field(spec: Spec) -> RemoteField:
    """Describe a field in our words."""
    offered = tuple(str(v["value"]) for v in spec["picklistValues"] if v.get("active"))
    closed = spec.get("restrictedPicklist") and spec["type"] in {"picklist", "multipicklist"}
    return RemoteField(
        name=str(spec["name"]),
        type=field_type(spec),
        label=str(spec.get("label") or ""),
        writable=bool(spec.get("updateable")),
        length=int(spec.get("length") or 0) or None,
        values=offered if closed else None,
        offered=offered,
    )


def field_type(spec: Spec) -> FieldType | None:
    """Give what a field can hold; None for what we have no use for, such as an address."""
    kind = str(spec["type"])
    if kind in _NUMBERS:
        return FieldType.NUMBER
    if kind == "reference" and spec["name"] == "OwnerId":
        return FieldType.OWNER
    if kind in _TEXTS:
        return FieldType.TEXT
    more = {
        "textarea": FieldType.LONG_TEXT,
        "boolean": FieldType.BOOLEAN,
        "datetime": FieldType.MOMENT,
    }
    return more.get(kind)


def _unknown(source: str) -> UsageError:
    return UsageError(
        f"Salesforce shows us no object `{source[:80]}`",
        hint="Mend the mapping's `source:`, or let our user see the object",
    )


def _no_field(source: str, name: str) -> UsageError:
    return UsageError(
        f"Salesforce's {source} shows us no field `{name[:200]}`",
        hint="Mend the mapping, or let our user see the field; leadloop install makes our own",
    )
