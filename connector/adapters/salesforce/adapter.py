"""Salesforce as a CRM: one log-in, one org; each verb's own file does the work."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from connector.adapters.base import (
    Bookmark,
    Capabilities,
    Check,
    Deleted,
    Examiner,
    FieldStep,
    Identity,
    NewTask,
    Order,
    Page,
    PartStep,
    RemoteField,
    Row,
    Use,
    Window,
)
from connector.adapters.keeping import Forgetful, kept
from connector.adapters.salesforce.answers import Usage
from connector.adapters.salesforce.bulk import BulkQueries
from connector.adapters.salesforce.calls import API, Calls
from connector.adapters.salesforce.campaigns import Campaigns
from connector.adapters.salesforce.covering import Covering
from connector.adapters.salesforce.days import Days
from connector.adapters.salesforce.deleted import deleted, hidden
from connector.adapters.salesforce.deploying import Deploys
from connector.adapters.salesforce.describing import Objects, remote_field
from connector.adapters.salesforce.examining import examine
from connector.adapters.salesforce.furnishing import GROUPS, Furnishing
from connector.adapters.salesforce.grants import Grant
from connector.adapters.salesforce.ingest import Ingest
from connector.adapters.salesforce.installing import Installing
from connector.adapters.salesforce.opening import address_of, grant_of
from connector.adapters.salesforce.reading import BULK_FROM, PAGE, Reading
from connector.adapters.salesforce.recalling import Recalling
from connector.adapters.salesforce.related import CONTACT_ROLE
from connector.adapters.salesforce.seeding import seed
from connector.adapters.salesforce.session import Session
from connector.adapters.salesforce.soql import quoted
from connector.adapters.salesforce.surveying import survey
from connector.adapters.salesforce.tasks import Tasks
from connector.adapters.salesforce.writing import BATCH, JOB_FROM, Writing
from connector.config.settings import Connection
from connector.domain.change import Outcome, Write
from connector.domain.moment import MINUTE, SECOND, Micros


def open_salesforce(
    connection: Connection, uses: Mapping[str, Use], clock: Callable[[], Micros]
) -> SalesforceAdapter:
    """Open a connection; the keys of its `auth:` say how it logs in. Nothing is sent yet."""
    address = address_of(connection)
    places = kept()
    grant = grant_of(connection, address, clock, places.vault)
    return SalesforceAdapter(
        address,
        grant,
        uses,
        clock,
        reserve=connection.api.reserve,
        bookmark=places.bookmark,
        nurtured=connection.lists,
        lasting=places.lasting,
    )


class SalesforceAdapter:
    """One user of one Salesforce org."""

    capabilities = Capabilities(
        kind="salesforce",
        batch_size=BATCH,
        id_batch=1000,
        lag=SECOND,
        overlap=10 * MINUTE,
        provisions=True,
        owner_alone=True,
        tasks=True,
        admin_knows=True,
        vendor_fields=("Status", "StageName", "IsConverted", "IsDeleted", "HasOptedOutOfEmail"),
    )

    groups = GROUPS

    def __init__(
        self,
        address: str,
        grant: Grant,
        uses: Mapping[str, Use],
        clock: Callable[[], Micros],
        *,
        reserve: float = 0.2,
        page: int = PAGE,
        bookmark: Bookmark | None = None,
        bulk_from: int = BULK_FROM,
        job_from: int = JOB_FROM,
        nurtured: Mapping[str, str] | None = None,
        lasting: bool = False,
    ) -> None:
        self._address = address
        self.session = Session(address, grant, Usage(reserve, clock))
        self._calls = Calls(self.session)
        keeps = bookmark if bookmark is not None else Forgetful()
        whose = lambda: "/".join(self.session.ids())  # noqa: E731
        recalling = Recalling(self.session.http, keeps, whose) if lasting else None
        self._objects = Objects(self.session.http, address, recalling)
        days = Days(self._calls, lambda: self.session.ids()[1])
        bulk = BulkQueries(self.session, keeps, PAGE)
        self._reading = Reading(
            self._calls,
            self._objects,
            page,
            bulk=bulk,
            bulk_from=bulk_from,
            covering=Covering(self._calls, keeps, self.capabilities.overlap),
            days=days,
        )
        self._ingest = Ingest(self.session, keeps)
        campaigns = Campaigns(self._calls, self._reading, nurtured)
        self._writing = Writing(
            self._calls,
            self._objects,
            self._reading,
            self._ingest,
            campaigns,
            clock,
            job_from=job_from,
        )
        self._tasks = Tasks(self._calls, self._reading, days)
        self._installing = Installing(self.session, self._calls, self._objects, self._reading, uses)

        deploys = Deploys(self.session, self._calls)
        self._furnishing = Furnishing(deploys, self._installing, self._objects, campaigns)

    def __repr__(self) -> str:
        return f"SalesforceAdapter({self._address})"

    def check(self) -> Identity:
        organisation, user = self.session.ids()
        self._reading.where("User", ["Id"], f"Id = {quoted(user)}")
        return Identity(f"user {user}", organisation, f"Salesforce API {API}", self.session.notes)

    def server_now(self) -> Micros:
        return self._calls.now()

    def sources(self) -> list[str]:
        return self._objects.names()

    def describe(self, source: str) -> dict[str, RemoteField]:
        described = self._objects.of(source)
        fields = {str(spec["name"]): remote_field(spec) for spec in described.fields.values()}
        paths = [str(spec["relationshipName"]) for spec in described.relations.values()]
        paths += [name for name, _, _ in described.children.values()]
        if described.name == "Opportunity":
            paths.append(CONTACT_ROLE.partition(".")[0])
        return {name: RemoteField(name, None, writable=False) for name in paths} | fields

    def read(
        self, source: str, names: Sequence[str], window: Window, after: str | None
    ) -> Iterator[Page]:
        return self._reading.read(source, names, window, after)

    def read_ids(self, source: str, names: Sequence[str], ids: Sequence[str]) -> list[Row]:
        self._ingest.settle(self._objects.of(source).name)
        return self._reading.read_ids(source, names, ids)

    def hidden(self, source: str, ids: Sequence[str]) -> list[str]:
        return hidden(self._calls, self._objects, source, ids)

    def deleted(self, source: str, since: Micros, until: Micros) -> Deleted | None:
        return deleted(self._calls, self._objects, source, since, until)

    def write(self, batch: Sequence[Write]) -> list[Outcome]:
        return self._writing.write(batch)

    def find_tasks(self, wanted: Sequence[NewTask]) -> dict[str, str]:
        return self._tasks.find(wanted)

    def create_task(self, task: NewTask) -> str:
        return self._tasks.create(task)

    def plan_fields(self, wanted: Sequence[FieldStep]) -> list[FieldStep]:
        return self._installing.plan(wanted)

    def create_fields(self, steps: Sequence[FieldStep]) -> None:
        self._installing.create(steps)

    def plan_parts(self, order: Order) -> list[PartStep]:
        return self._furnishing.plan(order)

    def survey(self, order: Order) -> list[str]:
        return survey(self._calls, self._objects, order.steps)

    def furnish(self, order: Order, groups: Sequence[str], login: str) -> list[PartStep]:
        return self._furnishing.furnish(order, groups, login.rpartition(" ")[2])

    def examine(self, order: Order, admin: Examiner | None = None) -> list[Check]:
        asker = admin.session if isinstance(admin, SalesforceAdapter) else self.session
        return list(examine(self.session, self._calls, self._objects, order, asker))

    def seed(self, people: int, number: int) -> dict[str, int]:
        return seed(self._calls, self._objects, people=people, number=number)

    def exported(self, order: Order) -> Mapping[str, bytes]:
        return self._furnishing.exported(order)

    def remove(self, order: Order, *, fields: bool, check_only: bool) -> list[PartStep]:
        return self._furnishing.remove(order, fields=fields, check_only=check_only)

    def close(self) -> None:
        self.session.close()
