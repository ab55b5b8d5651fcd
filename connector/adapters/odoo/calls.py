"""How a method of an Odoo model is called: over JSON-2 since 19, over XML-RPC before.

Source: Odoo's "External JSON-2 API" and "External RPC API" pages, and a running 19.0 (2026-11).
Odoo answers many mistakes with HTTP 500, so errors are told apart by the exception's name.
"""

from __future__ import annotations

import xmlrpc.client
from collections.abc import Callable, Mapping, Sequence
from email.utils import parsedate_to_datetime
from typing import Any, Protocol
from xml.parsers.expat import ExpatError

import orjson

from connector.domain.moment import Micros, to_micros
from connector.errors import LoginError, RemoteError, TryLaterError, UsageError
from connector.transport.http import Answer, Transport

_MISTAKES = frozenset(
    {"ValueError", "TypeError", "KeyError", "UserError", "ValidationError", "MissingError"}
    | {"RedirectWarning", "AttributeError", "UnprocessableEntity", "NotFound"}
)
_DENIED, _NO_RIGHT = 3, 4
"""Fault codes: of a log-in that is none, and of one right that lacks."""
_KEY_HINT = (
    "Make an API key in the user's preferences, and put it into the variable `auth.key` names"
)


class NoRightError(LoginError):
    """Our user may log in, but lacks the right to one thing."""


class Calls(Protocol):
    """One logged-in user of one database."""

    def call(
        self,
        model: str,
        method: str,
        ids: Sequence[int] | None = None,
        *,
        repeatable: bool = True,
        **named: Any,
    ) -> Any: ...


def version_of(transport: Transport) -> tuple[int, str, Micros]:
    """Give Odoo's major version, its full one, and the server's time; needs no log-in."""
    answer = transport.send("GET", "/web/version", repeatable=True, judge=_judge_version)
    try:
        told = orjson.loads(answer.body)
        major = int(told["version_info"][0])
    except (orjson.JSONDecodeError, KeyError, TypeError, ValueError, IndexError):
        raise UsageError(
            "the address answers, but not as an Odoo does", hint="Check `address:`"
        ) from None
    return major, str(told["version"]), server_time(answer)


def server_time(answer: Answer) -> Micros:
    """Give the time of an answer, to the second, by the server's own clock."""
    date = answer.headers.get("Date")
    if date is None:
        raise TryLaterError(
            "Odoo's answer names no time", hint="Let the proxy before it pass the Date header"
        )
    return to_micros(parsedate_to_datetime(date))


def _judge_version(answer: Answer) -> None:
    if answer.status == 404 or (answer.status < 300 and answer.is_page):
        raise UsageError("the address answers, but not as an Odoo does", hint="Check `address:`")
    if answer.status >= 300:
        raise TryLaterError(
            f"Odoo answered {answer.status} to the question for its version",
            hint="Check `address:`, and look into Odoo's log",
        )


class Json2:
    """JSON-2: one POST a call, bearer key, one transaction."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def call(
        self,
        model: str,
        method: str,
        ids: Sequence[int] | None = None,
        *,
        repeatable: bool = True,
        **named: Any,
    ) -> Any:
        body = dict(named) if ids is None else {"ids": list(ids), **named}
        answer = self._transport.send(
            "POST",
            f"/json/2/{model}/{method}",
            orjson.dumps(body),
            repeatable=repeatable,
            judge=lambda given: _judge(given, f"{model}.{method}"),
        )
        try:
            return orjson.loads(answer.body)
        except orjson.JSONDecodeError:
            raise TryLaterError(
                f"{model}.{method} was answered with something that is not JSON",
                hint="Check `address:`; a proxy may stand before Odoo",
            ) from None


def headers(key: Callable[[], str], database: str | None) -> Callable[[], Mapping[str, str]]:
    """Give the headers of a JSON-2 call; the key is opened with each call, never kept."""

    def made() -> Mapping[str, str]:
        named = {"X-Odoo-Database": database} if database else {}
        return {"Authorization": f"bearer {key()}", **named}

    return made


def _judge(answer: Answer, said: str) -> None:
    if answer.status < 300:
        return
    try:
        error = orjson.loads(answer.body)
        name, message = str(error["name"]), str(error["message"])
    except (orjson.JSONDecodeError, KeyError, TypeError):
        name, message = "", ""
    short = name.rpartition(".")[2]
    if answer.status == 401:
        raise LoginError("Odoo refused the API key", hint=_KEY_HINT)
    if answer.status == 403 or short in {"AccessError", "AccessDenied"}:
        kind = NoRightError if short == "AccessError" else LoginError
        raise kind(
            f"our Odoo user may not call {said}", hint="Give the user that right, or a higher group"
        )
    if answer.status == 404 and not name:
        raise UsageError(
            f"Odoo knows no {said} in that database",
            hint="Check `auth.database` and that the app is installed",
        )
    if short in _MISTAKES or answer.status in {404, 422}:
        raise RemoteError(
            f"Odoo refused {said}: {short or answer.status}", vendor_code=short, hint=message[:500]
        )
    raise TryLaterError(
        f"{said} was answered {answer.status} {short}".rstrip(), hint="Look into Odoo's own log"
    )


class XmlRpc:
    """XML-RPC for Odoo before 19: an authenticated user id, then execute_kw.

    A fault is not "not done": results that XML-RPC cannot spell are faults after the commit.
    """

    def __init__(
        self, transport: Transport, database: str, login: str, key: Callable[[], str]
    ) -> None:
        self._transport = transport
        self._database = database
        self._login = login
        self._key = key
        self._uid: int | None = None

    def call(
        self,
        model: str,
        method: str,
        ids: Sequence[int] | None = None,
        *,
        repeatable: bool = True,
        **named: Any,
    ) -> Any:
        if self._uid is None:
            self._uid = self._authenticate()
        arguments = [] if ids is None else [list(ids)]
        if method == "create":  # looks at its first argument to say whether it gives one id
            arguments = [named.pop("vals_list")]
        given = (self._database, self._uid, self._key(), model, method, arguments, named)
        return self._post("object", "execute_kw", given, f"{model}.{method}", repeatable=repeatable)

    def _authenticate(self) -> int:
        given: tuple[Any, ...] = (self._database, self._login, self._key(), {})
        uid = self._post("common", "authenticate", given, "authenticate", repeatable=True)
        if not uid:
            raise LoginError("Odoo refused login and key", hint=_KEY_HINT)
        return int(uid)

    def _post(
        self, service: str, method: str, given: tuple[Any, ...], said: str, *, repeatable: bool
    ) -> Any:
        body = xmlrpc.client.dumps(given, method, allow_none=True).encode()
        answer = self._transport.send(
            "POST", f"/xmlrpc/2/{service}", body, kind="text/xml", repeatable=repeatable
        )
        try:
            (value,), _ = xmlrpc.client.loads(answer.body)
        except xmlrpc.client.Fault as fault:
            _judge_fault(fault, said)
            return None
        except (ExpatError, xmlrpc.client.ResponseError, ValueError):
            raise TryLaterError(
                f"{said} was answered with something that is not XML-RPC", hint="Check `address:`"
            ) from None
        return value


def _judge_fault(fault: xmlrpc.client.Fault, said: str) -> None:
    words = str(fault.faultString)
    last = words.strip().splitlines()[-1] if words.strip() else ""
    if "cannot marshal None" in words:
        return  # the method gave nothing back, and was done
    if "does not exist" in words and "database" in words:
        raise UsageError("Odoo has no such database", hint="Check `auth.database`")
    if fault.faultCode in {_DENIED, _NO_RIGHT}:
        kind = NoRightError if fault.faultCode == _NO_RIGHT else LoginError
        raise kind(f"our Odoo user may not call {said}", hint="Give the user that right")
    raise RemoteError(
        f"Odoo refused {said} (fault {fault.faultCode})",
        vendor_code=str(fault.faultCode),
        hint=last[:500],
    )
