"""`leadloop nurture`: who waits for which message, whom nobody mails, and whom we may not mail."""

from __future__ import annotations

from pathlib import Path

import click

from connector.cli.options import moment, now_option, settings, settings_options
from connector.cli.output import emit, table

_LISTS = {
    "segments": ("name", "people", "nurtured", "with_sales", "ready", "score"),
    "cells": ("theme", "phase", "programme", "assets", "waiting"),
    "unheard": ("theme", "phase", "people", "longest"),
    "blocked": ("row", "people", "no_sales", "no_mail", "other_lane"),
    "lane": ("person", "state", "row", "may_call"),
    "hygiene": ("person", "finding"),
}
_TITLES = {
    "segments": "Everybody by segment, with the mean score",
    "cells": "Themes and phases: what is there to send, and who waits",
    "unheard": "No programme listens: flagged, and nobody has mailed them since",
    "blocked": "Consent: how many each row blocks",
    "lane": "May not be mailed: for another lane",
    "hygiene": "To be mended in the CRM",
}


@click.command()
@click.argument("what", type=click.Choice(list(_LISTS)), default="cells")
@settings_options
@now_option
def nurture(what: str, config: Path, profile: str | None, output: str, now: str | None) -> None:
    """Who waits for which message; whom nobody mails, whom we may not mail, what is to be mended.

    cells: the matrix, empty cells with most people first. segments: everybody by the field that
    `nurture.segment` names. unheard: flagged, and no mail since. blocked: people by row of the
    consent policy. lane: who may not be mailed. hygiene: findings.

    \b
    Example:
        leadloop nurture unheard
    """
    from connector.store.database import open_store
    from connector.sync.deciding import nurturing

    loaded = settings(config, profile)
    at = moment(now)
    store = open_store(loaded.store_url())
    try:
        rows = {
            "segments": lambda: nurturing.segments(store, loaded),
            "cells": lambda: nurturing.waiting_by_cell(store, loaded),
            "unheard": lambda: nurturing.unheard(store, loaded, at),
            "blocked": lambda: nurturing.blocked(store, loaded),
            "lane": lambda: nurturing.other_lane(store, loaded),
            "hygiene": lambda: nurturing.worklist(store, loaded, at),
        }[what]()
    finally:
        store.close()
    emit(
        output,
        "nurture",
        {what: rows},
        rows=rows,
        people=lambda: table(rows[:200], _LISTS[what], title=f"{_TITLES[what]} ({len(rows)})"),
    )
