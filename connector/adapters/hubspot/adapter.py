"""HubSpot as a CRM: one token, one portal; each verb's own file does the work."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from connector.adapters.base import (
    Capabilities,
    Check,
    Examiner,
    FieldStep,
    Identity,
    NewTask,
    Order,
    Page,
    PartStep,
    RemoteField,
    Row,
    Window,
)
from connector.adapters.hubspot import streams
from connector.adapters.hubspot.answers import ForbiddenError
from connector.adapters.hubspot.calls import ADDRESS, Calls
from connector.adapters.hubspot.derived import HISTORY, VISITS, Derived, describe_history
from connector.adapters.hubspot.furnishing import Furnishing
from connector.adapters.hubspot.library import Library
from connector.adapters.hubspot.limits import PACES
from connector.adapters.hubspot.lists import Lists, Themes
from connector.adapters.hubspot.login import App, OAuth
from connector.adapters.hubspot.objects import (
    IDS,
    MERGED,
    VITAL,
    Objects,
    known_source,
    merged_into,
)
from connector.adapters.hubspot.owners import Owners
from connector.adapters.hubspot.paths import API_VERSION, Paths
from connector.adapters.hubspot.probing import Probing
from connector.adapters.hubspot.provisioning import Provisioning
from connector.adapters.hubspot.reading import PAGE, Reading
from connector.adapters.hubspot.removing import Removing
from connector.adapters.hubspot.shape import Rows, shape_of
from connector.adapters.hubspot.streams import Streams
from connector.adapters.hubspot.tasks import NOTE, TASK, Deed, Tasks
from connector.adapters.hubspot.unconfirmed import SEARCH_BODY
from connector.adapters.hubspot.views import Views
from connector.adapters.hubspot.writing import AT_ONCE, BATCH, Writing
from connector.adapters.keeping import kept
from connector.config.settings import Connection
from connector.domain.change import Outcome, Write
from connector.domain.moment import DAY, HOUR, MINUTE, SECOND, Micros
from connector.errors import FeatureError, LoginError, UsageError
from connector.transport.http import READ_S

_VISITS = "contacts:"
"""What positions in the last visits of contacts begin with."""


def open_hubspot(connection: Connection) -> HubSpotAdapter:
    """Open a connection by the bearer token `auth.token` of a service key or project app, or by
    OAuth where `auth.refresh_token` stands; nothing is sent yet."""
    address = connection.address or ADDRESS
    paths = Paths(connection.plain("api_version") or API_VERSION)
    token, renew = connection.secret("token").reveal, None
    if "refresh_token" in connection.auth:
        words = ("client_id", "client_secret", "refresh_token")
        app = App(*(connection.secret(word).reveal for word in words))
        oauth = OAuth(app, address, paths["oauth"], kept().vault)
        token, renew = oauth.token, oauth.renew
    patience = connection.plain("time_out")
    calls = Calls(
        address,
        token,
        paths,
        reserve=connection.api.reserve,
        renew=renew,
        read_s=float(patience) if patience else READ_S,
    )
    longest = connection.plain("search_body")
    body = int(longest) if longest else SEARCH_BODY
    return HubSpotAdapter(
        calls,
        search_body=body,
        leaps=connection.plain("leaps") != "off",
        nurtured=connection.lists,
    )


class HubSpotAdapter:
    """One token of one HubSpot portal."""

    capabilities = Capabilities(
        kind="hubspot",
        batch_size=BATCH,
        at_once=AT_ONCE,
        id_batch=5000,
        lag=30 * SECOND,  # the search index follows the records by moments
        overlap=15 * MINUTE,  # ... or more than moments
        late=HOUR,  # ... or, on a bad day, much more
        bin=90 * DAY,
        provisions=True,
        tasks=True,
        notes=True,
        vendor_fields=(
            "lifecyclestage",
            "hs_lead_status",
            "hs_email_optout",
            "hubspotscore",
            "dealstage",
            "hs_pipeline_stage",
        ),
        paces=PACES,
    )

    def __init__(
        self,
        calls: Calls,
        *,
        page: int = PAGE,
        search_body: int = SEARCH_BODY,
        leaps: bool = True,
        nurtured: Mapping[str, str] | None = None,
    ) -> None:
        self._calls = calls
        library = Library(calls)
        self._objects = Objects(library)
        self._owners = Owners(library)
        rows = Rows(calls, library)
        self._reading = Reading(calls, rows, page=page, search_body=search_body, leaps=leaps)
        self._derived = Derived(calls, self._objects, self._reading)
        lists = Lists(calls)
        themes = Themes(lists, nurtured)
        self._writing = Writing(calls, self._objects, self._owners, themes)
        self._tasks = Tasks(calls)
        self._provisioning = Provisioning(library, self._objects)
        self._furnishing = Furnishing(
            Views(lists, nurtured),
            Removing(calls, library, self._objects),
            Probing(calls, self._objects),
            self._provisioning.create,
            themes,
        )

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
        page = _page_of(str(told.get("uiDomain")), str(portal))
        return Identity("bearer token", str(portal), " ".join(product.split()), record_page=page)

    def server_now(self) -> Micros:
        return self._calls.account()[1]

    def sources(self) -> list[str]:
        return [*IDS, "owners", *streams.SOURCES]

    def describe(self, source: str) -> dict[str, RemoteField]:
        if source == "owners":
            return self._owners.describe()
        if streams.is_stream(source):
            return streams.describe(source)
        if source.startswith(HISTORY):
            return describe_history()
        name = self._record_source(source)
        try:
            return self._objects.describe(name)
        except ForbiddenError as error:
            if name == VITAL:
                raise _left_out(name, error) from error
            return {}

    def read(
        self, source: str, names: Sequence[str], window: Window, after: str | None
    ) -> Iterator[Page]:
        try:
            yield from self._pages(source, names, window, after)
        except ForbiddenError as error:
            raise _left_out(source, error) from error

    def _pages(
        self, source: str, names: Sequence[str], window: Window, after: str | None
    ) -> Iterator[Page]:
        if source == "owners":
            yield from self._owners.read(names)
        elif source.startswith(HISTORY):
            yield from self._derived.history(source, names, window, after)
        elif source == VISITS:
            yield from self._visits(names, window, after)
        elif streams.is_stream(source):
            yield from Streams(self._calls).read(source, names, window, after)
        else:
            shape = shape_of(self._objects, self._record_source(source), names)
            yield from self._reading.read(shape, window, after)

    def _visits(self, names: Sequence[str], window: Window, after: str | None) -> Iterator[Page]:
        """Page views as events, or where the portal keeps none the last one of each contact."""
        if after is None or not after.startswith(_VISITS):
            try:
                yield from Streams(self._calls).read(VISITS, names, window, after)
            except ForbiddenError:
                after = None
            else:
                return
        resumed = after.removeprefix(_VISITS) if after else None
        for page in self._derived.last_visits(names, window, resumed):
            yield replace(page, position=f"{_VISITS}{page.position}")

    def read_ids(self, source: str, names: Sequence[str], ids: Sequence[str]) -> list[Row]:
        if source == "owners":
            return self._owners.by_ids(names, ids)
        try:
            shape = shape_of(self._objects, self._record_source(source), names)
            return self._reading.by_ids(shape, ids)
        except ForbiddenError as error:
            raise _left_out(source, error) from error

    def erased(self, source: str, ids: Sequence[str]) -> list[str]:
        name = self._record_source(source)
        return self._reading.erased(name, ids) if name == VITAL else []

    def losers(self, row: Row) -> list[str]:
        return merged_into(row) if any(row.get(name) for name in MERGED) else []

    def set_by_hand(
        self, source: str, names: Sequence[str], ids: Sequence[str]
    ) -> dict[str, dict[str, Micros]]:
        return self._derived.set_by_hand(self._record_source(source), names, ids)

    def write(self, batch: Sequence[Write]) -> list[Outcome]:
        if not batch:
            return []
        if len(batch) > self.capabilities.batch_size:
            raise ValueError("a batch larger than batch_size")
        return self._writing.write(self._record_source(batch[0].source), batch)

    def find_tasks(self, wanted: Sequence[NewTask]) -> dict[str, str]:
        return self._found(TASK, wanted)

    def create_task(self, task: NewTask) -> str:
        return self._tasks.create(TASK, task)

    def find_notes(self, wanted: Sequence[NewTask]) -> dict[str, str]:
        return self._found(NOTE, wanted)

    def create_note(self, note: NewTask) -> str:
        return self._tasks.create(NOTE, note)

    def _found(self, deed: Deed, wanted: Sequence[NewTask]) -> dict[str, str]:
        if not wanted:
            return {}
        return self._tasks.find(deed, self._record_source(wanted[0].source), wanted)

    def plan_fields(self, wanted: Sequence[FieldStep]) -> list[FieldStep]:
        return self._provisioning.plan(wanted)

    def create_fields(self, steps: Sequence[FieldStep]) -> None:
        self._provisioning.create(steps)

    groups = Furnishing.groups

    def plan_parts(self, order: Order) -> list[PartStep]:
        return self._furnishing.plan_parts(order)

    def survey(self, order: Order) -> list[str]:
        del order
        return []  # a portal's workflows cannot be read with the rights we ask for

    def furnish(self, order: Order, groups: Sequence[str], login: str) -> list[PartStep]:
        del login  # whoever holds the key may do what the key may
        return self._furnishing.furnish(order, groups)

    def exported(self, order: Order) -> Mapping[str, bytes]:
        del order
        return self._furnishing.exported()

    def remove(self, order: Order, *, fields: bool, check_only: bool) -> list[PartStep]:
        return self._furnishing.remove(order, fields=fields, check_only=check_only)

    def examine(self, order: Order, admin: Examiner | None = None) -> list[Check]:
        del admin
        return self._furnishing.examine(order)

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


def _left_out(source: str, error: ForbiddenError) -> LoginError:
    """Say what is not offered to us; without contacts there is nothing left to do."""
    if known_source(source) == VITAL:
        return LoginError(str(error), hint=error.hint)
    return FeatureError(f"HubSpot's {source} cannot be read: {error}", hint=error.hint)


_WEB = re.compile(r"[a-z0-9-]+(?:\.[a-z0-9-]+)*\.hubspot\.com")


def _page_of(host: str, portal: str) -> str | None:
    """Where a contact is looked at; portals of other regions have hosts of their own."""
    return f"https://{host}/contacts/{portal}/record/0-1/{{id}}" if _WEB.fullmatch(host) else None
