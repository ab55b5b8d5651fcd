"""Installing: our fields by the REST metadata resource, then the right to see them.

A field that was deployed stays hidden until a permission set shows it to our user; so a deploy ends
by looking whether the fields are there to be written. A first deploy only checks, and changes
nothing when one part of it would fail.

Source: Metadata API Developer Guide, "Deploying with REST"; "PermissionSetAssignment".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import chain, repeat
from typing import Any

import orjson
from urllib3.fields import RequestField
from urllib3.filepost import encode_multipart_formdata

from connector.adapters.base import FieldStep, Use
from connector.adapters.salesforce.answers import judge
from connector.adapters.salesforce.calls import ROOT, Calls
from connector.adapters.salesforce.describing import Objects, Spec, field_type
from connector.adapters.salesforce.package import PERMISSION_SET, zipped
from connector.adapters.salesforce.reading import Reading
from connector.adapters.salesforce.session import Session
from connector.adapters.salesforce.soql import quoted
from connector.domain.outward import FieldType
from connector.errors import (
    LoginError,
    RateLimitError,
    RemoteError,
    TryLaterError,
    UnknownOutcomeError,
    UsageError,
)
from connector.transport.http import Answer

_DEPLOY = "metadata/deployRequest"
_FIRST_POLL_S, _POLL_S = 0.25, 2.0
_POLLS = 300
_TEXTS = {FieldType.TEXT, FieldType.LONG_TEXT}
_AGAIN = "Run leadloop install again: what is there already is left as it is"
_RIGHTS = (
    "Let a user with Customize Application and Modify Metadata run leadloop install, "
    f"and assign the permission set {PERMISSION_SET} to our own"
)


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

    def plan(self, wanted: Sequence[FieldStep]) -> list[FieldStep]:
        """Say of each field whether it would be made, is there, or clashes."""
        self._objects.forget()
        return [self._step(step) for step in wanted]

    def create(self, steps: Sequence[FieldStep]) -> None:
        """Make fields, show them to our user, and look whether they can be written."""
        wanted = [step for step in steps if step.action == "create"]
        if not wanted:
            return
        named = [replace(s, source=self._objects.of(s.source).name) for s in wanted]
        fresh = [s for s in named if s.name not in self._objects.of(s.source)]
        package = zipped(fresh, self._readable(named))
        for check_only in (True, False):
            self._deploy(package, check_only=check_only)
        self._assign()
        self._verify(named)

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
        if not spec.get("updateable"):
            return replace(step, action="create", note="there, but our user may not write it")
        return replace(step, action="keep")

    def _standard(self, step: FieldStep, spec: Spec | None) -> FieldStep:
        if spec is None:
            return replace(step, action="clash", note="the name of a field we make ends in __c")
        reason = _clash(step, spec)
        return replace(step, action="clash" if reason else "keep", note=reason)

    def _readable(self, steps: Sequence[FieldStep]) -> set[tuple[str, str]]:
        """All custom fields that we write, those to be made and those that are there."""
        found = {(step.source, step.name) for step in steps}
        for source, use in self._uses.items():
            if use.writes:
                described = self._objects.of(source)
                found |= {
                    (described.name, str(described.fields[name.casefold()]["name"]))
                    for name in use.writes
                    if name.endswith("__c") and name in described
                }
        return found

    # --- deploying -------------------------------------------------------------------------------

    def _deploy(self, package: bytes, *, check_only: bool) -> None:
        options = {
            "allowMissingFiles": False,
            "autoUpdatePackage": False,
            "checkOnly": check_only,
            "ignoreWarnings": False,
            "performRetrieve": False,
            "purgeOnDelete": False,
            "rollbackOnError": True,
            "runTests": None,
            "singlePackage": True,
            "testLevel": "NoTestRun",
        }
        said = RequestField("json", orjson.dumps({"deployOptions": options}))
        said.make_multipart(content_type="application/json")
        file = RequestField("file", package, filename="deploy.zip")
        file.make_multipart(content_type="application/zip")
        body, kind = encode_multipart_formdata([said, file])
        try:
            answer = self._calls.write("POST", _DEPLOY, body, "deploy metadata", kind=kind)
        except UnknownOutcomeError:
            raise TryLaterError(
                "no answer came to the deploy, so it may be under way", hint=_AGAIN
            ) from None
        except LoginError as error:
            raise LoginError(str(error), hint=_RIGHTS) from None
        try:
            ident = str(orjson.loads(answer)["id"])
        except (orjson.JSONDecodeError, KeyError, TypeError):
            raise TryLaterError("the deploy was answered without its id", hint=_AGAIN) from None
        _succeeded(self._result(ident))

    def _result(self, ident: str) -> Mapping[str, Any]:
        """Ask for a deploy's end until it is there; the transport does the waiting."""
        kept: list[Mapping[str, Any]] = []
        waits = chain((_FIRST_POLL_S * 2**n for n in range(3)), repeat(_POLL_S))

        def done(answer: Answer) -> None:
            judge(answer, "see how the deploy goes")
            try:
                result = orjson.loads(answer.body)["deployResult"]
            except (orjson.JSONDecodeError, KeyError, TypeError):
                result = {}
            if not isinstance(result, dict) or result.get("done") is not True:
                raise RateLimitError(
                    "the deploy is still under way", retry_after=next(waits), hint=_AGAIN
                )
            kept[:] = [result]

        path = f"{ROOT}/{_DEPLOY}/{ident}?includeDetails=true"
        self._session.http.send("GET", path, repeatable=True, judge=done, attempts=_POLLS)
        return kept[0]

    # --- the right to see them -------------------------------------------------------------------

    def _assign(self) -> None:
        named = f"Name = {quoted(PERMISSION_SET)}"
        sets = self._reading.where("PermissionSet", ["Id"], named)
        if not sets:
            raise LoginError(
                f"our user may not see the permission set {PERMISSION_SET}", hint=_RIGHTS
            )
        _, user = self._session.ids()
        body = orjson.dumps({"AssigneeId": user, "PermissionSetId": sets[0]["Id"]})
        try:
            self._calls.write(
                "POST", "sobjects/PermissionSetAssignment", body, "assign a permission set"
            )
        except (RemoteError, LoginError) as error:
            if getattr(error, "vendor_code", "") != "DUPLICATE_VALUE":
                raise LoginError(
                    f"the permission set {PERMISSION_SET} cannot be assigned to our user",
                    hint=_RIGHTS,
                ) from None
        except UnknownOutcomeError:
            pass  # what comes next looks whether it took effect

    def _verify(self, steps: Sequence[FieldStep]) -> None:
        self._objects.forget()
        hidden = [
            f"{step.source}.{step.name}"
            for step in steps
            if not self._objects.of(step.source)
            .fields.get(step.name.casefold(), {})
            .get("updateable")
        ]
        if hidden:
            raise LoginError(
                f"made, but our user may not write them: {', '.join(hidden)}", hint=_RIGHTS
            )


def _clash(step: FieldStep, spec: Spec) -> str:
    """Why an existing field cannot take what we would write; empty when it can."""
    there = field_type(spec)
    if there is not step.type and not {there, step.type} <= _TEXTS:
        return f"a field of type {spec['type']} has this name"
    if spec.get("calculated"):
        return "a formula has this name"
    length = int(spec.get("length") or 0)
    if step.type in _TEXTS and length < step.length:
        return f"the field of this name holds {length} characters, not {step.length}"
    return ""


def _succeeded(result: Mapping[str, Any]) -> None:
    """Raise UsageError that names every part of a deploy that failed, and why."""
    if result.get("success") is True:
        return
    failures = (result.get("details") or {}).get("componentFailures") or []
    failures = failures if isinstance(failures, list) else [failures]
    said = "; ".join(f"{f.get('fullName')}: {f.get('problem')}" for f in failures[:20])
    status = result.get("errorMessage") or result.get("status") or "failed"
    raise UsageError(
        f"Salesforce did not take our fields, and nothing was changed: {said or status}",
        hint="Mend that in Setup, or give the mapping's `write:` another field",
    )
