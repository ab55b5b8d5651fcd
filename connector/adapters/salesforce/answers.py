"""What Salesforce's answers say: errors by their code rather than their status, and the quota.

The same fault comes as 400, 403 or 500, so the code decides. REQUEST_LIMIT_EXCEEDED is both the
day's quota and too many long requests at once; only the words tell them apart.

Source: REST API Developer Guide, "Status Codes and Error Responses" and "Limit Info Header".
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import NamedTuple

import orjson

from connector.adapters.salesforce.unconfirmed import CONCURRENT
from connector.domain.moment import MINUTE, Micros
from connector.errors import (
    LoginError,
    QuotaError,
    RateLimitError,
    RemoteError,
    TryLaterError,
    UnknownOutcomeError,
)
from connector.transport.http import Answer, SessionExpiredError

LATER = frozenset(
    {"UNABLE_TO_LOCK_ROW", "SERVER_UNAVAILABLE", "QUERY_TIMEOUT", "REQUEST_RUNNING_TOO_LONG"}
)
"""Codes of requests that did nothing and may do it later."""
_NO_RIGHT = "INSUFFICIENT_ACCESS"
"""How the codes begin that are about one right, and not about the log-in or the API as a whole."""
_SHARES = re.compile(r"(?:^|;)\s*[\w-]*api-usage=(\d+)/(\d+)")
_FRESH = 5 * MINUTE
_APP_HINT = "Check the external client app, its run-as user and that user's API permission"


class NoRightError(LoginError):
    """Our user may log in, but lacks the right to one thing."""


class TooLongError(TryLaterError):
    """Salesforce gave a query up: it looks at more rows than there was time for."""


class Refusal(NamedTuple):
    """One error of an answer. `message` is the vendor's words and may quote values."""

    code: str
    message: str
    fields: tuple[str, ...] = ()


def refusals(answer: Answer) -> list[Refusal]:
    """Give the errors an answer lists; none for a page, or anything not in that form."""
    try:
        given = orjson.loads(answer.body)
    except orjson.JSONDecodeError:
        return []
    listed = given if isinstance(given, list) else []
    return [refusal(one) for one in listed if isinstance(one, dict)]


def refusal(given: dict[str, object]) -> Refusal:
    """Read one error, whose code is called `errorCode` or, in collections, `statusCode`."""
    fields = given.get("fields")
    return Refusal(
        str(given.get("errorCode") or given.get("statusCode") or ""),
        str(given.get("message") or ""),
        tuple(str(name) for name in fields) if isinstance(fields, list) else (),
    )


def overrules(answer: Answer) -> None:
    """Raise for what means more than its status: an ended session, a quota, a passing lock."""
    if answer.status < 400:
        return
    found = refusals(answer)
    code, message = (found[0].code, found[0].message) if found else ("", "")
    if answer.status == 401:
        _refused_session(code, message)
    if code == "REQUEST_LIMIT_EXCEEDED":
        if CONCURRENT in message.casefold():
            raise RateLimitError(
                "Salesforce has too many long requests at once", hint="Run again later"
            )
        raise QuotaError(
            "Salesforce's API calls of the last 24 hours are used up",
            hint="Run again later, or raise the org's limit; the state is saved",
        )
    if code in LATER:
        kind = TooLongError if code == "QUERY_TIMEOUT" else TryLaterError
        raise kind(f"Salesforce put a request off: {code}", hint="Run again later")


def _refused_session(code: str, message: str) -> None:
    if code == "INVALID_SESSION_ID" and "not valid for use" not in message:
        raise SessionExpiredError("Salesforce ended our session", hint=_APP_HINT)
    if code == "INVALID_SESSION_ID":
        raise LoginError(
            "our Salesforce session may not use the REST API",
            hint="Lift the high-assurance session requirement for our user, or its profile",
        )
    raise LoginError(f"Salesforce refused us ({code or 401})", hint=_APP_HINT)


def judge(answer: Answer, said: str) -> None:
    """Raise for every other refusal of a read, or of a request that may be repeated."""
    if answer.status < 300:
        return
    found = refusals(answer)
    code = found[0].code if found else ""
    if answer.status in {401, 403}:
        kind = NoRightError if code.startswith(_NO_RIGHT) else LoginError
        raise kind(f"our Salesforce user may not {said} ({code or answer.status})", hint=_APP_HINT)
    if answer.status >= 500:
        raise TryLaterError(
            f"{said} was answered {answer.status} {code}".rstrip(), hint="Run again later"
        )
    raise RemoteError(
        f"Salesforce refused to {said}: {code or answer.status}",
        vendor_code=code or str(answer.status),
        hint="Check `address:` and what our user may do there",
    )


def judge_write(answer: Answer, said: str) -> None:
    """As `judge`, but a server's fault in the middle of a write leaves its outcome open."""
    if answer.status >= 500:
        raise UnknownOutcomeError(
            f"{said} was answered {answer.status}, so it may or may not have been done",
            hint="It is read back before it is sent again",
        )
    judge(answer, said)


class Usage:
    """How much of the calls of the last 24 hours is used, as each answer's header says.

    A number is believed for five minutes only, so that one that waited asks anew.
    """

    def __init__(self, reserve: float, clock: Callable[[], Micros]) -> None:
        self._reserve = reserve
        self._clock = clock
        self._share = 0.0
        self._heard: Micros = 0

    def hear(self, answer: Answer) -> None:
        """Take in the limits that an answer names: the org's, and our app's if it has its own."""
        found = _SHARES.findall(answer.headers.get("Sforce-Limit-Info", ""))
        shares = [int(used) / int(most) for used, most in found if int(most)]
        if shares:
            self._share, self._heard = max(shares), self._clock()

    def check(self) -> None:
        """Raise QuotaError before a call would eat into what is reserved for people."""
        if self._share > 1 - self._reserve and self._clock() - self._heard < _FRESH:
            raise QuotaError(
                f"{self._share:.0%} of Salesforce's API calls of the last 24 hours are used, and "
                f"{self._reserve:.0%} are left to people",
                hint="Run again later; `api.reserve` says how much is left to people",
            )
