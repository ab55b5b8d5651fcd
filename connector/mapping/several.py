"""Rows whose reference names several records, as a list: an e-mail to three people, say."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from connector.domain.record import Activity
from connector.mapping.readers import Row

Given = TypeVar("Given")


def one_each(
    convert: Callable[[Row], tuple[Activity, ...]],
    key: str,
    fields: Sequence[str],
    email: str | None,
) -> Callable[[Row], tuple[Activity, ...]]:
    """Make an activity of each person a row lists, with the id `<key>:<person>`.

    So ids stay what they were when a person is added or the order changes. An empty list means
    nobody: no activity, unless the row has an address to go by.
    """
    if not fields:
        return convert

    def each(row: Row) -> tuple[Activity, ...]:
        field = next((name for name in fields if isinstance(row.get(name), list)), None)
        if field is None:
            return convert(row)
        listed = row[field]
        if not listed and not (email and row.get(email)):
            return ()
        if not listed:
            return convert({**row, field: None})
        found: list[Activity] = []
        for ident in listed:
            found += convert({**row, key: f"{row[key]}:{ident}", field: ident})
        return tuple(found)

    return each


def the_first(
    convert: Callable[[Row], Given], fields: Sequence[str | None]
) -> Callable[[Row], Given]:
    """Take the first of the records a row lists where one is wanted, such as a deal's company."""
    wanted = [name for name in fields if name is not None]
    if not wanted:
        return convert

    def first(row: Row) -> Given:
        for name in wanted:
            if isinstance(row.get(name), list):
                row = {**row, name: next(iter(row[name]), None)}
        return convert(row)

    return first
