"""`leadloop handoffs`: who was given to whom."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from connector.cli.options import (
    loop_options,
    moment,
    now_option,
    opened,
    settings,
    settings_options,
)
from connector.cli.output import emit, table
from connector.domain.moment import format_iso

_COLUMNS = ("person", "bucket", "owner", "tier", "score", "due", "touched", "step")


@click.group(invoke_without_command=True)
@settings_options
@now_option
@click.option("--late", is_flag=True, help="Only those whose time is over without first contact "
              "or verdict.")  # fmt: skip
@click.option("--best", is_flag=True, help="Best score first, instead of soonest due.")
@click.option("--owner", help="Only those of one owner, by id or connection/id.")
@click.pass_context
def handoffs(
    ctx: click.Context,
    config: Path,
    profile: str | None,
    output: str,
    now: str | None,
    late: bool,
    best: bool,
    owner: str | None,
) -> None:
    """Everybody who was handed off, each in one bucket; release people held back on day one.

    waiting: first contact not due yet. late: overdue. touched: contact made, verdict to come.
    silent: the verdict window is over. untimed: sales had them before, or the CRM does not show
    what owners do. The rest are verdicts.

    \b
    Example:
        leadloop handoffs --late
        leadloop handoffs --best --owner 00558000001abcd
    """
    if ctx.invoked_subcommand is not None:
        return
    from connector.store.database import open_store
    from connector.sync.handing_off.standings import standings

    loaded = settings(config, profile)
    store = open_store(loaded.store_url())
    rows = standings(store, loaded, moment(now))
    store.close()
    if owner is not None:
        mine = _keys(owner, rows)
        rows = [row for row in rows if row["owner"] in mine]
    if best:
        rows.sort(key=lambda row: -row["score"])
    chosen = [row for row in rows if row["bucket"] in {"late", "silent"}] if late else rows
    counts = dict(sorted(Counter(row["bucket"] for row in rows).items()))
    data = {"buckets": counts, "handoffs": chosen}

    def tell() -> None:
        table(chosen[:50], _COLUMNS, title=f"{len(chosen)} hand-offs")
        click.echo(" · ".join(f"{n} {name}" for name, n in counts.items()) or "nobody yet")

    emit(output, "handoffs", data, rows=chosen, people=tell)


def _keys(owner: str, rows: Sequence[dict[str, Any]]) -> set[str]:
    """The owners that a word means: `connection/id`, or an id in any connection."""
    known = {row["owner"] for row in rows if row["owner"] is not None}
    return {key for key in known if owner in {key, key.partition("/")[2]}}


@handoffs.command("list")
@settings_options
def list_handoffs(config: Path, profile: str | None, output: str) -> None:
    """List open hand-offs with their owner and when first contact is due.

    \b
    Example:
        leadloop handoffs list -o csv
    """
    from connector.domain.cycle import State
    from connector.store.database import open_store
    from connector.store.passes import cycles

    store = open_store(settings(config, profile).store_url())
    with store.read() as tx:
        rows = [
            {
                "person": one.person,
                "owner": one.owner,
                "why": one.why,
                "due": format_iso(one.sla_due_at) if one.sla_due_at else None,
            }
            for one in cycles.in_state(tx, State.HANDED_OFF)
        ]
        held = len(cycles.in_state(tx, State.HELD, why="backlog"))
    store.close()
    data = {"open": rows, "backlog": held}

    def tell() -> None:
        table(rows[:50], ("person", "owner", "why", "due"), title=f"{len(rows)} open hand-offs")
        click.echo(f"{held} more wait since day one: leadloop handoffs release --per-day N")

    emit(output, "handoffs", data, rows=rows, people=tell)


@handoffs.command()
@settings_options
@click.argument("person")
def package(config: Path, profile: str | None, output: str, person: str) -> None:
    """Show what sales was given with a person.

    \b
    Example:
        leadloop handoffs package crm/lead/42
    """
    from connector.errors import UsageError
    from connector.store.database import open_store
    from connector.store.passes import handoffs as stored
    from connector.store.persons import people

    store = open_store(settings(config, profile).store_url())
    with store.read() as tx:
        who = people.find(tx, person)
        found = stored.of(tx, [who]) if who is not None else {}
    store.close()
    if not found:
        raise UsageError(
            "that person was never handed off by us", hint="leadloop handoffs lists who was"
        )
    given = found[max(found)]
    data: dict[str, Any] = {"person": given.person, "cycle": given.number, "package": given.package}
    emit(output, "handoffs", data, people=lambda: click.echo(given.package))


@handoffs.command()
@settings_options
@now_option
@click.option("--days", type=click.IntRange(min=1), default=90, show_default=True,
              help="How far to look back.")  # fmt: skip
def fairness(config: Path, profile: str | None, output: str, now: str | None, days: int) -> None:
    """Leads and expected value each owner got, against the share routing.yaml gives.

    \b
    Example:
        leadloop handoffs fairness --days 30
    """
    from connector.errors import UsageError
    from connector.store.database import open_store
    from connector.sync.opening import routing_file
    from connector.sync.studies.fairness import fairness as measure

    loaded = settings(config, profile)
    routing = routing_file(loaded)
    if routing is None:
        raise UsageError("there is no routing file", hint="Set `routing:` in leadloop.yaml")
    connections = loaded.settings.connections
    name = next((c.name for c in connections if c.handoff), connections[0].name)
    store = open_store(loaded.store_url())
    rows = measure(store, routing, name, moment(now), days)
    store.close()
    columns = ("pool", "owner", "leads", "share", "due", "value", "value_share")
    emit(
        output,
        "handoffs",
        {"days": days, "owners": rows},
        rows=rows,
        people=lambda: table(rows, columns, title=f"Who got what in {days} days"),
    )


@handoffs.command()
@settings_options
def partners(config: Path, profile: str | None, output: str) -> None:
    """What each partner was offered, took, and won.

    \b
    Example:
        leadloop handoffs partners
    """
    from connector.store.database import open_store
    from connector.store.passes import offers

    store = open_store(settings(config, profile).store_url())
    with store.read() as tx:
        rows = offers.conversion(tx)
    store.close()
    columns = ("partner", "offers", "accepted", "declined", "timed_out", "won")
    emit(
        output,
        "handoffs",
        {"partners": rows},
        rows=rows,
        people=lambda: table(rows, columns, title="Partners"),
    )


@handoffs.command()
@loop_options
@click.argument("code")
@click.argument("word", type=click.Choice(["accept", "decline"]))
def answer(
    config: Path,
    profile: str | None,
    output: str,
    now: str | None,
    quiet: bool,
    code: str,
    word: str,
) -> None:
    """Note a partner's answer to an offer, named by its code.

    \b
    Example:
        leadloop handoffs answer 5f0c2a accept
    """
    from connector.errors import UsageError
    from connector.store.passes import offers
    from connector.store.running import runs

    with opened(
        settings(config, profile),
        command="handoffs answer",
        now=now,
        quiet=quiet,
        candidate=False,
        warnings=[],
    ) as (loop, _):
        said = "yes" if word == "accept" else "no"
        with loop.lease.held(), loop.store.write() as tx:
            known = offers.answer(tx, code, said, loop.now)
            runs.finish(tx, loop.run, status="ok", ended=loop.now, counts={"answered": known})
        run_id = loop.run
    if not known:
        raise UsageError(
            f"no offer with the code `{code}` waits for an answer",
            hint="leadloop handoffs partners; an offer ends when its time is over",
        )
    emit(
        output,
        "handoffs",
        {"code": code, "answer": word},
        run_id=run_id,
        people=lambda: click.echo(f"{code}: {word} noted; next: leadloop run"),
    )


@handoffs.command()
@loop_options
@click.option(
    "--per-day", type=click.IntRange(min=1), required=True, help="How many people to let go."
)
def release(
    config: Path, profile: str | None, output: str, now: str | None, quiet: bool, per_day: int
) -> None:
    """Let the best people held back on day one go to sales with the next run.

    \b
    Example:
        leadloop handoffs release --per-day 20
    """
    from connector.sync.handing_off.hand_off import release as release_backlog

    with opened(
        settings(config, profile),
        command="handoffs release",
        now=now,
        quiet=quiet,
        candidate=False,
        warnings=[],
    ) as (loop, _):
        released, left = release_backlog(loop, per_day)
        run_id = loop.run
    data = {"released": released, "left": left}
    emit(
        output,
        "handoffs",
        data,
        run_id=run_id,
        people=lambda: click.echo(f"{released} released, {left} still wait; next: leadloop run"),
    )
