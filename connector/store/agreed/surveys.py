"""Surveys of sales: whom was asked about, and what came back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, select
from sqlalchemy import insert as sql_insert

from connector.store.schema_review import survey_answer, survey_lead


def add_leads(tx: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
    """Store whom a survey asks about."""
    if rows:
        tx.execute(sql_insert(survey_lead), [dict(row) for row in rows])


def codes(tx: Connection) -> dict[str, str]:
    """Give the survey each code belongs to."""
    rows = tx.execute(select(survey_lead.c.code, survey_lead.c.survey))
    return {row.code: row.survey for row in rows}


def answers(tx: Connection) -> dict[str, tuple[str, str | None, str | None]]:
    """Give the newest answer of each code: agreed, reason, what was missing."""
    rows = tx.execute(select(survey_answer).order_by(survey_answer.c.seq))
    return {row.code: (row.agreed, row.reason, row.missing) for row in rows}


def add_answers(tx: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
    """Append what came back."""
    if rows:
        tx.execute(sql_insert(survey_answer), [dict(row) for row in rows])


def leads(tx: Connection, survey: str | None = None) -> list[dict[str, Any]]:
    """Give whom was asked about, each with the newest answer or None, newest survey first."""
    given = answers(tx)
    query = select(survey_lead).order_by(survey_lead.c.drawn_at.desc(), survey_lead.c.code)
    if survey is not None:
        query = query.where(survey_lead.c.survey == survey)
    rows = []
    for row in tx.execute(query):
        agreed, reason, missing = given.get(row.code, (None, None, None))
        rows.append({**row._mapping, "agreed": agreed, "why": reason, "missing": missing})
    return rows
