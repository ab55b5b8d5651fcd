"""How HubSpot says no. All fields but `status` and `message` are optional there.

Source: developers.hubspot.com, "Error handling".
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID, uuid5

from connector.practice.wire import Response, json_response

_SPACE = UUID("6ba7b812-9dad-11d1-80b4-00c04fd430c8")


class HubError(Exception):
    """The call is refused."""

    def __init__(
        self,
        status: int,
        category: str | None,
        message: str,
        *,
        errors: Sequence[dict[str, Any]] = (),
        context: dict[str, list[str]] | None = None,
        **more: Any,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.category = category
        self.message = message
        self.errors = list(errors)
        self.context = context
        self.more = more

    def body(self) -> dict[str, Any]:
        """As a whole answer, or as an entry of `errors` in a 207."""
        said: dict[str, Any] = {
            "status": "error",
            "message": self.message,
            "correlationId": str(uuid5(_SPACE, self.message)),
        }
        if self.category is not None:
            said["category"] = self.category
        if self.context is not None:
            said["context"] = self.context
        if self.errors:
            said["errors"] = self.errors
        return {**said, **self.more}

    def entry(self) -> dict[str, Any]:
        """As an entry of `errors` in a 207."""
        return {**self.body(), "errors": self.errors, "links": {}}

    def response(self) -> Response:
        """As the answer of a call."""
        retry = {"Retry_After": self.more["retryAfter"]} if "retryAfter" in self.more else {}
        body = self.body()
        body.pop("retryAfter", None)
        return json_response(self.status, body, **retry)


def invalid(code: str, name: str, message: str) -> HubError:
    """A property value that cannot be: the whole call fails with it."""
    return HubError(
        400,
        "VALIDATION_ERROR",
        f'Property values were not valid: [{{"isValid":false,"message":"{message}",'
        f'"error":"{code}","name":"{name}"}}]',
        errors=[{"message": message, "code": code, "context": {"propertyName": [name]}}],
    )


def not_found(id_: str) -> HubError:
    """No such record; ids that are no numbers have a category of their own."""
    if id_.isdigit():
        return HubError(404, None, "resource not found")
    return HubError(404, "OBJECT_NOT_FOUND", "Object not found", context={"ids": [id_]})
