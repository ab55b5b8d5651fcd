"""Who may log in: apps with a run-as user, and the sessions they were given.

Source: Salesforce Help, "OAuth 2.0 Client Credentials Flow". Token answers name no `expires_in`;
only a 401 tells that a session ended.
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from connector.domain.moment import SECOND
from connector.practice.wire import Request, Response, empty_response, json_response

if TYPE_CHECKING:
    from connector.practice.salesforce.org import Org


@dataclass
class Session:
    """One access token: whose, and how many calls it is still good for (None: any number)."""

    user: str
    calls: int | None = None


@dataclass
class Logins:
    """The org's connected apps and open sessions."""

    apps: dict[str, tuple[str, str]] = field(default_factory=dict)
    """Client id -> (secret, user id)."""
    sessions: dict[str, Session] = field(default_factory=dict)
    refreshers: dict[str, str] = field(default_factory=dict)
    """Refresh token -> client id. Each is good once: its answer names the next."""
    life: int | None = None
    """How many calls a new session is good for."""
    issued: int = 0
    refreshed: int = 0

    def token(self, org: Org, request: Request, host: str) -> Response:
        """Answer a request for a token."""
        form = request.form()
        grant = form.get("grant_type")
        if grant not in {"client_credentials", "refresh_token"}:
            return _refused("unsupported_grant_type", "grant type not supported")
        client, secret = _client(request, form)
        known = self.apps.get(client)
        if known is None:
            return _refused("invalid_client_id", "client identifier invalid")
        if known[0] != secret:
            return _refused("invalid_client", "invalid client credentials")
        row = org.find(known[1])
        if row is None or not row["IsActive"]:
            return _refused("inactive_user", "user is inactive")
        given = form.get("refresh_token", "")
        if grant == "refresh_token" and self.refreshers.get(given) != client:
            return _refused("invalid_grant", "expired access/refresh token")
        self.issued += 1
        rotated = {}
        if grant == "refresh_token":
            del self.refreshers[given]
            rotated["refresh_token"] = self.refresher(client)
        token = f"{_org_id(org)[:15]}!practice.{self.issued:06}"
        self.sessions[token] = Session(known[1], self.life)
        issued_at = str(org.clock.now() // (SECOND // 1000))
        return json_response(
            200,
            {
                "access_token": token,
                "signature": "practice",
                "scope": "api",
                "instance_url": host,
                "id": f"{host}/id/{_org_id(org)}/{known[1]}",
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

    def user(self, request: Request) -> str | None:
        """The user of a call; None where its session is unknown or over."""
        word, _, token = request.headers.get("authorization", "").partition(" ")
        session = self.sessions.get(token) if word.lower() in {"bearer", "oauth"} else None
        if session is None or session.calls == 0:
            return None
        if session.calls is not None:
            session.calls -= 1
        return session.user

    def revoke(self, request: Request) -> Response:
        """End one session."""
        if self.sessions.pop(request.form().get("token", ""), None) is None:
            return _refused("invalid_token", "token is invalid")
        return empty_response(200)

    def expire(self) -> None:
        """End every session."""
        self.sessions.clear()

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


def _refused(error: str, description: str) -> Response:
    return json_response(400, {"error": error, "error_description": description})
