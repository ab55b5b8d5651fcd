"""Reads SOQL: text -> a query's parts. What it cannot read is refused in Salesforce's words.

Source: SOQL and SOSL Reference. Read: fields and parents' fields, COUNT(), COUNT(field), WHERE with
AND, OR, NOT and brackets, semi-joins, child sub-queries, TODAY and YESTERDAY, ORDER BY, LIMIT,
OFFSET. Not read: GROUP BY, TYPEOF, all other date words.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, NoReturn, TypeAlias

from connector.practice.salesforce.errors import ApiError

_TOKEN = re.compile(
    r"""\s*(?:
      (?P<text>'(?:[^'\\]|\\.)*')
    | (?P<moment>\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:?\d\d))
    | (?P<date>\d{4}-\d\d-\d\d)
    | (?P<number>[+-]?\d+(?:\.\d+)?)
    | (?P<word>[A-Za-z_][A-Za-z0-9_.]*)
    | (?P<sign><=|>=|!=|<>|=|<|>|\(|\)|,)
    )""",
    re.VERBOSE,
)
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t", "b": "\b", "f": "\f"}


@dataclass(frozen=True, slots=True)
class Literal:
    """A value in a query: its kind (text, moment, date, day, number, boolean, null) and itself."""

    kind: str
    value: Any


@dataclass(frozen=True, slots=True)
class Test:
    """`field operator value`; for in and not in a list of literals or a sub-query."""

    field: str
    operator: str
    value: Literal | tuple[Literal, ...] | Query
    at: int


@dataclass(frozen=True, slots=True)
class Both:
    """All of these (`and`) or any of these (`or`)."""

    word: str
    parts: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class Not:
    """The opposite."""

    part: Condition


Condition: TypeAlias = Test | Both | Not


@dataclass(frozen=True, slots=True)
class Order:
    """One key of ORDER BY."""

    field: str
    descending: bool
    nulls_last: bool
    at: int


@dataclass(frozen=True, slots=True)
class Query:
    """One query. `fields` are (name, place in the text); `count` is "" for COUNT(); `children` are
    the sub-queries among its fields, whose `source` is a relationship's name."""

    text: str
    fields: tuple[tuple[str, int], ...]
    children: tuple[Query, ...]
    count: str | None
    source: str
    source_at: int
    where: Condition | None
    order: tuple[Order, ...]
    limit: int | None
    offset: int


def parse(text: str) -> Query:
    """Read a query. Raises ApiError MALFORMED_QUERY."""
    reader = _Reader(text)
    query = reader.query()
    reader.end()
    return query


def refuse(text: str, at: int, code: str, why: str) -> ApiError:
    """The error Salesforce gives for a place in a query: the text around it, a caret, the why."""
    begin = max(0, at - 30)
    shown = text[begin : at + 30].replace("\n", " ")
    message = f"\n{shown}\n{' ' * (at - begin)}^\nERROR at Row:1:Column:{at + 1}\n{why}"
    return ApiError(400, code, message)


class _Reader:
    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens: list[tuple[str, str, int]] = []
        place, end = 0, len(text.rstrip())
        while place < end:
            match = _TOKEN.match(text, place)
            if match is None:
                raise refuse(text, place, "MALFORMED_QUERY", "unexpected token")
            kind = str(match.lastgroup)
            self._tokens.append((kind, match.group(kind), match.start(kind)))
            place = match.end()
        self._next = 0

    # --- tokens ---------------------------------------------------------------------------------

    def _peek(self) -> tuple[str, str, int]:
        if self._next < len(self._tokens):
            return self._tokens[self._next]
        return "end", "<EOF>", len(self._text)

    def _take(self) -> tuple[str, str, int]:
        token = self._peek()
        self._next += 1
        return token

    def _fail(self, token: tuple[str, str, int]) -> NoReturn:
        raise refuse(self._text, token[2], "MALFORMED_QUERY", f"unexpected token: '{token[1]}'")

    def _is(self, *words: str) -> bool:
        for ahead, word in enumerate(words):
            place = self._next + ahead
            if place >= len(self._tokens):
                return False
            kind, text, _ = self._tokens[place]
            if kind not in {"word", "sign"} or text.lower() != word:
                return False
        return True

    def _accept(self, *words: str) -> bool:
        if not self._is(*words):
            return False
        self._next += len(words)
        return True

    def _expect(self, word: str) -> None:
        if not self._accept(word):
            self._fail(self._peek())

    def _word(self) -> tuple[str, int]:
        token = self._take()
        if token[0] != "word":
            self._fail(token)
        return token[1], token[2]

    def _whole(self) -> int:
        token = self._take()
        if token[0] != "number" or not token[1].isdigit():
            self._fail(token)
        return int(token[1])

    def end(self) -> None:
        if self._next < len(self._tokens):
            self._fail(self._peek())

    # --- grammar --------------------------------------------------------------------------------

    def query(self) -> Query:
        self._expect("select")
        count = self._count()
        fields, children = ((), ()) if count is not None else self._fields()
        self._expect("from")
        source, source_at = self._word()
        where = self._either() if self._accept("where") else None
        order = self._order() if self._accept("order", "by") else ()
        limit = self._whole() if self._accept("limit") else None
        offset = self._whole() if self._accept("offset") else 0
        return Query(
            self._text, fields, children, count, source, source_at, where, order, limit, offset
        )

    def _count(self) -> str | None:
        if not self._accept("count", "("):
            return None
        name = "" if self._is(")") else self._word()[0]
        self._expect(")")
        return name

    def _fields(self) -> tuple[tuple[tuple[str, int], ...], tuple[Query, ...]]:
        fields: list[tuple[str, int]] = []
        children: list[Query] = []
        while True:
            if self._accept("("):
                children.append(self.query())
                self._expect(")")
            else:
                fields.append(self._word())
            if not self._accept(","):
                return tuple(fields), tuple(children)

    def _either(self) -> Condition:
        return self._joined("or", self._all)

    def _all(self) -> Condition:
        return self._joined("and", self._one)

    def _joined(self, word: str, part: Any) -> Condition:
        parts = [part()]
        while self._accept(word):
            parts.append(part())
        return parts[0] if len(parts) == 1 else Both(word, tuple(parts))

    def _one(self) -> Condition:
        if self._accept("not"):
            return Not(self._one())
        if self._accept("("):
            inner = self._either()
            self._expect(")")
            return inner
        field, at = self._word()
        return Test(field, *self._comparison(), at)

    def _comparison(self) -> tuple[str, Literal | tuple[Literal, ...] | Query]:
        if self._accept("not", "in"):
            return "not in", self._several()
        if self._accept("in"):
            return "in", self._several()
        if self._accept("like"):
            return "like", self._literal()
        token = self._take()
        if token[0] != "sign" or token[1] in {"(", ")", ","}:
            self._fail(token)
        return {"<>": "!="}.get(token[1], token[1]), self._literal()

    def _several(self) -> tuple[Literal, ...] | Query:
        self._expect("(")
        if self._is("select"):
            inner = self.query()
            self._expect(")")
            return inner
        values = [self._literal()]
        while self._accept(","):
            values.append(self._literal())
        self._expect(")")
        return tuple(values)

    def _literal(self) -> Literal:
        token = self._take()
        kind, text, _ = token
        if kind == "text":
            return Literal("text", re.sub(r"\\(.)", _unescape, text[1:-1], flags=re.DOTALL))
        if kind == "number":
            return Literal("number", float(text) if "." in text else int(text))
        if kind in {"moment", "date"}:
            return Literal(kind, text)
        word = text.lower()
        if kind == "word" and word in {"today", "yesterday"}:
            return Literal("day", word)
        if kind != "word" or word not in {"true", "false", "null"}:
            self._fail(token)
        return Literal("null", None) if word == "null" else Literal("boolean", word == "true")

    def _order(self) -> tuple[Order, ...]:
        keys = [self._key()]
        while self._accept(","):
            keys.append(self._key())
        return tuple(keys)

    def _key(self) -> Order:
        field, at = self._word()
        descending = self._accept("desc") or (self._accept("asc") and False)
        nulls_last = self._accept("nulls", "last")
        if not nulls_last:
            self._accept("nulls", "first")
        return Order(field, descending, nulls_last, at)


def _unescape(match: re.Match[str]) -> str:
    letter = match.group(1)
    return _ESCAPES.get(letter, letter)
