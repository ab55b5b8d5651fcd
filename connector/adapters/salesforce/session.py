"""Logging in to Salesforce: a token by OAuth, renewed once for all who find it ended.

Tokens carry no expiry; a 401 alone tells. The log-in names the host to speak to from then on, which
is followed inside Salesforce only: a token never goes to a host that we were not told of.

Source: "OAuth 2.0 Flows", Salesforce Help. How a token is asked for is in grants.py.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode, urlsplit

import orjson

from connector.adapters.salesforce.answers import Usage, overrules
from connector.adapters.salesforce.grants import Grant, Granted
from connector.errors import LoginError, TryLaterError, UsageError
from connector.transport.http import Answer, Transport

_TOKEN = "/services/oauth2/token"  # noqa: S105  a path
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
_CLOUDS = ("salesforce.com", "salesforce.mil", "sfcrmproducts.cn")
_WORD = re.compile(r"[a-z_]{1,40}")
_LATER = frozenset({"server_error", "temporarily_unavailable"})
"""Refusals that say nothing about our secret; a user has 3,600 log-ins an hour, too."""
_HINTS = {
    "invalid_client": "Check `auth.client_secret`, and that the app is installed in this org",
    "invalid_client_id": "Check `auth.client_id`: the consumer key of the external client app",
    "invalid_grant": (
        "Give the app a run-as user, or approve it for the user that logs in; a refresh token that "
        "is refused needs a new approval"
    ),
    "unsupported_grant_type": "Enable this OAuth flow in the external client app",
}


class Session:
    """One log-in. `http` speaks with its token, logging in with the first request."""

    def __init__(self, address: str, grant: Grant, usage: Usage) -> None:
        self._address = address
        self._grant = grant
        self.notes = grant.notes
        self._usage = usage
        self._door = Transport(address, attempts=3)
        self._lock = threading.Lock()
        self._token: str | None = None
        self._mine = threading.local()
        self._ids: tuple[str, str] | None = None
        self.http = Transport(
            address,
            headers=self._headers,
            hear=usage.hear,
            overrules=overrules,
            renew=self._renew,
        )

    def ids(self) -> tuple[str, str]:
        """Give (organisation id, user id) of the log-in."""
        self._headers()
        if self._ids is None:
            told = self.http.send("GET", "/services/oauth2/userinfo", repeatable=True)
            self._ids = _ids_of_userinfo(told)
        return self._ids

    def token(self) -> str:
        """Give the token itself, for the one protocol that wants it inside the body."""
        return self._headers()["Authorization"].removeprefix("Bearer ")

    def close(self) -> None:
        """Free the sockets."""
        self._door.close()
        self.http.close()

    def _headers(self) -> Mapping[str, str]:
        self._usage.check()
        with self._lock:
            if self._token is None:
                self._log_in()
            token = self._token
        self._mine.token = token
        return {"Authorization": f"Bearer {token}"}

    def _renew(self) -> None:
        """Log in anew, unless another thread did since this one took its token."""
        with self._lock:
            if self._token == getattr(self._mine, "token", None):
                self._token = None
                self._log_in()

    def _log_in(self) -> None:
        given = self._grant.granted(self._post)
        self.http.move(_followed(self._address, given.instance))
        ids = _ids_of_url(given.identity)
        if self._ids is not None and ids is not None and ids[0] != self._ids[0]:
            raise LoginError(
                "the log-in leads to another Salesforce org than before",
                hint="Check `address:` and `auth:`",
            )
        self._ids = ids or self._ids
        self._token = given.token

    def _post(self, form: dict[str, str]) -> Granted:
        answer = self._door.send(
            "POST",
            _TOKEN,
            urlencode(form).encode(),
            kind="application/x-www-form-urlencoded",
            repeatable=True,  # where a lost answer spent a rotated token, nothing is lost by trying
            judge=_judge_log_in,
        )
        try:
            told = orjson.loads(answer.body)
            return Granted(
                str(told["access_token"]),
                str(told["instance_url"]),
                str(told.get("id") or ""),
                str(told["refresh_token"]) if told.get("refresh_token") else None,
            )
        except (orjson.JSONDecodeError, KeyError, TypeError):
            raise TryLaterError(
                "the log-in was answered without a token", hint="Check `address:`"
            ) from None


def _followed(address: str, instance: str) -> str:
    """The host to speak to after the log-in: the named one inside Salesforce, else the address.

    An address that is no Salesforce host (this machine, a proxy) was chosen by a person and stays.
    """
    ours = urlsplit(address)
    named = urlsplit(instance)
    here, there = (ours.hostname or "").casefold(), (named.hostname or "").casefold()
    if here in _LOOPBACK:
        return instance if there in _LOOPBACK else address
    cloud = next((c for c in _CLOUDS if here.endswith(f".{c}")), None)
    if cloud is None:
        return address
    if named.scheme == "https" and there.endswith(f".{cloud}") and "@" not in named.netloc:
        return f"https://{named.netloc}"
    raise LoginError(
        "the log-in names a host outside Salesforce, so nothing was sent there",
        hint="Check `address:`, and what stands between us and it",
    )


def _ids_of_url(url: str) -> tuple[str, str] | None:
    parts = urlsplit(url).path.strip("/").split("/")
    if len(parts) == 3 and parts[0] == "id" and parts[1].startswith("00D"):
        return parts[1], parts[2]
    return None


def _ids_of_userinfo(answer: Answer) -> tuple[str, str]:
    try:
        told: dict[str, Any] = orjson.loads(answer.body)
        return str(told["organization_id"]), str(told["user_id"])
    except (orjson.JSONDecodeError, KeyError, TypeError):
        raise TryLaterError(
            "Salesforce does not say who we are", hint="Give the app the scopes api and openid"
        ) from None


def _judge_log_in(answer: Answer) -> None:
    if answer.status < 300:
        return
    try:
        told: dict[str, Any] = orjson.loads(answer.body)
        word, more = str(told["error"]), str(told.get("error_description") or "")
    except (orjson.JSONDecodeError, AttributeError, KeyError, TypeError):
        word, more = "", ""
    if word in _LATER or "rate exceeded" in more.casefold():
        raise TryLaterError(
            "Salesforce takes no log-in just now: too many, or it is busy", hint="Run again later"
        )
    if not _WORD.fullmatch(word):
        if answer.status >= 500:
            raise TryLaterError(f"the log-in was answered {answer.status}", hint="Run again later")
        raise UsageError(
            f"the address answers the log-in with {answer.status}, not as Salesforce does",
            hint="Write the My Domain host, such as https://acme.my.salesforce.com",
        )
    raise LoginError(
        f"Salesforce refused the log-in: {word}",
        hint=_HINTS.get(word, "Check `auth:` and the external client app"),
    )
