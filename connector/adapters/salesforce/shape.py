"""How asked names become columns, and answers become rows under those names.

Row paths: one loop over a page per name that needs work, none per row for names that need none.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from connector.adapters.base import Row
from connector.adapters.salesforce.describing import Described, Objects
from connector.adapters.salesforce.related import Beside, beside

CODE, CLOSES = "CurrencyIsoCode", "CloseDate"
MIDNIGHT = "midnight"
"""What a mapping writes behind a date field, to have the moment at which its day begins."""
_NOTHING: dict[str, Any] = {}


class Shape(NamedTuple):
    """The columns of one read. `nested` and `renamed` are names that rows must be given, `money`
    the amounts that are in a currency of their row's own, `beside` what is asked for elsewhere.
    """

    described: Described
    columns: tuple[str, ...]
    nested: tuple[tuple[str, tuple[str, ...]], ...]
    renamed: tuple[tuple[str, str], ...]
    beside: tuple[Beside, ...]
    deletes: bool
    merges: bool
    money: tuple[str, ...] = ()
    days: tuple[tuple[str, str], ...] = ()
    """Names that rows must be given for the moment a day begins, each with the day's column."""


def shape_of(objects: Objects, source: str, names: Sequence[str]) -> Shape:
    """Find every name's column. Raises UsageError for one that our user cannot see."""
    described = objects.of(source)
    deletes, merges = "IsDeleted" in described, "MasterRecordId" in described
    columns: dict[str, None] = {"Id": None}
    nested, renamed = [], []
    aside: list[Beside] = []
    days: list[tuple[str, str]] = []
    for name in names:
        day = _day(described, name)
        if day is not None:
            days.append((name, day))
            columns[day] = None
            continue
        one = beside(objects, described, name)
        if one is not None:
            aside.append(one)
            if one.kind == "changed":
                columns[one.field] = None
            continue
        column = objects.column(source, name)
        columns[column] = None
        if "." in column:
            nested.append((name, tuple(column.split("."))))
        elif column != name:
            renamed.append((name, column))
    if deletes:
        columns["IsDeleted"] = None
    if merges:
        columns["MasterRecordId"] = None
    money = _money(described, columns)
    return Shape(
        described,
        tuple(columns),
        tuple(nested),
        tuple(renamed),
        tuple(aside),
        deletes,
        merges,
        money,
        tuple(days),
    )


def _day(described: Described, name: str) -> str | None:
    """The date field whose midnight a name asks for; None for any other name."""
    first, _, rest = name.partition(".")
    spec = described.fields.get(first.casefold())
    if rest.casefold() != MIDNIGHT or spec is None or spec["type"] != "date":
        return None
    return str(spec["name"])


def _money(described: Described, columns: dict[str, None]) -> tuple[str, ...]:
    """The columns that hold amounts in a currency of their row's own; adds what tells which."""
    if CODE not in described:
        return ()
    kinds = {str(spec["name"]): spec["type"] for spec in described.fields.values()}
    amounts = tuple(name for name in columns if kinds.get(name) == "currency")
    if amounts:
        columns[CODE] = None
        if CLOSES in described:
            columns[CLOSES] = None
    return amounts


def fill(shape: Shape, rows: Sequence[Row]) -> None:
    """Give the rows the names that Salesforce spells or nests in another way."""
    for name, (first, *rest) in shape.nested:
        if len(rest) == 1:
            last = rest[0]
            for row in rows:
                row[name] = (row[first] or _NOTHING).get(last)
        else:
            for row in rows:
                row[name] = _dig(row[first], rest)
    for name, column in shape.renamed:
        for row in rows:
            row[name] = row[column]


def flat_rows(objects: Objects, shape: Shape, header: Sequence[str]) -> Callable[[list[str]], Row]:
    """Build the function that makes a row of a line of CSV: the same that an answer in JSON gives.

    Every value comes as text there, and an empty one is none.
    """
    spelled = {column.casefold(): column for column in shape.columns}
    names = [spelled.get(name.casefold(), name) for name in header]
    readers = []
    for place, name in enumerate(names):
        if name in shape.columns:
            read = _READ.get(str(objects.spec(shape.described.name, name)["type"]))
            if read is not None:
                readers.append((place, read))
    also = [(name, ".".join(path)) for name, path in shape.nested] + list(shape.renamed)

    def row_of(line: list[str]) -> Row:
        values: list[Any] = [text or None for text in line]
        for place, read in readers:
            if values[place] is not None:
                values[place] = read(values[place])
        row = dict(zip(names, values, strict=False))
        for name, column in also:
            row[name] = row.get(column)
        return row

    return row_of


def _stamp(text: str) -> str:
    return f"{text[:-1]}+0000" if text.endswith("Z") else text


def _number(text: str) -> float | str:
    try:
        return float(text)
    except ValueError:
        return text  # the mapping says what is wrong with it


def _whole(text: str) -> int | float | str:
    return int(text) if text.lstrip("-").isdigit() else _number(text)


_READ: dict[str, Callable[[str], Any]] = {
    "boolean": lambda text: text == "true",
    "int": _whole,
    "long": _whole,
    "double": _number,
    "currency": _number,
    "percent": _number,
    "datetime": _stamp,
}


def gone(shape: Shape, rows: list[Row]) -> tuple[list[Row], dict[str, str | None]]:
    """Take deleted rows out; each with the id it was merged into, or None."""
    if not shape.deletes:
        return rows, {}
    dead = {row["Id"]: row.get("MasterRecordId") for row in rows if row["IsDeleted"]}
    return ([row for row in rows if not row["IsDeleted"]] if dead else rows), dead


def _dig(value: Any, path: Sequence[str]) -> Any:
    for name in path:
        value = (value or _NOTHING).get(name)
    return value
