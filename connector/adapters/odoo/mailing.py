"""Nurture as mailing lists: one for each theme, whose contacts follow our flag by e-mail address.

A list is known by its name. Whoever left a list by their own wish stays off it: the subscription
that says so is never touched. A database without e-mail marketing has no such lists.

Source: Odoo's own `mailing.list`, `mailing.contact`, `mailing.subscription` (17.0 and later).
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from connector.errors import LoginError, RemoteError, UnknownOutcomeError, UsageError

log = logging.getLogger("leadloop.odoo")
FLAG, THEME = "x_leadloop_nurture", "x_leadloop_nurture_theme"
"""The fields that say who is nurtured, and with what."""
NURTURE = "Leadloop nurture: "
"""What the name of a theme's list begins with, where the company has none of its own for it."""
_LIST, _CONTACT, _JOINED = "mailing.list", "mailing.contact", "mailing.subscription"
_PAGE = 500
_ADDRESS = ("email_normalized", "email_from", "email")
_LEFT = (
    "Odoo's mailing lists cannot follow the nurture fields, which are written all the same: %s. "
    "Give our user the right to e-mail marketing"
)
Call = Callable[..., Any]


class MailingLists:
    """The mailing lists of one database; `names` are the company's own, by theme."""

    def __init__(
        self,
        call: Call,
        fields: Callable[[str], Mapping[str, Any]],
        names: Mapping[str, str] | None = None,
    ) -> None:
        self._call = call
        self._fields = fields
        self._names = names or {}
        self._known: dict[str, int] | None = None

    def follow(self, source: str, changed: Mapping[str, Mapping[str, Any]]) -> None:
        """Put the records that are nurtured on the list of their theme, and off all others.

        Said absolutely, so it may be said twice. `changed` are values about to be written, by
        record. What the lists refuse is logged, and stops no field.
        """
        flagged = {one: values for one, values in changed.items() if {FLAG, THEME} & set(values)}
        if not flagged:
            return
        try:
            if lists := self._lists():
                self._join(lists, self._wanted(source, flagged))
        except (LoginError, RemoteError, UsageError, UnknownOutcomeError) as error:
            self._known = {}
            log.warning(_LEFT, error)

    def _name_of(self, theme: str) -> str:
        return self._names.get(theme, f"{NURTURE}{theme}")

    def _lists(self) -> dict[str, int]:
        """The lists of ours by name; none where the database has no e-mail marketing."""
        if self._known is None:
            models = self._call(
                "ir.model", "search_read", domain=[["model", "=", _JOINED]], fields=["id"]
            )
            self._known = self._named() if models else {}
        return self._known

    def _named(self) -> dict[str, int]:
        own = sorted(set(self._names.values()))
        domain: list[Any] = [["name", "=like", f"{NURTURE}%"]]
        if own:
            domain = ["|", *domain, ["name", "in", own]]
        rows = self._call(_LIST, "search_read", domain=domain, fields=["name"], order="id")
        found = {str(row["name"]): int(row["id"]) for row in reversed(rows)}
        if lacking := [name for name in own if name not in found]:
            told = ", ".join(f"`{name}`" for name in lacking)
            log.warning("Odoo has no mailing list called %s: make it, or mend `lists:`", told)
        return found

    def _wanted(
        self, source: str, flagged: Mapping[str, Mapping[str, Any]]
    ) -> dict[str, tuple[str, str | None]]:
        """By address, how it is written and the list it belongs on. Of two records with one
        address the one that is nurtured counts."""
        address = [name for name in _ADDRESS if name in self._fields(source)]
        ids = [int(one) for one in flagged]
        domain = [["id", "in", ids], ["active", "in", [True, False]]]
        rows = self._call(
            source,
            "search_read",
            domain=domain if "active" in self._fields(source) else domain[:1],
            fields=[*address, FLAG, THEME],
            order="id",
        )
        found: dict[str, tuple[str, str | None]] = {}
        for row in rows:
            now = {**row, **flagged[str(row["id"])]}
            written = next((str(now[name]) for name in address if now.get(name)), None)
            if written is None:
                continue
            name = self._name_of(str(now[THEME])) if now.get(FLAG) and now.get(THEME) else None
            plain = written.strip().casefold()
            if name is not None or plain not in found:
                found[plain] = written, name
        return found

    def _join(self, lists: Mapping[str, int], wanted: Mapping[str, tuple[str, str | None]]) -> None:
        contacts = self._contacts(wanted)
        missing = [
            {"name": written, "email": written}
            for plain, (written, name) in wanted.items()
            if name in lists and plain not in contacts
        ]
        if missing:
            self._call(_CONTACT, "create", repeatable=False, vals_list=missing)
            contacts = self._contacts(wanted)
        rows = self._call(
            _JOINED,
            "search_read",
            domain=[
                ["contact_id", "in", [ident for some in contacts.values() for ident in some]],
                ["list_id", "in", sorted(lists.values())],
            ],
            fields=["contact_id", "list_id", "opt_out"],
        )
        there = {(row["contact_id"][0], row["list_id"][0]): row for row in rows}
        added, removed = [], []
        for plain, (_, name) in wanted.items():
            mine = contacts.get(plain, [])
            for called, ident in lists.items():
                held = [there[one, ident] for one in mine if (one, ident) in there]
                if called != name:
                    removed += [row["id"] for row in held if not row["opt_out"]]
                elif mine and not held:
                    added.append({"contact_id": mine[0], "list_id": ident})
        if removed:
            self._call(_JOINED, "unlink", removed, repeatable=False)
        if added:
            self._call(_JOINED, "create", repeatable=False, vals_list=added)

    def _contacts(self, wanted: Mapping[str, Any]) -> dict[str, list[int]]:
        """The contacts of each address, the oldest first."""
        rows: Sequence[Mapping[str, Any]] = self._call(
            _CONTACT,
            "search_read",
            domain=[["email_normalized", "in", sorted(wanted)]],
            fields=["email_normalized"],
            order="id",
        )
        found: dict[str, list[int]] = {}
        for row in rows:
            found.setdefault(str(row["email_normalized"]), []).append(int(row["id"]))
        return found

    def catch_up(self, source: str) -> None:
        """Put on the lists whoever was flagged before they were made."""
        self._known = None
        if not {FLAG, THEME} <= set(self._fields(source)):
            return
        last = 0
        while rows := self._call(
            source,
            "search_read",
            domain=[[FLAG, "=", True], ["id", ">", last]],
            fields=[FLAG, THEME],
            limit=_PAGE,
            order="id",
        ):
            last = rows[-1]["id"]
            self.follow(source, {str(r["id"]): {FLAG: r[FLAG], THEME: r[THEME]} for r in rows})
