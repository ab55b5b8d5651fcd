"""One strict, stateful stand-in for each kind of CRM, with a person at its user interface.

Each offers the same few doings (`put`, `delete`, `tick`) and gives an adapter that speaks to it.
"""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Callable
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import responses

from connector.adapters import KINDS
from connector.adapters.base import Use
from connector.adapters.files.adapter import FilesAdapter
from connector.adapters.memory import MemoryAdapter, Remote
from connector.adapters.odoo.adapter import OdooAdapter
from tests.contract.fake import START, Fake
from tests.contract.practice_fakes import hubspot_fake, salesforce_fake


class MemoryFake(Fake):
    source, field = "leads", "title"

    def __init__(self) -> None:
        self.now = START
        self.remote = Remote(lambda: self.now, page=7)
        self.put(0, title="seed")
        self.remote.objects["leads"].clear()
        self.adapter = MemoryAdapter(self.remote)

    def put(self, ident: int, **values: Any) -> str:
        self.remote.put("leads", f"{ident:05}", **values)
        return f"{ident:05}"

    def delete(self, ident: str) -> None:
        self.remote.delete("leads", ident)

    def lose_answers(self, count: int) -> None:
        self.remote.lose_answers = count

    def lock_out(self) -> None:
        self.remote.locked_out = True


class FilesFake(Fake):
    source, field, lossy = "leads", "title", False

    def __init__(self, folder: Path) -> None:
        self.now = START
        self._path = folder / "leads.csv"
        self._rows: dict[str, str] = {}
        self._save()
        uses = {"leads": Use("id", frozenset({"title", "score"}))}
        self.adapter = FilesAdapter(folder, folder / "out", uses, lambda: self.now)
        self._folder = folder

    def put(self, ident: int, **values: Any) -> str:
        known = str(ident) in self._rows
        self._rows[str(ident)] = values["title"]
        if known:
            self._save()
        else:
            with self._path.open("a", newline="") as file:
                csv.writer(file).writerow([str(ident), values["title"]])
        return str(ident)

    def lock_out(self) -> None:
        self._path.unlink()
        self._folder.joinpath("out").exists()
        self._folder.rename(self._folder.with_name("elsewhere"))

    def _save(self) -> None:
        with self._path.open("w", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(["id", "title"])
            writer.writerows(self._rows.items())


class OdooFake(Fake):
    """A JSON-2 server that stores microseconds, shows and compares seconds, sorts microseconds."""

    source, field = "crm.lead", "function"
    address = "http://127.0.0.1:8999"
    secret = "canary-key-7f3a"

    def __init__(self) -> None:
        self.now = START
        self.rows: dict[int, dict[str, Any]] = {}
        self.types = {
            "id": "integer",
            "function": "char",
            "write_date": "datetime",
            "active": "boolean",
            "x_leadloop_score": "integer",
        }
        self.activities: list[dict[str, Any]] = []
        self.lost = 0
        self.allowed = True
        self.forbidden = ""
        self.adapter = OdooAdapter(self.address, "crm", "me", lambda: self.secret, page=7)
        self.adapter._transport._attempts = 1
        responses.add_callback(responses.GET, f"{self.address}/web/version", self._version)
        for model, method in (
            ("crm.lead", "search_read"),
            ("crm.lead", "fields_get"),
            ("crm.lead", "write"),
            ("crm.lead", "web_save_multi"),
            ("res.users", "context_get"),
            ("ir.model", "search_read"),
            ("ir.model.fields", "create"),
            ("ir.model.data", "search_read"),
            ("mail.activity", "fields_get"),
            ("mail.activity", "search_read"),
            ("mail.activity", "create"),
        ):
            name = f"_{model.replace('.', '_')}_{method}"
            responses.add_callback(
                responses.POST, f"{self.address}/json/2/{model}/{method}", self._handler(name)
            )
        other = re.compile(re.escape(f"{self.address}/json/2/no_such_object/"))
        responses.add_callback(responses.POST, other, self._no_model)

    def put(self, ident: int, **values: Any) -> str:
        row = self.rows.setdefault(ident + 1, {"active": True, "x_leadloop_score": 0})
        row.update({"function": values["title"]}, write=self.now)
        return str(ident + 1)

    def delete(self, ident: str) -> None:
        del self.rows[int(ident)]

    def lose_answers(self, count: int) -> None:
        self.lost = count

    def lock_out(self) -> None:
        self.allowed = False

    def _moment(self) -> datetime:
        return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=self.now)

    def _version(self, _request: Any) -> Any:
        body = json.dumps({"version_info": [19, 0, 0, "final", 0, ""], "version": "19.0"})
        date = format_datetime(self._moment(), usegmt=True)
        return 200, {"Date": date, "Content-Type": "application/json"}, body

    def _no_model(self, _request: Any) -> Any:
        said = "the model 'no_such_object' does not exist"
        return self._error(404, "werkzeug.exceptions.NotFound", said)

    def _handler(self, name: str) -> Callable[[Any], Any]:
        def handle(request: Any) -> Any:
            if not self.allowed or request.headers["Authorization"] != f"bearer {self.secret}":
                return self._error(401, "werkzeug.exceptions.Unauthorized", "Invalid apikey")
            body = json.loads(request.body)
            if name == self.forbidden:
                return self._error(403, "odoo.exceptions.AccessError", "You are not allowed")
            try:
                answer = getattr(self, name)(**body)
            except ValueError as error:
                return self._error(500, "builtins.ValueError", str(error))
            except LookupError as error:
                return self._error(404, "odoo.exceptions.MissingError", str(error))
            if self.lost > 0 and name.endswith(("write", "web_save_multi", "activity_create")):
                self.lost -= 1
                raise responses.ConnectionError("connection reset")
            return 200, {"Content-Type": "application/json"}, json.dumps(answer)

        return handle

    @staticmethod
    def _error(status: int, name: str, message: str) -> Any:
        body = json.dumps({"name": name, "message": message, "arguments": [], "debug": "trace"})
        return status, {"Content-Type": "application/json"}, body

    def _second(self, row: dict[str, Any]) -> str:
        moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=row["write"])
        return moment.strftime("%Y-%m-%d %H:%M:%S")

    def _crm_lead_search_read(
        self, domain: list[Any], fields: list[str], limit: int = 0, order: str = "id"
    ) -> list[dict[str, Any]]:
        unknown = set(fields) - set(self.types)
        if unknown:
            raise ValueError(f"Invalid field {unknown}")
        found = [(i, r) for i, r in self.rows.items() if all(self._holds(i, r, t) for t in domain)]
        if not any(term[0] == "active" for term in domain):
            found = [(i, r) for i, r in found if r["active"]]
        found.sort(key=lambda pair: pair[0] if order == "id" else (pair[1]["write"], pair[0]))
        shown = [
            {"id": i, **{n: self._second(r) if n == "write_date" else r.get(n, i) for n in fields}}
            for i, r in found
        ]
        return shown[:limit] if limit else shown

    def _holds(self, ident: int, row: dict[str, Any], term: list[Any]) -> bool:
        name, operator, wanted = term
        value: Any = {"id": ident, "write_date": self._second(row)}.get(name, row.get(name))
        match operator:
            case "<":
                return bool(value < wanted)
            case ">=":
                return bool(value >= wanted)
            case ">":
                return bool(value > wanted)
            case "in":
                return value in wanted
        return bool(value == wanted)

    def _crm_lead_fields_get(self, attributes: list[str]) -> dict[str, Any]:
        del attributes
        return {
            name: {"type": kind, "string": name, "readonly": False}
            for name, kind in self.types.items()
        }

    def _crm_lead_write(self, ids: list[int], vals: dict[str, Any], context: Any = None) -> bool:
        del context
        for name, value in vals.items():
            if name not in self.types:
                raise ValueError(f"Invalid field {name}")
            if value == "refuse me":
                raise ValueError("a rule says no")
        if any(ident not in self.rows for ident in ids):
            raise LookupError("Record does not exist or has been deleted.")
        for ident in ids:
            self.rows[ident].update(vals, write=self.now)
        return True

    def _crm_lead_web_save_multi(
        self, ids: list[int], vals_list: list[Any], specification: Any, context: Any = None
    ) -> list[Any]:
        del specification, context
        before = {i: dict(self.rows[i]) for i in ids if i in self.rows}
        try:
            for ident, values in zip(ids, vals_list, strict=True):
                self._crm_lead_write([ident], values)
        except (ValueError, LookupError):
            self.rows.update(before)
            raise
        return [{"id": ident} for ident in ids]

    def _res_users_context_get(self) -> dict[str, Any]:
        return {"lang": "en_US", "tz": "UTC", "uid": 2}

    def _ir_model_search_read(self, domain: list[Any], **_: Any) -> list[dict[str, Any]]:
        del domain
        return [{"id": 1, "model": "crm.lead"}]

    def _ir_model_data_search_read(self, domain: list[Any], **_: Any) -> list[dict[str, Any]]:
        known = domain == [["module", "=", "mail"], ["name", "=", "mail_activity_data_todo"]]
        return [{"id": 9, "res_id": 4}] if known else []

    def _mail_activity_fields_get(self, attributes: list[str]) -> dict[str, Any]:
        del attributes
        names = ("res_model_id", "res_model", "res_id", "summary", "note", "user_id", "active")
        return {name: {"type": "char", "string": name, "readonly": False} for name in names}

    def _mail_activity_search_read(
        self, domain: list[Any], fields: list[str], order: str = "id"
    ) -> list[dict[str, Any]]:
        assert order == "id"
        seen = [term for term in domain if term[0] == "active"]
        found = [
            (n, row)
            for n, row in enumerate(self.activities, start=1)
            if (seen or row["active"]) and all(self._holds(n, row, term) for term in domain)
        ]
        return [{"id": n, **{name: row[name] for name in fields}} for n, row in found]

    def _mail_activity_create(
        self, vals_list: list[dict[str, Any]], context: dict[str, Any]
    ) -> list[int]:
        assert context == {"mail_activity_quick_update": True}, "the owner would be mailed twice"
        (values,) = vals_list
        if values["res_model_id"] != 1 or values["res_id"] not in self.rows:
            raise LookupError("Record does not exist or has been deleted.")
        if values["activity_type_id"] != 4 or not isinstance(values["user_id"], int):
            raise ValueError("no such reference")
        self.activities.append(
            {**values, "res_model": "crm.lead", "active": True, "write": self.now}
        )
        return [len(self.activities)]

    def _ir_model_fields_create(self, vals_list: list[dict[str, Any]]) -> list[int]:
        for values in vals_list:
            if not values["name"].startswith("x_") or values["name"] in self.types:
                raise ValueError("Custom fields must have a new name that begins with x_")
            self.types[values["name"]] = values["ttype"]
        return [1]


@contextmanager
def memory_fake(_folder: Path) -> Any:
    yield MemoryFake()


@contextmanager
def files_fake(folder: Path) -> Any:
    place = folder / "crm"
    place.mkdir()
    yield FilesFake(place)


@contextmanager
def odoo_fake(_folder: Path) -> Any:
    responses.start()
    try:
        yield OdooFake()
    finally:
        responses.stop(allow_assert=False)
        responses.reset()


_ALL = {
    "memory": memory_fake,
    "files": files_fake,
    "odoo": odoo_fake,
    "salesforce": salesforce_fake,
    "hubspot": hubspot_fake,
}
FAKES = {kind: fake for kind, fake in _ALL.items() if kind in KINDS}
