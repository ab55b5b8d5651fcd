"""The contract between Leadloop and one CRM: small protocols, and facts about it as data.

An adapter speaks the remote's own names. It keeps no state of ours, never sleeps (transport
does), never prints, and raises only connector.errors. Every promise here is a test in
tests/contract/.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol

from connector.domain.change import Outcome, Write
from connector.domain.moment import MINUTE, Micros
from connector.domain.outward import FieldType
from connector.domain.record import Rejected

Row = dict[str, Any]


class Pace(NamedTuple):
    """At most `most` calls whose path ends with `ends` in any `span` seconds."""

    name: str
    ends: str
    most: int
    span: float


@dataclass(frozen=True, slots=True)
class Capabilities:
    """Facts the sync reads instead of asking which CRM this is. Durations are microseconds."""

    kind: str
    batch_size: int
    """Most records `write` takes in one call."""
    id_batch: int = 200
    """Most ids `read_ids` takes in one call."""
    windows: bool = True
    """Whether `read` honours a window; if not, each read is the whole object."""
    lag: Micros = 0
    """How far behind the server's clock a window must close."""
    overlap: Micros = 10 * MINUTE
    """How far a window reaches below the last one, for rows that committed late."""
    late: Micros = 0
    """How long the remote's index may trail behind its records: what changed is read once more
    when it is that old."""
    provisions: bool = False
    removes: bool = False
    views: bool = False
    probes: bool = False
    owner_alone: bool = False
    """Owner changes travel in a call of their own."""
    vendor_fields: tuple[str, ...] = ()
    """Remote names no person may map for writing, because the vendor gives them a meaning."""
    paces: tuple[Pace, ...] = ()
    """Limits the vendor sets beside its allowance, by kind of call; the first that fits counts."""


class Use(NamedTuple):
    """What a mapping does with one source: its key field, and the fields it writes."""

    key: str
    writes: frozenset[str] = frozenset()


class Window(NamedTuple):
    """A closed-open span [since, until) of the remote's change time; `since` None means all."""

    since: Micros | None
    until: Micros


@dataclass(frozen=True, slots=True)
class Page:
    """One page of rows, in id order. `position` is durable: saved with the page's rows, it
    resumes the same window just after them. `places` names each row for error messages
    (file:line); without it a row is named by its id. `gone` lists deleted ids, each with the
    id it was merged into or None.
    """

    rows: Sequence[Row]
    position: str
    places: Sequence[str] | None = None
    rejected: Sequence[Rejected] = ()
    gone: Mapping[str, str | None] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RemoteField:
    """One field of a remote object as the CRM describes it."""

    name: str
    type: FieldType | None
    label: str = ""
    writable: bool = True
    length: int | None = None
    values: tuple[str, ...] | None = None
    """The closed list of values it takes; None where any value goes."""
    optional: bool = False
    """Rows may lack it, and others may have fields that no description lists."""


@dataclass(frozen=True, slots=True)
class FieldStep:
    """One field `install` would make. `action` is create, keep or clash (another type stands
    there; `note` says which)."""

    source: str
    name: str
    type: FieldType
    label: str
    length: int
    action: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class RemovalStep:
    """One field `uninstall` would take out. `filled` records have a value in it; `action` is
    archive, absent or keep (`note` says why)."""

    source: str
    name: str
    filled: int
    action: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class ViewStep:
    """One list that people work from. `kind` is static or active; `action` is create, keep, or
    click where the CRM's API does not let us (`note` says what to do there)."""

    name: str
    kind: str
    action: str
    note: str = ""


class Probe(NamedTuple):
    """One thing our log-in may or may not do, with the one next step where it may not."""

    what: str
    ok: bool
    said: str
    fix: str | None = None


class Identity(NamedTuple):
    """Whom we logged in as, at which organisation, which product and version."""

    login: str
    organisation: str
    product: str


class Reader(Protocol):
    def check(self) -> Identity:
        """Prove that we can log in and read. Raises LoginError, UsageError or TryLaterError."""

    def server_now(self) -> Micros:
        """The remote's own clock."""

    def read(
        self, source: str, names: Sequence[str], window: Window, after: str | None
    ) -> Iterator[Page]:
        """Yield what changed inside the window, at least once, each page in id order.

        Args:
            source: Remote object.
            names: Remote fields wanted; an unknown one is a UsageError that names it.
            after: `position` of an earlier page of the same window; None begins.
        """

    def read_ids(self, source: str, names: Sequence[str], ids: Sequence[str]) -> list[Row]:
        """The rows of these ids as they are now; those that are gone are left out."""


class Writer(Protocol):
    def write(self, batch: Sequence[Write]) -> list[Outcome]:
        """Apply writes to one source; one outcome each, in their order; one refusal stops no
        other. Never handed more than `batch_size`. Where no answer came back the outcome is
        UNKNOWN, never a guess. Raises LoginError, QuotaError or TryLaterError only when nothing
        of the batch was applied.
        """


class Describer(Protocol):
    def describe(self, source: str) -> dict[str, RemoteField]:
        """Fields of one remote object by name; UsageError when there is no such object."""

    def sources(self) -> list[str]:
        """Remote objects that can be read."""


class Provisioner(Protocol):
    def plan_fields(self, wanted: Sequence[FieldStep]) -> list[FieldStep]:
        """Say for each wanted field whether it would be created, kept, or clashes. Read-only."""

    def create_fields(self, steps: Sequence[FieldStep]) -> None:
        """Create those whose action is `create`. Running it twice changes nothing more."""


class Remover(Protocol):
    """Of adapters whose capabilities say `removes`."""

    def plan_removal(self, wanted: Sequence[FieldStep]) -> list[RemovalStep]:
        """Say for each field how many records have a value, and whether it would go. Read-only."""

    def remove_fields(self, steps: Sequence[RemovalStep]) -> list[RemovalStep]:
        """Take out those whose action is `archive`; gives what became of each."""


class Viewer(Protocol):
    """Of adapters whose capabilities say `views`. `fields` are remote names by ours."""

    def plan_views(self, themes: Sequence[str], fields: Mapping[str, str]) -> list[ViewStep]:
        """Say for each list whether it would be made, is there, or is left to clicks."""

    def create_views(self, steps: Sequence[ViewStep], fields: Mapping[str, str]) -> list[ViewStep]:
        """Make those whose action is `create`; gives what became of each."""

    def own_views(self) -> list[str]:
        """Give the names of the lists of ours that are there."""

    def remove_views(self) -> list[str]:
        """Delete the lists of ours; gives their names."""


class Prober(Protocol):
    """Of adapters whose capabilities say `probes`."""

    def probe(self, uses: Mapping[str, bool]) -> Sequence[Probe]:
        """Say of each source whether we may read it, and where True also write it."""


class Adapter(Reader, Writer, Describer, Provisioner, Protocol):
    """One connection to one CRM, opened; `close` frees its sockets and files."""

    capabilities: Capabilities

    def close(self) -> None: ...


class Bookmark(Protocol):
    """An opaque position an adapter must have saved before it uses it, such as a job id."""

    def load(self, name: str) -> str | None: ...

    def save(self, name: str, value: str) -> None: ...


class Hooks(Protocol):
    """What a CRM's webhook says, once its signature is proved: a hint where to look, no value."""

    def verify(self, headers: Mapping[str, str], body: bytes, url: str, now: Micros) -> list[str]:
        """Records to read again, each as `<source>/<id>`; one that the CRM erased for good has
        ERASED before it. Raises LoginError when signature or age is wrong."""


ERASED = "erased:"
