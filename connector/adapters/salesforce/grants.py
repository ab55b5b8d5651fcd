"""The ways to be given a token: by an app's secret, a signature, a refresh token, the sf CLI.

Each opens its secrets when a token is asked for, not before, and shows none of them. The old log-in
by user name and password is here for those who still have it, with the date on which it ends.

Source: "OAuth 2.0 Client Credentials Flow", "JWT Bearer Flow", "Refresh Token Flow" and "Username-
Password Flow", Salesforce Help; "org display" and "org auth show-access-token", Salesforce CLI.
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
from collections.abc import Callable
from typing import Any, NamedTuple, Protocol

import jwt
import orjson

from connector.domain.moment import SECOND, Micros
from connector.errors import LoginError, TryLaterError, UsageError
from connector.transport.vault import TokenVault

Reveal = Callable[[], str]
_JWT_LIVES = 180
_CLI_S = 60
_REDACTED = "REDACTED"


class Granted(NamedTuple):
    """A token, the host it is for, the id URL of who it is for, and what replaces our old one."""

    token: str
    instance: str
    identity: str = ""
    refresh: str | None = None

    def __repr__(self) -> str:
        return f"Granted({self.instance})"


Post = Callable[[dict[str, str]], Granted]
"""Sends a form to the log-in host and gives what it grants."""


class Grant(Protocol):
    """One way to be given a token."""

    notes: tuple[str, ...]
    """What a person should know of this way, each with its date."""

    def granted(self, post: Post) -> Granted: ...


class ClientCredentials:
    """An app that acts as its run-as user; needs the org's My Domain host."""

    notes: tuple[str, ...] = ()

    def __init__(self, client: Reveal, secret: Reveal) -> None:
        self._client = client
        self._secret = secret

    def granted(self, post: Post) -> Granted:
        """Ask by client id and secret."""
        return post(
            {
                "grant_type": "client_credentials",
                "client_id": self._client(),
                "client_secret": self._secret(),
            }
        )


class JwtBearer:
    """An app that logs in as one user who approved it, by a signature instead of a secret."""

    notes: tuple[str, ...] = ()

    def __init__(
        self,
        client: Reveal,
        login: str,
        key: Reveal,
        audience: str,
        clock: Callable[[], Micros],
    ) -> None:
        self._client = client
        self._login = login
        self._key = key
        self._audience = audience
        self._clock = clock

    def granted(self, post: Post) -> Granted:
        """Ask by a fresh assertion. Raises UsageError for a key that signs nothing."""
        claims = {
            "iss": self._client(),
            "sub": self._login,
            "aud": self._audience,
            "exp": self._clock() // SECOND + _JWT_LIVES,
        }
        try:
            signed = jwt.encode(claims, self._key(), algorithm="RS256")
        except (ValueError, TypeError, jwt.PyJWTError):
            raise UsageError(
                "`auth.private_key` is no RSA key in PEM form",
                hint="Give the key that belongs to the certificate uploaded to the app",
            ) from None
        grant = "urn:ietf:params:oauth:grant-type:jwt-bearer"
        return post({"grant_type": grant, "assertion": signed})


class RefreshToken:
    """A user's standing approval of the app; where the app rotates it, each one works once.

    The token that came last is in the vault and saved before the new access token is used; one
    process at a time exchanges it. A token of the settings that was never used before begins anew.
    """

    notes: tuple[str, ...] = ()

    def __init__(
        self, client: Reveal, secret: Reveal | None, first: Reveal, vault: TokenVault | None
    ) -> None:
        self._client = client
        self._secret = secret
        self._first = first
        self._vault = vault

    def granted(self, post: Post) -> Granted:
        """Ask by the newest refresh token. Raises UsageError where a rotated one has no place."""
        if self._vault is None:
            raise UsageError(
                "a log-in by refresh token needs the store, to keep what it changes into",
                hint="Use it in leadloop.yaml with `vault: {key: ${LEADLOOP_KEY}}`",
            )
        first = self._first()
        name = f"refresh {hashlib.sha256(first.encode()).hexdigest()[:16]}"
        with self._vault.alone():
            token = self._vault.load(name) or first
            form = {"grant_type": "refresh_token", "client_id": self._client()}
            if self._secret is not None:
                form["client_secret"] = self._secret()
            given = post({**form, "refresh_token": token})
            if given.refresh and given.refresh != token:
                self._vault.save(name, given.refresh)
        return given


class CommandLine:
    """The session of a person's own sf CLI: for trying things out, not for a server."""

    notes: tuple[str, ...] = (
        (
            "a session of the sf CLI ends with its person's log-in; for unattended runs use client "
            "credentials or a JWT"
        ),
    )

    def __init__(self, alias: str) -> None:
        self._alias = alias

    def granted(self, post: Post) -> Granted:
        """Ask the CLI; since its version of May 2026 the token has a command of its own."""
        del post
        there = self._asked("org", "display", "--target-org", self._alias, "--json")
        token = str(there.get("accessToken") or "")
        if not token or _REDACTED in token.upper():
            more = ("org", "auth", "show-access-token", "--target-org", self._alias)
            token = str(self._asked(*more, "--no-prompt", "--json").get("accessToken") or "")
        if not token or _REDACTED in token.upper():
            raise LoginError(
                f"the sf CLI shows no token of `{self._alias}`",
                hint=f"sf org login web --alias {self._alias}",
            )
        org, user = str(there.get("id") or ""), str(there.get("userId") or "")
        named = f"https://login.salesforce.com/id/{org}/{user}" if org and user else ""
        return Granted(token, str(there.get("instanceUrl") or ""), named)

    def _asked(self, *words: str) -> dict[str, Any]:
        program = shutil.which("sf")
        if program is None:
            raise UsageError(
                "`auth.sf_cli` needs the Salesforce CLI, and there is no `sf` on the path",
                hint="Install it, or log in by client credentials or JWT",
            )
        try:
            ran = subprocess.run(  # noqa: S603  a program of the person's own, no shell
                [program, *words], capture_output=True, timeout=_CLI_S, check=False
            )
        except subprocess.TimeoutExpired:
            raise TryLaterError(
                f"the sf CLI did not answer within {_CLI_S} s", hint="Run again later"
            ) from None
        try:
            result = orjson.loads(ran.stdout)["result"]
        except (orjson.JSONDecodeError, KeyError, TypeError):
            result = None
        if ran.returncode != 0 or not isinstance(result, dict):
            raise LoginError(
                f"the sf CLI knows no log-in `{self._alias}` (it ended with {ran.returncode})",
                hint=f"sf org login web --alias {self._alias}",
            )
        return result


class Password:
    """User name and password by OAuth: blocked in new orgs, and no way for new installations."""

    notes: tuple[str, ...] = (
        (
            "the log-in by password is blocked by default in orgs made since summer 2023, external "
            "client apps do not take it, and Salesforce ends the SOAP log-in in summer 2027: "
            "change to client credentials or JWT (docs/salesforce.md)"
        ),
    )

    def __init__(self, client: Reveal, secret: Reveal, login: str, words: Reveal) -> None:
        self._client = client
        self._secret = secret
        self._login = login
        self._words = words

    def granted(self, post: Post) -> Granted:
        """Ask by user name and password, with the security token behind it."""
        return post(
            {
                "grant_type": "password",
                "client_id": self._client(),
                "client_secret": self._secret(),
                "username": self._login,
                "password": self._words(),
            }
        )
