"""What campaigns cost, as people keep it: a CSV file beside leadloop.yaml."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import NamedTuple

from connector.errors import UsageError

MOST_BYTES = 10_000_000
_MONTH = re.compile(r"\d{4}-(0[1-9]|1[0-2])")
_NEEDED = ("campaign", "amount")
_RIGHT = "campaign,month,amount,currency with rows such as spring-fair,2026-03,12500.00,EUR"


class Cost(NamedTuple):
    """What one campaign cost, in one month (`2026-03`) where the file says which."""

    campaign: str
    month: str | None
    cents: int


class Costs(NamedTuple):
    """The lines that could be read, and why each of the others could not, with file:line."""

    lines: tuple[Cost, ...] = ()
    aside: tuple[str, ...] = ()


def load_costs(path: Path, currency: str) -> Costs:
    """Read a cost file with columns campaign and amount, and perhaps month and currency.

    A line that cannot be read, or is in another currency, is kept aside and named. Raises
    UsageError for a file that is missing, too large, no text, or without these columns.
    """
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise UsageError(
            f"the cost file {path} cannot be read: {error.strerror}",
            hint="Check `report: {costs: ...}` in leadloop.yaml",
        ) from error
    if len(raw) > MOST_BYTES:
        raise UsageError(
            f"the cost file {path} has more than {MOST_BYTES:,} bytes",
            hint="Sum it up by campaign and month",
        )
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise UsageError(f"{path}:{line} is no UTF-8 text", hint="Save it as UTF-8") from None
    lines: list[Cost] = []
    aside: list[str] = []
    for line, row in _rows(path, text):
        found = _read(row, currency)
        if isinstance(found, Cost):
            lines.append(found)
        else:
            aside.append(f"{path.name}:{line}: {found}")
    return Costs(tuple(lines), tuple(aside))


def _rows(path: Path, text: str) -> Iterator[tuple[int, dict[str, str | None]]]:
    reader = csv.DictReader(text.splitlines(), restval="", strict=True)
    try:
        names = [str(name).strip().casefold() for name in reader.fieldnames or ()]
        missing = [name for name in _NEEDED if name not in names]
        if missing:
            raise UsageError(
                f"{path}:1 has no column {' and '.join(missing)}", hint=f"Write {_RIGHT}"
            )
        reader.fieldnames = names
        for row in reader:
            yield reader.line_num, row
    except csv.Error as error:
        raise UsageError(
            f"{path}:{reader.line_num} is no line of a CSV file: {error}", hint=f"Write {_RIGHT}"
        ) from None


def _read(row: dict[str, str | None], currency: str) -> Cost | str:
    """The line, or what is wrong with it."""
    if None in row:
        return "it has more values than there are columns"
    given = {name: (value or "").strip() for name, value in row.items()}
    if not given["campaign"]:
        return "`campaign` is empty"
    month = given.get("month") or None
    if month is not None and not _MONTH.fullmatch(month):
        return "`month` should be like 2026-03"
    other = given.get("currency", "").upper()
    if other and other != currency:
        return f"it is in another currency than the report's ({currency})"
    try:
        amount = Decimal(given["amount"])
    except InvalidOperation:
        return "`amount` should be a number such as 12500.00"
    if not amount.is_finite() or not 0 <= amount <= Decimal("1e12"):
        return "`amount` should be a number from 0 on"
    return Cost(given["campaign"], month, int((amount * 100).to_integral_value()))
