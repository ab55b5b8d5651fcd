"""Requests to the data API: JSON in and out, and pages of rows that are whole or refused."""

from __future__ import annotations

from collections.abc import Callable
from email.utils import parsedate_to_datetime
from typing import Any, NamedTuple, TypeVar

import orjson

from connector.adapters.base import Row
from connector.adapters.salesforce.answers import judge, judge_write
from connector.adapters.salesforce.session import Session
from connector.adapters.salesforce.soql import Select, in_url
from connector.domain.moment import Micros, to_micros
from connector.errors import TryLaterError
from connector.transport.http import Answer

API = "62.0"
ROOT = f"/services/data/v{API}"
_PROXY = "A proxy may stand before Salesforce; run again later"
T = TypeVar("T")


class Found(NamedTuple):
    """Rows of one answer, in id order; `total` is how many the query has in all answers."""

    rows: list[Row]
    done: bool
    total: int


class Calls:
    """The data API of one session. A body that came in part is asked for again, never used."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def query(self, select: Select, *, everything: bool) -> Found:
        """Run a query; with `everything` also over deleted and archived rows."""
        verb = "queryAll" if everything else "query"
        path = f"{verb}?q={in_url(select.text())}"
        return self.get(path, f"read {select.source}", _found)

    def count(self, select: Select, *, everything: bool) -> int:
        """Ask how many rows meet a query's conditions."""
        verb = "queryAll" if everything else "query"
        path = f"{verb}?q={in_url(select.counting())}"
        return self.get(path, f"count {select.source}", lambda told: int(told["totalSize"]))

    def get(self, path: str, said: str, read: Callable[[Any], T]) -> T:
        """Get and read an answer; one that `read` finds broken (ValueError) is asked for again."""
        kept: list[T] = []

        def take(answer: Answer) -> None:
            judge(answer, said)
            try:
                kept[:] = [read(orjson.loads(answer.body))]
            except (ValueError, TypeError, KeyError):
                raise TryLaterError(f"{said} was answered in part only", hint=_PROXY) from None

        self._session.http.send("GET", f"{ROOT}/{path}", repeatable=True, judge=take)
        return kept[0]

    def write(
        self,
        method: str,
        path: str,
        body: bytes,
        said: str,
        *,
        kind: str = "application/json",
        headers: dict[str, str] | None = None,
    ) -> bytes:
        """Send what must not be sent twice, and give the answer's body.

        Raises UnknownOutcomeError where it may have been done all the same.
        """
        return self._session.http.send(
            method,
            f"{ROOT}/{path}",
            body,
            kind=kind,
            repeatable=False,
            judge=lambda answer: judge_write(answer, said),
            headers=headers,
        ).body

    def now(self) -> Micros:
        """Give Salesforce's own time, to the second."""
        answer = self._session.http.send("GET", "/services/data", repeatable=True)
        date = answer.headers.get("Date")
        if date is None:
            raise TryLaterError("Salesforce's answer names no time", hint=_PROXY)
        return to_micros(parsedate_to_datetime(date))


def _found(given: Any) -> Found:
    """Take a page whole: all rows where it says it is done, at least one where it is not."""
    rows, total, done = given["records"], given["totalSize"], given["done"]
    short = len(rows) < total
    if not isinstance(rows, list) or not isinstance(done, bool) or done == short:
        raise ValueError("a page of another size than it says")
    if not done and not rows:
        raise ValueError("an empty page that is not the last")
    return Found(rows, done, total)
