"""What people did, where HubSpot keeps it as streams and not as records: forms, mails, events.

Streams come newest first and are walked down to where the window begins. Their cursors count from
the newest, so that going on with an old one can repeat rows but skip none.

Source: HubSpot's pages on form submissions (v1), email events (v1) and event occurrences (2026-11).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from hashlib import blake2b
from typing import Any
from urllib.parse import quote

import orjson

from connector.adapters.base import Page, RemoteField, Row, Window
from connector.adapters.hubspot.answers import RefusedError
from connector.adapters.hubspot.calls import Calls
from connector.adapters.hubspot.lists import Lists
from connector.adapters.hubspot.shape import refuse_unknown
from connector.adapters.hubspot.values import iso, modified_ms
from connector.domain.moment import parse_iso
from connector.domain.outward import FieldType

_END = "end"
FORM_PAGE, MAIL_PAGE, EVENT_PAGE, FORMS_PAGE = 50, 1000, 100, 100
_FORM = ("id", "submittedAt", "email", "pageUrl", "form_id", "form_name")
_MAIL = (
    "id",
    "created",
    "type",
    "recipient",
    "emailCampaignId",
    "appId",
    "appName",
    "url",
    "userAgent",
    "filteredEvent",
    "subject",
)
_MEMBER = ("id", "listId", "recordId", "membershipTimestamp")
_EVENT = ("id", "eventType", "objectId", "occurredAt")


def is_stream(source: str) -> bool:
    """Whether a source is one of these."""
    return _kind(source) in _NAMES


def describe(source: str) -> dict[str, RemoteField]:
    """Describe a stream; what a form asks and an event carries differs from one to the next."""
    fixed, prefix = _NAMES[_kind(source)]
    return {
        name: RemoteField(name, FieldType.TEXT, name, writable=False, optional=True)
        for name in (*fixed, *([prefix.rstrip(".")] if prefix else ()))
    }


class Streams:
    """Reads the streams of one portal."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls

    def read(
        self, source: str, names: Sequence[str], window: Window, after: str | None
    ) -> Iterator[Page]:
        """Yield what happened inside the window."""
        kind = _kind(source)
        fixed, prefix = _NAMES[kind]
        refuse_unknown(source, names, fixed, prefix)
        _, _, one = source.partition("/")
        match kind:
            case "form_submissions" | "forms":
                yield from self._forms(one or None, names, window, after)
            case _ if after == _END:
                return
            case "list_members":
                yield from self._members(one, window, after)
            case "email_events":
                yield from self._mails(window, after)
            case _:
                yield from self._events(one or None, names, window, after)

    # --- forms -----------------------------------------------------------------------------------

    def _forms(
        self, only: str | None, names: Sequence[str], window: Window, after: str | None
    ) -> Iterator[Page]:
        """Walk each form in the order of their ids; a position is `<form>|<cursor>`."""
        form, _, cursor = (after or "").partition("|")
        for ident, name in self._wanted_forms(only, names):
            if ident < form:
                continue
            yield from self._form(ident, name, names, window, cursor if ident == form else "")

    def _wanted_forms(self, only: str | None, names: Sequence[str]) -> list[tuple[str, str | None]]:
        path = self._calls.paths["forms"]
        if only is not None:
            told = self._calls.get(f"{path}/{quote(only)}") if "form_name" in names else {}
            return [(only, told.get("name"))]
        found, cursor = [], None
        while True:
            answer = self._calls.get(path, {"limit": FORMS_PAGE, "after": cursor})
            found += [(str(one["id"]), one.get("name")) for one in answer["results"]]
            cursor = ((answer.get("paging") or {}).get("next") or {}).get("after")
            if not cursor:
                return sorted(found)

    def _form(
        self, form: str, name: str | None, names: Sequence[str], window: Window, cursor: str
    ) -> Iterator[Page]:
        path = f"{self._calls.paths['submissions']}/{quote(form)}"
        while True:
            answer = self._submissions(path, cursor)
            rows = [_submission(form, name, one, names) for one in answer["results"]]
            kept = [row for row in rows if _within(row["submittedAt"], window)]
            ended = any(_before(row["submittedAt"], window) for row in rows)
            cursor = str(((answer.get("paging") or {}).get("next") or {}).get("after") or "")
            if kept:
                kept.sort(key=lambda row: str(row["id"]))
                yield Page(kept, f"{form}|{cursor}" if cursor else f"{form}~|")
            if ended or not cursor or not rows:
                return

    def _submissions(self, path: str, cursor: str) -> Any:
        query = {"limit": FORM_PAGE, "after": cursor or None}
        try:
            return self._calls.get(path, query)
        except RefusedError as error:
            if not cursor or error.http_status != 400:
                raise
            return self._calls.get(
                path, {"limit": FORM_PAGE}
            )  # that cursor is no more: from the top

    # --- lists ---------------------------------------------------------------------------------

    def _members(self, ident: str, window: Window, after: str | None) -> Iterator[Page]:
        """Walk who is on a list; HubSpot lists them by record, so all of them each time."""
        for some, cursor in Lists(self._calls).members(ident, after):
            rows = [_member(ident, one) for one in some]
            rows = [one for one in rows if _since(one["membershipTimestamp"], window)]
            if rows:
                rows.sort(key=lambda row: str(row["id"]))
                yield Page(rows, str(cursor or _END))

    # --- mails -----------------------------------------------------------------------------------

    def _mails(self, window: Window, after: str | None) -> Iterator[Page]:
        """Walk the events of marketing mails; one event's key is its id and when it was made."""
        query = {
            "limit": MAIL_PAGE,
            "endTimestamp": modified_ms(window.until),
            "startTimestamp": None if window.since is None else modified_ms(window.since),
        }
        cursor = after
        while True:
            answer = self._calls.get(self._calls.paths["email_events"], {**query, "offset": cursor})
            events = answer.get("events") or ()
            rows = [
                {**one, "id": f"{one['id']}/{one['created']}"}
                for one in events
                if _within(one["created"], window)
            ]
            cursor = answer.get("offset")
            if rows:
                rows.sort(key=lambda row: str(row["id"]))
                yield Page(rows, str(cursor or _END))
            if not answer.get("hasMore") or not events or not cursor:
                return

    # --- event occurrences -----------------------------------------------------------------------

    def _events(
        self, kind: str | None, names: Sequence[str], window: Window, after: str | None
    ) -> Iterator[Page]:
        query = {
            "objectType": "contact",
            "eventType": kind,
            "limit": EVENT_PAGE,
            "occurredBefore": iso(window.until),
            "occurredAfter": None if window.since is None else iso(window.since),
        }
        cursor = after
        while True:
            answer = self._calls.get(self._calls.paths["events"], {**query, "after": cursor})
            rows = [
                _event(one, names)
                for one in answer["results"]
                if _within(parse_iso(one["occurredAt"]) // 1000, window)
            ]
            cursor = ((answer.get("paging") or {}).get("next") or {}).get("after")
            if rows:
                rows.sort(key=lambda row: str(row["id"]))
                yield Page(rows, str(cursor or _END))
            if not cursor or not answer["results"]:
                return


_NAMES: dict[str, tuple[tuple[str, ...], str | None]] = {
    "form_submissions": (_FORM, "values."),
    "forms": (_FORM, "values."),
    "email_events": (_MAIL, None),
    "events": (_EVENT, "properties."),
    "list_members": (_MEMBER, None),
}


SOURCES = tuple(name for name in _NAMES if name not in {"forms", "list_members"})
"""Those that need no more than their name."""


def _kind(source: str) -> str:
    return source.partition("/")[0]


def _submission(form: str, name: str | None, one: Mapping[str, Any], names: Sequence[str]) -> Row:
    given = one.get("values") or ()
    values: dict[str, Any] = {}
    for value in given:
        values.setdefault(str(value.get("name")), value.get("value"))
    ident = one.get("conversionId")
    row: Row = {
        "id": ident or f"{form}:{one['submittedAt']}:{_digest(given)}",
        "submittedAt": one["submittedAt"],
        "email": values.get("email"),
        "pageUrl": one.get("pageUrl"),
        "form_id": form,
        "form_name": name,
    }
    row.update({n: values.get(n[7:]) for n in names if n.startswith("values.")})
    return row


def _member(ident: str, one: Mapping[str, Any]) -> Row:
    row: Row = {"id": f"{ident}/{one['recordId']}", "listId": ident}
    return row | {name: one.get(name) for name in _MEMBER[2:]}


def _since(moment: Any, window: Window) -> bool:
    return not moment or _within(parse_iso(str(moment)) // 1000, window)


def _digest(given: Any) -> str:
    return blake2b(orjson.dumps(given, option=orjson.OPT_SORT_KEYS), digest_size=8).hexdigest()


def _event(one: Mapping[str, Any], names: Sequence[str]) -> Row:
    carried = one.get("properties") or {}
    row: Row = {name: one.get(name) for name in _EVENT}
    row["objectId"] = str(one["objectId"])
    row.update({n: carried.get(n[11:]) for n in names if n.startswith("properties.")})
    return row


def _within(ms: int, window: Window) -> bool:
    return ms * 1000 < window.until and not _before(ms, window)


def _before(ms: int, window: Window) -> bool:
    return window.since is not None and ms * 1000 < window.since
