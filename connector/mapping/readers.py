"""Builds the functions that take our values out of remote rows."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, TypeAlias

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


def fields_reader(steps: Sequence[Step | Whole]) -> Callable[[Row], Fields]:
    """Build one function that takes all these values out of a row; None stays None.

    The loop stands where a function a field would: calls are most of what a field costs. So does
    what `converters.text` makes of nearly every text.
    """
    text, most = converters.text, converters.MAX_TEXT
    single = [one for one in steps if isinstance(one, Step)]
    wholes = [one for one in steps if isinstance(one, Whole)]
    fixed: Fields = {one.ours: one.value for one in single if one.remote is None}
    read = [(one.ours, one.remote, one.convert) for one in single if one.remote is not None]

    def take(row: Row) -> Fields:
        found = fixed.copy()
        get = row.get
        remote = ""
        try:
            for ours, remote, convert in read:
                value = get(remote)
                if value is None:
                    found[ours] = None
                elif (
                    convert is text
                    and value.__class__ is str
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

    def read(row: Row) -> Any:
        value = row.get(remote)
        if value is None:
            return None
        try:
            return convert(value)
        except ValueRefused as refused:
            raise ValueRefused(f"`{remote}` {refused}") from None

    return read
