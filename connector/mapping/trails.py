"""Compiles the history of an object: one row of it, one edit of a field, in our words."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from connector.domain.record import Edit
from connector.mapping.converters import Convert, ValueRefused
from connector.mapping.document import From, History
from connector.mapping.readers import Row, field_reader

Fields = Mapping[str, Sequence[tuple[str, Convert]]]
"""Of each remote field our words for it, and how its values become ours."""


def compile_trail(
    history: History, fields: Fields, names: dict[str, None]
) -> Callable[[Row], tuple[Edit, ...]]:
    """Build the function that gives the edits of a row; `names` collects its remote names.

    An edit of a field that nobody named gives none, nor does one between values that are the same
    to us.
    """
    key, record = _text(history.key, names), _text(history.record, names)
    named, by = _text(history.field, names), _text(history.by, names)
    moment = field_reader(From.field(str(history.at), "moment"), names)
    before, after = str(history.before), str(history.after)
    names.update(dict.fromkeys((before, after)))

    def convert(row: Row) -> tuple[Edit, ...]:
        ours = fields.get(named(row) or "")
        if ours is None:
            return ()
        ident, whose, at = key(row), record(row), moment(row)
        if not ident or not whose or at is None:
            raise ValueRefused("an edit without key, record or time")
        found = []
        for field, read in ours:
            was, became = _value(read, row, before), _value(read, row, after)
            if was != became:
                found.append(Edit(ident, whose, field, at, was, became, by(row)))
        return tuple(found)

    return convert


def _value(read: Convert, row: Row, remote: str) -> Any:
    value = row.get(remote)
    if value is None:
        return None
    try:
        return read(value)
    except ValueRefused as refused:
        raise ValueRefused(f"`{remote}` {refused}") from None


def _text(remote: str | None, names: dict[str, None]) -> Callable[[Row], Any]:
    if remote is None:
        return lambda _row: None
    return field_reader(remote, names)
