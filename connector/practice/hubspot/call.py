"""One call on its way through the portal, and the shapes all resources share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from connector.domain.moment import Micros
from connector.practice.hubspot.errors import HubError
from connector.practice.hubspot.logins import Token, need
from connector.practice.hubspot.moments import epoch_ms, iso
from connector.practice.hubspot.portal import Portal, Record
from connector.practice.hubspot.properties import KINDS, TYPE_IDS
from connector.practice.wire import Request, Response, json_response

if TYPE_CHECKING:
    from connector.practice.hubspot.rest import HubSpotPractice

_DEFAULTS = {
    "contacts": ("createdate", "email", "firstname", "hs_object_id", "lastmodifieddate",
                 "lastname"),
    "companies": ("createdate", "domain", "hs_lastmodifieddate", "hs_object_id", "name"),
    "deals": ("amount", "closedate", "createdate", "dealname", "dealstage",
              "hs_lastmodifieddate", "hs_object_id", "pipeline"),
    "tickets": ("content", "createdate", "hs_lastmodifieddate", "hs_object_id", "hs_pipeline",
                "hs_pipeline_stage", "hs_ticket_priority", "subject"),
    "line_items": ("amount", "createdate", "hs_lastmodifieddate", "hs_object_id", "hs_product_id",
                   "quantity"),
}  # fmt: skip
_ALWAYS = ("hs_createdate", "hs_lastmodifieddate", "hs_object_id")


@dataclass(frozen=True, slots=True)
class Call:
    """One request, who makes it, and whether it came by a 2026-09 path."""

    crm: HubSpotPractice
    request: Request
    token: Token
    dated: bool

    @property
    def portal(self) -> Portal:
        """The state the call is about."""
        return self.crm.portal

    @property
    def by(self) -> str:
        """Whose changes they are."""
        return self.token.by

    def kind(self, name: str, use: str = "read") -> str:
        """The object type of a name or type id, if the token may `use` (read, write) it."""
        kind = TYPE_IDS.get(name, name)
        kind = {"company": "companies"}.get(kind, kind)
        kind = kind if kind in self.portal.definitions else f"{kind}s"
        if kind not in self.portal.definitions:
            raise HubError(400, "VALIDATION_ERROR", f"Unable to infer object type from: {name}")
        need(self.token, f"crm.objects.{kind}.{use}")
        if kind == "leads" and not self.portal.rules.leads_enabled:
            raise HubError(403, "MISSING_SCOPES", "The leads object is not enabled")
        return kind

    def whole(self, name: str, default: int) -> int:
        """A query argument that is a whole number. Raises HubError 400."""
        text = self.request.argument(name) or str(default)
        try:
            return int(text)
        except ValueError:
            raise HubError(400, "VALIDATION_ERROR", f"{name} is not a number") from None

    def inputs(self, body: Any, most: int) -> list[dict[str, Any]]:
        """The inputs of a batch. Raises HubError 400."""
        inputs = body.get("inputs") if isinstance(body, dict) else None
        if not isinstance(inputs, list):
            raise HubError(400, "VALIDATION_ERROR", "Invalid input JSON: `inputs` is missing")
        if len(inputs) > most:
            raise HubError(
                400, "VALIDATION_ERROR",
                f"The maximum number of inputs supported in a batch request is {most}",
            )  # fmt: skip
        return inputs

    def settled(
        self, results: Sequence[Any], errors: Sequence[Any] = (), status: int = 200
    ) -> Response:
        """The answer of a batch: 207 where some inputs failed."""
        now = iso(self.portal.clock.now())
        answer: dict[str, Any] = {
            "status": "COMPLETE",
            "results": results,
            "startedAt": now,
            "completedAt": now,
        }
        if errors:
            answer |= {"numErrors": len(errors), "errors": errors}
        return json_response(207 if errors else status, answer)

    # --- records --------------------------------------------------------------------------------

    def names(self, kind: str, asked: Sequence[str]) -> list[str]:
        """The properties an answer shows: those asked for that exist, and some always."""
        known = self.portal.definitions[kind]
        names = {*(asked or _DEFAULTS.get(kind, ())), *_ALWAYS}
        names |= {"createdate", "lastmodifieddate"} if kind == "contacts" else set()
        return [name for name in sorted(names) if known.live(name) is not None]

    def plain(
        self, kind: str, id_: str, values: Mapping[str, str], updated: Micros, names: Sequence[str]
    ) -> dict[str, Any]:
        """A record with these properties; `names` come from names()."""
        return {
            "id": id_,
            "properties": {name: values.get(name) for name in names},
            "createdAt": values.get("createdate"),
            "updatedAt": iso(updated),
            "archived": False,
            "url": f"https://app-eu1.hubspot.com/contacts/{self.portal.id}/record/"
            f"{KINDS[kind]}/{id_}",
        }

    def shown(
        self,
        kind: str,
        record: Record,
        names: Sequence[str],
        histories: Sequence[str] = (),
        others: Sequence[str] = (),
    ) -> dict[str, Any]:
        """A record with its history and associations, as far as asked for."""
        shown = self.plain(kind, record.id, record.values, record.updated, names)
        if record.archived is not None:
            shown |= {"archived": True, "archivedAt": iso(record.archived)}
        if histories:
            shown["propertiesWithHistory"] = {name: record.past(name) for name in histories}
        ties = {}
        for other in others:
            far = self.kind(other)
            found = self.portal.associated(kind, record.id, far)
            if found:
                word = f"{singular(kind)}_to_{singular(far)}"
                ties[other] = {"results": [{"id": one, "type": word} for one in found]}
        if ties:
            shown["associations"] = ties
        return shown

    def written(
        self, kind: str, record: Record, given: Sequence[str], before: Micros
    ) -> dict[str, Any]:
        """A record as the answer of a write: some dates are milliseconds there, and the modified
        date may be that of before the write."""
        names = [*given, *(name for name in record.values if name.startswith(_STAGE_DATES))]
        shown = self.shown(kind, record, self.names(kind, names))
        values = shown["properties"]
        for name in values:
            if name.startswith(_STAGE_DATES) and values[name]:
                values[name] = str(epoch_ms(values[name]))
        if self.portal.rules.stale_answers:
            shown["updatedAt"] = iso(before)
            for name in ("lastmodifieddate", "hs_lastmodifieddate"):
                if name in values:
                    values[name] = iso(before)
        return shown


_STAGE_DATES = "hs_lifecyclestage_"


def singular(kind: str) -> str:
    """The word for one record of a type."""
    return {"companies": "company"}.get(kind, kind.rstrip("s"))
