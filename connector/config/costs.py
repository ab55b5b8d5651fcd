"""What campaigns cost: a CSV file of campaign, period, amount and currency.

Campaigns are told apart as rules tell them: by their names without case and outer blanks, which is
how the store keeps those of activities.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import NamedTuple

from connector.domain.moment import Micros, to_datetime
from connector.domain.text import normalise
from connector.errors import UsageError

COLUMNS = ("campaign", "period", "amount", "currency")
_PERIOD = re.compile(r"^(\d{4})(?:-(0[1-9]|1[0-2]))?$")
_MOST = Decimal(10) ** 12


class Costs(NamedTuple):
    """Cents by campaign up to now, and what was not counted.

    `names` are the campaigns as they are written, by the word they are known by. `aside` names each
    row that could not be read as `file:line: why`; `later` rows are of months (or years) that have
    not begun.
    """

    cents: Mapping[str, int]
    rows: int = 0
    later: int = 0
    aside: tuple[str, ...] = ()
    names: Mapping[str, str] = {}


def load_costs(path: Path, currency: str, now: Micros) -> Costs:
    """Read a file of costs; a bad row is named and kept aside, the others count.

    Raises UsageError when there is no such file or its columns are others.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise UsageError(
            f"{path.name} cannot be read: {why}",
            hint="Set `report.costs` to a CSV file of campaign, period, amount, currency",
        ) from error
    reader = csv.DictReader(io.StringIO(text, newline=""))
    missing = [name for name in COLUMNS[:3] if name not in (reader.fieldnames or ())]
    if missing:
        raise UsageError(
            f"{path.name}:1: no column `{missing[0]}`",
            hint="The first line names the columns: campaign,period,amount,currency",
        )
    return _read(path.name, reader, currency, to_datetime(now))


def _read(name: str, rows: csv.DictReader[str], currency: str, today: datetime) -> Costs:
    cents: dict[str, int] = {}
    names: dict[str, str] = {}
    aside: list[str] = []
    seen: set[tuple[str, str]] = set()
    count = later = 0
    for line, row in _numbered(rows):
        try:
            written, period, amount = _row(row, currency)
            campaign = normalise(written)
            if (campaign, period) in seen:
                raise ValueError(f"`{written}` has a row for {period} already")
        except ValueError as error:
            aside.append(f"{name}:{line}: {error}")
            continue
        seen.add((campaign, period))
        names.setdefault(campaign, written)
        if period > today.astimezone(UTC).strftime("%Y-%m")[: len(period)]:
            later += 1
            continue
        count += 1
        cents[campaign] = cents.get(campaign, 0) + amount
    return Costs(cents, count, later, tuple(aside), names)


def _numbered(rows: csv.DictReader[str]) -> Iterator[tuple[int, Mapping[str, str | None]]]:
    for row in rows:
        yield rows.line_num, row


def _row(row: Mapping[str, str | None], currency: str) -> tuple[str, str, int]:
    campaign = (row.get("campaign") or "").strip()
    period = (row.get("period") or "").strip()
    given = (row.get("currency") or "").strip().upper() or currency
    text = (row.get("amount") or "").strip()
    if not campaign:
        raise ValueError("`campaign` is empty")
    if not _PERIOD.match(period):
        raise ValueError(f"`{period}` is no period such as 2026-03 or 2026")
    if given != currency:
        raise ValueError(f"`{given}` is not the currency of the report, {currency}")
    try:
        amount = Decimal(text)
    except InvalidOperation:
        raise ValueError(f"`{text}` is no amount such as 1250.50") from None
    if not amount.is_finite() or not 0 <= amount < _MOST:
        raise ValueError(f"`{text}` is no amount from 0 to 1e12")
    return campaign, period, round(amount * 100)
