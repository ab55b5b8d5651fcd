"""Salesforce as a CRM: one log-in, one org; each verb's own file does the work."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from connector.adapters.base import (
    Capabilities,
    FieldStep,
    Identity,
    NewTask,
    Page,
    RemoteField,
    Row,
    Use,
    Window,
)
from connector.adapters.salesforce.answers import Usage
from connector.adapters.salesforce.calls import API, Calls
from connector.adapters.salesforce.describing import Objects, remote_field
from connector.adapters.salesforce.installing import Installing
from connector.adapters.salesforce.reading import PAGE, Reading
from connector.adapters.salesforce.session import (
    ClientCredentials,
    Grant,
    JwtBearer,
    Session,
    audience_of,
    check_address,
)
from connector.adapters.salesforce.shape import CONTACT_ROLE
from connector.adapters.salesforce.soql import quoted
from connector.adapters.salesforce.tasks import Tasks
from connector.adapters.salesforce.writing import BATCH, Writing
from connector.config.settings import Connection
from connector.domain.change import Outcome, Write
from connector.domain.moment import MINUTE, SECOND, Micros
from connector.errors import UsageError


def open_salesforce(
    connection: Connection, uses: Mapping[str, Use], clock: Callable[[], Micros]
) -> SalesforceAdapter:
    """Open a connection by client credentials, or by JWT where `auth.private_key` is given."""
    address = connection.address
    if address is None:
        raise UsageError(
            f"connection `{connection.name}` needs `address:`",
            hint="Write the My Domain host, such as https://acme.my.salesforce.com",
        )
    check_address(address)
    client = connection.secret("client_id").reveal
    grant: Grant = ClientCredentials(client, connection.secret("client_secret").reveal)
    if "private_key" in connection.auth:
        login = connection.plain("login")
        if login is None:
            raise UsageError(
                f"connection `{connection.name}` logs in by key and needs `auth.login`",
                hint="Write the user name that approved the app",
            )
        audience = connection.plain("audience") or audience_of(address)
        key = connection.secret("private_key").reveal
        grant = JwtBearer(client, login, key, audience, clock)
    return SalesforceAdapter(address, grant, uses, clock, reserve=connection.api.reserve)


class SalesforceAdapter:
    """One user of one Salesforce org."""

    capabilities = Capabilities(
        kind="salesforce",
        batch_size=BATCH,
        id_batch=200,
        lag=SECOND,
        overlap=10 * MINUTE,
        provisions=True,
        owner_alone=True,
        tasks=True,
        vendor_fields=("Status", "StageName", "IsConverted", "IsDeleted", "HasOptedOutOfEmail"),
    )

    def __init__(
        self,
        address: str,
        grant: Grant,
        uses: Mapping[str, Use],
        clock: Callable[[], Micros],
        *,
        reserve: float = 0.2,
        page: int = PAGE,
    ) -> None:
        self._address = address
        self._session = Session(address, grant, Usage(reserve, clock))
        self._calls = Calls(self._session)
        self._objects = Objects(self._session.http, address)
        self._reading = Reading(self._calls, self._objects, page)
        self._writing = Writing(self._calls, self._objects, self._reading)
        self._tasks = Tasks(self._calls, self._reading)
        self._installing = Installing(
            self._session, self._calls, self._objects, self._reading, uses
        )

    def __repr__(self) -> str:
        return f"SalesforceAdapter({self._address})"

    def check(self) -> Identity:
        organisation, user = self._session.ids()
        self._reading.where("User", ["Id"], f"Id = {quoted(user)}")
        return Identity(f"user {user}", organisation, f"Salesforce API {API}")

    def server_now(self) -> Micros:
        return self._calls.now()

    def sources(self) -> list[str]:
        return self._objects.names()

    def describe(self, source: str) -> dict[str, RemoteField]:
        described = self._objects.of(source)
        fields = {str(spec["name"]): remote_field(spec) for spec in described.fields.values()}
        paths = [str(spec["relationshipName"]) for spec in described.relations.values()]
        if described.name == "Opportunity":
            paths.append(CONTACT_ROLE.partition(".")[0])
        return {name: RemoteField(name, None, writable=False) for name in paths} | fields

    def read(
        self, source: str, names: Sequence[str], window: Window, after: str | None
    ) -> Iterator[Page]:
        return self._reading.read(source, names, window, after)

    def read_ids(self, source: str, names: Sequence[str], ids: Sequence[str]) -> list[Row]:
        return self._reading.read_ids(source, names, ids)

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

    def close(self) -> None:
        self._session.close()
