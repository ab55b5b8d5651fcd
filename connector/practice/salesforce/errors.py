"""How Salesforce says no: a list for a whole call, an entry in `errors` for one record.

Source: REST API Developer Guide, "Status Codes and Error Responses".
"""

from __future__ import annotations

from collections.abc import Sequence

from connector.practice.wire import Response, json_response


class ApiError(Exception):
    """The whole call is refused."""

    def __init__(
        self, status: int, code: str, message: str, fields: Sequence[str] | None = None
    ) -> None:
        super().__init__(code)
        self.status = status
        self.code = code
        self.message = message
        self.fields = fields

    def response(self) -> Response:
        """The body every REST resource gives."""
        entry: dict[str, object] = {"message": self.message, "errorCode": self.code}
        if self.fields is not None:
            entry["fields"] = list(self.fields)
        return json_response(self.status, [entry])


class SaveError(Exception):
    """One record is not saved."""

    def __init__(
        self,
        code: str,
        message: str,
        fields: Sequence[str] = (),
        *,
        status: int = 400,
        extra: dict[str, object] | None = None,
    ) -> None:
        """`extra` are the details of found duplicates."""
        super().__init__(code)
        self.extra = extra
        self.code = code
        self.message = message
        self.fields = tuple(fields)
        self.status = status

    def entry(self) -> dict[str, object]:
        """As an entry of `errors` in a collection's answer."""
        entry: dict[str, object] = {"statusCode": self.code, "message": self.message}
        entry["fields"] = list(self.fields)
        return entry if self.extra is None else entry | {"duplicateResult": self.extra}

    def response(self) -> Response:
        """As the answer of a call for one record."""
        entry = self.entry()
        body = {"message": self.message, "errorCode": self.code, "fields": entry["fields"]}
        if self.extra is not None:
            body["duplicateResut"] = self.extra
        return json_response(self.status, [body])
