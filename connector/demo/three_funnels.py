"""The same 50,000 practice leads through three processes: a simulation with written assumptions.

It shows how a process changes what comes out, given the assumptions below; it is no evidence that
it does, and no figure of it ever stands on a customer's page.
"""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import NamedTuple

LEADS = 50_000
SEED = 20_261_101
READY_SHARE = 0.04
"""Leads that would buy soon if called in time."""
LATER_SHARE = 0.06
"""Leads that would buy later if somebody stayed in touch."""
CALLS = 4_000
"""Leads that sales can call well; beyond it everybody's chance sinks in proportion."""
BUYS = 0.25
"""The chance that a lead who would buy does, when called well and at the right time."""
VALUE = (20_000, 80_000)
"""What a sale is worth, evenly between these."""
FALSE_RETURNS = 0.05
"""People that nurture brings back (in proportion to its share) who would never buy."""
NOISE = 12.0
"""The spread of a score around what the lead is: 75 ready, 55 later, 35 neither."""
_LIKELY = {"ready": 75.0, "later": 55.0, "neither": 35.0}


class Lead(NamedTuple):
    """A practice lead: what it is, how it scores, its luck, and what a sale would bring."""

    kind: str
    score: float
    luck: float
    value: int


class Process(NamedTuple):
    """Who is passed on: everybody a random `share`, or from a `threshold`; `nurture` for the rest.

    `nurture` is the share of those who would buy later that come back at the right time.
    """

    name: str
    share: float | None
    threshold: float
    nurture: float


class Result(NamedTuple):
    """What came of it."""

    name: str
    leads: int
    passed: int
    won: int
    value: int

    @property
    def passed_share(self) -> float:
        """Of all leads."""
        return self.passed / self.leads

    @property
    def to_sale(self) -> float:
        """Won of passed."""
        return self.won / self.passed if self.passed else 0.0


PROCESSES = (
    Process("no process", 0.85, 0.0, 0.0),
    Process("automation without process", None, 30.0, 0.0),
    Process("Leadloop", None, 65.0, 0.5),
)


def leads(n: int = LEADS, seed: int = SEED) -> tuple[Lead, ...]:
    """Give the practice leads; the same every time."""
    luck = Random(seed)  # noqa: S311  a simulation, not a secret
    return tuple(_lead(luck) for _ in range(n))


def _lead(luck: Random) -> Lead:
    draw = luck.random()
    kind = _kind(draw)
    score = min(max(luck.gauss(_LIKELY[kind], NOISE), 0.0), 100.0)
    return Lead(kind, score, luck.random(), luck.randint(*VALUE))


def _kind(draw: float) -> str:
    if draw < READY_SHARE:
        return "ready"
    return "later" if draw < READY_SHARE + LATER_SHARE else "neither"


def run(
    process: Process, given: Sequence[Lead], *, calls: int | None = CALLS, seed: int = SEED + 1
) -> Result:
    """Send leads through a process; without `calls` sales can call everybody well."""
    luck = Random(seed)  # noqa: S311  a simulation, not a secret
    timely: list[Lead] = []
    passed = 0
    for lead in given:
        chosen = _chosen(process, lead, luck.random())
        share = process.nurture * (FALSE_RETURNS if lead.kind == "neither" else 1.0)
        back = luck.random() < share
        passed += chosen or back
        if (lead.kind == "ready" and chosen) or (lead.kind == "later" and back):
            timely.append(lead)
    well = min(1.0, calls / passed) if passed and calls is not None else 1.0
    won = [lead for lead in timely if lead.luck < BUYS * well]
    return Result(process.name, len(given), passed, len(won), sum(one.value for one in won))


def _chosen(process: Process, lead: Lead, drawn: float) -> bool:
    return drawn < process.share if process.share is not None else lead.score >= process.threshold


def table(*, calls: int | None = CALLS) -> str:
    """Give the three results as a Markdown table."""
    given = leads()
    rows = [run(process, given, calls=calls) for process in PROCESSES]
    lines = ["| process | passed to sales | passed to won | won | value |", "|---|--:|--:|--:|--:|"]
    lines += [
        f"| {row.name} | {row.passed_share:.1%} | {row.to_sale:.2%} | {row.won:,} | "
        f"{row.value / 1e6:.1f}M |"
        for row in rows
    ]
    return "\n".join(lines) + "\n"
