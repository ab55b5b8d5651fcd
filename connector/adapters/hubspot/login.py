"""Logging in by OAuth: one refresh at a time, however many threads and processes need the token.

Tokens last half an hour. Whoever finds theirs worn out waits for its turn, looks whether another
has a newer one by now, and asks HubSpot only if not. A rotated refresh token is kept before the
new access token is used. Both are kept for the refresh token of the settings they came from: one
that was never used before begins anew.

Source: HubSpot's page on managing OAuth tokens: all parameters in the form body (2026-11).
"""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Callable
from contextlib import nullcontext
from typing import NamedTuple
from urllib.parse import urlencode

import orjson

from connector.adapters.hubspot.answers import body_of
from connector.errors import LoginError, TryLaterError, UsageError
from connector.transport.http import Answer, Transport
from connector.transport.vault import TokenVault

MARGIN_S = 60.0
"""A token is renewed so long before it ends: a slow call must not outlive it."""
ACCESS, REFRESH = "access", "refresh"
_AGAIN = "Install the app anew, and put the new refresh token into the variable of `auth`"
_FORM = "application/x-www-form-urlencoded"


class App(NamedTuple):
    """The app's own words, each opened when it is needed and never kept."""

    client_id: Callable[[], str]
    client_secret: Callable[[], str]
    refresh_token: Callable[[], str]


class _Access(NamedTuple):
    token: str
    until: float


class OAuth:
    """The access token of one app in one portal, fresh whenever it is asked for."""

    def __init__(
        self,
        app: App,
        address: str,
        path: str,
        vault: TokenVault | None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._app = app
        self._path = path
        self._vault = vault
        self._clock = clock
        self._http = Transport(address)
        self._lock = threading.Lock()
        self._access: _Access | None = None
        self._mine = threading.local()

    def token(self) -> str:
        """Give a token that will last for a call. Raises LoginError when HubSpot gives none."""
        known = self._access
        if known is None or not self._lasts(known):
            known = self._newer_than(known.token if known else None)
        self._mine.token = known.token
        return known.token

    def renew(self) -> None:
        """Take it that HubSpot refused the token this thread was given last."""
        self._newer_than(getattr(self._mine, "token", None))

    def close(self) -> None:
        """Free the sockets."""
        self._http.close()

    def _newer_than(self, worn: str | None) -> _Access:
        with self._lock:
            if (known := self._access) and known.token != worn and self._lasts(known):
                return known
            with self._vault.alone() if self._vault is not None else nullcontext():
                first = self._app.refresh_token()
                kept = self._kept(_of(ACCESS, first))
                fresh = kept is not None and kept.token != worn and self._lasts(kept)
                self._access = kept if fresh and kept is not None else self._refreshed(first)
                return self._access

    def _kept(self, name: str) -> _Access | None:
        text = self._vault.load(name) if self._vault is not None else None
        if text is None:
            return None
        token, until = orjson.loads(text)
        return _Access(str(token), float(until))

    def _refreshed(self, first: str) -> _Access:
        kept = self._vault.load(_of(REFRESH, first)) if self._vault is not None else None
        refresh = kept or first
        form = {
            "grant_type": "refresh_token",
            "client_id": self._app.client_id(),
            "client_secret": self._app.client_secret(),
            "refresh_token": refresh,
        }
        answer = self._http.send(
            "POST", self._path, urlencode(form).encode(), kind=_FORM, repeatable=True, judge=_judge
        )
        told = body_of(answer)
        token, rotated = told.get("access_token"), told.get("refresh_token") or refresh
        if not isinstance(token, str) or not token:
            raise LoginError("HubSpot's answer to the log-in holds no token", hint=_AGAIN)
        access = _Access(token, self._clock() + float(told.get("expires_in") or 0))
        self._keep(first, access, str(rotated) if rotated != refresh else None)
        return access

    def _keep(self, first: str, access: _Access, rotated: str | None) -> None:
        if self._vault is not None:
            if rotated is not None:
                self._vault.save(_of(REFRESH, first), rotated)
            self._vault.save(_of(ACCESS, first), orjson.dumps(list(access)).decode())
        elif rotated is not None:
            raise UsageError(
                "HubSpot exchanged the refresh token, and there is no vault to keep the new one in",
                hint="Add `vault: {key: ${LEADLOOP_KEY}}`; leadloop config key makes one",
            )

    def _lasts(self, access: _Access) -> bool:
        return access.until - self._clock() > MARGIN_S


def _of(kind: str, first: str) -> str:
    """Name what came of one refresh token of the settings, without telling it."""
    return f"{kind} {hashlib.sha256(first.encode()).hexdigest()[:16]}"


def _judge(answer: Answer) -> None:
    if answer.status >= 500:
        raise TryLaterError(f"HubSpot's log-in answered {answer.status}", hint="Run again later")
    if answer.status >= 300:
        said = body_of(answer)
        code = str(said.get("status") or said.get("error") or answer.status)[:60]
        raise LoginError(f"HubSpot refused the refresh token ({code})", hint=_AGAIN)
