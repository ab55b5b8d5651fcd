"""Deploys by the REST metadata resource: first only checked, then done, whole or not at all.

Source: Metadata API Developer Guide, "Deploying with REST", "Checking Deployment Status".
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import chain, repeat
from typing import Any

import orjson
from urllib3.fields import RequestField
from urllib3.filepost import encode_multipart_formdata

from connector.adapters.salesforce.answers import judge
from connector.adapters.salesforce.calls import ROOT, Calls
from connector.adapters.salesforce.metadata.fields import INTEGRATION
from connector.adapters.salesforce.session import Session
from connector.adapters.salesforce.unconfirmed import TEST_LEVEL
from connector.errors import (
    LoginError,
    RateLimitError,
    TryLaterError,
    UnknownOutcomeError,
    UsageError,
)
from connector.transport.http import Answer

_DEPLOY = "metadata/deployRequest"
_FIRST_POLL_S, _POLL_S = 0.06, 2.0
_POLLS = 300
_SHOWN = 20
_AGAIN = "Run leadloop install again: what is there already is left as it is"
RIGHTS = (
    "Let a user with Customize Application and Modify Metadata run leadloop install (--admin-cli), "
    f"and assign the permission set {INTEGRATION} to our own"
)


class Deploys:
    """Hands packages to one org."""

    def __init__(self, session: Session, calls: Calls) -> None:
        self._session = session
        self._calls = calls

    def deploy(self, package: bytes) -> Mapping[str, Any]:
        """Check a package, then deploy it; gives what Salesforce says of the deploy.

        Raises UsageError that names each part that failed; then nothing was changed.
        """
        succeeded(self.run(package, check_only=True))
        result = self.run(package, check_only=False)
        succeeded(result)
        return result

    def run(self, package: bytes, *, check_only: bool) -> Mapping[str, Any]:
        """Hand a package in and wait for its end; gives the result, good or bad."""
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
            "testLevel": TEST_LEVEL,
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
            raise LoginError(str(error), hint=RIGHTS) from None
        try:
            ident = str(orjson.loads(answer)["id"])
        except (orjson.JSONDecodeError, KeyError, TypeError):
            raise TryLaterError("the deploy was answered without its id", hint=_AGAIN) from None
        return self._result(ident)

    def _result(self, ident: str) -> Mapping[str, Any]:
        """Ask for a deploy's end until it is there; the transport does the waiting."""
        kept: list[Mapping[str, Any]] = []
        waits = chain((_FIRST_POLL_S * 2**n for n in range(5)), repeat(_POLL_S))

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


def failures(result: Mapping[str, Any]) -> list[str]:
    """Give what is wrong with a deploy, a line a part; none where it succeeded."""
    if result.get("success") is True:
        return []
    found = _listed(result, "componentFailures")
    status = result.get("errorMessage") or result.get("status") or "failed"
    return [f"{f.get('fullName')}: {f.get('problem')}" for f in found] or [str(status)]


def changes(result: Mapping[str, Any]) -> dict[str, str]:
    """Give what a deploy made of each part, by name: created, changed or kept."""
    return {
        str(one.get("fullName")): "create"
        if one.get("created") in {True, "true"}
        else "change"
        if one.get("changed") in {True, "true"}
        else "keep"
        for one in _listed(result, "componentSuccesses")
    }


def succeeded(result: Mapping[str, Any]) -> None:
    """Raise UsageError that names every part of a deploy that failed, and why."""
    found = failures(result)
    if found:
        raise UsageError(
            f"Salesforce did not take it, and nothing was changed: {told(found)}",
            hint="Mend that in Setup, or give the mapping's `write:` another field",
        )


def told(lines: Sequence[str]) -> str:
    """Put lines in one, the first twenty of them."""
    return "; ".join(lines[:_SHOWN])


def _listed(result: Mapping[str, Any], name: str) -> Iterable[Mapping[str, Any]]:
    found = (result.get("details") or {}).get(name) or []
    return found if isinstance(found, list) else [found]
