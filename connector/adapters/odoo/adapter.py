"""Odoo as a CRM: windows paged by id, archived rows included, writes settled record by record.

Odoo shows `write_date` to the second but keeps and sorts microseconds, so a position of (time, id)
skips rows: a closed window is paged by id alone. Lost leads are archived and hidden by default.
`write` is all or nothing, so a refused batch is halved until the offender stands alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from connector.adapters.base import (
    Capabilities,
    FieldStep,
    Identity,
    NewTask,
    Page,
    RemoteField,
    Row,
    Window,
)
from connector.adapters.odoo.calls import Calls, Json2, XmlRpc, headers, version_of
from connector.adapters.odoo.mailing import MailingLists
from connector.adapters.odoo.tasks import Tasks
from connector.adapters.odoo.values import TYPES, described, moment_text, read_value, write_value
from connector.domain.change import Outcome, Result, Write
from connector.domain.moment import MINUTE, Micros
from connector.domain.outward import FieldType
from connector.errors import RemoteError, TryLaterError, UnknownOutcomeError, UsageError
from connector.transport.http import Transport

PAGE = 500
_QUIET = {"tracking_disable": True, "mail_auto_subscribe_no_notify": True}
_WITH_ARCHIVED = ["active", "in", [True, False]]


def open_odoo(
    *,
    address: str,
    database: str | None,
    login: str | None,
    key: Callable[[], str],
    nurtured: Mapping[str, str] | None = None,
) -> OdooAdapter:
    """Open an Odoo; which API it speaks is asked with the first call."""
    return OdooAdapter(address, database, login, key, nurtured=nurtured)


class OdooAdapter:
    """One user of one Odoo database."""

    capabilities = Capabilities(
        kind="odoo",
        batch_size=200,
        id_batch=500,
        overlap=5 * MINUTE,
        provisions=True,
        tasks=True,
        vendor_fields=("probability", "stage_id", "active", "won_status", "lost_reason_id"),
    )

    def __init__(
        self,
        address: str,
        database: str | None,
        login: str | None,
        key: Callable[[], str],
        *,
        page: int = PAGE,
        nurtured: Mapping[str, str] | None = None,
    ) -> None:
        self._address = address
        self._database = database
        self._login = login
        self._key = key
        self._page = page
        self._transport = Transport(address, headers=headers(key, database))
        self._calls: Calls | None = None
        self._specs: dict[str, dict[str, dict[str, Any]]] = {}
        self._saves_many = True
        self._tasks = Tasks(self._call, self._fields)
        self._mailing = MailingLists(self._call, self._fields, nurtured)

    def __repr__(self) -> str:
        return f"OdooAdapter({self._address}, {self._database})"

    def check(self) -> Identity:
        _, version, _ = version_of(self._transport)
        context = self._call("res.users", "context_get")
        uid = context.get("uid") if isinstance(context, dict) else None
        where = f"{self._database or 'the only database'} at {self._address}"
        return Identity(f"user {uid}" if uid else self._login or "?", where, f"Odoo {version}")

    def server_now(self) -> Micros:
        return version_of(self._transport)[2]

    def sources(self) -> list[str]:
        rows = self._call("ir.model", "search_read", domain=[], fields=["model"], order="model")
        return [row["model"] for row in rows]

    def describe(self, source: str) -> dict[str, RemoteField]:
        return {name: described(name, spec) for name, spec in self._fields(source).items()}

    def read(
        self, source: str, names: Sequence[str], window: Window, after: str | None
    ) -> Iterator[Page]:
        wanted = self._wanted(source, names)
        domain: list[Any] = [["write_date", "<", moment_text(window.until)]]
        if window.since is not None:
            domain.append(["write_date", ">=", moment_text(window.since)])
        if "active" in self._fields(source):
            domain.append(_WITH_ARCHIVED)
        last = int(after) if after else 0
        while True:
            rows = self._call(
                source,
                "search_read",
                domain=[*domain, ["id", ">", last]],
                fields=wanted,
                limit=self._page,
                order="id",
            )
            if not rows:
                return
            last = rows[-1]["id"]
            yield Page(self._rows(source, names, rows), str(last))
            if len(rows) < self._page:
                return

    def read_ids(self, source: str, names: Sequence[str], ids: Sequence[str]) -> list[Row]:
        wanted = self._wanted(source, names)
        domain: list[Any] = [["id", "in", [int(one) for one in ids]]]
        if "active" in self._fields(source):
            domain.append(_WITH_ARCHIVED)
        rows = self._call(source, "search_read", domain=domain, fields=wanted, order="id")
        return self._rows(source, names, rows)

    def write(self, batch: Sequence[Write]) -> list[Outcome]:
        if not batch:
            return []
        if len(batch) > self.capabilities.batch_size:
            raise ValueError("a batch larger than batch_size")
        source = batch[0].source
        there = {row["id"] for row in self.read_ids(source, ["id"], [one.id for one in batch])}
        outcomes: dict[str, Outcome] = {
            one.id: Outcome(one.id, Result.GONE, "MissingError", "the record does not exist")
            for one in batch
            if one.id not in there
        }
        ready: list[tuple[Write, dict[str, Any]]] = []
        for one in batch:
            if one.id in there:
                self._prepare(source, one, ready, outcomes)
        self._mailing.follow(source, {one.id: values for one, values in ready})
        self._save(source, ready, outcomes)
        return [outcomes[one.id] for one in batch]

    def find_tasks(self, wanted: Sequence[NewTask]) -> dict[str, str]:
        return self._tasks.find(wanted)

    def create_task(self, task: NewTask) -> str:
        return self._tasks.create(task)

    def plan_fields(self, wanted: Sequence[FieldStep]) -> list[FieldStep]:
        return [self._step(step) for step in wanted]

    def create_fields(self, steps: Sequence[FieldStep]) -> None:
        for step in steps:
            if step.action != "create":
                continue
            models = self._call(
                "ir.model", "search_read", domain=[["model", "=", step.source]], fields=["id"]
            )
            values = {
                "name": step.name,
                "model_id": models[0]["id"],
                "field_description": step.label,
                "ttype": TYPES[step.type],
            }
            self._call("ir.model.fields", "create", repeatable=False, vals_list=[values])
            self._specs.pop(step.source, None)
        for source in dict.fromkeys(step.source for step in steps):
            self._mailing.catch_up(source)

    def close(self) -> None:
        self._transport.close()

    # --- calling ---------------------------------------------------------------------------------

    def _call(
        self,
        model: str,
        method: str,
        ids: Sequence[int] | None = None,
        *,
        repeatable: bool = True,
        **named: Any,
    ) -> Any:
        if self._calls is None:
            major, _, _ = version_of(self._transport)
            if major >= 19:
                self._calls = Json2(self._transport)
            elif self._database is None or self._login is None:
                raise UsageError(
                    "Odoo before 19 needs a database and a login",
                    hint="Add `database:` and `login:` under `auth:`",
                )
            else:
                plain = Transport(self._address, budget=self._transport.budget)
                self._calls = XmlRpc(plain, self._database, self._login, self._key)
        return self._calls.call(model, method, ids, repeatable=repeatable, **named)

    def _fields(self, source: str) -> dict[str, dict[str, Any]]:
        if source not in self._specs:
            wanted = ["type", "string", "readonly", "size", "selection", "relation"]
            self._specs[source] = self._call(source, "fields_get", attributes=wanted)
        return self._specs[source]

    # --- reading ---------------------------------------------------------------------------------

    def _wanted(self, source: str, names: Sequence[str]) -> list[str]:
        """The fields to ask for: of a dotted name its first part."""
        known = self._fields(source)
        wanted: dict[str, None] = {"id": None}
        for name in names:
            first = name.partition(".")[0]
            if first not in known:
                raise UsageError(
                    f"Odoo's {source} has no field `{first}`",
                    hint="Mend the mapping; for our own fields run leadloop install",
                )
            wanted[first] = None
        return list(wanted)

    def _rows(self, source: str, names: Sequence[str], rows: Sequence[dict[str, Any]]) -> list[Row]:
        kinds = {name: spec["type"] for name, spec in self._fields(source).items()}
        related = {
            name: self._related(source, name, rows)
            for name in names
            if "." in name and not name.endswith(".name")
        }
        found = []
        for row in rows:
            read: Row = {"id": str(row["id"])}
            for name in names:
                first, dot, _ = name.partition(".")
                value = row[first]
                if name in related:
                    read[name] = related[name].get(value[0]) if isinstance(value, list) else None
                elif dot:
                    read[name] = value[1] if isinstance(value, list) else None
                else:
                    read[name] = str(value) if name == "id" else read_value(value, kinds[name])
            found.append(read)
        return found

    def _related(self, source: str, name: str, rows: Sequence[dict[str, Any]]) -> dict[int, Any]:
        """Values of a field of the records a reference leads to, by their id."""
        first, _, field = name.partition(".")
        model = self._fields(source)[first].get("relation")
        if not model or field not in self._fields(str(model)):
            raise UsageError(f"Odoo's {source} has no field `{name}`", hint="Mend the mapping")
        ids = sorted({row[first][0] for row in rows if isinstance(row[first], list)})
        if not ids:
            return {}
        kind = self._fields(str(model))[field]["type"]
        read = self._call(str(model), "read", ids, fields=[field])
        return {one["id"]: read_value(one[field], kind) for one in read}

    # --- writing ---------------------------------------------------------------------------------

    def _prepare(
        self,
        source: str,
        one: Write,
        ready: list[tuple[Write, dict[str, Any]]],
        outcomes: dict[str, Outcome],
    ) -> None:
        """Turn values into Odoo's; one that cannot be is refused here, before anything is sent."""
        kinds = self._fields(source)
        values: dict[str, Any] = {}
        for name, value in one.values.items():
            if name not in kinds:
                outcomes[one.id] = Outcome(one.id, Result.REFUSED, "no_field", "", name)
                return
            try:
                values[name] = write_value(value, kinds[name]["type"])
            except ValueError:
                outcomes[one.id] = Outcome(one.id, Result.REFUSED, "bad_value", "", name)
                return
        ready.append((one, values))

    def _save(
        self,
        source: str,
        ready: Sequence[tuple[Write, dict[str, Any]]],
        outcomes: dict[str, Outcome],
    ) -> None:
        if not ready:
            return
        try:
            self._send(source, ready)
        except RemoteError as error:
            if len(ready) == 1:
                one = ready[0][0]
                outcomes[one.id] = Outcome(
                    one.id, Result.REFUSED, error.vendor_code, error.hint or ""
                )
                return
            half = len(ready) // 2
            self._save(source, ready[:half], outcomes)
            self._save(source, ready[half:], outcomes)
            return
        except UnknownOutcomeError:
            for one, _ in ready:
                outcomes[one.id] = Outcome(one.id, Result.UNKNOWN, "no_answer")
            return
        except TryLaterError:
            if not outcomes:
                raise
            for one, _ in ready:
                outcomes[one.id] = Outcome(one.id, Result.RETRY, "try_later")
            return
        for one, _ in ready:
            outcomes[one.id] = Outcome(one.id, Result.APPLIED)

    def _send(self, source: str, ready: Sequence[tuple[Write, dict[str, Any]]]) -> None:
        """One transaction for all of them where Odoo has a method for that, else one a value."""
        quiet = {"context": _QUIET} if ready[0][0].quiet else {}
        ids = [int(one.id) for one, _ in ready]
        if self._saves_many and len(ready) > 1:
            try:
                self._call(
                    source,
                    "web_save_multi",
                    ids,
                    repeatable=False,
                    vals_list=[values for _, values in ready],
                    specification={},
                    **quiet,
                )
            except UsageError:
                self._saves_many = False
            except RemoteError as error:
                if error.vendor_code not in {"AttributeError", "NotFound"}:
                    raise
                self._saves_many = False
            else:
                return
        for ids, values in _alike(ready):
            self._call(source, "write", ids, repeatable=False, vals=values, **quiet)

    def _step(self, step: FieldStep) -> FieldStep:
        spec = self._fields(step.source).get(step.name)
        if spec is None:
            return replace(step, action="create")
        there = described(step.name, spec).type
        alike = there is step.type or {there, step.type} <= _TEXTS
        if alike:
            return replace(step, action="keep")
        return replace(step, action="clash", note=f"a field of type {spec['type']} has this name")


_TEXTS = {FieldType.TEXT, FieldType.LONG_TEXT}


def _alike(
    ready: Sequence[tuple[Write, dict[str, Any]]],
) -> list[tuple[list[int], dict[str, Any]]]:
    """Group records that get the same values, so that each group is one call."""
    groups: dict[tuple[Any, ...], tuple[list[int], dict[str, Any]]] = {}
    for one, values in ready:
        key = tuple(sorted(values.items()))
        groups.setdefault(key, ([], values))[0].append(int(one.id))
    return list(groups.values())
