"""Tasks for sales as planned activities on the lead: looked for by their marker, made once.

Odoo shows an activity at once and keeps one that is done as an archived row: both are looked at.
Nobody is mailed about the task: the change of owner has told them already.

Source: Odoo's own `mail.activity` (`create` mails the assigned user unless the context says
`mail_activity_quick_update`), and a running 19.0 (2026-11).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from html import escape
from typing import Any

from connector.adapters.base import NewTask
from connector.adapters.odoo.calls import NoRightError
from connector.domain.moment import format_iso
from connector.errors import FeatureError, RemoteError, UnknownOutcomeError

_MODEL = "mail.activity"
_TO_DO = "mail_activity_data_todo"
_QUIET = {"mail_activity_quick_update": True}
Call = Callable[..., Any]


class Tasks:
    """Activities of one database. `fields` gives a model's fields."""

    def __init__(self, call: Call, fields: Callable[[str], dict[str, Any]]) -> None:
        self._call = call
        self._fields = fields
        self._models: dict[str, int] = {}
        self._to_do: int | None = None

    def find(self, wanted: Sequence[NewTask]) -> dict[str, str]:
        """Give the ids of tasks that stand there, done ones included, by marker."""
        markers = {one.marker for one in wanted}
        found: dict[str, str] = {}
        for source in dict.fromkeys(one.source for one in wanted):
            ids = sorted({int(one.record) for one in wanted if one.source == source})
            domain: list[Any] = [["res_model", "=", source], ["res_id", "in", ids]]
            if "active" in self._fields(_MODEL):
                domain.append(["active", "in", [True, False]])
            rows = self._call(_MODEL, "search_read", domain=domain, fields=["summary"], order="id")
            for row in rows:
                marker = str(row["summary"] or "").rpartition("[")[2].removesuffix("]")
                if marker in markers:
                    found.setdefault(marker, str(row["id"]))
        return found

    def create(self, task: NewTask) -> str:
        """Make one task."""
        values: dict[str, Any] = {
            "res_model_id": self._model(task.source),
            "res_id": int(task.record),
            "user_id": int(task.owner),
            "summary": task.subject,
            "note": escape(task.text).replace("\n", "<br>"),
            "date_deadline": format_iso(task.due)[:10],
        }
        if kind := self._kind():
            values["activity_type_id"] = kind
        made = self._made(values)
        try:
            return str(int(made[0]))
        except (TypeError, ValueError, IndexError, KeyError):
            raise UnknownOutcomeError(
                "Odoo's answer to a task names no id", hint="It is looked for next time"
            ) from None

    def _made(self, values: dict[str, Any]) -> Any:
        try:
            return self._call(
                _MODEL, "create", repeatable=False, vals_list=[values], context=_QUIET
            )
        except NoRightError as error:
            raise FeatureError(
                str(error), hint="Give our user the right to make activities on leads"
            ) from error

    def _model(self, source: str) -> int:
        if source not in self._models:
            rows = self._call(
                "ir.model", "search_read", domain=[["model", "=", source]], fields=["id"]
            )
            if not rows:
                raise RemoteError(f"Odoo shows no model {source}", vendor_code="no_model")
            self._models[source] = int(rows[0]["id"])
        return self._models[source]

    def _kind(self) -> int:
        """The type To-Do; 0 where it was taken away: then Odoo chooses."""
        if self._to_do is None:
            rows = self._call(
                "ir.model.data",
                "search_read",
                domain=[["module", "=", "mail"], ["name", "=", _TO_DO]],
                fields=["res_id"],
            )
            self._to_do = int(rows[0]["res_id"]) if rows else 0
        return self._to_do
