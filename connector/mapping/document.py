"""mapping.yaml: which remote object is what to us, and which of its fields is which of ours."""

from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import Field, field_validator, model_validator

from connector.documents import Document, Zone, load
from connector.domain.cycle import State
from connector.domain.duration import parse_duration
from connector.domain.outward import ASKED, OUTWARD
from connector.domain.record import ANSWERED_AT, Kind

Scalar = str | int | float | bool
As = Literal["text", "int", "float", "bool", "date", "moment", "list", "path"]
ACTIVITY_FIELDS = (
    "url",
    "asset",
    "campaign",
    "form",
    "channel",
    "visit",
    "message",
    "agent",
    "owner",
)
RESERVED = frozenset(
    {"status", "status_at", "reason", "owner", "account", "person", "opted_out", "frozen"}
)
_OPPORTUNITY = frozenset({"open", "won", "lost", "accepted", "qualified", "rejected", "recycled"})
"""What a deal is, and what sales decided where the CRM has a record of its own for that."""


class From(Document):
    """Where a value comes from: a remote field, or a constant; and how it is read."""

    from_: Annotated[str | None, Field(alias="from")] = None
    value: Scalar | None = None
    as_: Annotated[As, Field(alias="as")] = "text"
    format: str | None = None
    zone: Zone | None = None
    values: dict[str, Scalar | None] | None = None
    default: Scalar | None = None

    @classmethod
    def field(cls, name: str, as_: As = "text") -> "From":
        """A remote field and nothing else: without the checks, whose making takes longer."""
        return cls.model_construct(from_=name, as_=as_)

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        if (self.from_ is None) == (self.value is None):
            raise ValueError("give either `from:` (a remote field) or `value:` (a constant)")
        if self.default is not None and self.values is None:
            raise ValueError("`default:` needs a table `values:` whose gaps it fills")
        return self


class RowTest(Document):
    """One test of a remote field; rows that fail it are left out."""

    equals: Scalar | None = None
    in_: Annotated[list[Scalar] | None, Field(alias="in")] = None
    not_in: list[Scalar] | None = None

    @model_validator(mode="after")
    def _one_operator(self) -> Self:
        if sum(value is not None for value in (self.equals, self.in_, self.not_in)) != 1:
            raise ValueError("give exactly one of equals, in, not_in")
        return self


class PersonRef(Document):
    """The remote id of a person record, and which object of this mapping that is.

    Of several fields the first that holds an id counts. Where an id's first letters tell what kind
    of record it is, `prefixes` says which object each means; an id with other ones means nobody.
    """

    from_: Annotated[str | list[str], Field(alias="from")]
    object: str | None = None
    prefixes: Annotated[dict[str, str] | None, Field(min_length=1)] = None

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if (self.object is None) == (self.prefixes is None):
            raise ValueError('give either `object:`, or `prefixes:` such as {"00Q": lead}')
        if not self.from_:
            raise ValueError("`from:` names no field")
        if len({len(prefix) for prefix in self.prefixes or ()}) > 1:
            raise ValueError("all `prefixes:` should be of one length, in quotes")
        return self

    @property
    def fields(self) -> list[str]:
        """The remote fields, in order."""
        return [self.from_] if isinstance(self.from_, str) else list(self.from_)

    @property
    def objects(self) -> list[str]:
        """The objects of this mapping it may lead to."""
        return [self.object] if self.object is not None else list((self.prefixes or {}).values())


class Status(Document):
    """What the CRM says about a lead or deal, in our words; null says nothing.

    `value:` says the same of every row, for an object that holds only won deals, say. Of several
    fields the values are joined by a stroke, such as `true/false`.
    """

    from_: Annotated[str | list[str] | None, Field(alias="from")] = None
    values: dict[str, str | None] = {}
    value: str | None = None
    reason: str | From | None = None
    at: str | From | None = None

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        if (self.from_ is None) == (self.value is None):
            raise ValueError("give either `from:` with `values:`, or `value:`")
        if self.from_ == []:
            raise ValueError("`from:` names no field")
        return self


class Event(Document):
    """One of several activities in one row; it happened if `at` holds a moment."""

    type: str
    at: str | From


class Target(Document):
    """A remote field we write, and whose word counts there."""

    to: str
    owner: str = "ours"
    clear: bool = False

    @field_validator("owner")
    @classmethod
    def _policy(cls, value: str) -> str:
        word, _, rest = value.partition(" ")
        if word == "theirs_for":
            parse_duration(rest)
        elif rest or word not in {"ours", "theirs", "newest", "ask"}:
            raise ValueError(f"`{value}` should be ours, theirs, theirs_for 30d, newest or ask")
        return value


class History(Document):
    """Fields whose earlier values are kept: as a remote object of edits tells them, where there is
    one, else as runs see them.

    `fields` are our words. With `source` the other keys name its remote fields; one row of it is
    one edit of one field of one record.
    """

    fields: Annotated[list[str], Field(min_length=1)]
    source: str | None = None
    key: str | None = None
    record: str | None = None
    field: str | None = None
    before: str | None = None
    after: str | None = None
    at: str | None = None
    by: str | None = None
    told_by: str | None = None
    """Our word whose edits say when a status was reached that no field of its own holds."""

    @model_validator(mode="after")
    def _whole(self) -> Self:
        needed = ("key", "record", "field", "before", "after", "at")
        given = [name for name in (*needed, "by") if getattr(self, name) is not None]
        lacking = [name for name in needed if name not in given]
        if self.source is not None and lacking:
            raise ValueError(f"`history: source:` needs {', '.join(f'`{n}:`' for n in lacking)}")
        if self.source is None and given:
            raise ValueError(f"`history: {given[0]}:` needs a `source:`")
        return self


class MappedObject(Document):
    """One remote object."""

    is_: Annotated[Kind, Field(alias="is", strict=False)]
    source: str | None = None
    optional: bool = False
    """Whether the CRM may lack it, such as an object of a feature that not everybody has."""
    key: str
    changed: str | None = None
    where: dict[str, RowTest] = {}
    fields: dict[str, str | From] = {}
    account: str | None = None
    owner: str | None = None
    person: str | PersonRef | None = None
    email: str | None = None
    ids: list[str] = []
    opted_out: str | None = None
    frozen: str | None = None
    status: Status | None = None
    history: History | None = None
    type: str | From | None = None
    at: str | From | None = None
    events: list[Event] = []
    write: dict[str, Target] = {}
    asks: dict[str, str] = {}
    """Our word for what sales answers -> the field of ours it stands in, made by `install`."""

    @model_validator(mode="after")
    def _fits_its_kind(self) -> Self:
        for check in (
            self._check_history,
            self._check_activity,
            self._check_answers,
            self._check_fields,
            self._check_status,
        ):
            check()
        if self.frozen is not None and self.is_ is not Kind.PERSON:
            raise ValueError("`frozen:` belongs to an object that `is: person`")
        if self.write and self.is_ is not Kind.PERSON:
            raise ValueError("only an object that `is: person` can be written to")
        for name in self.write:
            if name not in OUTWARD:
                raise ValueError(f"`write: {name}` is none of: {', '.join(OUTWARD)}")
        for name in self.asks:
            if name not in ASKED:
                raise ValueError(f"`asks: {name}` is none of: {', '.join(ASKED)}")
            if self.status is None:
                raise ValueError(f"`asks: {name}` needs a `status:` that it explains")
        for name in self.ids:
            if name not in self.fields:
                raise ValueError(f"`ids: {name}` is not among the fields")
        return self

    def _check_activity(self) -> None:
        if self.is_ is not Kind.ACTIVITY:
            if self.type is not None or self.events:
                raise ValueError("`type` and `events` belong to an object that `is: activity`")
            if self.at is not None and self.is_ is not Kind.ANSWERS:
                raise ValueError("`at` belongs to an object that `is: activity` or `is: answers`")
            return
        if bool(self.events) == (self.type is not None and self.at is not None):
            raise ValueError("an activity needs `type:` and `at:`, or `events:`")
        if self.person is None and self.email is None:
            raise ValueError("an activity needs `person:` or `email:`, to know whose it is")

    def _check_answers(self) -> None:
        if self.is_ is not Kind.ANSWERS:
            return
        if self.person is None or not self.fields:
            raise ValueError("`is: answers` needs `person:` and `fields:`, to know who said what")
        for name in ("account", "owner", "email", "opted_out"):
            if getattr(self, name) is not None:
                raise ValueError(
                    f"`{name}:` is no answer; it belongs to an object that is a person"
                )
        for name in ("email", ANSWERED_AT):
            if name in self.fields:
                raise ValueError(f"`fields: {name}` cannot be answered; a person's record says it")

    def _check_fields(self) -> None:
        for name in self.fields:
            if self.is_ is Kind.ACTIVITY and name not in ACTIVITY_FIELDS:
                raise ValueError(f"field `{name}` is none of: {', '.join(ACTIVITY_FIELDS)}")
            if self.is_ is not Kind.ACTIVITY and name in RESERVED:
                raise ValueError(f"`{name}` has a key of its own beside `fields:`")

    def _check_history(self) -> None:
        if self.is_ is Kind.HISTORY:
            raise ValueError("`is: history` is no object; write `history:` where its records are")
        if self.history is None:
            return
        if self.is_ is Kind.ACTIVITY:
            raise ValueError("an activity has no `history:`")
        told_by = self.history.told_by
        if told_by is not None and told_by not in self.history.fields:
            raise ValueError(f"`history: told_by: {told_by}` is not among its `fields:`")
        for name in self.history.fields:
            if self.remote_of(name) is None:
                raise ValueError(f"`history: {name}` is not read from one remote field here")

    def remote_of(self, name: str) -> str | None:
        """The one remote field that one of our words is read from; None where there is no such."""
        own = {
            "status": self.status.from_ if self.status is not None else None,
            "reason": self._reason(),
            "owner": self.owner,
            "account": self.account,
            "opted_out": self.opted_out,
            **self.fields,
        }
        spec = own.get(name)
        found = spec.from_ if isinstance(spec, From) else spec
        return found if isinstance(found, str) else None

    def _reason(self) -> str | From | None:
        said = self.status.reason if self.status is not None else None
        return said if said is not None else self.asks.get("reason")

    def _check_status(self) -> None:
        if self.status is None:
            return
        if self.is_ not in {Kind.PERSON, Kind.OPPORTUNITY}:
            raise ValueError("`status:` belongs to a person or an opportunity")
        person = self.is_ is Kind.PERSON
        words = {state.value for state in State} if person else _OPPORTUNITY
        said = {**self.status.values, "value": self.status.value}
        for remote, ours in said.items():
            if ours is not None and ours not in words:
                raise ValueError(
                    f"status `{remote}` leads to `{ours}`, which is none of: "
                    f"{', '.join(sorted(words))}"
                )


class MappingDocument(Document):
    """The whole of a mapping file."""

    version: Literal[1]
    objects: Annotated[dict[str, MappedObject], Field(min_length=1)]

    @model_validator(mode="after")
    def _refers_to_itself(self) -> Self:
        people = [name for name, one in self.objects.items() if one.is_ is Kind.PERSON]
        if not people:
            raise ValueError("no object `is: person`, so there is nobody to score")
        for name, one in self.objects.items():
            ref = one.person
            if isinstance(ref, PersonRef):
                for meant in ref.objects:
                    if meant not in people:
                        raise ValueError(f"`{name}.person` means `{meant}`: not a person object")
            if isinstance(ref, str) and len(people) > 1:
                raise ValueError(
                    f"`{name}.person` must say which object it means, such as "
                    f"{{from: {ref}, object: {people[0]}}}"
                )
        return self

    def person_ref(self, ref: str | PersonRef) -> PersonRef:
        """Give a `person:` reference in full: a mere field means the only person object."""
        if isinstance(ref, PersonRef):
            return ref
        people = [name for name, one in self.objects.items() if one.is_ is Kind.PERSON]
        return PersonRef.model_construct(from_=ref, object=people[0])


def load_mapping(path: Path, environ: dict[str, str] | None = None) -> MappingDocument:
    """Read a mapping file. Raises UsageError with all its mistakes."""
    return load(path, MappingDocument, environ=environ)


def plain(document: MappingDocument) -> Any:
    """Give the document as plain values, for hashing; a newer key counts only where it is used."""
    given = document.model_dump(mode="json", by_alias=True)
    for one in given["objects"].values():
        if one["history"] is None:
            del one["history"]
    return given
