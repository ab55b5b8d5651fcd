"""Who may call a portal: service keys and app tokens with the scopes they lack, and refreshes.

Source: developers.hubspot.com, "Working with OAuth" and "Scopes".
"""

from __future__ import annotations

from dataclasses import dataclass, field

from connector.practice.hubspot.errors import HubError
from connector.practice.wire import Request, Response, json_response


@dataclass
class Token:
    """One bearer token: whose changes it makes, scopes it lacks, calls it is still good for."""

    by: str
    lacks: frozenset[str] = frozenset()
    calls: int | None = None


@dataclass
class Logins:
    """The tokens of a portal, and the apps that may refresh theirs."""

    tokens: dict[str, Token] = field(default_factory=dict)
    apps: dict[str, tuple[str, str]] = field(default_factory=dict)
    """Client id -> (secret, refresh token)."""
    life: int | None = None
    """How many calls a refreshed token is good for."""
    issued: int = 0

    def token(self, request: Request) -> Token:
        """Whose call it is. Raises HubError 401."""
        word, _, text = request.headers.get("authorization", "").partition(" ")
        known = self.tokens.get(text) if word.lower() == "bearer" else None
        if known is None:
            raise HubError(
                401, "INVALID_AUTHENTICATION",
                "Authentication credentials not found. This API supports OAuth 2.0 authentication "
                "and you can find more details at https://developers.hubspot.com/docs/methods/auth"
                "/oauth-overview",
            )  # fmt: skip
        if known.calls == 0:
            raise HubError(
                401, "EXPIRED_AUTHENTICATION", "The OAuth token used to make this call expired.",
                context={"expire time": ["2026-01-01T00:00:00Z"]},
            )  # fmt: skip
        if known.calls is not None:
            known.calls -= 1
        return known

    def refresh(self, request: Request) -> Response:
        """Give a new access token for a refresh token."""
        form = request.form()
        known = self.apps.get(form.get("client_id", ""))
        if known is None or known[0] != form.get("client_secret"):
            raise HubError(
                400, None, "missing or invalid client id or secret", error="invalid_client"
            )
        if form.get("grant_type") != "refresh_token" or form.get("refresh_token") != known[1]:
            raise HubError(400, None, "missing or invalid refresh token", error="invalid_grant")
        self.issued += 1
        text = f"practice-access-{self.issued:06}"
        self.tokens[text] = Token(form["client_id"], calls=self.life)
        return json_response(200, {"access_token": text, "refresh_token": known[1],
                                   "expires_in": 1800, "token_type": "bearer"})  # fmt: skip


def need(token: Token, scope: str) -> None:
    """Raise HubError 403 where a token lacks a scope."""
    if scope in token.lacks:
        raise HubError(
            403, "MISSING_SCOPES",
            "This app hasn't been granted all required scopes to make this call. Read more about "
            "required scopes here: https://developers.hubspot.com/scopes.",
            errors=[{
                "message": "One or more of the following scopes are required.",
                "context": {"requiredGranularScopes": [scope]},
            }],
        )  # fmt: skip
