"""`leadloop split`: take apart what was wrongly joined."""

from __future__ import annotations

from pathlib import Path

import click

from connector.cli.options import machine_clock, settings, settings_options
from connector.cli.output import emit


@click.command()
@click.argument("records", nargs=-1, required=True)
@settings_options
@click.option("--undo", is_flag=True, help="Let what these records have in common join again.")
def split(
    records: tuple[str, ...], config: Path, profile: str | None, output: str, undo: bool
) -> None:
    """Take RECORDS (connection/object/id) out of the person they were joined to, for good.

    Two people who use one address, or an id typed twice, become one person; their scores and
    hand-offs are then mixed. The records named become a person of their own. What the two have in
    common joins nobody from now on, and what was done under a shared address alone counts for
    neither. A pass goes along with the record it was handed off with. The next run scores and
    plans both anew; nothing is written to the CRM before. What the CRM itself merged is undone
    there.

    \b
    Example:
        leadloop split hs/contact/1051
    """
    from connector.store.database import open_store
    from connector.store.running import runs
    from connector.sync.opening import alone
    from connector.sync.upkeep.split import join_again
    from connector.sync.upkeep.split import split as take_apart

    now = machine_clock()
    loaded = settings(config, profile)
    store = open_store(loaded.store_url())
    try:
        with alone(loaded, store, runs.new_id(now)) as held:
            if undo:
                count = join_again(held, records, now)
                lines = [f"{count} that joined nobody may join again."]
                data: dict[str, object] = {"joining_again": count}
            else:
                done = take_apart(held, records, now)
                common = ", ".join(done.shared) or "nothing any more"
                lines = [
                    f"{done.new} is a person of its own, no longer {done.person}.",
                    f"Both have in common, and it joins nobody now: {common}.",
                    f"Passes that went along: {done.passes}.",
                ]
                data = dict(done._asdict())
    finally:
        store.close()
    lines.append("Next: leadloop plan")
    emit(output, "split", data, people=lambda: click.echo("\n".join(lines)))
