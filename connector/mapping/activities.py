"""Compiles an activity object: one row, one or several engagement events."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from connector.domain.record import Activity
from connector.domain.text import normalise
from connector.mapping.converters import ValueRefused
from connector.mapping.document import From, MappedObject, MappingDocument
from connector.mapping.readers import Row, field_reader
from connector.mapping.reference import compile_reference

_RULES_READ = frozenset({"url", "asset", "campaign", "form", "channel", "visit"})
Read = Callable[[Row], Any]


def compile_activity(
    document: MappingDocument, one: MappedObject, names: dict[str, None]
) -> Callable[[Row], tuple[Activity, ...]]:
    """Build the function that gives the activities of a row; `names` collects remote names."""
    key = _text(one.key, names)
    fields = {ours: _field(ours, spec, names) for ours, spec in one.fields.items()}
    person = _person(document, one, names)
    email = _text(one.email, names) if one.email else None
    events = _events(one, names)
    several = bool(one.events)

    def convert(row: Row) -> tuple[Activity, ...]:
        ident = key(row)
        if not ident:
            raise ValueRefused(f"`{one.key}` is empty, so the row has no key")
        subject = person(row) if person else None
        address = email(row) if email else None
        if subject is None and address is None:
            raise ValueRefused("names no person")
        values = {ours: read(row) for ours, read in fields.items()}
        found = []
        for type_of, at in events:
            time = at(row)
            if time is None and not several:
                raise ValueRefused("has no time")
            if time is None:
                continue
            word = type_of(row)
            if word is None:
                raise ValueRefused("has no type")
            unique = f"{ident}:{word}" if several else ident
            found.append(
                Activity(id=unique, type=word, time=time, person=subject, email=address, **values)
            )
        return tuple(found)

    return convert


def _events(one: MappedObject, names: dict[str, None]) -> list[tuple[Read, Read]]:
    if one.events:
        return [(_constant(event.type), _moment(event.at, names)) for event in one.events]
    assert one.type is not None  # noqa: S101  the document's own check
    assert one.at is not None  # noqa: S101
    kind = one.type
    spec = From.field(kind) if isinstance(kind, str) else kind
    return [(_normalised(_value(spec, names)), _moment(one.at, names))]


def _person(document: MappingDocument, one: MappedObject, names: dict[str, None]) -> Read | None:
    if one.person is None:
        return None
    refer = compile_reference(document, one.person, names)

    def subject(row: Row) -> str | None:
        found = refer(row)
        return f"{found[0]}/{found[1]}" if found else None

    return subject


def _field(ours: str, spec: str | From, names: dict[str, None]) -> Read:
    read = _value(From.field(spec) if isinstance(spec, str) else spec, names)
    return _normalised(read) if ours in _RULES_READ else read


def _value(spec: From, names: dict[str, None]) -> Read:
    return field_reader(spec, names)


def _text(remote: str, names: dict[str, None]) -> Read:
    return _value(From.field(remote), names)


def _moment(spec: str | From, names: dict[str, None]) -> Read:
    if isinstance(spec, str):
        spec = From.field(spec, "moment")
    return _value(spec, names)


def _constant(word: str) -> Read:
    kept = normalise(word)
    return lambda _row: kept


def _normalised(read: Read) -> Read:
    def convert(row: Row) -> str | None:
        value = read(row)
        return normalise(str(value)) or None if value is not None else None

    return convert
