"""One org: rows, users, rules; every change is stamped, remembered in history and in the oracle.

Stamps have whole seconds. A change with the same values still moves LastModifiedDate and
SystemModstamp, as it does in Salesforce. Source: Object Reference, "System Fields"; SOAP API
Developer Guide, getUpdated().
"""

from __future__ import annotations

from bisect import insort
from collections.abc import Callable, Iterable, Iterator, Mapping, MutableMapping
from contextlib import contextmanager
from typing import Any
from zoneinfo import ZoneInfo

from connector.domain.moment import SECOND, Micros, parse_iso, to_datetime
from connector.practice.clock import PracticeClock
from connector.practice.oracle import Effect, Oracle
from connector.practice.salesforce import person_accounts
from connector.practice.salesforce.checks import check_values, check_writable
from connector.practice.salesforce.derived import derive
from connector.practice.salesforce.errors import SaveError
from connector.practice.salesforce.fields import FieldSpec, ObjectSpec
from connector.practice.salesforce.founding import ADMIN, found
from connector.practice.salesforce.history import (
    HISTORIES,
    STAGED,
    remember_change,
    remember_stage,
)
from connector.practice.salesforce.ids import canonical, make_id
from connector.practice.salesforce.moments import moment_text
from connector.practice.salesforce.plenty import Plenty, PlentyIds
from connector.practice.salesforce.reactions import (
    after_change,
    after_delete,
    after_insert,
    before_update,
)
from connector.practice.salesforce.rights import check_save
from connector.practice.salesforce.rules import WISHES, Rules, Wishes
from connector.practice.salesforce.schema import OWN_FIELDS, new_schema

Row = dict[str, Any]
_BINLESS = frozenset({"CampaignMember"})
"""Unconfirmed: these go without passing the bin."""
_GRANTS = frozenset({"PermissionSetAssignment", "ObjectPermissions"})
"""Whoever gives or takes rights changes what descriptions say."""


class Org:
    """The state of one org."""

    def __init__(self, clock: PracticeClock, *, version: str = "62.0") -> None:
        self.clock = clock
        self.version = version
        self.schema: dict[str, ObjectSpec] = new_schema()
        self.tables: dict[str, MutableMapping[str, Row]] = {name: {} for name in self.schema}
        self.order: dict[str, Any] = {name: [] for name in self.schema}
        self.rules = Rules()
        self.oracle = Oracle()
        self.rights: dict[str, dict[str, dict[str, tuple[bool, bool]]]] = {}
        """Permission set id -> object -> field -> (readable, editable)."""
        self._numbers: dict[str, int] = {}
        self._types = {spec.prefix: name for name, spec in self.schema.items()}
        self._blanks: dict[str, tuple[int, Row]] = {}
        self._silent = False
        self._late: list[tuple[Micros, Micros, Callable[[], object]]] = []
        self._undo: list[tuple[str, str, Row | None]] | None = None
        self.deletions: dict[str, dict[str, Micros]] = {name: {} for name in self.schema}
        """By object, when which id went, as getDeleted tells."""
        self.schema_changed: Micros = clock.now()
        found(self)

    # --- looking --------------------------------------------------------------------------------

    def spec(self, name: str) -> ObjectSpec | None:
        """The object of that name, in any spelling of case."""
        if name in self.schema:
            return self.schema[name]
        return next((s for s in self.schema.values() if s.name.lower() == name.lower()), None)

    def type_of(self, id_: str) -> str:
        """The object an id belongs to; "" for none."""
        return self._types.get(id_[:3], "")

    def find(self, id_: Any) -> Row | None:
        """The row of an id, deleted or not."""
        if not id_ or not (kind := self.type_of(id_)):
            return None
        table = self.tables[kind]
        return table.held(id_) if isinstance(table, Plenty) else table.get(id_)

    def shared(self, id_: Any) -> Row | None:
        """The row of an id, deleted or not, unless sharing keeps it from whoever calls."""
        row = self.find(id_)
        return None if row is not None and row["Id"] in self.rules.unshared else row

    def with_external(self, name: str, key: str, value: str) -> list[str]:
        """Ids of the rows that have this external id, in any spelling of case."""
        wanted = value.lower()
        return [
            row["Id"]
            for row in self.tables[name].values()
            if str(row.get(key) or "").lower() == wanted and not row.get("IsDeleted")
        ]

    def rows(self, name: str, ids: Iterable[str]) -> list[Row]:
        """The rows of these ids that there are."""
        table = self.tables[name]
        return [row for one in ids if (row := table.get(one)) is not None]

    def sees(self, user: str, spec: ObjectSpec, one: FieldSpec) -> bool:
        """Whether field-level security shows the field: a new custom field shows to nobody until
        a permission set that names it is assigned."""
        if (spec.name, one.name) in self.rules.hidden:
            return False
        return not one.custom or self._granted(user, spec.name, one.name)[0] or one.formula

    def edits(self, user: str, spec: ObjectSpec, one: FieldSpec) -> bool:
        """Whether field-level security lets the user set the field."""
        if (spec.name, one.name) in self.rules.hidden:
            return False
        return not one.custom or self._granted(user, spec.name, one.name)[1]

    def _granted(self, user: str, object_: str, name: str) -> tuple[bool, bool]:
        if name in OWN_FIELDS:
            return True, True
        if object_ == "Account" and name.endswith("__pc"):
            object_, name = "Contact", f"{name[:-2]}c"
        read = edit = False
        for row in self.tables["PermissionSetAssignment"].values():
            if row["AssigneeId"] == user:
                given = self.rights.get(row["PermissionSetId"], {}).get(object_, {}).get(name)
                read, edit = (read or given[0], edit or given[1]) if given else (read, edit)
        return read, edit

    # --- the schema -----------------------------------------------------------------------------

    def add_object(self, spec: ObjectSpec) -> None:
        """From now on there are records of this object."""
        self.schema[spec.name] = spec
        self.tables[spec.name], self.order[spec.name] = {}, []
        self.deletions[spec.name] = {}
        self._types[spec.prefix] = spec.name

    def drop_object(self, name: str) -> None:
        """From now on nobody knows of this object."""
        for known in (self.schema, self.tables, self.order, self.deletions):
            known.pop(name, None)

    def add_field(self, object_: str, one: FieldSpec) -> None:
        """From now on rows of the object have this field; there is its default in old ones."""
        self.schema[object_].fields[one.name] = one
        self._blanks.pop(object_, None)
        for row in self.tables[object_].values():
            row.setdefault(one.name, one.default)

    # --- time -----------------------------------------------------------------------------------

    def stamp(self) -> str:
        """Now, as rows hold it: whole seconds."""
        return moment_text(self.clock.now())

    def day(self, stamp: object) -> str:
        """The calendar day of a moment as the org's own people see it."""
        company: Row = next(iter(self.tables["Organization"].values()), {})
        zone = ZoneInfo(company.get("TimeZoneSidKey") or "UTC")
        return to_datetime(parse_iso(str(stamp))).astimezone(zone).date().isoformat()

    def settle(self) -> None:
        """Let transactions that have committed by now be seen."""
        if not self._late:
            return
        due = [one for one in self._late if one[0] <= self.clock.now()]
        self._late = [one for one in self._late if one[0] > self.clock.now()]
        for _, _, commit in due:
            commit()

    def later(self, seconds: float, change: Callable[[str], object]) -> None:
        """Make a change that is stamped now and committed, so seen, `seconds` later."""
        stamp, now = self.stamp(), self.clock.now()
        self._late.append((now + int(seconds * SECOND), now, lambda: change(stamp)))

    def covered(self) -> Micros:
        """When the oldest transaction that still runs began: nothing before it is to come."""
        return min([self.clock.now(), *(began for _, began, _ in self._late)])

    @contextmanager
    def all_or_none(self) -> Iterator[None]:
        """Undo everything done inside when it ends in a SaveError, which passes on."""
        self._undo, noted = [], len(self.oracle.effects)
        try:
            yield
        except SaveError:
            for name, id_, before in reversed(self._undo):
                if before is None:
                    del self.tables[name][id_]
                    self.order[name].remove(id_)
                else:
                    self._put_back(name, id_, before)
                    if not before.get("IsDeleted"):
                        self.deletions[name].pop(id_, None)
            del self.oracle.effects[noted:]
            raise
        finally:
            self._undo = None

    def _put_back(self, name: str, id_: str, before: Row) -> None:
        row = self.tables[name].get(id_)
        if row is None:  # it was removed without trace
            self.tables[name][id_] = before
            insort(self.order[name], id_)
        else:
            row.clear()
            row.update(before)

    # --- changing -------------------------------------------------------------------------------

    def create(
        self, name: str, values: Mapping[str, Any], user: str, wishes: Wishes = WISHES
    ) -> str:
        """Add a row as a client does; gives its id. Raises SaveError."""
        spec = self.schema[name]
        check_save(self, user, name, values, None)
        given = check_writable(self, spec, values, user, creating=True)
        if name == "Account":
            given = person_accounts.new_values(self, given)
        check_values(self, spec, given, None, wishes)
        parents = (given.get(key) for key in ("AccountId", "WhoId", "WhatId"))
        self.rules.check_locks(parents, self.clock.now())
        row = self.insert(name, self._assigned(name, given, wishes), user)
        self._flow(row, given)
        if name == "Opportunity":
            remember_stage(self, row, user, str(row["CreatedDate"]))
        return str(row["Id"])

    def update(
        self, id_: Any, values: Mapping[str, Any], user: str, wishes: Wishes = WISHES
    ) -> None:
        """Change a row as a client does. Raises SaveError."""
        row = self.writable(id_, values)
        spec = self.schema[self.type_of(row["Id"])]
        check_save(self, user, spec.name, values, row)
        given = check_writable(self, spec, values, user, creating=False)
        check_values(self, spec, given, row, wishes)
        given = before_update(self, spec.name, row, given)
        self.change(row, self._assigned(spec.name, given, wishes), user)
        self._flow(row, given)

    def load_plenty(
        self, name: str, values: Mapping[str, Any], user: str, many: int, link: str, to: str
    ) -> None:
        """Fill an empty object with many rows alike, spread in order over the rows of `to`."""
        pattern = self.insert(name, values, user, loaded=True)
        first = self._numbers[name]
        self._numbers[name] += many - 1
        prefix, span = self.schema[name].prefix, range(first, first + many)
        self.tables[name] = Plenty(prefix, span, dict(pattern), link, list(self.order[to]))
        self.order[name] = PlentyIds(prefix, span, [])

    def new_id(self, name: str) -> str:
        """The id of the next row of an object; it is given once."""
        self._numbers[name] = self._numbers.get(name, 0) + 1
        return make_id(self.schema[name].prefix, self._numbers[name])

    def insert(
        self,
        name: str,
        values: Mapping[str, Any],
        user: str,
        *,
        loaded: bool = False,
        at: str | None = None,
        id_: str | None = None,
    ) -> Row:
        """Add a row without asking anybody: what the system itself does.

        A `loaded` row keeps the stamps it brings. One that a slow transaction made was given its
        stamp and its id when that began.
        """
        spec = self.schema[name]
        id_ = id_ or self.new_id(name)
        stamp = at or self.stamp()
        row = dict(self._blank(spec))
        row |= {"CreatedDate": stamp, "CreatedById": user}
        if "SystemModstamp" in row:
            row |= {"LastModifiedDate": stamp, "SystemModstamp": stamp, "LastModifiedById": user}
        if "OwnerId" in row:
            row["OwnerId"] = user
        row |= values
        row["Id"] = id_
        if any(key not in spec.fields for key in values):
            row = {key: value for key, value in row.items() if key in spec.fields}
        derive(self, name, row, values)
        self.tables[name][id_] = row
        insort(self.order[name], id_)
        if self._undo is not None:
            self._undo.append((name, id_, None))
        if not loaded:
            self._note(user, row, "+", None, dict(values))
        after_insert(self, name, row, user, loaded=loaded)
        if name in _GRANTS:
            self.schema_changed = self.clock.now()
        return row

    def _blank(self, spec: ObjectSpec) -> Row:
        count, known = self._blanks.get(spec.name, (0, {}))
        if count != len(spec.fields):
            known = {one.name: one.default for one in spec.fields.values() if not one.sparse}
            self._blanks[spec.name] = (len(spec.fields), known)
        return known

    def change(self, row: Row, values: Mapping[str, Any], user: str, at: str | None = None) -> None:
        """Set fields of a row, with stamps, history and oracle."""
        name = self.type_of(row["Id"])
        stamp = at or self.stamp()
        if self._undo is not None:
            self._undo.append((name, row["Id"], dict(row)))
        staged = any(row.get(one) != values[one] for one in STAGED if one in values)
        changed: Row = {}
        for key, value in values.items():
            before = row.get(key)
            if before == value:
                continue
            row[key] = changed[key] = value
            self._note(user, row, key, before, value)
            if key in self.schema[name].tracked:
                remember_change(self, row, user, stamp, key, before, value)
        row |= {"LastModifiedDate": stamp, "LastModifiedById": user, "SystemModstamp": stamp}
        derive(self, name, row, [key for key in values if key != "StageName" or key in changed])
        if name == "Opportunity" and staged:
            remember_stage(self, row, user, stamp)
        after_change(self, name, row, changed, user)

    def delete(self, id_: Any, user: str, *, hard: bool = False) -> None:
        """Put a row into the bin, or remove it without trace; what has no IsDeleted knows no bin.

        Raises SaveError.
        """
        binned = self.find(id_) if hard else None
        row = self.writable(id_, {}) if binned is None else binned
        self._note(user, row, "-", before=bool(row.get("IsDeleted")), after=True)
        if self._undo is not None:
            self._undo.append((self.type_of(row["Id"]), row["Id"], dict(row)))
        stamp, name = self.stamp(), self.type_of(row["Id"])
        hard = hard or name in _BINLESS or "IsDeleted" not in self.schema[name].fields
        row |= {"IsDeleted": True, "LastModifiedDate": stamp, "SystemModstamp": stamp}
        self.deletions[name][row["Id"]] = self.clock.now()
        if hard:
            del self.tables[name][row["Id"]]
            self.order[name].remove(row["Id"])
        after_delete(self, name, row, user)
        if name in _GRANTS:
            self.schema_changed = self.clock.now()

    def undelete(self, id_: str, user: str) -> None:
        """Take a row out of the bin."""
        row = self.find(id_)
        if row is None or not row.get("IsDeleted"):
            raise SaveError("UNDELETE_FAILED", "entity is not in the recycle bin")
        self._note(user, row, "-", before=True, after=False)
        row |= {"IsDeleted": False, "MasterRecordId": None, "SystemModstamp": self.stamp()}
        self.deletions[self.type_of(id_)].pop(id_, None)

    # --- inside ---------------------------------------------------------------------------------

    def writable(self, id_: Any, values: Mapping[str, Any]) -> Row:
        """The row of an id, if it may be given these values. Raises SaveError."""
        whole = canonical(id_)
        if whole is None:
            raise SaveError("MALFORMED_ID", f"malformed id {id_}", ["Id"])
        row = self.find(whole)
        if row is None:
            raise SaveError("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id")
        if row.get("IsDeleted"):
            raise SaveError("ENTITY_IS_DELETED", "entity is deleted", status=404)
        if row.get("IsConverted") and values:
            raise SaveError("CANNOT_UPDATE_CONVERTED_LEAD", "cannot reference converted lead")
        if values:
            self.rules.check_locks((whole, row.get("AccountId")), self.clock.now())
        return row

    def _assigned(self, name: str, given: Row, wishes: Wishes) -> Row:
        owner = self.rules.assignment.get(name)
        return {**given, "OwnerId": owner} if owner and wishes.auto_assign else given

    def _flow(self, row: Row, given: Mapping[str, Any]) -> None:
        for flow in self.rules.flows:
            if flow["object"] != self.type_of(row["Id"]) or flow["on"] not in given:
                continue
            values = dict(flow.get("set", {}))
            if "count" in flow:
                values[flow["count"]] = (row.get(flow["count"]) or 0) + 1
            self.change(row, values, self.user(ADMIN))

    def _note(self, user: str, row: Row, key: str, before: Any, after: Any) -> None:
        name = self.type_of(row["Id"])
        if self._silent or name in HISTORIES:
            return
        effect = Effect(self.clock.now(), user, name, row["Id"], key, before, after)
        self.oracle.note(effect)

    @contextmanager
    def silently(self) -> Iterator[None]:
        """Let nothing that happens meanwhile be noted by the oracle."""
        self._silent = True
        try:
            yield
        finally:
            self._silent = False

    def user(self, name: str) -> str:
        """The id of the user with that user name. Raises KeyError."""
        for row in self.tables["User"].values():
            if row["Username"] == name:
                return str(row["Id"])
        raise KeyError(name)
