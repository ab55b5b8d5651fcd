"""assumptions.yaml: what somebody thinks mending a leak would cost and bring."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from connector.documents.base import Document, Percent


class Recovers(Document):
    """The share of what is lost that the remedy wins back: at worst, likely, at best."""

    low: Percent
    likely: Percent
    high: Percent

    @model_validator(mode="after")
    def _in_order(self) -> Recovers:
        if not self.low <= self.likely <= self.high:
            raise ValueError("write `low`, `likely` and `high` so that none is above the next")
        return self


class Remedy(Document):
    """What helps against one driver: a reason, `not contacted`, `stalled` ..., and its cost."""

    driver: str
    remedy: str
    recovers: Recovers
    once: Annotated[float, Field(ge=0)] = 0
    monthly: Annotated[float, Field(ge=0)] = 0
    source: str | None = None
    """Who says so, or where it was read."""


class Assumptions(Document):
    """The whole file; each driver has one remedy."""

    version: Literal[1]
    margin: Percent | None = None
    remedies: list[Remedy] = []

    @model_validator(mode="after")
    def _once_each(self) -> Assumptions:
        drivers = [one.driver for one in self.remedies]
        for driver in drivers:
            if drivers.count(driver) > 1:
                raise ValueError(f"`{driver}` has two remedies; each driver has one")
        return self
