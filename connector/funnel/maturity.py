"""How mature lead management is, part by part, from data and configuration alone. Pure.

Three levels, after the field's own assessments: `average` is what most do, `good` what works,
`best` what few reach. A part is as good as the first thing it lacks; what is not known counts as
lacking, and is said to be not known.
"""

from __future__ import annotations

from typing import NamedTuple

from connector.domain.moment import Micros
from connector.funnel.history import STAGES
from connector.funnel.measure import Ask, listed
from connector.funnel.statistics import share

LEVELS = ("average", "good", "best")
LEAST = 20
"""Fewer hand-offs (or wins) and a share of them says nothing."""
_HANDED_OFF, _ACCEPTED = STAGES.index("handed_off"), STAGES.index("accepted")
_REFUSED = frozenset({"rejected", "recycled", "lost"})


class Facts(NamedTuple):
    """What configuration and store say beside the cycles; counts, and shares 0 to 1 or None."""

    people: int
    fields_known: float | None
    kept_aside: int
    targets: int
    questions: int
    filters: int
    signed: bool
    days_since_review: float | None
    survey_answers: int
    themes: int
    holdout: bool
    routing_rules: int
    capacity: bool
    overflow: bool
    sla_agreed: bool
    goals: int
    goals_owned: int
    costs: bool


class Check(NamedTuple):
    """One thing a level asks for; `holds` is None when it is not known."""

    level: str
    holds: bool | None
    evidence: str
    step: str


class Part(NamedTuple):
    """One part: its level, what it rests on, and at most three next steps."""

    name: str
    level: str
    checks: tuple[Check, ...]
    steps: tuple[str, ...]


class Counts(NamedTuple):
    """What the cycles say."""

    cycles: int
    sourced: int
    handed: int
    passed: float | None
    acceptance: float | None
    due: int
    decided: int
    refused: int
    reasoned: int
    watched: int
    touched: int
    in_time: int
    resting: int
    nurtured: int
    came_back: int
    again_won: int
    won: int
    valued: int


_COUNTS = f"""SELECT
    count(*) AS cycles,
    count(source) AS sourced,
    count(*) FILTER (depth >= {_HANDED_OFF}) AS handed,
    count(*) FILTER (depth >= {_ACCEPTED}) AS accepted,
    count(*) FILTER (given AND (decided_at IS NOT NULL OR verdict_late)) AS due,
    count(decided_at) FILTER (given) AS decided,
    count(*) FILTER (refused) AS refused,
    count(reason) FILTER (refused) AS reasoned,
    count(*) FILTER (seen AND (touched_at IS NOT NULL OR touch_due < now)) AS watched,
    count(touched_at) FILTER (seen) AS touched,
    count(*) FILTER (seen AND touched_at <= touch_due) AS in_time,
    count(*) FILTER (rests) AS resting,
    count(*) FILTER (rests AND state = 'nurture') AS nurtured,
    count(*) FILTER (number > 1) AS came_back,
    count(*) FILTER (won AND number > 1) AS again_won,
    count(*) FILTER (won) AS won,
    count(won_cents) FILTER (won) AS valued
FROM (
    SELECT *, given_at IS NOT NULL AS given, given AND watched AS seen,
        state IN {listed(_REFUSED)} AS refused, decide_due < now AS verdict_late,
        newest AND depth < {_HANDED_OFF} AND state IN ('inquiry', 'nurture') AS rests
    FROM pass, (SELECT {{now}} AS now)
)"""


class MaturityMeasure:
    """Counts cycles by what was due."""

    def __init__(self, now: Micros) -> None:
        self._now = now

    def result(self, ask: Ask) -> Counts:
        """Give the counts."""
        cycles, sourced, handed, accepted, *rest = ask(_COUNTS.format(now=self._now))[0]
        return Counts(
            cycles, sourced, handed, share(handed, cycles), share(accepted, handed), *rest
        )


def maturity(counts: Counts, facts: Facts) -> tuple[Part, ...]:
    """Judge the five parts: capture, qualify, nurture, route, measure."""
    return tuple(
        _part(name, checks)
        for name, checks in (
            ("capture", _capture(counts, facts)),
            ("qualify", _qualify(counts, facts)),
            ("nurture", _nurture(counts, facts)),
            ("route", _route(counts, facts)),
            ("measure", _measure(counts, facts)),
        )
    )


def overall(parts: tuple[Part, ...]) -> str:
    """The weakest part's level: a chain of five."""
    return min((part.level for part in parts), key=LEVELS.index)


def _part(name: str, checks: list[Check]) -> Part:
    lacking = {check.level for check in checks if not check.holds}
    level = "average" if "good" in lacking else "good" if "best" in lacking else "best"
    ranked = sorted(checks, key=lambda check: LEVELS.index(check.level))
    steps = tuple(check.step for check in ranked if not check.holds)[:3]
    return Part(name, level, tuple(checks), steps)


def _check(level: str, part: int, whole: int, least: float, said: str, step: str) -> Check:
    """A share that must reach `least`; of too few it is not known."""
    if whole < LEAST:
        return Check(level, None, f"{said}: not known, only {whole} to look at", step)
    found = part / whole
    return Check(level, found >= least, f"{said}: {found:.0%} (wanted: {least:.0%})", step)


def _has(level: str, n: int, said: str, step: str, least: int = 1) -> Check:
    return Check(level, n >= least, f"{said}: {n}", step)


def _is(level: str, holds: bool, said: str, step: str) -> Check:  # noqa: FBT001
    return Check(level, holds, f"{said}: {'yes' if holds else 'no'}", step)


def _known(level: str, found: float | None, least: float, said: str, step: str) -> Check:
    if found is None:
        return Check(level, None, f"{said}: not known", step)
    return Check(level, found >= least, f"{said}: {found:.0%} (wanted: {least:.0%})", step)


def _capture(n: Counts, facts: Facts) -> list[Check]:
    source = "leads whose source is known"
    return [
        _check("good", n.sourced, n.cycles, 0.8, source,
               "Record where each lead comes from: map `source`"),
        _known("good", facts.fields_known, 0.5, "fields the rules need that are filled",
               "Ask for what the rules need on your forms, or look it up"),
        Check("good", facts.kept_aside * 100 <= facts.people,
              f"rows that cannot be read: {facts.kept_aside}",
              "Mend the rows kept aside: leadloop status"),
        _check("best", n.sourced, n.cycles, 0.95, source, "Close the gaps: leads without a source"),
        _has("best", facts.targets, "sources with a target", "Agree on a target for each source"),
        _has("best", facts.questions, "qualification questions the model reads",
             "Ask one or two qualification questions on forms, and give the answers points"),
    ]  # fmt: skip


def _qualify(n: Counts, facts: Facts) -> list[Check]:
    passed = n.passed if n.cycles >= LEAST else None
    said = "not known" if passed is None else f"{passed:.1%} (raw leads if over 50%)"
    return [
        Check("good", None if passed is None else passed <= 0.5, f"leads passed to sales: {said}",
              "Pass fewer: raise the threshold until sales accepts most of them"),
        _check("good", n.decided, n.due, 0.8, "hand-offs with a verdict when it was due",
               "Chase verdicts that are due: leadloop handoffs list"),
        _has("good", facts.filters, "rules that filter or disqualify",
             "Write down who is never passed on: `filters:` and `disqualify:`"),
        _check("best", n.reasoned, n.refused, 0.9, "refusals with a reason",
               "Ask owners for the missing reasons: leadloop dispositions audit"),
        _check("best", _accepted(n), n.handed, 0.6, "hand-offs that sales accepts",
               "Look at why sales refuses, and at the threshold: `leadloop threshold`"),
        _is("best", facts.signed, "definition in force signed by both teams",
            "Sign the definition: `leadloop review record`"),
    ]  # fmt: skip


def _accepted(n: Counts) -> int:
    return round((n.acceptance or 0) * n.handed)


def _nurture(n: Counts, facts: Facts) -> list[Check]:
    return [
        _check("good", n.nurtured, n.resting, 0.5, "leads not ready that are nurtured",
               "Let nurture reach them: `stage: nurture`, and consent where it is missing"),
        _has("good", facts.themes, "nurture themes",
             "Tie themes to what people asked for: `nurture: themes:`"),
        _has("good", n.came_back, "leads that came back for another pass",
             "Recycle instead of reject: not now is no refusal"),
        _has("best", facts.themes, "nurture themes, one for each problem you solve",
             "Add themes until each problem you solve has one", least=3),
        _is("best", facts.holdout, "a group without nurture to compare with",
            "Hold out a few to see what nurturing does: `nurture: holdout: 5%`"),
        _has("best", n.again_won, "sales won in a second or later pass",
             "Watch those who come back: fast-track what they ask for"),
    ]  # fmt: skip


def _route(n: Counts, facts: Facts) -> list[Check]:
    return [
        _has("good", facts.routing_rules, "routing rules", "Write routing.yaml"),
        _check("good", n.touched, n.watched, 0.8, "hand-offs that were touched at all",
               "Find who leaves leads lying: leadloop report, hand-offs"),
        _is("good", facts.sla_agreed, "first contact agreed in the settings",
            "Agree how soon sales acts: `sla:`"),
        _check("best", n.in_time, n.watched, 0.9, "first contacts in time",
               "See who is over capacity, and set `capacity:` accordingly"),
        _is("best", facts.capacity, "how much each member takes",
            "Give each member of a pool a `capacity:`"),
        _is("best", facts.overflow, "a way out when all are full", "Write `overflow:`"),
    ]  # fmt: skip


def _measure(n: Counts, facts: Facts) -> list[Check]:
    days = facts.days_since_review
    review = "never" if days is None else f"{days:.0f} days ago"
    return [
        _check("good", n.valued, n.won, 0.8, "sales that name an amount",
               "Fill in amounts of deals, and map `amount`"),
        _has("good", facts.goals, "stages with a goal", "Set goals: `report: goals:`"),
        Check("good", days is not None, f"last review of both teams: {review}",
              "Meet over `leadloop review`, and record it"),
        Check("best", facts.goals >= 3 and facts.goals_owned == facts.goals,
              f"goals somebody owns: {facts.goals_owned} of {facts.goals} (wanted: 3 or more, all)",
              "Name who sees to each goal"),
        _is("best", facts.costs, "costs of campaigns", "Give costs: `report: costs: costs.csv`"),
        Check("best", days is not None and days <= 100, f"reviewed within a quarter: {review}",
              "Meet every quarter"),
        _has("best", facts.survey_answers, "answers of sales to a survey",
             "Ask sales about a few leads: leadloop survey draw", least=20),
    ]  # fmt: skip
