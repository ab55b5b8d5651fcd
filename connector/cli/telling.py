"""How the result of a run reads to a person, and to a program."""

from __future__ import annotations

from collections import Counter
from typing import Any

import click

from connector.sync.run import Result

EXIT = {"ok": 0, "partial": 4, "needs_approval": 5}


def result_data(result: Result) -> dict[str, Any]:
    """Give the `data` of an envelope."""
    plan = result.plan
    return {
        "counts": {step: dict(counts) for step, counts in result.counts.items()},
        "plan": None
        if plan is None
        else {"id": plan.id, "state": plan.state, "counts": plan.counts, "held": plan.held},
    }


def tell_result(result: Result) -> None:
    """Print what each step did, then what to do next."""
    for step in ("pull", "resolve", "collect", "score", "decide", "plan", "apply", "handover"):
        counts = result.counts.get(step)
        if counts:
            click.echo(f" {step:<8} {_phrase(counts)}")
        elif step in {"plan", "apply"} and step in result.counts:
            click.echo(f" {step:<8} nothing to write")
    plan = result.plan
    if plan is not None and plan.state == "needs_approval":
        for reason in plan.held:
            click.echo(f" held     {reason}")
        click.echo(f"Look at it:   leadloop plan --show {plan.id}")
        click.echo(f"Then write:   leadloop apply {plan.id} --approve")
    click.echo(f"Run {result.run}: {result.status.replace('_', ' ')}")


def _phrase(counts: Counter[str]) -> str:
    return " · ".join(f"{n:,} {name.replace('_', ' ')}" for name, n in counts.items() if n)
