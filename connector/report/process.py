"""The whole process in plain words, out of the files that define it; what is missing is said."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from connector.config.load import Loaded
from connector.config.settings import Settings
from connector.decisions.routing_document import Member, Routing
from connector.decisions.standing import Policy
from connector.domain.moment import Micros
from connector.domain.outward import OUTWARD
from connector.mapping.document import MappingDocument
from connector.report import saying
from connector.report.agreement import agreement, signature
from connector.report.words import plain
from connector.scoring.choice import Models
from connector.scoring.model import Model
from connector.store.agreed import reviews
from connector.store.database import Store
from connector.sync.opening import agreed, mapping_of

_CONSENT = {
    "any": "whether or not they object",
    "opt_out": "unless they object",
    "opt_in": "only if they agreed to it",
}


class _Known(NamedTuple):
    settings: Settings
    model: Model
    models: Models
    routing: Routing | None
    mappings: dict[str, MappingDocument]


class _Part(NamedTuple):
    """Sentences of one part, and what of it is not defined."""

    said: list[str]
    undefined: list[str]


def process(store: Store, loaded: Loaded, now: Micros, warnings: list[str]) -> dict[str, Any]:
    """Give the process part by part, in the order a lead lives through it, and who signed it."""
    models, routing = agreed(loaded, store, candidate=False, warn=warnings.append)
    settings = loaded.settings
    mappings = {one.name: mapping_of(loaded, one) for one in settings.connections}
    known = _Known(settings, models.default, models, routing, mappings)
    found = agreement(loaded, models, routing)
    with store.read() as tx:
        last = next(iter(reviews.newest(tx)), None)
    parts = []
    for key, title, tell in _PARTS:
        said, undefined = tell(known)
        parts.append({"part": key, "title": title, "said": said, "undefined": undefined})
    return {
        "version": found.process[:8],
        "definition": found.definition[:8],
        "model": {"name": models.default.name, "version": models.hash[:8]},
        "signature": signature(found, last, settings.process.review, now),
        "parts": parts,
        "undefined": sum(len(part["undefined"]) for part in parts),
    }


def _sources(known: _Known) -> _Part:
    said, undefined = [], []
    for one in known.settings.process.sources:
        text = one.name + (f": {one.how}" if one.how else "")
        text += f"; {one.target} leads a month are wanted" if one.target else ""
        said.append(text + (f"; {one.owner} sees to it" if one.owner else ""))
        if one.target is None:
            undefined.append(f"no target for {one.name}")
    if not said:
        undefined.append("how leads come, and how many a month of each source: `process: sources:`")
    for name, mapping in known.mappings.items():
        people = [key for key, one in mapping.objects.items() if one.is_.value == "person"]
        said.append(f"Read from {name}: {', '.join(people)}")
        if not any("source" in one.fields for one in mapping.objects.values()):
            undefined.append(f"what brings leads: the mapping of {name} reads no `source`")
    return _Part(said, undefined)


def _filters(known: _Known) -> _Part:
    said = [f"Never scored: {_outside(known)}"] if _outside(known) else []
    said += [saying.out_rule(rule) for rule in known.model.filters]
    said += [f"Disqualified: {saying.out_rule(rule)}" for rule in known.model.disqualify]
    return _Part(
        said, [] if known.model.outs() else ["who is filtered out: `filters:` in the model"]
    )


def _outside(known: _Known) -> str:
    domains = [d for c in known.settings.connections for d in c.scope.exclude.own_domains]
    customers = any(c.scope.exclude.customers for c in known.settings.connections)
    words = ["customers"] if customers else []
    return ", ".join([*words, *(f"people at {domain}" for domain in domains)])


def _definition(known: _Known) -> _Part:
    model, words = known.model, known.settings.process.definition
    said = [words] if words else []
    more = "more than" if model.compare == "exceeds" else "at least"
    said.append(f"A lead is sales-ready with {more} {model.threshold:g} of 100 points")
    for segment in model.thresholds:
        tests = " and ".join(saying.test(field, one) for field, one in segment.when.items())
        said.append(f"{segment.name}: {segment.threshold:g} points, when {tests}")
    said += [f"At once, whatever the score: {saying.hand_raise(one)}" for one in model.fast_track]
    said.append(f"Sales may contact people {_CONSENT[known.settings.consent.sales]}")
    undefined = [] if words else ["a qualified lead in one sentence: `process: definition:`"]
    if not model.fast_track:
        undefined.append("which requests go to sales at once: `fast_track:` in the model")
    return _Part(said, undefined)


def _scoring(known: _Known) -> _Part:
    model = known.model
    weights = model.weights
    said = [f"Fit counts {weights.fit:g}, behaviour {weights.behaviour:g}"]
    for group in model.fit.groups:
        cap = f", at most {group.max:g}" if group.max is not None else ""
        said.append(f"Fit, {group.name} (of {model.fit.full_marks:g}{cap})")
        said += [f"– {saying.fit_rule(rule)}" for rule in group.rules]
    for doing in model.behaviour.groups:
        cap = f", at most {doing.max:g}" if doing.max is not None else ""
        said.append(f"Behaviour, {doing.name} (of {model.behaviour.full_marks:g}{cap})")
        said += [f"– {saying.behaviour_rule(rule)}" for rule in doing.rules]
    others = [choice.model.name for choice in known.models.choices[:-1]]
    if others:
        said.append(f"Some people have a model of their own: {', '.join(others)}")
    said += [f"From {band.least:g} points: {plain(band.action)}" for band in model.actions]
    return _Part(said, [] if model.actions else ["what is done in each score band: `actions:`"])


def _passed(known: _Known) -> _Part:
    written = {
        name
        for mapping in known.mappings.values()
        for one in mapping.objects.values()
        for name in one.write
    }
    labels = [OUTWARD[name].label for name in OUTWARD if name in written]
    said = [f"In the CRM: {', '.join(labels)}"] if labels else []
    said += list(known.settings.process.passes)
    undefined = [] if labels else ["no field is written to the CRM: `write:` in the mapping"]
    if labels and "reasons" not in written:
        undefined.append("sales is not told why: map `reasons`")
    if not known.settings.process.passes:
        undefined.append("what else sales is given: `process: passes:`")
    return _Part(said, undefined)


def _routing(known: _Known) -> _Part:
    routing = known.routing
    if routing is None:
        return _Part([], ["who gets which lead: `routing:`"])
    said = []
    if routing.precedence:
        said.append(f"Who has the lead already keeps it: {saying.listed(routing.precedence)}")
    for rule in routing.rules:
        tests = " and ".join(saying.test(field, one) for field, one in rule.when.items())
        said.append(f"{rule.name}: {tests or 'always'}, to {saying.target(rule.to)}")
    said.append(f"Everybody else: {saying.target(routing.fallback)}")
    undefined = []
    for name, pool in routing.pools.items():
        members = ", ".join(_member(one) for one in pool.members)
        said.append(f"Pool {name}, in turns by {pool.balance}: {members}")
        if all(not any(one.capacity.model_dump().values()) for one in pool.members):
            undefined.append(f"how many leads the members of {name} can take")
    if routing.overflow is None:
        undefined.append("what happens when everybody is full: `overflow:`")
    else:
        over = routing.overflow
        then = f", then to {saying.target(over.then)}" if over.then else ""
        said.append(f"When everybody is full: wait {saying.span(over.hold)}{then}")
    return _Part(said, undefined)


def _member(one: Member) -> str:
    capacity = one.capacity.model_dump(exclude_none=True)
    limits = [f"{n} {plain(name)}" for name, n in capacity.items()]
    weight = f" x{one.weight:g}" if one.weight != 1 else ""
    return f"{one.owner}{weight}" + (f" (at most {', '.join(limits)})" if limits else "")


def _sla(known: _Known) -> _Part:
    sla = known.settings.sla
    where = f", without the holidays of {sla.country}" if sla.country else ""
    said = [
        f"First contact within {saying.span(sla.first_touch)} of the hand-off",
        f"A verdict within {saying.span(sla.verdict)}; after that nobody has decided",
        f"Working hours are {sla.hours} in {sla.tz}{where}",
    ]
    return _Part(said, _unsaid(known, "sla", "how soon sales acts (these are the defaults)"))


def _nurture(known: _Known) -> _Part:
    nurture = known.settings.nurture
    said = [f"Who is not ready is nurtured {_CONSENT[known.settings.consent.nurture]}"]
    by_theme: dict[str, list[str]] = {}
    for asset, theme in nurture.themes.items():
        by_theme.setdefault(theme, []).append(asset)
    said += [f"Theme {theme}: after {saying.listed(assets)}" for theme, assets in by_theme.items()]
    said.append(f"Theme {nurture.default}: everybody else")
    if nurture.holdout:
        said.append(f"{nurture.holdout:.0%} go without, to measure what nurturing does")
    undefined = [] if nurture.themes else ["which theme follows which asset: `nurture: themes:`"]
    return _Part(said, undefined)


def _recycling(known: _Known) -> _Part:
    policy = Policy()
    back, silent, away = (
        saying.span(one) for one in (policy.recycle_after, policy.give_up_after, policy.cool_off)
    )
    said = [
        f"Who is not ready comes back after {back}, or as soon as they do something new",
        f"Without a verdict for {silent} more, the lead goes back to nurture",
        f"Who was rejected or lost comes back only by asking, {away} later",
    ]
    for verdict, allowed in known.settings.dispositions.words().items():
        said.append(f"Reasons when {verdict}: {saying.listed(allowed)}")
    words = "the reasons sales gives (these are the defaults)"
    return _Part(said, _unsaid(known, "dispositions", words))


def _unsaid(known: _Known, name: str, words: str) -> list[str]:
    return [] if name in known.settings.model_fields_set else [f"{words}: `{name}:`"]


_PARTS: tuple[tuple[str, str, Callable[[_Known], _Part]], ...] = (
    ("sources", "How leads come", _sources),
    ("filters", "Who is filtered out", _filters),
    ("definition", "What a qualified lead is", _definition),
    ("scoring", "How leads are scored", _scoring),
    ("passed", "What sales is given", _passed),
    ("routing", "Who gets which lead", _routing),
    ("sla", "How soon sales acts", _sla),
    ("nurture", "What happens to those not ready", _nurture),
    ("recycling", "How leads come back", _recycling),
)


def process_markdown(data: dict[str, Any]) -> str:
    """Give the process as Markdown; what is not defined stands out in bold."""
    lines = [f"# How we work leads (version {data['version']})", "", data["signature"]["words"], ""]
    for number, part in enumerate(data["parts"], start=1):
        lines += [f"## {number}. {part['title']}", ""]
        lines += [
            f"  - {said[2:]}" if said.startswith("– ") else f"- {said}" for said in part["said"]
        ]
        lines += [f"- **Not defined:** {said}" for said in part["undefined"]]
        lines.append("")
    return "\n".join(lines)
