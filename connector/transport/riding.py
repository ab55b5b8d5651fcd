"""Lets a vendor's own library ride on our transport, as the `requests.Session` it is handed.

Libraries bring no time-outs, retry what must not be repeated, or lose headers when they log in
again. Riding here, their calls go where ours go: our host, our log-in, our retries, our errors.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

import requests
from requests.structures import CaseInsensitiveDict

from connector.transport.http import Answer, Transport

_OURS = frozenset({"authorization", "content-length", "accept-encoding", "connection"})
_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})


class RidingSession(requests.Session):
    """Sends whatever a library asks for through one transport, whatever host it thinks it asks.

    Refusals below 500 come back as responses, for the library to turn into its own exceptions;
    a session that ended is renewed before the library hears of it. Only reads are repeated after
    a lost answer. Raises what `Transport.send` raises.
    """

    def __init__(self, transport: Transport) -> None:
        super().__init__()
        self._transport = transport
        self.date: str | None = None
        """The date of the last answer, of which some libraries give the body alone."""

    def request(self, method: Any, url: Any, *_: Any, **given: Any) -> requests.Response:
        """Send one request of the library's."""
        asked = requests.Request(
            str(method).upper(),
            str(url),
            headers=given.get("headers"),
            params=given.get("params"),
            data=given.get("data"),
            json=given.get("json"),
            files=given.get("files"),
        ).prepare()
        parts = urlsplit(str(asked.url))
        headers = {k: v for k, v in asked.headers.items() if k.lower() not in _OURS}
        body = asked.body.encode() if isinstance(asked.body, str) else asked.body
        answer = self._transport.send(
            str(asked.method),
            parts.path + (f"?{parts.query}" if parts.query else ""),
            body,
            kind=headers.pop("Content-Type", "application/json"),
            repeatable=asked.method in _SAFE,
            judge=lambda _answer: None,
            headers=headers,
        )
        self.date = answer.headers.get("Date")
        return _response(answer, asked)


def _response(answer: Answer, asked: requests.PreparedRequest) -> requests.Response:
    response = requests.Response()
    response.status_code = answer.status
    response.headers = CaseInsensitiveDict(answer.headers)
    response._content = answer.body  # noqa: SLF001  the library's only way to be given a body
    response.encoding = "utf-8"
    response.url = str(asked.url)
    response.request = asked
    return response
