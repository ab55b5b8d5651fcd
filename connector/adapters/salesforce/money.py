"""Amounts of several currencies as amounts of one: the corporate currency of the org.

Orgs with one currency have no field CurrencyIsoCode and cost nothing. With dated rates a deal goes
by the rate of the day it closes on; all else by the rate of today. An amount without a rate is
left out: a sum must not add what is not alike.

Source: Object Reference, "CurrencyType" and "DatedConversionRate"; Salesforce Help, "Manage
Multiple Currencies". Rates say how much of a currency one unit of the corporate currency is.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from connector.adapters.base import Row
from connector.adapters.salesforce.calls import Calls
from connector.adapters.salesforce.describing import Objects
from connector.adapters.salesforce.shape import CLOSES, CODE
from connector.adapters.salesforce.soql import Select
from connector.errors import RemoteError, UsageError


class Rates(NamedTuple):
    """Rates of today by currency, and by currency the days from which on dated ones hold."""

    today: Mapping[str, float]
    dated: Mapping[str, Sequence[tuple[str, float]]]

    def of(self, code: str, day: str | None) -> float | None:
        """Give the rate of a currency on a day (`YYYY-MM-DD`); None where there is none."""
        spans = self.dated.get(code, ())
        if day is not None and spans:
            place = bisect_right([begins for begins, _ in spans], day)
            if place:
                return spans[place - 1][1]
        return self.today.get(code)


class Money:
    """The rates of one org, asked for once when the first amount is met."""

    def __init__(self, calls: Calls, objects: Objects) -> None:
        self._calls = calls
        self._objects = objects
        self._rates: Rates | None = None

    def convert(self, columns: Sequence[str], rows: Sequence[Row]) -> None:
        """Put corporate amounts in place of each row's own in these columns."""
        if not columns or not rows:
            return
        if self._rates is None:
            self._rates = self._read()
        for row in rows:
            rate = self._rates.of(str(row[CODE]), row.get(CLOSES))
            for name in columns:
                amount = row[name]
                if amount is not None:
                    row[name] = round(amount / rate, 2) if rate else None

    def _read(self) -> Rates:
        today = {
            str(row["IsoCode"]): float(row["ConversionRate"])
            for row in self._rows("CurrencyType", ["IsoCode", "ConversionRate"])
        }
        dated: dict[str, list[tuple[str, float]]] = {}
        for row in self._rows("DatedConversionRate", ["IsoCode", "ConversionRate", "StartDate"]):
            span = (str(row["StartDate"]), float(row["ConversionRate"]))
            dated.setdefault(str(row["IsoCode"]), []).append(span)
        return Rates(today, {code: sorted(spans) for code, spans in dated.items()})

    def _rows(self, source: str, names: Sequence[str]) -> list[dict[str, Any]]:
        """All rows of a small table; none where our user sees no such table."""
        rows: list[Row] = []
        last = ""
        try:
            self._objects.of(source)
            while True:
                behind = [f"Id > '{last}'"] if last else []
                found = self._calls.query(
                    Select(["Id", *names], source, behind, 2000), everything=False
                )
                rows += found.rows
                if found.done and len(found.rows) < 2000:
                    return rows
                last = rows[-1]["Id"]
        except (UsageError, RemoteError):
            return rows
