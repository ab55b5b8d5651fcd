"""Whether a person may be contacted. Consent gates actions; it never changes a score."""

from collections.abc import Mapping
from functools import cached_property
from typing import Annotated, Literal, NamedTuple, Self

from pydantic import Field, model_validator

from connector.documents import Document
from connector.domain.record import Scalar
from connector.domain.text import normalise

Rule = Literal["any", "opt_out", "opt_in"]
_STRICTNESS: dict[Rule, int] = {"any": 0, "opt_out": 1, "opt_in": 2}
UNKNOWN = "unknown region"


class Row(Document):
    """What may be done in some countries: `opt_out` unless they object, `opt_in` by consent."""

    region: str
    countries: Annotated[list[str], Field(min_length=1)]
    sales_contact: Rule = "opt_out"
    marketing_mail: Rule = "opt_in"


class ConsentPolicy(Document):
    """Rows by region. Whoever lives in none of them is treated by the strictest one."""

    version: Literal[1]
    rows: Annotated[list[Row], Field(min_length=1)]

    @model_validator(mode="after")
    def _each_country_once(self) -> Self:
        seen: set[str] = set()
        for row in self.rows:
            for country in row.countries:
                if normalise(country) in seen:
                    raise ValueError(f"`{country}` stands in two rows")
                seen.add(normalise(country))
        return self

    def row_for(self, country: Scalar) -> Row:
        """Give the row of a country."""
        word = normalise(country) if isinstance(country, str) else ""
        return self._by_country.get(word, self._strict)

    @cached_property
    def _by_country(self) -> dict[str, Row]:
        return {normalise(country): row for row in self.rows for country in row.countries}

    @cached_property
    def _strict(self) -> Row:
        return Row(
            region=UNKNOWN,
            countries=["?"],
            sales_contact=_strictest([row.sales_contact for row in self.rows]),
            marketing_mail=_strictest([row.marketing_mail for row in self.rows]),
        )


class Allowed(NamedTuple):
    """What may be done with a person, by which row."""

    sales: bool
    mail: bool
    row: str


def allowed(
    doc: Mapping[str, Scalar], policy: ConsentPolicy, country: Scalar, *, asked: bool
) -> Allowed:
    """Say what the policy allows a person of this country; `asked` as for `judged`."""
    row = policy.row_for(country)
    return judged(doc, row.sales_contact, row.marketing_mail, row.region, asked=asked)


def judged(doc: Mapping[str, Scalar], sales: Rule, mail: Rule, row: str, *, asked: bool) -> Allowed:
    """Say what two rules allow, for sales and for mail.

    `asked` is somebody who raised a hand: the answer to a request is no advertising, so neither
    unknown consent nor an objection to mail blocks it; do-not-call does.
    """
    no_calls = doc.get("do_not_call") is True
    callable_ = not no_calls and (asked or may_contact(doc, sales))
    return Allowed(callable_, may_contact(doc, mail), row)


def may_contact(doc: Mapping[str, Scalar], policy: str) -> bool:
    """Whether the policy for a purpose allows contact.

    `policy` is `any` (always), `opt_out` (unless the person objected) or `opt_in` (only a person
    whose `opted_in` is true and who has not objected since).
    """
    if policy == "any":
        return True
    if doc.get("opted_out") is True:
        return False
    return policy == "opt_out" or doc.get("opted_in") is True


def _strictest(rules: list[Rule]) -> Rule:
    return max(rules, key=_STRICTNESS.__getitem__)
