"""routing.yaml: who gets which lead, as both teams wrote it down."""

from typing import Annotated, Literal, Self

from pydantic import Field, field_validator, model_validator

from connector.decisions.calendar import Calendar, parse_hours
from connector.documents import Document, Duration, Zone

Scalar = str | int | float | bool


class FieldTest(Document):
    """One test of a field: `in: [de, fr]`, `range: [200, 2000]` (half-open), `prefix: ["75"]`,
    `in_list: key accounts` (a list of this file) or `missing: true`."""

    in_: Annotated[list[Scalar] | None, Field(alias="in")] = None
    range: Annotated[list[float | None] | None, Field(min_length=2, max_length=2)] = None
    prefix: str | list[str] | None = None
    in_list: str | None = None
    missing: bool | None = None

    @model_validator(mode="after")
    def _one_operator(self) -> Self:
        given = [
            name
            for name in ("in_", "range", "prefix", "in_list", "missing")
            if getattr(self, name) is not None
        ]
        if len(given) != 1:
            raise ValueError("give exactly one of in, range, prefix, in_list, missing")
        return self


class Capacity(Document):
    """How many leads a member takes: open at once, and new ones in 24 hours and in seven days."""

    open: Annotated[int | None, Field(ge=0)] = None
    per_day: Annotated[int | None, Field(ge=0)] = None
    per_week: Annotated[int | None, Field(ge=0)] = None


class Delivery(Document):
    """How an offer reaches a partner: a CSV file or e-mail files in a folder, or a web address."""

    csv: str | None = None
    mail: str | None = None
    to: str | None = None
    webhook: str | None = None

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if sum(way is not None for way in (self.csv, self.mail, self.webhook)) != 1:
            raise ValueError("give exactly one of csv (a folder), mail (a folder), webhook")
        if (self.mail is None) != (self.to is None):
            raise ValueError("`mail:` needs `to:`, the partner's address, and the other way round")
        return self


class Partner(Document):
    """A member who is asked first, and sees company, region and score until saying yes."""

    name: str
    answer_within: Duration
    deliver: Delivery


class Member(Document):
    """One owner in a pool, named by login or e-mail address, record id, or queue name.

    With `hours` a lead goes to them only in their working time: Monday to Friday, in `tz`, not on
    public holidays of `country`.
    """

    owner: str
    weight: Annotated[float, Field(gt=0)] = 1
    capacity: Capacity = Capacity.by_default()
    hours: str | None = None
    tz: Zone = "UTC"
    country: str | None = None
    partner: Partner | None = None

    @field_validator("hours")
    @classmethod
    def _opening_hours(cls, value: str | None) -> str | None:
        if value is not None:
            parse_hours(value)
        return value

    def calendar(self) -> Calendar | None:
        """When this member works; None for one who always takes leads."""
        return Calendar(self.tz, *parse_hours(self.hours), self.country) if self.hours else None


class Pool(Document):
    """Members who take turns, in proportion to their weights.

    `balance: count` gives everybody their share of the leads, `balance: value` their share of what
    the leads are expected to bring.
    """

    balance: Literal["count", "value"] = "count"
    members: Annotated[list[Member], Field(min_length=1)]


class Target(Document):
    """Where a lead goes: a pool, one owner, or a queue."""

    pool: str | None = None
    owner: str | None = None
    queue: str | None = None

    @model_validator(mode="after")
    def _one_target(self) -> Self:
        if sum(value is not None for value in (self.pool, self.owner, self.queue)) != 1:
            raise ValueError("give exactly one of pool, owner, queue")
        return self


class RoutingRule(Document):
    """The first rule whose tests all hold decides; an empty `when` always holds."""

    name: str
    when: dict[str, Scalar | FieldTest] = {}
    to: Target


Tests = dict[str, Scalar | FieldTest]


class Product(Document):
    """What shows that somebody is interested in a product: assets, forms and campaigns by name,
    pages by the path they begin with."""

    assets: list[str] = []
    pages: list[str] = []
    campaigns: list[str] = []
    forms: list[str] = []

    @model_validator(mode="after")
    def _shows_somehow(self) -> Self:
        if not (self.assets or self.pages or self.campaigns or self.forms):
            raise ValueError("give at least one of assets, pages, campaigns, forms")
        return self


class NamedAccounts(Document):
    """Accounts that belong to an owner, by domain, name or id, whoever the CRM shows."""

    owner: str
    accounts: Annotated[list[str], Field(min_length=1)]


class Overflow(Document):
    """What happens when everybody is full: wait, then go elsewhere."""

    hold: Duration
    then: Target | None = None


Precedence = Literal["open_opportunity_owner", "named_account", "account_owner", "last_owner"]
KEEP = "keep"


class Routing(Document):
    """The whole of routing.yaml. The fallback is mandatory, so that no lead is left to nobody.

    A territory is a name for tests that rules ask for as `when: {territory: NAME}`; `lists` are
    values that `in_list` asks for. A product is what rules ask for as `when: {product: NAME}`: a
    field `product` of the mapping, else what the person asked for most. `on_recycle` and
    `on_reject` say who owns a record after sales said "not ready" or no; `keep` leaves it where it
    is.
    """

    version: Literal[1]
    precedence: list[Precedence] = []
    named_accounts: list[NamedAccounts] = []
    territories: dict[str, Tests] = {}
    lists: dict[str, list[Scalar]] = {}
    products: dict[str, Product] = {}
    pools: dict[str, Pool] = {}
    rules: list[RoutingRule] = []
    fallback: Target
    overflow: Overflow | None = None
    on_recycle: Literal["keep"] | Target = "keep"
    on_reject: Literal["keep"] | Target = "keep"

    @model_validator(mode="after")
    def _names_fit(self) -> Self:
        names = [rule.name for rule in self.rules]
        for name in names:
            if names.count(name) > 1:
                raise ValueError(f"two rules are called `{name}`")
        targets = [rule.to for rule in self.rules] + [self.fallback]
        if self.overflow and self.overflow.then:
            targets.append(self.overflow.then)
        targets += [t for t in (self.on_recycle, self.on_reject) if isinstance(t, Target)]
        self._check_tests()
        for target in targets:
            if target.pool is not None and target.pool not in self.pools:
                raise ValueError(f"there is no pool `{target.pool}`")
        return self

    def _check_tests(self) -> None:
        """Raise ValueError for a territory or list that is asked for and not there."""
        tests = [rule.when for rule in self.rules]
        for when in tests:
            asked = when.get("territory")
            names = asked.in_ or [] if isinstance(asked, FieldTest) else [asked] if asked else []
            for name in names:
                if name not in self.territories:
                    raise ValueError(f"there is no territory `{name}`")
        for when in [*tests, *self.territories.values()]:
            for test in when.values():
                if isinstance(test, FieldTest) and test.in_list not in {None, *self.lists}:
                    raise ValueError(f"there is no list `{test.in_list}`")
