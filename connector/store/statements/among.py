"""One condition for many ids, bound as one value: a list of markers costs more than the look-up."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import orjson
from sqlalchemy import (
    BigInteger,
    ColumnElement,
    TableValuedAlias,
    Text,
    and_,
    bindparam,
    cast,
    func,
    select,
)
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement


class _EachText(FunctionElement[str]):
    """The texts of a JSON list, as the rows of a table with one column, `value`."""

    inherit_cache = True
    name = "each_text"
    type = Text()


@compiles(_EachText, "sqlite")
def _on_sqlite(element: _EachText, compiler: Any, **options: Any) -> str:
    return f"json_each({compiler.process(element.clauses, **options)})"


@compiles(_EachText, "postgresql")
def _on_postgresql(element: _EachText, compiler: Any, **options: Any) -> str:
    listed = compiler.process(element.clauses, **options)
    return f"json_array_elements_text(CAST({listed} AS json))"


def among(column: ColumnElement[Any], texts: Sequence[str]) -> ColumnElement[bool]:
    """Whether a text column holds one of these; like `column.in_(texts)`, for long lists."""
    listed = bindparam(None, orjson.dumps(texts).decode(), type_=Text(), unique=True)
    each = _EachText(listed).table_valued("value")
    return column.in_(select(each.c.value))


def among_numbers(column: ColumnElement[int], numbers: Sequence[int]) -> ColumnElement[bool]:
    """Whether a column of whole numbers holds one of these."""
    listed = bindparam(None, orjson.dumps(numbers).decode(), type_=Text(), unique=True)
    each = _EachText(listed).table_valued("value")
    return column.in_(select(cast(each.c.value, BigInteger)))


def parts_of(
    column: ColumnElement[str], texts: Sequence[str], *, ordered: bool
) -> tuple[TableValuedAlias, ColumnElement[bool]]:
    """A table of these texts, and what joins it to a column of `<text>:<more>`.

    `ordered` where the database compares texts by their bytes, so that an index finds them.
    """
    listed = bindparam(None, orjson.dumps(texts).decode(), type_=Text(), unique=True)
    each = _EachText(listed).table_valued("value")
    if ordered:
        return each, and_(column > each.c.value + ":", column < each.c.value + ";")
    return each, func.split_part(column, ":", 1) == each.c.value
