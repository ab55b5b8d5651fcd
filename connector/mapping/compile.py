"""Compiles a mapping once into plain functions that turn rows into records."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias

from connector.documents import canonical_hash
from connector.domain.dated import CHANGED, Changed
from connector.domain.duration import parse_duration
from connector.domain.moment import Micros
from connector.domain.record import ANSWERED_AT, Activity, Edit, Kind, Record, Rejected
from connector.mapping import converters
from connector.mapping.activities import compile_activity
from connector.mapping.converters import Convert, ValueRefused
from connector.mapping.document import (
    From,
    History,
    MappedObject,
    MappingDocument,
    RowTest,
    Status,
    plain,
)
from connector.mapping.readers import (
    Row,
    Step,
    Whole,
    as_keys,
    converter,
    field_reader,
    fields_reader,
    step,
)
from connector.mapping.reference import compile_reference
from connector.mapping.several import one_each, the_first
from connector.mapping.trails import compile_trail

Converted: TypeAlias = Record | tuple[Activity, ...] | tuple[Edit, ...] | Rejected | None


@dataclass(frozen=True, slots=True)
class Says:
    """How the CRM says a status in one field: `means` its values for each word of ours, `known` all
    values the mapping names, those included that say nothing to us.
    """

    field: str
    means: Mapping[str, tuple[str, ...]]
    known: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class WriteTarget:
    """A remote field we write. `policy` is ours, theirs, theirs_for, newest or ask."""

    field: str
    to: str
    policy: str
    keep_for: Micros | None
    clear: bool


@dataclass(frozen=True, slots=True)
class CompiledObject:
    """One object of a mapping, ready for rows.

    `names` are the remote fields to read, write targets included. `convert` takes a row and its
    place and gives a Record, activities, a Rejected, or None for a row that `where:` leaves out.
    `hash` covers all that decides what `convert` gives. `says` tells how one field says
    a status. `dated` are our fields whose earlier values are kept, each with the remote field that
    holds them where we write it ourselves; `trail` is the object that tells of their edits, if one
    does: its `convert` gives edits. The edits of `told_by` say when the status was reached.
    """

    name: str
    kind: Kind
    source: str
    key: str
    changed: str | None
    names: tuple[str, ...]
    ids: tuple[str, ...]
    hash: str
    writes: Mapping[str, WriteTarget]
    asks: Mapping[str, str]
    optional: bool
    says: Says | None
    convert: Callable[[Row, str], Converted]
    dated: Mapping[str, str | None] = field(default_factory=dict)
    trail: CompiledObject | None = None
    told_by: str | None = None

    @property
    def targets(self) -> str | None:
        """A mark of the remote fields we write to; None where there are none."""
        if not self.writes:
            return None
        return canonical_hash(sorted(target.to for target in self.writes.values()))[:8]


def compile_mapping(document: MappingDocument) -> dict[str, CompiledObject]:
    """Compile every object: owners and accounts first, then people, deals and activities."""
    named = sorted(document.objects.items(), key=lambda pair: _ORDER.index(pair[1].is_))
    said = document.model_dump(mode="json", by_alias=True)["objects"]
    return {name: _with_history(document, name, one, said[name]) for name, one in named}


_ORDER = (
    Kind.OWNER,
    Kind.CAMPAIGN,
    Kind.ACCOUNT,
    Kind.PERSON,
    Kind.ANSWERS,
    Kind.OPPORTUNITY,
    Kind.ACTIVITY,
)


def mapping_hash(document: MappingDocument) -> str:
    """Give one hash over the whole mapping, write targets included."""
    return canonical_hash(plain(document))


def _compile(
    document: MappingDocument, name: str, one: MappedObject, said: Mapping[str, Any]
) -> CompiledObject:
    names: dict[str, None] = {one.key: None}
    if one.changed:
        names[one.changed] = None
    for tested in one.where:
        names[tested] = None
    writes = {ours: _target(ours, target) for ours, target in one.write.items()}
    if one.is_ is Kind.ACTIVITY:
        convert: Callable[[Row], Converted] = one_each(
            compile_activity(document, one, names), one.key, _fields_of(one.person), one.email
        )
    else:
        convert = the_first(
            _compile_record(document, one, names), [*_fields_of(one.person), one.account]
        )
    for target in writes.values():
        names[target.to] = None
    tests = [_test(field, test) for field, test in one.where.items()]
    return CompiledObject(
        name=name,
        kind=one.is_,
        source=one.source or name,
        key=one.key,
        changed=one.changed,
        names=tuple(_only_where_told(one, name) for name in names),
        ids=tuple(one.ids),
        hash=canonical_hash({key: said[key] for key in said if key not in _NOT_READ}),
        writes=writes,
        asks=dict(one.asks),
        optional=one.optional,
        says=_says(one.status),
        convert=_guarded(convert, tests, name, one.key),
    )


def _only_where_told(one: MappedObject, name: str) -> str:
    """A moment of a field is asked for where the field holds what says something to us."""
    field = name.removesuffix(CHANGED)
    if field == name:
        return name
    test, status = one.where.get(field), one.status
    if test is not None and test.not_in is None:
        told: Sequence[Any] = test.in_ or [test.equals]
        return Changed(field, map(_word, told))
    if status is not None and status.from_ == field:
        return Changed(field, (told for told, ours in status.values.items() if ours is not None))
    return name


_NOT_READ = {"write", "optional", "history"}


def _with_history(
    document: MappingDocument, name: str, one: MappedObject, said: Mapping[str, Any]
) -> CompiledObject:
    made = _compile(document, name, one, said)
    if one.history is None:
        return made
    written = {target.to for target in made.writes.values()}
    remotes = {ours: one.remote_of(ours) for ours in one.history.fields}
    dated = {
        ours: remote if ours == "owner" and remote in written else None
        for ours, remote in remotes.items()
    }
    told_by = one.history.told_by or ("status" if "status" in dated else None)
    return replace(made, dated=dated, trail=_trail(name, one, one.history, said), told_by=told_by)


def _trail(
    name: str, one: MappedObject, history: History, said: Mapping[str, Any]
) -> CompiledObject | None:
    """The object of edits, as one more to be read: its rows have no other use."""
    if history.source is None or history.key is None:
        return None
    names: dict[str, None] = {}
    convert = compile_trail(history, _edited(one, history), names)
    told = [
        {key: said[key] for key in _TOLD_BY},
        {key: value for key, value in said["history"].items() if key != "told_by"},
    ]
    return CompiledObject(
        name=f"{name}.history",
        kind=Kind.HISTORY,
        source=history.source,
        key=history.key,
        changed=history.at,
        names=tuple(names),
        ids=(),
        hash=canonical_hash(told),
        writes={},
        asks={},
        optional=True,
        says=None,
        convert=_guarded(convert, [], f"{name}.history", history.key),
    )


_TOLD_BY = {"fields", "status", "owner", "account", "opted_out", "asks"}


def _edited(one: MappedObject, history: History) -> dict[str, list[tuple[str, Convert]]]:
    """How the values of each remote field become ours: (our word, converter) for each."""
    found: dict[str, list[tuple[str, Convert]]] = {}
    for ours in history.fields:
        remote = one.remote_of(ours)
        if remote is not None:
            found.setdefault(remote, []).append((ours, _converter_of(one, ours)))
    return found


def _converter_of(one: MappedObject, ours: str) -> Convert:
    if ours == "status" and one.status is not None:
        return converters.table(one.status.values, None, closed=True)
    if ours == "opted_out":
        return converters.boolean
    reason = one.status.reason if ours == "reason" and one.status is not None else None
    spec = reason if reason is not None else one.fields.get(ours)
    return converter(spec) if isinstance(spec, From) else converters.text


def _says(status: Status | None) -> Says | None:
    """How one field says a status; None where none or several do."""
    if status is None or not isinstance(status.from_, str):
        return None
    means: dict[str, tuple[str, ...]] = {}
    for remote, ours in status.values.items():
        if ours is not None:
            means[ours] = (*means.get(ours, ()), remote)
    return Says(status.from_, means, tuple(status.values))


def _fields_of(ref: Any) -> list[str]:
    """The remote fields of a `person:` reference, however it is written."""
    named = getattr(ref, "from_", ref)
    return [] if named is None else [named] if isinstance(named, str) else list(named)


def _target(ours: str, target: Any) -> WriteTarget:
    policy, _, rest = target.owner.partition(" ")
    keep = parse_duration(rest) if rest else None
    return WriteTarget(ours, target.to, policy, keep, target.clear)


def _guarded(
    convert: Callable[[Row], Converted],
    tests: list[Callable[[Row], bool]],
    name: str,
    key: str,
) -> Callable[[Row, str], Converted]:
    def guarded(row: Row, place: str) -> Converted:
        for test in tests:
            if not test(row):
                return None
        try:
            return convert(row)
        except ValueRefused as refused:
            ident = row.get(key)
            known = str(ident)[:200] if isinstance(ident, str | int) and ident != "" else None
            known = known.replace("\x00", "") if known else None
            return Rejected(place or f"{name}/{known}", str(refused), known)

    return guarded


def _test(field: str, test: RowTest) -> Callable[[Row], bool]:
    if test.equals is not None:
        wanted = {_word(test.equals)}
        return lambda row: _word(row.get(field)) in wanted
    if test.in_ is not None:
        several = {_word(value) for value in test.in_}
        return lambda row: _word(row.get(field)) in several
    refused = {_word(value) for value in test.not_in or []}
    return lambda row: _word(row.get(field)) not in refused


def _word(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else str(value).strip()


_NOBODY = ("", None)


def _compile_record(
    document: MappingDocument, one: MappedObject, names: dict[str, None]
) -> Callable[[Row], Record]:
    steps: list[Step | Whole] = [step(ours, spec, names) for ours, spec in one.fields.items()]
    if one.account is not None:
        steps.append(step("account", one.account, names))
    written = one.write.get("owner")
    if one.owner is not None and (written is None or written.to != one.owner):
        # An owner we write ourselves is read from what the record holds: its echo is no news.
        steps.append(step("owner", one.owner, names))
    if one.person is not None:
        refer = compile_reference(document, one.person, names)
        steps.append(Whole("person", lambda row: (refer(row) or _NOBODY)[1]))
    for ours, flag in (("opted_out", one.opted_out), ("frozen", one.frozen)):
        if flag is not None:
            spec = From.field(flag, "bool")
            steps.append(step(ours, spec, names))
    if one.at is not None:
        steps.append(step(ANSWERED_AT, _moment_of(one.at), names))
    if one.status is not None:
        steps.extend(_status(one.status, one.asks, names))
    read = fields_reader(steps)
    key = field_reader(one.key, names)
    changed = _changed(one, names)
    held = _held(sorted(target.to for target in one.write.values()))
    check_email = one.is_ is Kind.PERSON and "email" in one.fields

    def convert(row: Row) -> Record:
        ident = key(row)
        if not ident:
            raise ValueRefused(f"`{one.key}` is empty, so the row has no key")
        doc = read(row)
        if check_email:
            _set_aside_bad_address(doc)
        return Record(ident, changed(row), doc, held(row))

    targets = (target.to for target in one.write.values())
    return _made_whole(convert, dict.fromkeys([*names, *targets]))


def _made_whole(
    convert: Callable[[Row], Record], lacking: Mapping[str, None]
) -> Callable[[Row], Record]:
    """Convert rows of which one may lack fields: a source may leave out what is empty."""

    def made_whole(row: Row) -> Record:
        try:
            return convert(row)
        except KeyError:
            return convert({**lacking, **row})

    return made_whole


def _held(targets: Sequence[str]) -> Callable[[Row], dict[str, Any]]:
    """What the fields we write to hold. Most are empty before we write, and are left out."""
    names = as_keys(targets)

    def held(row: Row) -> dict[str, Any]:
        found = {}
        for to in names:
            value = row[to]
            if value is not None:
                found[to] = value
        return found

    return held


def _changed(one: MappedObject, names: dict[str, None]) -> Callable[[Row], Any]:
    if one.changed is None:
        return lambda _row: None
    return field_reader(From.field(one.changed, "moment"), names)


def _status(status: Status, asks: Mapping[str, str], names: dict[str, None]) -> list[Step | Whole]:
    steps: list[Step | Whole] = [_said(status, names)]
    reason = status.reason if status.reason is not None else asks.get("reason")
    if reason is not None:
        steps.append(step("reason", reason, names))
    if status.at is not None:
        steps.append(step("status_at", _moment_of(status.at), names))
    return steps


def _moment_of(spec: str | From) -> From:
    return From.field(spec, "moment") if isinstance(spec, str) else spec


def _said(status: Status, names: dict[str, None]) -> Step | Whole:
    if status.from_ is None:
        return Step("status", None, converters.text, status.value)
    translate = converters.table(status.values, None, closed=True)
    if isinstance(status.from_, str):
        names[status.from_] = None
        return Step("status", status.from_, translate)
    several = list(status.from_)
    names.update(dict.fromkeys(several))
    return Whole("status", lambda row: translate("/".join([_word(row.get(n)) for n in several])))


_PLAIN_ADDRESS = re.compile(r"[A-Za-z0-9._+-]+@[A-Za-z0-9-]+\.[A-Za-z0-9.-]+")
"""An address as nearly all are, of which nothing else is to be asked."""
_IN_NO_ADDRESS = re.compile(r"[\s<>()\[\],;:\\\"']")


def _set_aside_bad_address(doc: dict[str, Any]) -> None:
    """Keep the person; an address that can be none is dropped and its badness kept."""
    address = doc["email"]
    if address is None or (_PLAIN_ADDRESS.fullmatch(address) and len(address) <= 254):
        return
    local, at, domain = address.rpartition("@")
    plausible = (
        at
        and local
        and "." in domain
        and len(address) <= 254
        and _IN_NO_ADDRESS.search(address) is None
    )
    if not plausible:
        doc["email"] = None
        doc["email_invalid"] = True
