"""How we speak to HubSpot: bearer token, JSON by orjson, limits heard."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from email.utils import parsedate_to_datetime
from typing import Any, TypeVar
from urllib.parse import urlencode

import orjson

from connector.adapters.hubspot import answers
from connector.adapters.hubspot.limits import Allowance
from connector.adapters.hubspot.paths import Paths
from connector.domain.moment import Micros, to_micros
from connector.errors import TryLaterError
from connector.transport.http import READ_S, Answer, Transport

T = TypeVar("T")
R = TypeVar("R")
IN_FLIGHT = 12
"""Calls under way at once: 19 a second are five at a quarter of a second, ten at half of one."""
ADDRESS = "https://api.hubapi.com"


class Calls:
    """One token of one portal. The token is opened with each request and never kept."""

    def __init__(
        self,
        address: str,
        token: Callable[[], str],
        paths: Paths,
        *,
        reserve: float = 0.2,
        attempts: int = 5,
        renew: Callable[[], None] | None = None,
        read_s: float = READ_S,
    ) -> None:
        self.paths = paths
        self._allowance = Allowance(reserve)
        self._token = token
        self._http = Transport(
            address,
            headers=self._headers,
            attempts=attempts,
            hear=self._allowance.hear,
            overrules=answers.overrules if renew is None else answers.overrules_session,
            renew=renew,
            read_s=read_s,
        )

    def get(self, path: str, query: Mapping[str, Any] | None = None) -> Any:
        """Read one resource; None in the query is left out."""
        return decoded(self.told(path, query))

    def told(self, path: str, query: Mapping[str, Any] | None = None) -> bytes:
        """Read one resource; gives it as it came, to be `decoded` once it is needed."""
        return self.send("GET", with_query(path, query or {}), None, repeatable=True).body

    def post(self, path: str, body: Any) -> Any:
        """Ask with a body; nothing is changed by it."""
        return decoded(self.send("POST", path, body, repeatable=True).body)

    def send(self, method: str, path: str, body: Any, *, repeatable: bool) -> Answer:
        """Send one request. Raises what `Transport.send` raises, and RefusedError."""
        self._allowance.check()
        return self._http.send(
            method,
            path,
            None if body is None else orjson.dumps(body),
            repeatable=repeatable,
            judge=answers.judge_read if repeatable else answers.judge_write,
        )

    def together(self, ask: Callable[[T], R], asked: Sequence[T]) -> list[R]:
        """Ask several questions with some in flight at once; the answers come in their order.

        The first error is raised once all that were sent are answered.
        """
        if len(asked) <= 1:
            return [ask(one) for one in asked]
        with ThreadPoolExecutor(min(IN_FLIGHT, len(asked))) as pool:
            return list(pool.map(ask, asked))

    def account(self) -> tuple[dict[str, Any], Micros]:
        """Give the portal's details, and the time by HubSpot's own clock."""
        answer = self.send("GET", self.paths["account"], None, repeatable=True)
        date = answer.headers.get("Date")
        if date is None:
            raise TryLaterError(
                "HubSpot's answer names no time",
                hint="Let the proxy before it pass the Date header",
            )
        return answers.body_of(answer), to_micros(parsedate_to_datetime(date))

    def close(self) -> None:
        """Free the sockets."""
        self._http.close()

    def _headers(self) -> Mapping[str, str]:
        return {"Authorization": f"Bearer {self._token()}"}


def with_query(path: str, query: Mapping[str, Any]) -> str:
    """Give a path with a query, behind one it may have; None in the query is left out."""
    given = urlencode({k: v for k, v in query.items() if v is not None}, safe=",")
    return f"{path}{'&' if '?' in path else '?'}{given}" if given else path


def decoded(body: bytes) -> Any:
    """Give what an answer means; TryLaterError where it is no JSON."""
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        raise TryLaterError(
            "HubSpot answered with something that is not JSON",
            hint="Check `address:`; a proxy may stand before it",
        ) from None
