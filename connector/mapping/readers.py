"""Builds the functions that take our values out of remote rows."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple, TypeAlias

import orjson

from connector.domain.record import Fields, Scalar
from connector.mapping import converters
from connector.mapping.converters import Convert, ValueRefused
from connector.mapping.document import From

Row: TypeAlias = Mapping[str, Any]


class Step(NamedTuple):
    """How one of our values comes out of a row: `remote` converted, or `value` without one."""

    ours: str
    remote: str | None
    convert: Convert
    value: Scalar = None


class Whole(NamedTuple):
    """One of our values that rests on several fields of a row."""

    ours: str
    read: Callable[[Row], Any]


def step(ours: str, spec: str | From, names: dict[str, None]) -> Step:
    """Say how one of our values comes out of a row; notes the remote name."""
    if isinstance(spec, str):
        names[spec] = None
        return Step(ours, spec, converters.text)
    if spec.from_ is None:
        return Step(ours, None, converters.text, spec.value)
    names[spec.from_] = None
    return Step(ours, spec.from_, converter(spec))


def as_keys(names: Iterable[str]) -> tuple[str, ...]:
    """Give the names as the keys of rows that orjson reads: it makes each key once, and a dict
    compares nothing where it is asked with the very key it holds.
    """
    return tuple(orjson.loads(orjson.dumps(dict.fromkeys(map(str, names)))))


def fields_reader(steps: Sequence[Step | Whole]) -> Callable[[Row], Fields]:
    """Build one function that takes all these values out of a row; None stays None.

    It raises KeyError for a row that lacks a field: to ask for one that may lack costs more. The
    loop stands where a function a field would: calls are most of what a field costs. So does what
    `converters.text` makes of nearly every text.
    """
    text, most = converters.text, converters.MAX_TEXT
    single = [one for one in steps if isinstance(one, Step)]
    wholes = [one for one in steps if isinstance(one, Whole)]
    blank: Fields = {one.ours: one.value for one in single}
    named = [(one.ours, one.remote, one.convert) for one in single if one.remote is not None]
    keys = {key: key for key in as_keys(remote for _, remote, _ in named)}
    read = [(ours, keys[remote], convert) for ours, remote, convert in named]

    def take(row: Row) -> Fields:
        found = blank.copy()
        remote = ""
        try:
            for ours, remote, convert in read:
                value = row[remote]
                if value is None:
                    found[ours] = None
                elif (
                    convert is text
                    and type(value) is str
                    and value.isascii()
                    and "\x00" not in value
                    and len(value) <= most
                ):
                    found[ours] = value.strip() or None
                else:
                    found[ours] = convert(value)
        except ValueRefused as refused:
            raise ValueRefused(f"`{remote}` {refused}") from None
        for ours, whole in wholes:
            found[ours] = whole(row)
        return found

    return take


def field_reader(spec: str | From, names: dict[str, None]) -> Callable[[Row], Any]:
    """Build the function that takes one of our values out of a row; notes the remote name."""
    one = step("", spec, names)
    constant = one.value
    return reader(one.remote, one.convert) if one.remote is not None else lambda _row: constant


def converter(spec: From) -> Convert:
    """Build the converter a `from:` asks for."""
    base: Convert = {
        "text": converters.text,
        "int": converters.whole,
        "float": converters.decimal,
        "bool": converters.boolean,
        "list": converters.listed,
        "path": converters.path,
        "date": converters.day(spec.format),
        "moment": converters.moment(spec.format, spec.zone),
    }[spec.as_]
    if spec.values is None:
        return base
    closed = spec.default is not None
    translate = converters.table(spec.values, spec.default, closed=closed)
    return translate if spec.as_ == "text" else lambda value: base(translate(value))


def reader(remote: str, convert: Convert) -> Callable[[Row], Any]:
    """Build the function that reads and converts one remote field; None stays None."""
    (remote,) = as_keys([remote])

    def read(row: Row) -> Any:
        value = row.get(remote)
        if value is None:
            return None
        try:
            return convert(value)
        except ValueRefused as refused:
            raise ValueRefused(f"`{remote}` {refused}") from None

    return read
