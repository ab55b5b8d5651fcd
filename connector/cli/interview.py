"""Asks for the parts of the process, in the order a lead lives through them."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any, NamedTuple

import click

from connector.domain.duration import parse_duration, parse_span

_DOMAIN = re.compile(r"[a-z0-9-]+(\.[a-z0-9-]+)+")


class Source(NamedTuple):
    """One way leads come, and how many a month are wanted; None leaves that open."""

    name: str
    target: int | None


class Answers(NamedTuple):
    """What was answered, part by part; what somebody left open is empty.

    Spans stay as they were written, such as 24h or 5bd.
    """

    sources: tuple[Source, ...]
    own_domains: tuple[str, ...]
    definition: str
    threshold: int
    fit: int
    passes: tuple[str, ...]
    fallback: str
    first_touch: str
    verdict: str
    theme: str
    review: str


def interview() -> Answers:
    """Ask, part by part; Enter takes what stands in brackets, or leaves the part open.

    Raises Abort when somebody leaves in the middle: nothing was written then.
    """
    click.echo("Enter takes what stands in brackets, or leaves open what has none.", err=True)
    return Answers(
        sources=_sources(),
        own_domains=_list(2, "Filters: domains of your own staff, never scored", _domain),
        definition=_words(3, "Definition: a qualified lead in one sentence"),
        threshold=_number(4, "Scoring: points of 100 that make a lead sales-ready", 65),
        fit=_number(4, "Scoring: of 100, how much counts who they are, not what they did", 60),
        passes=_list(5, "Data passed: what sales is given beside score and reasons"),
        fallback=_words(6, "Routing: who takes leads that no rule gives away, an address or queue"),
        first_touch=_span(7, "SLA: first contact within", "24h", parse_span),
        verdict=_span(7, "SLA: a verdict within", "5bd", parse_span),
        theme=_words(8, "Nurture: the theme of who asked for nothing in particular", "general"),
        review=_span(9, 'Recycling: "not now" is looked at again after', "90d", parse_duration),
    )


def settings_of(one: Answers) -> str:
    """Give what was answered as the settings' own lines."""
    lines = ["\n# What both teams agree on; what is left out, `leadloop process` shows as open."]
    process: dict[str, Any] = {}
    if one.sources:
        process["sources"] = [
            {"name": s.name} | ({"target": s.target} if s.target else {}) for s in one.sources
        ]
    if one.definition:
        process["definition"] = one.definition
    if one.passes:
        process["passes"] = list(one.passes)
    if process:
        lines += ["process:", *(f"  {key}: {_yaml(value)}" for key, value in process.items())]
    lines.append(f"sla: {{first_touch: {one.first_touch}, verdict: {one.verdict}}}")
    review = f"bad_timing: {{review: {one.review}}}"
    lines.append(f"nurture: {{default: {_yaml(one.theme)}, recycle: {{{review}}}}}")
    return "\n".join(lines) + "\n"


def connection_of(text: str, one: Answers) -> str:
    """Give a connection's lines with the domains that are out."""
    return text.replace("own_domains: []", f"own_domains: {_yaml(list(one.own_domains))}")


def model_of(text: str, one: Answers) -> str:
    """Give the model with the threshold and weights that were answered."""
    text = re.sub(r"^threshold: .*$", f"threshold: {one.threshold}", text, count=1, flags=re.M)
    weights = f"weights: {{fit: {one.fit}, behaviour: {100 - one.fit}}}"
    return re.sub(r"^weights: .*$", weights, text, count=1, flags=re.M)


def routing_of(text: str, one: Answers) -> str:
    """Give the routing with who takes the rest; as it is, where nobody was named."""
    if not one.fallback:
        return text
    kind = "owner" if "@" in one.fallback else "queue"
    fallback = f"fallback: {{{kind}: {_yaml(one.fallback)}}}"
    return re.sub(r"^fallback: .*$", lambda _: fallback, text, count=1, flags=re.M)


def _sources() -> tuple[Source, ...]:
    names = _list(1, "How leads come, such as: web, fair, partner")
    return tuple(Source(name, _target(name)) for name in names)


def _target(name: str) -> int | None:
    found = click.prompt(
        f"1. Leads a month that you want of {name} (0: open)",
        default=0, type=click.IntRange(min=0), err=True,
    )  # fmt: skip
    return int(found) or None


def _words(part: int, text: str, default: str = "") -> str:
    found = click.prompt(f"{part}. {text}", default=default, show_default=bool(default), err=True)
    return str(found).strip()


def _list(
    part: int, text: str, check: Callable[[str], str] = lambda given: given
) -> tuple[str, ...]:
    def split(given: str) -> tuple[str, ...]:
        parts = (one.strip() for one in given.split(","))
        return tuple(dict.fromkeys(check(one) for one in parts if one))

    found: tuple[str, ...] = click.prompt(
        f"{part}. {text}", default="", show_default=False, value_proc=split, err=True
    )
    return found


def _number(part: int, text: str, default: int) -> int:
    kind = click.IntRange(0, 100)
    return int(click.prompt(f"{part}. {text}", default=default, type=kind, err=True))


def _span(part: int, text: str, default: str, parse: Callable[[str], Any]) -> str:
    def checked(given: str) -> str:
        try:
            parse(given.strip())
        except ValueError as error:
            raise click.UsageError(str(error)) from error
        return given.strip()

    return str(click.prompt(f"{part}. {text}", default=default, value_proc=checked, err=True))


def _domain(given: str) -> str:
    domain = given.casefold().removeprefix("@")
    if not _DOMAIN.fullmatch(domain):
        raise click.UsageError(f"`{given}` is no domain such as acme.example")
    return domain


def _yaml(value: object) -> str:
    """Spell a value so that it is read as it is: JSON is YAML too, and `$${` is no variable."""
    return json.dumps(value, ensure_ascii=False).replace("${", "$${")
