"""What every document is made of: a strict, frozen model and the words people write in it.

Modules of documents do without `from __future__ import annotations`: it makes every annotation a
text, which pydantic then has to compile at each start.
"""

from __future__ import annotations

from typing import Annotated, Any, Self, cast
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BaseModel, BeforeValidator, ConfigDict, PlainSerializer, WithJsonSchema

from connector.domain.duration import BusinessTime, parse_duration, parse_span
from connector.domain.moment import SECOND, Micros


class Document(BaseModel):
    """A part of a file: frozen, and a key it does not know is a mistake."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        populate_by_name=True,
        strict=True,
        allow_inf_nan=False,
        defer_build=True,
    )

    @classmethod
    def by_default(cls) -> Self:
        """What stands where nobody wrote anything: without the checks of what people write, whose
        making takes longer than the rest of the class."""
        return cast("Self", cls.model_construct())


def _duration(value: Any) -> Micros:
    if not isinstance(value, str):
        raise ValueError("write a duration such as 90d, 24h, 15m or 30s")  # noqa: TRY004  pydantic
    return parse_duration(value)


def _span(value: Any) -> Micros | BusinessTime:
    if not isinstance(value, str):
        raise ValueError("write a duration such as 24h, 30bm, 8bh or 5bd")  # noqa: TRY004  pydantic
    return parse_span(value)


def _percent(value: Any) -> float:
    text = value.strip() if isinstance(value, str) else ""
    number = text.removesuffix("%")
    if not text.endswith("%") or not number.replace(".", "", 1).isdigit() or float(number) > 100:
        raise ValueError("write a share of 0% to 100%, such as 20%")
    return float(number) / 100


def _zone(value: Any) -> str:
    try:
        ZoneInfo(str(value))
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ValueError(f"`{value}` is not a time zone such as Europe/Paris") from error
    return str(value)


def _spell(value: Micros | BusinessTime) -> str:
    if isinstance(value, BusinessTime):
        return f"{value.amount}{value.unit}"
    return f"{value // SECOND}s" if value % SECOND == 0 else f"{value / SECOND}s"


Duration = Annotated[
    int,
    BeforeValidator(_duration),
    PlainSerializer(_spell, when_used="json"),
    WithJsonSchema({"type": "string", "pattern": r"^\d+(\.\d+)?\s*[smhdw]$"}),
]
"""A wall-clock duration, in microseconds once read."""

Span = Annotated[
    int | BusinessTime,
    BeforeValidator(_span),
    PlainSerializer(_spell, when_used="json"),
    WithJsonSchema({"type": "string", "pattern": r"^\d+(\.\d+)?\s*([smhdw]|bm|bh|bd)$"}),
]
"""A wall-clock or business duration."""

Percent = Annotated[
    float,
    BeforeValidator(_percent),
    PlainSerializer(lambda share: f"{share * 100:g}%", when_used="json"),
    WithJsonSchema({"type": "string", "pattern": r"^\d+(\.\d+)?%$"}),
]
"""A share, 0 to 1 once read."""

Zone = Annotated[
    str, BeforeValidator(_zone), WithJsonSchema({"type": "string", "description": "IANA zone"})
]
"""The name of an IANA time zone."""
