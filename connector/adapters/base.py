"""The contract between Leadloop and one CRM: small protocols, and facts about it as data.

An adapter speaks the remote's own names. It keeps no state of ours, never sleeps (transport
does), never prints, and raises only connector.errors. Every promise here is a test in
tests/contract/.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol, runtime_checkable

from connector.domain.change import Outcome, Write
from connector.domain.moment import MINUTE, Micros
from connector.domain.outward import FieldType
from connector.domain.record import Rejected

Row = dict[str, Any]


class Pace(NamedTuple):
    """At most `most` calls in any `span` seconds, of those whose path the pattern `path` is found
    in. Where it is `told`, that is how many until the CRM's headers say otherwise."""

    name: str
    path: str
    most: int
    span: float
    told: bool = False


@dataclass(frozen=True, slots=True)
class Capabilities:
    """Facts the sync reads instead of asking which CRM this is. Durations are microseconds."""

    kind: str
    batch_size: int
    """Most records `write` takes in one call."""
    at_once: int = 1
    """How many calls of `write` may be under way at once, each by a thread and of other records."""
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
    bin: Micros = 0
    """How long the remote keeps deleted records where they can be told from erased ones."""
    provisions: bool = False
    owner_alone: bool = False
    """Owner changes travel in a call of their own."""
    vendor_fields: tuple[str, ...] = ()
    """Remote names no person may map for writing, because the vendor gives them a meaning."""
    tasks: bool = False
    """Whether it is a Tasker too."""
    notes: bool = False
    """Whether it is a Noter too."""
    admin_knows: bool = False
    """Whether an admin's log-in by command line may be asked what our own user may not."""
    paces: tuple[Pace, ...] = ()
    """Limits the vendor sets beside its allowance, by kind of call; the first that fits counts."""


class Use(NamedTuple):
    """What a mapping does with one source: its key field, the fields it writes, and those that
    people there fill in for us."""

    key: str
    writes: frozenset[str] = frozenset()
    asks: frozenset[str] = frozenset()


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
    offered: tuple[str, ...] = ()
    """The values it offers, whether others go or not."""
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


class Order(NamedTuple):
    """What install is asked for beside fields: our words and the mapping's names for them.

    `names` are our fields by remote object and word; `statuses` the field of an object by which
    sales decides, and the values there that mean one of our words; `known` all values there that
    the mapping names.
    """

    steps: Sequence[FieldStep]
    names: Mapping[str, Mapping[str, str]]
    statuses: Mapping[str, tuple[str, Mapping[str, Sequence[str]]]]
    known: Mapping[str, Sequence[str]] = {}
    uses: Mapping[str, bool] = {}
    """Every remote object that is read, and whether it is written too."""
    themes: Sequence[str] = ()
    """The nurture themes, where this CRM is the one that sales works in."""
    deals: Mapping[str, tuple[str, Mapping[str, Sequence[str]]]] = {}
    """As `statuses`, of objects whose rows are opportunities."""
    gives: bool = False
    """Whether people are given to owners there, each with a task."""


class PartStep(NamedTuple):
    """One thing install makes beside fields, such as a list view. `action` is create, change,
    keep, fail (`note` says why) or leave."""

    group: str
    kind: str
    name: str
    action: str
    note: str = ""


class Check(NamedTuple):
    """One thing doctor asked of a CRM: `state` is ok, look or fail; `fix` the next step then."""

    state: str
    said: str
    fix: str | None = None


class Identity(NamedTuple):
    """Whom we logged in as, at which organisation, which product and version.

    `notes` are things a person should know of this log-in, such as the day it stops to work;
    `record_page` is the web address of a person's record, with `{id}`, where the CRM told of it.
    """

    login: str
    organisation: str
    product: str
    notes: tuple[str, ...] = ()
    record_page: str | None = None


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


@runtime_checkable
class Witness(Protocol):
    """What an adapter may offer whose CRM tells deleted records from such as we may not see."""

    def hidden(self, source: str, ids: Sequence[str]) -> list[str]:
        """Of ids that `read_ids` leaves out, those that nobody deleted, as far as the CRM says."""


class Deleted(NamedTuple):
    """Ids that a CRM's log says were deleted, and until when the log is complete."""

    ids: Sequence[str]
    until: Micros


@runtime_checkable
class Registrar(Protocol):
    """What an adapter may offer whose CRM keeps a log of what was deleted, for good or not."""

    def deleted(self, source: str, since: Micros, until: Micros) -> Deleted | None:
        """What was deleted of an object in a span; None where no log tells."""


@runtime_checkable
class Eraser(Protocol):
    """What an adapter may offer whose CRM tells what it erased for good from what it deleted."""

    def erased(self, source: str, ids: Sequence[str]) -> list[str]:
        """Of ids that `read_ids` leaves out, those that the CRM says it has nowhere: neither live,
        nor merged, nor in its bin. One it says nothing of is not among them.
        """


@runtime_checkable
class Heir(Protocol):
    """What an adapter may offer whose CRM answers for a record that was merged away with the one
    it went into."""

    def losers(self, row: Row) -> list[str]:
        """Ids of the records that were merged into this one, as far as its row says."""


@runtime_checkable
class Historian(Protocol):
    """What an adapter may offer whose CRM keeps who gave a field its value."""

    def set_by_hand(
        self, source: str, names: Sequence[str], ids: Sequence[str]
    ) -> dict[str, dict[str, Micros]]:
        """When a person's own hand gave fields the values they hold, by record id and field.

        Fields that hold what a program wrote are left out. At most `id_batch` ids.
        """


class Writer(Protocol):
    def write(self, batch: Sequence[Write]) -> list[Outcome]:
        """Apply writes to one source; one outcome each, in their order; one refusal stops no
        other. Never handed more than `batch_size`. Where no answer came back the outcome is
        UNKNOWN, never a guess. Raises LoginError, QuotaError or TryLaterError only when nothing
        of the batch was applied.
        """


class NewTask(NamedTuple):
    """A task for the owner of a record. `marker` is unlike that of any other task, and stays in
    its subject; `due` is a moment, in microseconds."""

    marker: str
    source: str
    record: str
    owner: str
    subject: str
    text: str
    due: Micros


class Tasker(Protocol):
    """What an adapter whose capabilities say `tasks` does too.

    Both raise FeatureError where the log-in is good and only the right to tasks lacks.
    """

    def find_tasks(self, wanted: Sequence[NewTask]) -> dict[str, str]:
        """The ids of those of these tasks that stand in the CRM, by marker. At most `id_batch`."""

    def create_task(self, task: NewTask) -> str:
        """Make one task and give its id.

        Raises UnknownOutcomeError when it may have been made all the same: then it is looked for,
        never made again blindly. Raises RemoteError when the CRM refuses it for good.
        """


class Noter(Protocol):
    """What an adapter whose capabilities say `notes` does too: as a Tasker, with notes that stand
    on the record; the marker stays in the note's text."""

    def find_notes(self, wanted: Sequence[NewTask]) -> dict[str, str]:
        """The ids of those of these notes that stand in the CRM, by marker. At most `id_batch`."""

    def create_note(self, note: NewTask) -> str:
        """Make one note and give its id. Raises as `Tasker.create_task` does."""


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


@runtime_checkable
class Examiner(Protocol):
    """What an adapter may offer that knows what its CRM must let our user do."""

    def examine(self, order: Order, admin: Examiner | None = None) -> list[Check]:
        """Say whether our user may do what it must, and no more. Changes nothing.

        Args:
            admin: The same CRM, opened by somebody who may be asked what our user may not.
        """


@runtime_checkable
class Seeder(Protocol):
    """What an adapter may offer that can fill an empty sandbox with invented people."""

    def seed(self, people: int, number: int) -> dict[str, int]:
        """Make marked people, the same for the same number; gives how many of each kind.

        Raises UsageError for anything but an empty sandbox.
        """


@runtime_checkable
class Furnisher(Protocol):
    """What an adapter may offer whose CRM takes list views, actions and reports of ours too."""

    groups: tuple[str, ...]
    """Groups of parts, each made or left whole."""

    def plan_parts(self, order: Order) -> list[PartStep]:
        """Say of each part whether it would be made. Changes nothing."""

    def survey(self, order: Order) -> list[str]:
        """What our writes will meet in this CRM, a line each: room for fields, rules, flows."""

    def furnish(self, order: Order, groups: Sequence[str], login: str) -> list[PartStep]:
        """Make fields and parts, and let the user of `login` at them.

        A group that the CRM does not take is said as failed and undoes no other; fields come first
        and must succeed.
        """

    def exported(self, order: Order) -> Mapping[str, bytes]:
        """The same as files for the CRM's own tools, by path."""

    def remove(self, order: Order, *, fields: bool, check_only: bool) -> list[PartStep]:
        """Take our parts out again, fields only if asked; what blocks one is said as failed.

        A check without `fields` may name them too, as kept, with what they hold.
        """


class Adapter(Reader, Writer, Describer, Provisioner, Protocol):
    """One connection to one CRM, opened; `close` frees its sockets and files."""

    capabilities: Capabilities

    def close(self) -> None: ...


class Bookmark(Protocol):
    """An opaque position an adapter must have saved before it uses it, such as a job id."""

    def load(self, name: str) -> str | None: ...

    def save(self, name: str, value: str) -> None: ...

    def drop(self, name: str) -> None: ...


class Hooks(Protocol):
    """What a CRM's webhook says, once its signature is proved: a hint where to look, no value."""

    def verify(self, headers: Mapping[str, str], body: bytes, url: str, now: Micros) -> list[str]:
        """Records to read again, each as `<source>/<id>`; one that the CRM erased for good has
        ERASED before it. Raises LoginError when signature or age is wrong."""


ERASED = "erased:"
