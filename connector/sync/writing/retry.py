"""Retry: give rows the CRM refused another chance, by planning them anew."""

from __future__ import annotations

from sqlalchemy import Connection

from connector.domain.moment import Micros
from connector.store.outgoing import flapping, outbox
from connector.store.persons.news import note_news


def retry(tx: Connection, now: Micros, *, plan_id: str | None, code: str | None) -> int:
    """Close dead rows, of one plan and one code if given, and plan their people with the next run.

    Nothing stored is sent: what is wanted then is compared with what the CRM holds then. Fields
    we had stopped to put right are tried again too. Gives how many rows there were.
    """
    count, people = outbox.rearm(tx, now, plan_id=plan_id, code=code)
    note_news(tx, people)
    if plan_id is None and code is None:
        flapping.forget(tx)
    return count
