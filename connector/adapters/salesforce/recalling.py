"""What Salesforce said of its objects, kept from one run to the next while nothing changed there.

One question, whether anything changed since, takes the place of a description for each object. An
answer is a day old at most, and is given up when a query is refused for a field.

Source: REST API Developer Guide, "Describe Global": If-Modified-Since also minds changes of
permissions, profiles and labels. Seen in documents, not in a live org.
"""

from __future__ import annotations

from base64 import b85decode, b85encode
from collections.abc import Callable, Mapping
from datetime import UTC
from email.utils import format_datetime, parsedate_to_datetime
from typing import Any
from zlib import compress, decompress

import orjson

from connector.adapters.base import Bookmark
from connector.adapters.salesforce.answers import judge
from connector.adapters.salesforce.calls import ROOT
from connector.domain.moment import DAY, MINUTE, Micros, to_datetime, to_micros
from connector.errors import LoginError, RemoteError
from connector.transport.http import Answer, Transport

_INDEX = "described"
_UNCHANGED = 304
_MARGIN = MINUTE
"""So far before an answer's own time the next question begins: changes have whole seconds."""


class Recalling:
    """Descriptions of one user of one org. `whose` names both, once we are logged in."""

    def __init__(self, http: Transport, bookmark: Bookmark, whose: Callable[[], str]) -> None:
        self._http = http
        self._bookmark = bookmark
        self._whose = whose
        self._since: Micros | None = None
        self._asked = False

    def load(self, source: str) -> Mapping[str, Any] | None:
        """Give what was said of an object, if it still holds; None where it must be asked for."""
        if not self._asked:
            self._asked = True
            self._since = self._still_good()
        text = self._bookmark.load(_name(source)) if self._since is not None else None
        if text is None:
            return None
        since, _, packed = text.partition(" ")
        if since != str(self._since):
            return None
        given: Mapping[str, Any] = orjson.loads(decompress(b85decode(packed)))
        return given

    def keep(self, source: str, given: Mapping[str, Any], date: str | None) -> None:
        """Keep what an answer of that date says of an object."""
        if self._since is None:
            if date is None:
                return
            self._begin(to_micros(parsedate_to_datetime(date)) - _MARGIN)
        packed = b85encode(compress(orjson.dumps(given), 6)).decode()
        self._bookmark.save(_name(source), f"{self._since} {packed}")

    def forget(self) -> None:
        """Ask anew from now on."""
        self._since = None
        self._asked = True
        self._bookmark.drop(_INDEX)

    def _begin(self, since: Micros) -> None:
        self._since = since
        self._bookmark.save(_INDEX, f"{since} {self._whose()}")

    def _still_good(self) -> Micros | None:
        """Since when nothing changed, if anything is kept; else the moment to begin anew at."""
        text = self._bookmark.load(_INDEX)
        if text is None:
            return None
        said, _, whose = text.partition(" ")
        since = int(said)
        date = format_datetime(to_datetime(since).astimezone(UTC), usegmt=True)
        try:
            answer = self._http.send(
                "GET",
                f"{ROOT}/sobjects",
                repeatable=True,
                judge=_judged,
                headers={"If-Modified-Since": date},
            )
        except (RemoteError, LoginError):
            return None
        now = answer.headers.get("Date")
        if now is None:
            return None
        at = to_micros(parsedate_to_datetime(now))
        if answer.status == _UNCHANGED and whose == self._whose() and at - since < DAY:
            return since
        self._begin(at - _MARGIN)
        return self._since


def _judged(answer: Answer) -> None:
    if answer.status != _UNCHANGED:
        judge(answer, "ask whether its objects changed")


def _name(source: str) -> str:
    return f"{_INDEX} {source.casefold()}"
