"""Who may log in, by which flow, and the sessions they were given.

Source: Salesforce Help, "OAuth Authorization Flows". Token answers name no `expires_in`; only a 401
tells that a session ended. Client credentials are taken at My Domain only, user name and password
only where an admin let them in. A session belongs to the instance it was given for: once the org
has moved, another log-in is needed, and its answer says where the org is now.
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from connector.domain.moment import MINUTE, SECOND, Micros
from connector.practice.salesforce import assertions
from connector.practice.wire import Request, Response, empty_response, json_response

if TYPE_CHECKING:
    from connector.practice.salesforce.org import Org

_EVERYBODYS = ("https://login.salesforce.com", "https://test.salesforce.com")
_JWT = "urn:ietf:params:oauth:grant-type:jwt-bearer"


class App(NamedTuple):
    """A connected app: its secret, its run-as user, the certificate for assertions (PEM)."""

    secret: str
    user: str
    certificate: str | None = None
    approved: frozenset[str] = frozenset()
    """Ids of users that an admin approved for it; its run-as user always is."""


@dataclass
class Session:
    """One access token: whose, and how long it is good for."""

    user: str
    calls: int | None = None
    """How many more calls; None for any number."""
    used: Micros = 0


class _RefusedError(Exception):
    """No token: `error` and `error_description` of the answer."""

    def __init__(self, error: str, description: str) -> None:
        super().__init__(error)
        self.error, self.description = error, description


@dataclass
class Logins:
    """The org's connected apps and open sessions."""

    apps: dict[str, App] = field(default_factory=dict)
    """By client id."""
    passwords: dict[str, str] = field(default_factory=dict)
    """User id -> password with token, where the password flow is not blocked."""
    sessions: dict[str, Session] = field(default_factory=dict)
    refreshers: dict[str, str] = field(default_factory=dict)
    """Refresh token -> client id. Each is good once: its answer names the next."""
    life: int | None = None
    """How many calls a new session is good for."""
    idle: Micros | None = None
    """How long a session lasts that is not used."""
    home: str | None = None
    """Where the org is since it moved; None for wherever one asks."""
    barred: str | None = None
    """What every call is told, with any session: a policy of the org that no log-in helps."""
    issued: int = 0
    refreshed: int = 0

    def token(self, org: Org, request: Request, host: str) -> Response:
        """Answer a request for a token."""
        form = request.form()
        try:
            client, user = self._granted(org, request, form, host)
        except _RefusedError as no:
            return _no(no.error, no.description)
        row = org.find(user)
        if row is None or not row["IsActive"]:
            return _no("inactive_user", "user is inactive")
        rotated = {}
        if form["grant_type"] == "refresh_token":
            del self.refreshers[form["refresh_token"]]
            rotated["refresh_token"] = self.refresher(client)
        self.issued += 1
        token = f"{_org_id(org)[:15]}!practice.{self.issued:06}"
        self.sessions[token] = Session(user, self.life, org.clock.now())
        issued_at = str(org.clock.now() // (SECOND // 1000))
        return json_response(
            200,
            {
                "access_token": token,
                "signature": "practice",
                "scope": "api",
                "instance_url": self.home or host,
                "id": f"{host}/id/{_org_id(org)}/{user}",
                "token_type": "Bearer",
                "issued_at": issued_at,
                **rotated,
            },
        )

    def refresher(self, client: str) -> str:
        """A new refresh token for an app, as its log-in page would give one."""
        self.refreshed += 1
        token = f"5Aep.practice.{client}.{self.refreshed:06}"
        self.refreshers[token] = client
        return token

    def user(self, org: Org, request: Request, host: str) -> str | None:
        """The user of a call; None where its session is unknown, over, or of another instance."""
        word, _, token = request.headers.get("authorization", "").partition(" ")
        return self.holder(org, token, host) if word.lower() in {"bearer", "oauth"} else None

    def holder(self, org: Org, token: str, host: str) -> str | None:
        """The user of a token that is good here and now; counts the call."""
        session = self.sessions.get(token)
        if session is None or session.calls == 0 or self.barred:
            return None
        if self.home not in {None, host}:
            return None
        now = org.clock.now()
        if self.idle is not None and now - session.used > self.idle:
            return None
        session.used = now
        if session.calls is not None:
            session.calls -= 1
        return session.user

    def revoke(self, request: Request) -> Response:
        """End one session."""
        if self.sessions.pop(request.form().get("token", ""), None) is None:
            return _no("invalid_token", "token is invalid")
        return empty_response(200)

    def expire(self) -> None:
        """End every session."""
        self.sessions.clear()

    def last(self, minutes: int | None) -> None:
        """Let sessions last so long unused; None for ever."""
        self.idle = None if minutes is None else minutes * MINUTE

    def move(self, to: str) -> None:
        """The org is at another address from now on, and sessions of the old one are over."""
        self.home = to
        self.expire()

    def userinfo(self, org: Org, user: str) -> dict[str, Any]:
        """What /services/oauth2/userinfo tells of a user."""
        row = org.find(user) or {}
        return {
            "user_id": user,
            "organization_id": _org_id(org),
            "preferred_username": row.get("Username"),
            "name": row.get("Name"),
            "email": row.get("Email"),
            "zoneinfo": row.get("TimeZoneSidKey"),
            "active": row.get("IsActive"),
        }

    # --- flows ----------------------------------------------------------------------------------

    def _granted(
        self, org: Org, request: Request, form: dict[str, str], host: str
    ) -> tuple[str, str]:
        """The app and the user of a token. Raises _RefusedError."""
        grant = form.get("grant_type")
        if grant == _JWT:
            return self._asserted(org, form, host)
        if grant not in {"client_credentials", "refresh_token", "password"}:
            raise _RefusedError("unsupported_grant_type", "grant type not supported")
        if grant == "client_credentials" and host in _EVERYBODYS:
            raise _RefusedError("invalid_grant", "request not supported on this domain")
        client, secret = _client(request, form)
        app = self._app(client)
        if app.secret != secret:
            raise _RefusedError("invalid_client", "invalid client credentials")
        if (
            grant == "refresh_token"
            and self.refreshers.get(form.get("refresh_token", "")) != client
        ):
            raise _RefusedError("invalid_grant", "expired access/refresh token")
        if grant == "password":
            return client, self._named(org, form)
        return client, app.user

    def _asserted(self, org: Org, form: dict[str, str], host: str) -> tuple[str, str]:
        """The app and the user of an assertion; no refresh token comes with it."""
        try:
            claims = assertions.read(form.get("assertion", ""))
            app = self._app(claims.app)
            if app.certificate is None:
                raise _RefusedError("invalid_grant", "invalid assertion")
            organisation = next(iter(org.tables["Organization"].values()))
            everybodys = _EVERYBODYS[1 if organisation["IsSandbox"] else 0]
            assertions.check(claims, app.certificate, {everybodys, host}, org.clock.now())
        except assertions.UntrustedError as error:
            raise _RefusedError("invalid_grant", str(error)) from None
        user = _known(org, claims.user)
        if user is None or user not in {app.user, *app.approved}:
            raise _RefusedError("invalid_grant", "user hasn't approved this consumer")
        return claims.app, user

    def _app(self, client: str) -> App:
        app = self.apps.get(client)
        if app is None:
            raise _RefusedError("invalid_client_id", "client identifier invalid")
        return app

    def _named(self, org: Org, form: dict[str, str]) -> str:
        user = _known(org, form.get("username", ""))
        if user is None or self.passwords.get(user) != form.get("password"):
            raise _RefusedError("invalid_grant", "authentication failure")
        return user


def _known(org: Org, username: str) -> str | None:
    for row in org.tables["User"].values():
        if row["Username"].lower() == username.lower():
            return str(row["Id"])
    return None


def _client(request: Request, form: dict[str, str]) -> tuple[str, str]:
    word, _, coded = request.headers.get("authorization", "").partition(" ")
    if word.lower() == "basic":
        try:
            client, _, secret = base64.b64decode(coded).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError):
            return "", ""
        return client, secret
    return form.get("client_id", ""), form.get("client_secret", "")


def _org_id(org: Org) -> str:
    return next(iter(org.tables["Organization"]))


def _no(error: str, description: str) -> Response:
    return json_response(400, {"error": error, "error_description": description})
