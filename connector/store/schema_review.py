"""The tables of what people agree on: surveys of sales, quarterly reviews, and calls of CRMs.

They share the metadata of schema.py. Moments are BIGINT microseconds UTC.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, Integer, Table, Text

from connector.store.schema import metadata

survey_lead = Table(  # one lead that sales is asked about
    "survey_lead",
    metadata,
    Column("survey", Text, primary_key=True),  # id of the run that drew it
    Column("code", Text, primary_key=True),  # survey and line, as it stands in the form
    Column("person", Text, nullable=False),
    Column("number", Integer, nullable=False),
    Column("band", Text, nullable=False),
    Column("owner", Text),
    Column("verdict", Text, nullable=False),
    Column("reason", Text),
    Column("drawn_at", BigInteger, nullable=False),
)
Index("survey_lead_person", survey_lead.c.person)

survey_answer = Table(  # append-only: what came back; the newest of a code counts
    "survey_answer",
    metadata,
    Column("seq", Integer, primary_key=True, autoincrement=True),
    Column("code", Text, nullable=False),
    Column("agreed", Text, nullable=False),  # yes, no, unsure
    Column("reason", Text),
    Column("missing", Text),
    Column("at", BigInteger, nullable=False),
    Column("run", Text, nullable=False),
)
Index("survey_answer_code", survey_answer.c.code)

review = Table(  # append-only: who agreed to what, and the definition that held then
    "review",
    metadata,
    Column("id", Text, primary_key=True),
    Column("at", BigInteger, nullable=False),
    Column("definition", Text, nullable=False),  # its hash
    Column("process", Text, nullable=False),  # hash of everything agreed
    Column("document", Text, nullable=False),  # JSON: the definition itself
    Column("decisions", Text, nullable=False),  # JSON: sentences
    Column("signed_by", Text, nullable=False),  # JSON: names as they gave them
    Column("entered_by", Text, nullable=False),
)

hook_seen = Table(  # calls of CRMs that were taken in, so that one sent twice counts once
    "hook_seen",
    metadata,
    Column("connection", Text, primary_key=True),
    Column("digest", Text, primary_key=True),
    Column("at", BigInteger, nullable=False),
)
