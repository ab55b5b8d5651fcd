"""Builds the functions that take our values out of remote rows."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from connector.mapping import converters
from connector.mapping.converters import Convert, ValueRefused
from connector.mapping.document import From

Row: TypeAlias = Mapping[str, Any]


def field_reader(spec: str | From, names: dict[str, None]) -> Callable[[Row], Any]:
    """Build the function that takes one of our values out of a row; notes the remote name."""
    if isinstance(spec, str):
        names[spec] = None
        return reader(spec, converters.text)
    if spec.from_ is None:
        constant = spec.value
        return lambda _row: constant
    names[spec.from_] = None
    return reader(spec.from_, converter(spec))


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
