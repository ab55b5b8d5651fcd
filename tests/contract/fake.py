"""What the contract asks of a stand-in for one kind of CRM, with a person at its user interface."""

from __future__ import annotations

from typing import Any

from connector.domain.moment import SECOND, parse_iso

START = parse_iso("2026-05-01T12:00:00Z")


class Fake:
    """One stand-in. `source`, `field` and `new_field` are in the CRM's own words."""

    source: str
    field: str
    key = "id"
    """The field that holds a row's id."""
    missing = "99999"
    """An id as the CRM spells them, of a record there never was."""
    new_field = "x_leadloop_new"
    """A field that can be made."""
    lossy = True
    """Whether answers can get lost on the way."""

    adapter: Any
    now: int

    def put(self, ident: int, **values: Any) -> str:
        """Make or change a record as a person does; gives its id."""
        raise NotImplementedError

    def delete(self, ident: str) -> None:
        """Delete a record as a person does."""
        raise NotImplementedError

    def tick(self, span: int = 2 * SECOND) -> None:
        """Let time pass in the CRM."""
        self.now += span
