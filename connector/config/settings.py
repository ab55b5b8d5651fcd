"""What leadloop.yaml may say, with its defaults."""

import re
from typing import Annotated, Any, Literal, Self, get_args

from pydantic import Field, field_validator, model_validator

from connector.config.auth import AUTH_SCHEMA
from connector.config.secrets import Secret, secret_from
from connector.documents import Document, Duration, Percent, Span, Zone
from connector.domain.duration import BusinessTime
from connector.domain.moment import DAY, MINUTE

Scalar = str | int | float | bool
_NAME = re.compile(r"[a-z][a-z0-9_]{0,30}")
_SECRET_WORDS = ("password", "secret", "token", "key")


class ModelChoice(Document):
    """One of several models, and the people it is for."""

    path: str
    when: dict[str, Scalar | list[Scalar]] = {}


class FilesFolder(Document):
    """A folder of CSV, JSONL or Parquet files as a CRM; what we write goes to `out`."""

    folder: str
    out: str | None = None


class Exclude(Document):
    """Who is never scored nor written to."""

    own_domains: list[str] = []
    customers: bool = True


class Scope(Document):
    """Which people a connection is about: tests of our own field names, and who is out.

    Who is outside `read` is none of our business; who is outside `write` is scored, but nothing
    is written about them here.
    """

    read: dict[str, Scalar | list[Scalar]] = {}
    write: dict[str, Scalar | list[Scalar]] = {}
    exclude: Exclude = Exclude.by_default()


class Api(Document):
    """How much of the CRM's daily allowance we leave to people, and how often all is compared."""

    reserve: Percent = 0.2
    reconcile: Duration = DAY


class Connection(Document):
    """One CRM or folder. `kind` is one the adapters know: files, memory, odoo ...

    `lists` names, by nurture theme, the static list, campaign or mailing list there that follows
    the theme; without a name it is `Leadloop nurture: THEME`.
    """

    name: str
    kind: str
    mapping: str
    address: str | None = None
    auth: Annotated[dict[str, Any], Field(json_schema_extra=AUTH_SCHEMA)] = {}
    files: FilesFolder | None = None
    api: Api = Api.by_default()
    scope: Scope = Scope.by_default()
    handoff: bool = False
    lists: dict[str, str] = {}

    @field_validator("name")
    @classmethod
    def _short_word(cls, value: str) -> str:
        if not _NAME.fullmatch(value):
            raise ValueError(f"`{value}` should be a short word of a-z, 0-9 and _")
        return value

    @field_validator("auth")
    @classmethod
    def _no_literal_secrets(cls, value: dict[str, Any]) -> dict[str, Any]:
        for name, given in value.items():
            secret = secret_from(name, given)
            if secret is None and any(word in name for word in _SECRET_WORDS):
                raise ValueError(
                    f"`{name}` stands here in clear; write ${{{name.upper()}}}, "
                    "{file: PATH} or {keyring: service/name}"
                )
        return value

    def secret(self, name: str) -> Secret:
        """Give the secret called `name`, unopened; a missing one says so when opened."""
        given = self.auth.get(name)
        return secret_from(name, given, connection=self.name) or Secret(
            kind="literal" if isinstance(given, str) else "none",
            source=given if isinstance(given, str) else name,
            connection=self.name,
        )

    def plain(self, name: str) -> str | None:
        """Give a value of `auth` that is no secret, such as a login name."""
        given = self.auth.get(name)
        return self.secret(name).reveal() if given is not None else None


class Engine(Document):
    """What scores: DuckDB in a process of its own; or Spark, which reads what `export` writes."""

    kind: Literal["duckdb", "spark"] = "duckdb"
    memory: str = "1250MB"
    master: str | None = None
    folder: str | None = None

    @model_validator(mode="after")
    def _spark_is_told_where(self) -> Self:
        if self.kind == "spark" and (self.master is None or self.folder is None):
            raise ValueError(
                "`kind: spark` needs `master:` (such as spark://host:7077) and a `folder:` that "
                "this machine and every worker can reach"
            )
        return self


class WriteLimits(Document):
    """What one plan may change before a person has to approve it."""

    records: Percent = 0.2
    owners: Annotated[int, Field(ge=0)] = 5000
    clears: Percent = 0.01
    input: Percent = 0.5
    """Below this share of the usual input nothing is written from it; 0% switches that off."""


class WriteSettings(Document):
    """How carefully we write."""

    limits: WriteLimits = WriteLimits.by_default()
    human_edits: Duration = 30 * DAY
    min_change: Annotated[float, Field(ge=0)] = 3
    max_age: Duration = 7 * DAY


class Consent(Document):
    """Whom we may contact: `opt_out` (unless they object), `opt_in` or `any`.

    `policy` says it by country instead: a file, or `shipped` for the one that comes with us.
    """

    sales: Literal["any", "opt_out", "opt_in"] = "any"
    nurture: Literal["any", "opt_out", "opt_in"] = "opt_out"
    policy: str | None = None


class SlaTier(Document):
    """Hand-offs that are due sooner than others: hand-raises, or those from a score on."""

    name: str
    first_touch: Span
    fast_track: bool = False
    score: Annotated[float, Field(ge=0, le=100)] | None = None

    @model_validator(mode="after")
    def _says_for_whom(self) -> Self:
        if not self.fast_track and self.score is None:
            raise ValueError("say whom the tier is for: `fast_track: true`, or `score:` from which")
        return self


class Sla(Document):
    """How soon sales acts on a hand-off, and in whose working hours that is counted.

    `24h` is wall time; `30bm`, `8bh` and `5bd` are working minutes, hours and days. `warn` is the
    share of the time after which the owner is told; `reassign_after` how long after the due date
    somebody else gets it, null for never; `every` how often runs are scheduled.
    """

    tiers: list[SlaTier] = [
        SlaTier.model_construct(name="hand-raise", fast_track=True, first_touch=5 * MINUTE),
        SlaTier.model_construct(name="high score", score=80.0, first_touch=30 * MINUTE),
    ]
    first_touch: Span = DAY
    verdict: Span = BusinessTime(5, "bd")
    warn: Percent = 0.8
    reassign_after: Span | None = DAY
    every: Duration | None = None
    hours: Annotated[str, Field(pattern=r"^\d{2}:\d{2}-\d{2}:\d{2}$")] = "09:00-17:30"
    tz: Zone = "UTC"
    country: str | None = None


class NurtureAsset(Document):
    """Something that can be sent or asked for: the problem it is about, and for which phase."""

    name: str
    theme: str
    phase: str


class Recycling(Document):
    """What follows when sales says "not ready" for a reason.

    For `cool_off` even new behaviour brings nobody back; at the review date everybody comes back.
    """

    theme: str | None = None
    cool_off: Duration = 0
    review: Duration = 90 * DAY

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.cool_off > self.review:
            raise ValueError("`cool_off` should not be longer than `review`")
        return self


class Nurture(Document):
    """Themes by buying phases, and the programme that serves each.

    A cell of `programmes` is the programme's name, or a name for each connection.
    `themes` says which theme an asset belongs to, as `assets` does with its phase. The first asset
    chooses the theme; with `on: activity` later ones may change it. `recycle` is by reason.
    `alongside: opportunity` keeps people in nurture whose deal is open. `holdout` is who goes
    without, to measure by. People flagged for `unheard_after` without mail are listed. `segment` is
    the field that makes segments.
    """

    themes: dict[str, str] = {}
    default: str = "general"
    phases: list[str] = []
    programmes: dict[str, dict[str, str | dict[str, str]]] = {}
    assets: list[NurtureAsset] = []
    on: Literal["first", "activity"] = "first"
    recycle: dict[str, Recycling] = {}
    alongside: Literal["opportunity"] | None = None
    unheard_after: Duration = 7 * DAY
    segment: str = "region"
    holdout: Percent = 0.0

    @model_validator(mode="after")
    def _phases_are_known(self) -> Self:
        asked = [phase for row in self.programmes.values() for phase in row]
        asked += [asset.phase for asset in self.assets]
        for phase in asked:
            if phase not in self.phases:
                raise ValueError(f"`{phase}` is none of `phases:` ({', '.join(self.phases)})")
        return self

    def named_in(self, connection: str) -> dict[str, dict[str, str]]:
        """The matrix as one CRM calls its programmes; a cell that has no name there is left out."""
        return {
            theme: {
                phase: name
                for phase, cell in row.items()
                if (name := cell if isinstance(cell, str) else cell.get(connection)) is not None
            }
            for theme, row in self.programmes.items()
        }

    @property
    def all_themes(self) -> list[str]:
        """Every theme that somebody may be in, in the order written."""
        named = [*self.themes.values(), *(a.theme for a in self.assets), *self.programmes]
        named += [one.theme for one in self.recycle.values() if one.theme is not None]
        return list(dict.fromkeys([*named, self.default]))


class Hygiene(Document):
    """What a record should have, and after how long without any news it is stale."""

    required: list[str] = ["email"]
    stale_after: Duration = 365 * DAY


class Explore(Document):
    """The share of people below the threshold, from a score on, who go to sales all the same."""

    share: Percent = 0.0
    least: Annotated[float, Field(ge=0, le=100, alias="from")] = 30


class Alerts(Document):
    """Whom to tell about runs and hand-offs; addresses are such that the extra `alerts` knows.

    `ops` hear of runs. `owners` names each owner's own addresses, by login, name or id; those of
    `sales` are used for owners without any, and `escalate` hears of what is late. Outside `hours`
    of `sla.tz` nobody is alerted. Grades whose letter is not in `at_once`, and who did not raise
    a hand, are gathered into one digest a day.
    """

    ops: list[str] = []
    owners: dict[str, list[str]] = {}
    sales: list[str] = []
    escalate: list[str] = []
    hours: Annotated[str, Field(pattern=r"^\d{2}:\d{2}-\d{2}:\d{2}$")] | None = "08:00-19:00"
    at_once: list[str] = ["A", "?"]


class DoNext(Document):
    """One line of advice for sales: by the rule that counted, else by the asset asked for."""

    rules: dict[str, str] = {}
    assets: dict[str, str] = {}
    default: str = "Call, and ask what they are looking for"


class Handoff(Document):
    """What goes along with somebody handed off.

    `answers` are fields with answers to qualification questions; `link` leads to a record, with
    `{object}` and `{id}` in it; `how` tells how sales answers; `task` makes a task in the CRM.
    `note` puts the package on the record as a note as well, where the CRM has notes.
    """

    do_next: DoNext = DoNext.by_default()
    answers: list[str] = []
    link: str = ""
    how: str = "Answer by the record's status: accepted, not ready or rejected, with the reason"
    task: bool = True
    note: bool = False


STAGE = Literal["sales_ready", "handed_off", "accepted", "qualified", "won"]


class Goal(Document):
    """The share of the stage before that both teams want to reach a stage, and who sees to it."""

    share: Percent
    owner: str | None = None


class Retention(Document):
    """How long is kept what is no longer needed; null keeps it for good."""

    activities: Duration | None = None
    journal: Duration | None = 180 * DAY
    quarantine: Duration | None = 90 * DAY


class Vault(Document):
    """The key that seals rotated tokens: `${NAME}`, {file: PATH} or {keyring: service/name}."""

    key: Any

    @field_validator("key")
    @classmethod
    def _is_a_reference(cls, value: Any) -> Any:
        if secret_from("key", value) is None:
            raise ValueError("write ${LEADLOOP_KEY}, {file: PATH} or {keyring: service/name}")
        return value

    def secret(self) -> Secret:
        """Give the key, unopened."""
        found = secret_from("key", self.key)
        assert found is not None  # noqa: S101  validated above
        return found


class SalesTime(Document):
    """What an hour of sales costs, and the hours that a lead takes at each stage it reaches.

    `week` is how many hours one salesperson has for leads in a week.
    """

    hour: Annotated[float, Field(ge=0)]
    hours: dict[STAGE, Annotated[float, Field(ge=0)]]
    week: Annotated[float, Field(gt=0)] | None = None


class Report(Document):
    """Money and goals in reports.

    `value_per_sale`, `recovery` (by stage, the share of what is lost there that could be had),
    `margin` and `sales_time` are assumptions of yours; without them nothing is assumed. `segment`
    is the field by which leads are told apart, such as `industry`. `owners` says how people in
    sales are called on the page: by name, by code, or not at all. `margins` are those of products,
    where they differ from `margin`. `phases` are the buyer's words for the funnel: each begins at
    one of the seller's stages, in their order.
    """

    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")] = "EUR"
    costs: str | None = None
    value_per_sale: Annotated[float, Field(gt=0)] | None = None
    margin: Percent | None = None
    margins: dict[str, Percent] = {}
    sales_time: SalesTime | None = None
    segment: str | None = None
    owners: Literal["names", "codes", "off"] = "names"
    recovery: dict[STAGE, Percent] = {}
    goals: dict[STAGE, Goal] = {}
    phases: dict[str, Literal["inquiry"] | STAGE] = {}

    @model_validator(mode="after")
    def _phases_in_order(self) -> Self:
        order = ["inquiry", *get_args(STAGE)]
        places = [order.index(stage) for stage in self.phases.values()]
        if places != sorted(set(places)):
            raise ValueError(
                "`phases` should begin at different stages, in their order: " + ", ".join(order)
            )
        return self


ReasonCode = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,39}$")]


class Dispositions(Document):
    """The reasons sales may give, by verdict; `other: WHAT` is always one of them.

    Few words are chosen with care, many at random: `at_most` is how many a refusal may have.
    """

    at_most: Annotated[int, Field(ge=1)] = 6
    rejected: list[ReasonCode] = [
        "wrong_size",
        "wrong_persona",
        "out_of_territory",
        "no_budget",
        "no_contact",
        "duplicate_or_junk",
    ]
    recycled: list[ReasonCode] = [
        "bad_timing",
        "no_budget",
        "no_authority",
        "no_response",
        "needs_education",
        "project_cancelled",
    ]
    lost: list[ReasonCode] = [
        "competitor",
        "stalled",
        "cancelled",
        "no_budget",
        "no_approval",
        "not_contacted",
    ]

    @model_validator(mode="after")
    def _few_enough(self) -> Self:
        if len(self.rejected) > self.at_most:
            raise ValueError(
                f"`rejected` has {len(self.rejected)} reasons, more than `at_most: {self.at_most}`"
            )
        return self

    def words(self) -> dict[str, tuple[str, ...]]:
        """The reasons by the verdict they are for: the verdicts that must have one."""
        return {
            "rejected": tuple(self.rejected),
            "recycled": tuple(self.recycled),
            "lost": tuple(self.lost),
        }


class Serve(Document):
    """How `leadloop serve` is reached, and how often it runs the loop.

    `public` is the address CRMs call, where a proxy stands before us: their signatures cover it.
    `auth: {token: ${NAME}}` is what pages ask for; `cron` (five fields, UTC) replaces `every`.
    """

    host: str = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65535)] = 8080
    every: Duration = 15 * 60 * 1_000_000
    cron: str | None = None
    public: Annotated[str, Field(pattern=r"^https?://[^/]+$")] | None = None
    auth: dict[str, Any] = {}

    @field_validator("auth")
    @classmethod
    def _only_a_reference(cls, value: dict[str, Any]) -> dict[str, Any]:
        given = value.get("token")
        if set(value) - {"token"} or (value and secret_from("token", given) is None):
            raise ValueError("write {token: ${LEADLOOP_TOKEN}}, or a {file: PATH} for it")
        return value

    def token(self) -> Secret | None:
        """Give the token that pages ask for, unopened; None when there is none."""
        return secret_from("token", self.auth["token"]) if "token" in self.auth else None


class LeadSource(Document):
    """One way leads come to us, how many a month are wanted, and who sees to it."""

    name: str
    how: str | None = None
    target: Annotated[int, Field(ge=1)] | None = None
    owner: str | None = None


class Process(Document):
    """What both teams agreed in words, beside what the other files say exactly.

    `passes` is what sales is given beside the fields we write; `review` how often both teams meet.
    """

    sources: list[LeadSource] = []
    definition: str | None = None
    passes: list[str] = []
    review: Duration = 90 * DAY


class Settings(Document):
    """The whole of leadloop.yaml. Paths are relative to the file."""

    version: Literal[1]
    store: str = "sqlite:///./state/leadloop.db"
    model: str | list[ModelChoice] = "model.yaml"
    routing: str | None = None
    stage: Literal["observe", "score", "nurture", "route"] = "observe"
    connections: Annotated[list[Connection], Field(min_length=1)]
    engine: Engine = Engine.by_default()
    write: WriteSettings = WriteSettings.by_default()
    consent: Consent = Consent.by_default()
    sla: Sla = Sla.by_default()
    nurture: Nurture = Nurture.by_default()
    hygiene: Hygiene = Hygiene.by_default()
    explore: Explore = Explore.by_default()
    alerts: Alerts = Alerts.by_default()
    handoff: Handoff = Handoff.by_default()
    heartbeat: str | None = None
    metrics: str | None = None
    retention: Retention = Retention.by_default()
    vault: Vault | None = None
    report: Report = Report.by_default()
    dispositions: Dispositions = Dispositions.by_default()
    process: Process = Process.by_default()
    serve: Serve = Serve.by_default()
    profiles: dict[str, dict[str, Any]] = {}

    @property
    def of_sales(self) -> Connection:
        """The connection that sales works in."""
        return next((c for c in self.connections if c.handoff), self.connections[0])

    @model_validator(mode="after")
    def _connections_fit(self) -> Self:
        names = [connection.name for connection in self.connections]
        for name in names:
            if names.count(name) > 1:
                raise ValueError(f"two connections are called `{name}`")
        marked = [c.name for c in self.connections if c.handoff]
        if len(marked) > 1:
            raise ValueError(f"only one connection may have `handoff: true`, not {marked}")
        if len(self.connections) > 1 and not marked:
            raise ValueError("mark the connection that gives leads to sales with `handoff: true`")
        cells = [cell for row in self.nurture.programmes.values() for cell in row.values()]
        for name in dict.fromkeys(n for cell in cells if isinstance(cell, dict) for n in cell):
            if name not in names:
                raise ValueError(f"`nurture.programmes` names `{name}`, which is no connection")
        if self.stage == "route" and self.routing is None:
            raise ValueError("`stage: route` needs a `routing:` file")
        return self
