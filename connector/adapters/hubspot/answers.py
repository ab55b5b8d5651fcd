"""What HubSpot's refusals mean, whatever the request was.

Source: HubSpot's error handling and usage guidelines pages (2026-11). Every field of an error body
is optional, and its words may quote values of people: they go into outcomes, never into messages.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import orjson

from connector.adapters.hubspot.unconfirmed import SCOPES
from connector.errors import (
    FeatureError,
    LoginError,
    QuotaError,
    RateLimitError,
    RemoteError,
    TryLaterError,
    UnknownOutcomeError,
)
from connector.transport.http import Answer, SessionExpiredError

TEN_SECONDS, ONE_SECOND, LOCKED = 10.0, 1.0, 2.0
_AWAY = frozenset({521, 522, 523, 525, 526})
_UNSURE = frozenset({500, 520, 524})
_KEY = (
    "Make a service key (Settings > Integrations > Service Keys), and put it into the variable "
    "`auth.token` names"
)
_APP = "Look whether the app is still installed in this portal, and with which scopes"
_WORD = re.compile(r"[A-Z][A-Z_]{2,60}")


class ForbiddenError(FeatureError):
    """The token is good, but may not do this: a scope or a product is missing."""


class RefusedError(RemoteError):
    """HubSpot refused a request for good; `body` is what it said, for outcomes only."""

    def __init__(self, message: str, status: int, body: Mapping[str, Any], code: str) -> None:
        super().__init__(message, vendor_code=code, hint=_trace(body))
        self.http_status = status
        self.body = body


def overrules(answer: Answer) -> None:
    """Raise for answers whose status means something of HubSpot's own."""
    status = answer.status
    if status < 300:
        return
    body = body_of(answer)
    if status in {401, 530}:
        # 530 comes from the edge for a token that is none.
        raise LoginError(f"HubSpot refused the token ({status})", hint=_KEY)
    if status == 403:
        raise ForbiddenError(_lacking(body), hint="Give the key that scope, or map the object out")
    if status == 429:
        raise _too_many(answer, body)
    if status in {423, 477}:
        raise _wait(answer, status)
    if status in _AWAY:
        raise TryLaterError(f"HubSpot cannot be reached ({status})", hint="Run again later")


def overrules_session(answer: Answer) -> None:
    """Raise as `overrules` does, but for a token that can be exchanged for another."""
    if answer.status == 401:
        raise SessionExpiredError("HubSpot refused the access token (401)", hint=_APP)
    overrules(answer)


def judge_read(answer: Answer) -> None:
    """Raise for what is left of the refusals, after `overrules`; repeating would do no harm."""
    if answer.status >= 500:
        raise TryLaterError(f"HubSpot answered {answer.status}", hint="Run again later")
    _judge_refusal(answer)


def judge_write(answer: Answer) -> None:
    """Raise for what is left of the refusals, where an inner error leaves open what was done."""
    if answer.status in _UNSURE:
        raise UnknownOutcomeError(
            f"HubSpot answered {answer.status}, so it may or may not have been done",
            hint="It is read back before it is sent again",
        )
    judge_read(answer)


def body_of(answer: Answer) -> dict[str, Any]:
    """Give the body of an answer where it is an object, else an empty one."""
    try:
        body = orjson.loads(answer.body)
    except orjson.JSONDecodeError:
        return {}
    return body if isinstance(body, dict) else {}


def code_of(error: Mapping[str, Any]) -> str:
    """Give HubSpot's word for why: the innermost code, else the category."""
    for inner in _inner(error):
        for name in ("code", "subCategory"):
            if isinstance(inner.get(name), str):
                return str(inner[name]).rpartition(".")[2]
    for name in ("subCategory", "category", "errorType", "error"):
        if isinstance(error.get(name), str):
            return str(error[name]).rpartition(".")[2]
    found = _WORD.search(str(error.get("message", "")))
    return found[0] if found else ""


def properties_of(error: Mapping[str, Any]) -> list[str]:
    """Give the properties an error is about, as far as it names them."""
    found: dict[str, None] = {}
    for one in (error, *_inner(error)):
        context = one.get("context")
        named = context.get("propertyName") if isinstance(context, dict) else None
        for name in named if isinstance(named, list) else [named]:
            if isinstance(name, str):
                found[name] = None
        if not found:
            found.update(dict.fromkeys(_named_in(str(one.get("message", "")))))
    return list(found)


_NAMED = re.compile(
    r'"name"\s*:\s*"([a-z0-9_]+)"|[Pp]ropert(?:y|ies)[^"\'`\[]{0,40}["\'`\[]([a-z0-9_]+)'
)


def _named_in(message: str) -> list[str]:
    return [first or second for first, second in _NAMED.findall(message)]


def _inner(error: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    inner = error.get("errors")
    return [one for one in inner if isinstance(one, dict)] if isinstance(inner, list) else []


def _judge_refusal(answer: Answer) -> None:
    if answer.status < 300:
        return
    body = body_of(answer)
    code = code_of(body) or str(answer.status)
    raise RefusedError(f"HubSpot refused a request: {code}", answer.status, body, code)


def _lacking(body: Mapping[str, Any]) -> str:
    scopes: dict[str, None] = {}
    for one in (body, *_inner(body)):
        context = one.get("context")
        for name in SCOPES:
            named = context.get(name) if isinstance(context, dict) else None
            for scope in named if isinstance(named, list) else ():
                scopes[str(scope)[:80]] = None
    named_all = ", ".join(scopes)
    return f"the HubSpot key lacks the scope {named_all}" if named_all else "HubSpot forbids this"


def _too_many(answer: Answer, body: Mapping[str, Any]) -> TryLaterError:
    policy = str(body.get("policyName", ""))
    if policy == "DAILY":
        return QuotaError(
            "HubSpot's calls for today are used up",
            hint="Run again after midnight in the portal's time zone",
        )
    told = _seconds(answer)
    default = TEN_SECONDS if policy.startswith("TEN_SECONDLY") else ONE_SECOND
    return RateLimitError(
        f"HubSpot says too many calls ({policy or 'no policy named'})",
        retry_after=told if told is not None else default,
        hint="Run less often, or raise the portal's limit",
    )


def _wait(answer: Answer, status: int) -> RateLimitError:
    told = _seconds(answer)
    if status == 423:
        said, default = "HubSpot has the records locked", LOCKED
    else:
        said, default = "HubSpot is moving this portal to another place", TEN_SECONDS
    wait = max(told, default) if told is not None and status == 423 else told
    return RateLimitError(
        f"{said} ({status})",
        retry_after=wait if wait is not None else default,
        hint="Run again later",
    )


def _seconds(answer: Answer) -> float | None:
    text = answer.headers.get("Retry-After", "")
    return float(text) if text.isdigit() else None


def _trace(body: Mapping[str, Any]) -> str:
    ident = body.get("correlationId")
    return f"HubSpot's own trace of it: {str(ident)[:64]}" if ident else "Look at HubSpot's API log"
