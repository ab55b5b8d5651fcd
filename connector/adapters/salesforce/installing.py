"""Installing: our fields by a deploy, then the right to see them.

A field that was deployed stays hidden until a permission set shows it to our user; so a deploy ends
by looking whether the fields are there to be written. A first deploy only checks, and changes
nothing when one part of it would fail.

Source: Metadata API Developer Guide, "CustomField"; Object Reference, "PermissionSetAssignment".
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

import orjson

from connector.adapters.base import FieldStep, Use
from connector.adapters.salesforce.calls import Calls
from connector.adapters.salesforce.deploying import RIGHTS, Deploys
from connector.adapters.salesforce.describing import Objects, Spec, field_type
from connector.adapters.salesforce.metadata.fields import (
    INTEGRATION,
    REASONS,
    field_part,
    permission_parts,
)
from connector.adapters.salesforce.metadata.parts import Part, package
from connector.adapters.salesforce.reading import Reading
from connector.adapters.salesforce.session import Session
from connector.adapters.salesforce.soql import quoted
from connector.domain.outward import FieldType
from connector.errors import LoginError, RemoteError, UnknownOutcomeError, UsageError

_PICKED = 255
"""Characters of a value of a picklist, whatever its description says."""
_NAME = re.compile(r"[A-Za-z]\w{0,79}")
_MOST_DELETED = 200
_TEXTS = {FieldType.TEXT, FieldType.LONG_TEXT}


class Installing:
    """Makes our fields. `uses` names every field we write, so that each keeps its permission."""

    def __init__(
        self,
        session: Session,
        calls: Calls,
        objects: Objects,
        reading: Reading,
        uses: Mapping[str, Use],
    ) -> None:
        self._session = session
        self._calls = calls
        self._objects = objects
        self._reading = reading
        self._uses = uses
        self._deploys = Deploys(session, calls)

    def plan(self, wanted: Sequence[FieldStep]) -> list[FieldStep]:
        """Say of each field whether it would be made, is there, or clashes."""
        self._objects.forget()
        return [self._step(step) for step in wanted]

    def create(self, steps: Sequence[FieldStep]) -> None:
        """Make fields, show them to our user, and look whether they can be written."""
        wanted = [step for step in steps if step.action == "create"]
        if not wanted:
            return
        self._deploys.deploy(package(self.parts(wanted)))
        self.assign(self._session.ids()[1])
        self.verify(wanted)

    def parts(
        self,
        wanted: Sequence[FieldStep],
        *,
        kept: Sequence[FieldStep] = (),
        whole: bool = False,
    ) -> list[Part]:
        """The fields to be made, and the permission sets over them and those that are there.

        `kept` are there although whoever deploys may not see them. With `whole` those that are
        there are spelled too, as they would be made.
        """
        named = [replace(s, source=self._objects.of(s.source).name) for s in wanted]
        fields = [
            field_part(step, values)
            for step, values in ((step, self._values(step, whole=whole)) for step in named)
            if whole or step.name not in self._objects.of(step.source) or values
        ]
        ours = [*named, *(replace(s, source=self._objects.of(s.source).name) for s in kept)]
        every = {(step.source, step.name) for step in ours} | self._there("writes", "asks")
        asked = self._asked(ours) | self._there("asks")
        return [*fields, *permission_parts(every, asked)]

    def _step(self, step: FieldStep) -> FieldStep:
        described = self._objects.of(step.source)
        if not step.name.endswith("__c"):
            return self._standard(step, described.fields.get(step.name.casefold()))
        spec = described.fields.get(step.name.casefold())
        if spec is None:
            return replace(step, action="create")
        reason = _clash(step, spec)
        if reason:
            return replace(step, action="clash", note=reason)
        if not spec.get("updateable") and not self._asks(step):
            return replace(step, action="create", note="there, but our user may not write it")
        added = len(self._values(step)) - len(spec["picklistValues"])
        if self._values(step):
            return replace(step, action="create", note=f"there; {added} answers are added")
        return replace(step, action="keep")

    def _standard(self, step: FieldStep, spec: Spec | None) -> FieldStep:
        if spec is None:
            return replace(step, action="clash", note="the name of a field we make ends in __c")
        reason = _clash(step, spec)
        return replace(step, action="clash" if reason else "keep", note=reason)

    def _asks(self, step: FieldStep) -> bool:
        """Whether people fill a field in, instead of us."""
        source = self._objects.of(step.source).name
        return any(
            step.name in use.asks and self._objects.of(name).name == source
            for name, use in self._uses.items()
        )

    def _asked(self, steps: Iterable[FieldStep]) -> set[tuple[str, str]]:
        return {(step.source, step.name) for step in steps if self._asks(step)}

    def _values(self, step: FieldStep, *, whole: bool = False) -> Sequence[str]:
        """The values of a picklist to be deployed: those that are there, then ours; else none."""
        if not self._asks(step):
            return ()
        spec = self._objects.of(step.source).fields.get(step.name.casefold())
        if spec is None or whole:
            return REASONS
        there = [str(one["value"]) for one in spec["picklistValues"]]
        missing = [one for one in REASONS if one not in there]
        adds = spec["type"] == "picklist" and there and missing  # one without any is left alone
        return [*there, *missing] if adds else ()

    def _there(self, *kinds: str) -> set[tuple[str, str]]:
        """The custom fields of ours that are there, of those we write or those we ask for."""
        found: set[tuple[str, str]] = set()
        for source, use in self._uses.items():
            names = {name for kind in kinds for name in getattr(use, kind) if name.endswith("__c")}
            if names:
                described = self._objects.of(source)
                found |= {
                    (described.name, str(described.fields[name.casefold()]["name"]))
                    for name in names
                    if name in described
                }
        return found

    # --- the right to see them -------------------------------------------------------------------

    def assign(self, user: str) -> None:
        """Give a user our own permission set; one that has it keeps it."""
        named = f"Name = {quoted(INTEGRATION)}"
        sets = self._reading.where("PermissionSet", ["Id"], named)
        if not sets:
            raise LoginError(f"our user may not see the permission set {INTEGRATION}", hint=RIGHTS)
        body = orjson.dumps({"AssigneeId": user, "PermissionSetId": sets[0]["Id"]})
        try:
            self._calls.write(
                "POST", "sobjects/PermissionSetAssignment", body, "assign a permission set"
            )
        except (RemoteError, LoginError) as error:
            if getattr(error, "vendor_code", "") != "DUPLICATE_VALUE":
                raise LoginError(
                    f"the permission set {INTEGRATION} cannot be assigned to our user",
                    hint=RIGHTS,
                ) from None
        except UnknownOutcomeError:
            pass  # what comes next looks whether it took effect

    def unassign(self, names: Sequence[str]) -> int:
        """Take permission sets back from whoever has them; gives from how many."""
        held = self.assigned(names)
        for start in range(0, len(held), _MOST_DELETED):
            ids = ",".join(held[start : start + _MOST_DELETED])
            path = f"composite/sobjects?ids={ids}&allOrNone=false"
            self._calls.write("DELETE", path, b"", "take a permission set back")
        return len(held)

    def assigned(self, names: Sequence[str]) -> list[str]:
        """The assignments of permission sets, by id."""
        named = [n for n in names if _NAME.fullmatch(n)]
        sets = self._reading.where("PermissionSet", ["Id"], f"Name IN {quoted(named)}")
        if not sets:
            return []
        ids = [str(row["Id"]) for row in sets]
        try:
            rows = self._reading.matching("PermissionSetAssignment", ["Id"], "PermissionSetId", ids)
        except UsageError:
            return []
        return [str(row["Id"]) for row in rows]

    def verify(self, steps: Sequence[FieldStep]) -> None:
        """Raise LoginError that names the fields our user may not use after all."""
        self._objects.forget()
        hidden = [
            f"{self._objects.of(step.source).name}.{step.name}"
            for step in steps
            if not self._usable(step)
        ]
        if hidden:
            raise LoginError(
                f"made, but our user may not write them: {', '.join(hidden)}", hint=RIGHTS
            )

    def _usable(self, step: FieldStep) -> bool:
        spec = self._objects.of(step.source).fields.get(step.name.casefold())
        return spec is not None and (self._asks(step) or bool(spec.get("updateable")))


def _clash(step: FieldStep, spec: Spec) -> str:
    """Why an existing field cannot take what we would write; empty when it can."""
    there = field_type(spec)
    if there is not step.type and not {there, step.type} <= _TEXTS:
        return f"a field of type {spec['type']} has this name"
    if spec.get("calculated"):
        return "a formula has this name"
    picked = spec["type"] in {"picklist", "multipicklist"}
    length = _PICKED if picked else int(spec.get("length") or 0)
    if step.type in _TEXTS and length < step.length:
        return f"the field of this name holds {length} characters, not {step.length}"
    return ""
