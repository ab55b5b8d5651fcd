"""HubSpot as a CRM: one token, one portal; each verb's own file does the work."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence

from connector.adapters.base import (
    Capabilities,
    FieldStep,
    Identity,
    NewTask,
    Page,
    RemoteField,
    Row,
    Window,
)
from connector.adapters.hubspot import streams
from connector.adapters.hubspot.answers import ForbiddenError
from connector.adapters.hubspot.calls import ADDRESS, Calls
from connector.adapters.hubspot.library import Library
from connector.adapters.hubspot.limits import SEARCHES
from connector.adapters.hubspot.objects import IDS, Objects, known_source
from connector.adapters.hubspot.owners import Owners
from connector.adapters.hubspot.paths import API_VERSION, Paths
from connector.adapters.hubspot.provisioning import Provisioning
from connector.adapters.hubspot.reading import PAGE, Reading
from connector.adapters.hubspot.shape import Rows, shape_of
from connector.adapters.hubspot.streams import Streams
from connector.adapters.hubspot.tasks import Tasks
from connector.adapters.hubspot.writing import BATCH, Writing
from connector.config.settings import Connection
from connector.domain.change import Outcome, Write
from connector.domain.moment import MINUTE, SECOND, Micros
from connector.errors import UsageError

log = logging.getLogger("leadloop.hubspot")
_OPTIONAL = frozenset({"leads"})
"""Objects that many portals have not bought or not switched on."""


def open_hubspot(connection: Connection) -> HubSpotAdapter:
    """Open a connection by the bearer token `auth.token`; nothing is sent yet."""
    calls = Calls(
        connection.address or ADDRESS,
        connection.secret("token").reveal,
        Paths(connection.plain("api_version") or API_VERSION),
        reserve=connection.api.reserve,
    )
    return HubSpotAdapter(calls)


class HubSpotAdapter:
    """One token of one HubSpot portal."""

    capabilities = Capabilities(
        kind="hubspot",
        batch_size=BATCH,
        id_batch=100,
        lag=30 * SECOND,  # the search index follows the records by moments
        overlap=15 * MINUTE,  # ... or more than moments
        provisions=True,
        tasks=True,
        vendor_fields=(
            "lifecyclestage",
            "hs_lead_status",
            "hs_email_optout",
            "hubspotscore",
            "dealstage",
            "hs_pipeline_stage",
        ),
        paces=(SEARCHES,),
    )

    def __init__(self, calls: Calls, *, page: int = PAGE) -> None:
        self._calls = calls
        library = Library(calls)
        self._objects = Objects(library)
        self._owners = Owners(library)
        self._reading = Reading(calls, Rows(calls, library), page=page)
        self._writing = Writing(calls, self._objects, self._owners)
        self._tasks = Tasks(calls)
        self._provisioning = Provisioning(library, self._objects)

    def __repr__(self) -> str:
        return f"HubSpotAdapter(API {self._calls.paths.version})"

    def check(self) -> Identity:
        told, _ = self._calls.account()
        portal, kind = told.get("portalId"), told.get("accountType")
        if portal is None:
            raise UsageError(
                "the address answers, but not as HubSpot does", hint="Check `address:`"
            )
        product = f"HubSpot {kind or ''} API {self._calls.paths.version}"
        return Identity("bearer token", str(portal), " ".join(product.split()))

    def server_now(self) -> Micros:
        return self._calls.account()[1]

    def sources(self) -> list[str]:
        return [*IDS, "owners", "form_submissions", "email_events", "events"]

    def describe(self, source: str) -> dict[str, RemoteField]:
        if source == "owners":
            return self._owners.describe()
        if streams.is_stream(source):
            return streams.describe(source)
        name = self._record_source(source)
        try:
            return self._objects.describe(name)
        except ForbiddenError:
            if name not in _OPTIONAL:
                raise
            return {}

    def read(
        self, source: str, names: Sequence[str], window: Window, after: str | None
    ) -> Iterator[Page]:
        if source == "owners":
            yield from self._owners.read(names)
            return
        if streams.is_stream(source):
            yield from Streams(self._calls).read(source, names, window, after)
            return
        name = self._record_source(source)
        try:
            shape = shape_of(self._objects, name, names)
            yield from self._reading.read(shape, window, after)
        except ForbiddenError as error:
            if name not in _OPTIONAL:
                raise
            log.warning("HubSpot's %s are left out: %s", name, error)

    def read_ids(self, source: str, names: Sequence[str], ids: Sequence[str]) -> list[Row]:
        if source == "owners":
            return self._owners.by_ids(names, ids)
        shape = shape_of(self._objects, self._record_source(source), names)
        return self._reading.by_ids(shape, ids)

    def write(self, batch: Sequence[Write]) -> list[Outcome]:
        if not batch:
            return []
        if len(batch) > self.capabilities.batch_size:
            raise ValueError("a batch larger than batch_size")
        return self._writing.write(self._record_source(batch[0].source), batch)

    def find_tasks(self, wanted: Sequence[NewTask]) -> dict[str, str]:
        return self._tasks.find(self._record_source(wanted[0].source), wanted) if wanted else {}

    def create_task(self, task: NewTask) -> str:
        return self._tasks.create(task)

    def plan_fields(self, wanted: Sequence[FieldStep]) -> list[FieldStep]:
        return self._provisioning.plan(wanted)

    def create_fields(self, steps: Sequence[FieldStep]) -> None:
        self._provisioning.create(steps)

    def close(self) -> None:
        self._calls.close()

    def _record_source(self, source: str) -> str:
        name = known_source(source)
        if name is None:
            raise UsageError(
                f"HubSpot has no object `{source}`",
                hint=f"It has: {', '.join(self.sources())}, forms/GUID, and type ids such as 2-34",
            )
        return name
