"""One org: rows, users, rules; every change is stamped, remembered in history and in the oracle.

Stamps have whole seconds. A change with the same values still moves LastModifiedDate and
SystemModstamp, as it does in Salesforce. Source: Object Reference, "System Fields"; SOAP API
Developer Guide, getUpdated().
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from connector.domain.moment import SECOND, Micros
from connector.practice.clock import PracticeClock
from connector.practice.oracle import Effect, Oracle
from connector.practice.salesforce.checks import check_values, check_writable
from connector.practice.salesforce.errors import SaveError
from connector.practice.salesforce.fields import FieldSpec, ObjectSpec
from connector.practice.salesforce.ids import canonical, make_id
from connector.practice.salesforce.moments import moment_text
from connector.practice.salesforce.schema import OWN_FIELDS, STAGES, new_schema

Row = dict[str, Any]
ADMIN = "Admin"


@dataclass
class Rules:
    """What this org's own admins set up, that an integration meets."""

    assignment: dict[str, str] = field(default_factory=dict)
    """Object -> the owner its assignment rule gives, unless a call says not to."""
    validation: list[dict[str, Any]] = field(default_factory=list)
    """{object, field, equals, message}: rows with that value are refused."""
    flows: list[dict[str, Any]] = field(default_factory=list)
    """{object, on, set}: when field `on` is changed, the flow sets other fields."""
    locked: dict[str, int] = field(default_factory=dict)
    """Record id -> how many more writes find it locked."""
    duplicates: dict[str, str] = field(default_factory=dict)
    """Object -> `block` or `alert`: no second row with the same e-mail address, or only if the
    call insists."""
    hidden: set[tuple[str, str]] = field(default_factory=set)
    """(object, field) that field-level security hides."""


class Wishes(NamedTuple):
    """What the headers of a write ask for."""

    auto_assign: bool = True
    allow_duplicates: bool = False


WISHES = Wishes()


class Org:
    """The state of one org."""

    def __init__(self, clock: PracticeClock, *, version: str = "62.0") -> None:
        self.clock = clock
        self.version = version
        self.schema: dict[str, ObjectSpec] = new_schema()
        self.tables: dict[str, dict[str, Row]] = {name: {} for name in self.schema}
        self.order: dict[str, list[str]] = {name: [] for name in self.schema}
        self.rules = Rules()
        self.oracle = Oracle()
        self.rights: dict[str, dict[str, dict[str, tuple[bool, bool]]]] = {}
        """Permission set id -> object -> field -> (readable, editable)."""
        self._numbers: dict[str, int] = {}
        self._types = {spec.prefix: name for name, spec in self.schema.items()}
        self._blanks: dict[str, Row] = {}
        self._silent = False
        self._late: list[tuple[Micros, Micros, Callable[[], None]]] = []
        self._undo: list[tuple[str, str, Row | None]] | None = None
        self.deletions: dict[str, dict[str, Micros]] = {name: {} for name in self.schema}
        """By object, when which id went, as getDeleted tells."""
        self.schema_changed: Micros = clock.now()
        self._found_org()

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
        return self.tables[kind].get(id_) if id_ and (kind := self.type_of(id_)) else None

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
        read = edit = False
        for row in self.tables["PermissionSetAssignment"].values():
            if row["AssigneeId"] == user:
                given = self.rights.get(row["PermissionSetId"], {}).get(object_, {}).get(name)
                read, edit = (read or given[0], edit or given[1]) if given else (read, edit)
        return read, edit

    # --- time -----------------------------------------------------------------------------------

    def stamp(self) -> str:
        """Now, as rows hold it: whole seconds."""
        return moment_text(self.clock.now())

    def settle(self) -> None:
        """Let transactions that have committed by now be seen."""
        if not self._late:
            return
        due = [one for one in self._late if one[0] <= self.clock.now()]
        self._late = [one for one in self._late if one[0] > self.clock.now()]
        for _, _, commit in due:
            commit()

    def later(self, seconds: float, change: Callable[[str], None]) -> None:
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
                    self.tables[name][id_].clear()
                    self.tables[name][id_].update(before)
                    if not before.get("IsDeleted"):
                        self.deletions[name].pop(id_, None)
            del self.oracle.effects[noted:]
            raise
        finally:
            self._undo = None

    # --- changing -------------------------------------------------------------------------------

    def create(
        self, name: str, values: Mapping[str, Any], user: str, wishes: Wishes = WISHES
    ) -> str:
        """Add a row as a client does; gives its id. Raises SaveError."""
        spec = self.schema[name]
        given = check_writable(self, spec, values, user, creating=True)
        check_values(self, spec, given, None, alerts=not wishes.allow_duplicates)
        row = self.insert(name, self._assigned(name, given, wishes), user)
        if name == "Opportunity":
            self.remember_stage(row, user, str(row["CreatedDate"]))
        return str(row["Id"])

    def update(
        self, id_: Any, values: Mapping[str, Any], user: str, wishes: Wishes = WISHES
    ) -> None:
        """Change a row as a client does. Raises SaveError."""
        row = self.writable(id_, values)
        spec = self.schema[self.type_of(row["Id"])]
        given = check_writable(self, spec, values, user, creating=False)
        check_values(self, spec, given, row)
        self.change(row, self._assigned(spec.name, given, wishes), user)
        self._flow(row, given)

    def insert(
        self, name: str, values: Mapping[str, Any], user: str, *, loaded: bool = False
    ) -> Row:
        """Add a row without asking anybody: what the system itself does.

        A `loaded` row keeps the stamps it brings.
        """
        self._numbers[name] = self._numbers.get(name, 0) + 1
        spec = self.schema[name]
        id_ = make_id(spec.prefix, self._numbers[name])
        stamp = self.stamp()
        row = dict(self._blank(spec))
        row |= {"CreatedDate": stamp, "CreatedById": user}
        if "SystemModstamp" in row:
            row |= {"LastModifiedDate": stamp, "SystemModstamp": stamp, "LastModifiedById": user}
        if "OwnerId" in row:
            row["OwnerId"] = user
        row |= values
        row["Id"] = id_
        if len(row) > len(spec.fields):
            row = {key: value for key, value in row.items() if key in spec.fields}
        self._derive(name, row)
        self.tables[name][id_] = row
        self.order[name].append(id_)
        if self._undo is not None:
            self._undo.append((name, id_, None))
        if name == "Campaign":
            self._first_statuses(id_, user)
        if not loaded:
            self._note(user, row, "+", None, dict(values))
        return row

    def _blank(self, spec: ObjectSpec) -> Row:
        known = self._blanks.get(spec.name)
        if known is None or len(known) != len(spec.fields):
            known = {one.name: one.default for one in spec.fields.values()}
            self._blanks[spec.name] = known
        return known

    def change(self, row: Row, values: Mapping[str, Any], user: str, at: str | None = None) -> None:
        """Set fields of a row, with stamps, history and oracle."""
        name = self.type_of(row["Id"])
        stamp = at or self.stamp()
        if self._undo is not None:
            self._undo.append((name, row["Id"], dict(row)))
        staged = any(row.get(one) != values[one] for one in ("StageName", "Amount", "CloseDate")
                     if one in values)  # fmt: skip
        for key, value in values.items():
            before = row.get(key)
            if before == value:
                continue
            row[key] = value
            self._note(user, row, key, before, value)
            if key in self.schema[name].tracked and f"{name}History" in self.tables:
                self.remember_change(row, user, stamp, key, before, value)
        row |= {"LastModifiedDate": stamp, "LastModifiedById": user, "SystemModstamp": stamp}
        self._derive(name, row)
        if name == "Opportunity" and staged:
            self.remember_stage(row, user, stamp)

    def delete(self, id_: Any, user: str, *, hard: bool = False) -> None:
        """Put a row into the bin, or remove it without trace. Raises SaveError."""
        binned = self.find(id_) if hard else None
        row = self.writable(id_, {}) if binned is None else binned
        self._note(user, row, "-", before=bool(row.get("IsDeleted")), after=True)
        if self._undo is not None:
            self._undo.append((self.type_of(row["Id"]), row["Id"], dict(row)))
        stamp, name = self.stamp(), self.type_of(row["Id"])
        row |= {"IsDeleted": True, "LastModifiedDate": stamp, "SystemModstamp": stamp}
        self.deletions[name][row["Id"]] = self.clock.now()
        if hard:
            del self.tables[name][row["Id"]]
            self.order[name].remove(row["Id"])

    def undelete(self, id_: str, user: str) -> None:
        """Take a row out of the bin."""
        row = self.find(id_)
        if row is None or not row.get("IsDeleted"):
            raise SaveError("UNDELETE_FAILED", "entity is not in the recycle bin")
        self._note(user, row, "-", before=True, after=False)
        row |= {"IsDeleted": False, "MasterRecordId": None, "SystemModstamp": self.stamp()}
        self.deletions[self.type_of(id_)].pop(id_, None)

    # --- inside ---------------------------------------------------------------------------------

    def _derive(self, name: str, row: Row) -> None:
        if name == "CampaignMember":
            self._derive_member(row)
        else:
            _derive(name, row)

    def _derive_member(self, row: Row) -> None:
        """A status its campaign does not know becomes the campaign's default, without a word."""
        known = {
            one["Label"]: one
            for one in self.tables["CampaignMemberStatus"].values()
            if one["CampaignId"] == row.get("CampaignId") and not one["IsDeleted"]
        }
        if known and row.get("Status") not in known:
            row["Status"] = next(label for label, one in known.items() if one["IsDefault"])
        row["HasResponded"] = bool(known and known[row["Status"]]["HasResponded"])
        row["LeadOrContactId"] = row.get("ContactId") or row.get("LeadId")
        if row["HasResponded"] and not row.get("FirstRespondedDate"):
            row["FirstRespondedDate"] = str(row["LastModifiedDate"])[:10]

    def _first_statuses(self, campaign: str, user: str) -> None:
        """What the members of every new campaign may be."""
        for place, label in enumerate(("Sent", "Responded"), start=1):
            values = {"CampaignId": campaign, "Label": label, "SortOrder": place,
                      "HasResponded": place == 2, "IsDefault": place == 1}  # fmt: skip
            self.insert("CampaignMemberStatus", values, user, loaded=True)

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
        if self.rules.locked.get(whole, 0) > 0 and values:
            self.rules.locked[whole] -= 1
            raise SaveError(
                "UNABLE_TO_LOCK_ROW",
                f"unable to obtain exclusive access to this record or 1 records: {whole}",
            )
        return row

    def _assigned(self, name: str, given: Row, wishes: Wishes) -> Row:
        owner = self.rules.assignment.get(name)
        return {**given, "OwnerId": owner} if owner and wishes.auto_assign else given

    def _flow(self, row: Row, given: Mapping[str, Any]) -> None:
        for flow in self.rules.flows:
            if flow["object"] == self.type_of(row["Id"]) and flow["on"] in given:
                self.change(row, flow["set"], self.user(ADMIN))

    def remember_change(
        self, row: Row, user: str, stamp: str, key: str, before: Any, after: Any
    ) -> None:
        """Leave a row of LeadHistory."""
        values = {"LeadId": row["Id"], "Field": "Owner" if key == "OwnerId" else key}
        values |= {"OldValue": before, "NewValue": after}
        self.insert("LeadHistory", {**values, "CreatedDate": stamp}, user)

    def remember_stage(self, row: Row, user: str, stamp: str) -> None:
        """Leave a row of OpportunityHistory: stage, amount, chance and date as they are."""
        values = {key: row.get(key) for key in ("StageName", "Amount", "Probability", "CloseDate")}
        values["OpportunityId"] = row["Id"]
        self.insert("OpportunityHistory", {**values, "CreatedDate": stamp}, user)

    def _note(self, user: str, row: Row, key: str, before: Any, after: Any) -> None:
        name = self.type_of(row["Id"])
        if self._silent or name in {"LeadHistory", "OpportunityHistory"}:
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

    def _found_org(self) -> None:
        """What is there on the first day: an admin, the organisation, the vocabularies."""
        admin = {"Username": ADMIN, "LastName": "Admin", "Name": "Admin", "IsActive": True,
                 "Email": "admin@acme.example"}  # fmt: skip
        me = self.insert("User", admin, "")["Id"]
        company = {"Name": "Acme", "IsSandbox": True, "InstanceName": "CS99",
                   "OrganizationType": "Developer Edition",
                   "TimeZoneSidKey": "Europe/Paris"}  # fmt: skip
        self.insert("Organization", company, me)
        for place, status in enumerate(self.schema["Lead"].fields["Status"].values):
            self.insert("LeadStatus", {"MasterLabel": status, "ApiName": status,
                        "SortOrder": place + 1, "IsConverted": status == "Closed - Converted",
                        "IsDefault": place == 0}, me)  # fmt: skip
        for place, (stage, chance, closed, won) in enumerate(STAGES):
            self.insert("OpportunityStage", {"MasterLabel": stage, "ApiName": stage,
                        "SortOrder": place + 1, "IsClosed": closed, "IsWon": won,
                        "DefaultProbability": chance}, me)  # fmt: skip
        self.oracle.effects.clear()


def _derive(name: str, row: Row) -> None:
    """Fill the fields that follow from others."""
    if name in {"Lead", "Contact", "User"}:
        row["Name"] = " ".join(filter(None, (row.get("FirstName"), row.get("LastName"))))
    elif name == "Opportunity":
        for stage, chance, closed, won in STAGES:
            if stage == row.get("StageName"):
                row |= {"Probability": chance, "IsClosed": closed, "IsWon": won}
    elif name == "Task":
        row["IsClosed"] = row.get("Status") == "Completed"
        if row["IsClosed"] and not row.get("CompletedDateTime"):
            row["CompletedDateTime"] = row["LastModifiedDate"]
    elif name == "Event" and (start := row.get("ActivityDateTime") or row.get("StartDateTime")):
        row |= {"ActivityDateTime": start, "StartDateTime": start, "ActivityDate": str(start)[:10]}
