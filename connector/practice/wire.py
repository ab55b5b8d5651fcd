"""What goes over the wire of a practice CRM: a request, a response, or a line that goes dead."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple
from urllib.parse import parse_qs

import orjson


class Request(NamedTuple):
    """One HTTP request, its body read. Header names are lower case."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes

    def argument(self, name: str, default: str | None = None) -> str | None:
        """The first value of a query argument."""
        values = parse_qs(self.query, keep_blank_values=True).get(name)
        return values[0] if values else default

    def arguments(self, name: str) -> list[str]:
        """All values of a query argument, comma lists taken apart."""
        values = parse_qs(self.query, keep_blank_values=True).get(name, [])
        return [part for value in values for part in value.split(",") if part]

    def flag(self, name: str) -> bool:
        """Whether a query argument says true, in any spelling of case."""
        return (self.argument(name) or "").lower() == "true"

    def form(self) -> dict[str, str]:
        """The fields of a form-encoded body; the first value of each."""
        return {k: v[0] for k, v in parse_qs(self.body.decode("utf-8", "replace")).items()}

    def json(self) -> Any:
        """The body as JSON; raises orjson.JSONDecodeError."""
        return orjson.loads(self.body)


class Response(NamedTuple):
    """One answer."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class LineDroppedError(Exception):
    """The connection ends here, with only the first half of `said` sent (nothing for None)."""

    def __init__(self, said: Response | None = None) -> None:
        super().__init__("the line went dead")
        self.said = said


JSON = "application/json;charset=UTF-8"


def json_response(status: int, value: Any, **headers: str) -> Response:
    """An answer with a JSON body; header names are given with underscores."""
    named = {name.replace("_", "-"): text for name, text in headers.items()}
    return Response(status, {"Content-Type": JSON, **named}, orjson.dumps(value))


def empty_response(status: int) -> Response:
    """An answer without a body."""
    return Response(status, {}, b"")
