"""The tables about connections: what they hold, how they are, and what we may ask of them.

They share the metadata of schema.py. Moments are BIGINT microseconds UTC.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, Double, Integer, Table, Text

from connector.store.schema import metadata

news = Table(  # people something happened to beside the middle of the loop; emptied there
    "news",
    metadata,
    Column("seq", Integer, primary_key=True, autoincrement=True),
    Column("person", Text, nullable=False),
    Column("stale", Boolean, nullable=False),
    Column("type", Text),  # of an activity that went or is not what it was
)

shared_key = Table(  # addresses and ids of which people said that several persons have them
    "shared_key",
    metadata,
    Column("kind", Text, primary_key=True),
    Column("value", Text, primary_key=True),
    Column("person", Text, nullable=False),  # whom it had joined them to
)

sweep = Table(  # ids a reconcile has seen so far; empty between two of them
    "sweep",
    metadata,
    Column("connection", Text, primary_key=True),
    Column("object", Text, primary_key=True),
    Column("id", Text, primary_key=True),
)

hint = Table(  # records a webhook spoke of: to be read again, or erased, by the next run
    "hint",
    metadata,
    Column("connection", Text, primary_key=True),
    Column("source", Text, primary_key=True),
    Column("id", Text, primary_key=True),
    Column("erased", Boolean, nullable=False),
    Column("seen_at", BigInteger, nullable=False),
)

drift = Table(  # what the last reconcile of each object found amiss, and mended
    "drift",
    metadata,
    Column("connection", Text, primary_key=True),
    Column("object", Text, primary_key=True),
    Column("at", BigInteger, nullable=False),
    Column("checked", Integer, nullable=False),
    Column("missing", Integer, nullable=False),  # in the CRM, not with us
    Column("differing", Integer, nullable=False),  # changed without our hearing of it
    Column("gone", Integer, nullable=False),  # with us, not in the CRM
    Column("held", Integer, nullable=False),  # gone by the CRM's word, and too many to believe
    Column("run", Text, nullable=False),
)

schema_snapshot = Table(  # the fields of a remote object as the CRM last described them
    "schema_snapshot",
    metadata,
    Column("connection", Text, primary_key=True),
    Column("source", Text, primary_key=True),
    Column("fields", Text, nullable=False),  # JSON: name -> type or null
    Column("lost", Text, nullable=False),  # JSON: names of fields in use that went away
    Column("seen_at", BigInteger, nullable=False),
    Column("run", Text, nullable=False),
)

flapping = Table(  # how often somebody put another value in place of ours, field by field
    "flapping",
    metadata,
    Column("connection", Text, primary_key=True),
    Column("object", Text, primary_key=True),
    Column("record", Text, primary_key=True),
    Column("field", Text, primary_key=True),
    Column("times", Integer, nullable=False),
    Column("last_at", BigInteger, nullable=False),
    Column("run", Text, nullable=False),
)

field_history = Table(  # edits of fields whose earlier values a mapping asks for
    "field_history",
    metadata,
    Column("connection", Text, primary_key=True),
    Column("object", Text, primary_key=True),
    Column("record", Text, primary_key=True),
    Column("field", Text, primary_key=True),  # our word
    Column("id", Text, primary_key=True),  # of the CRM's row, or of the run that saw a difference
    Column("at", BigInteger, nullable=False),
    Column("before", Text, nullable=False),  # JSON
    Column("after", Text, nullable=False),
    Column("by", Text),  # remote id of who did it, as far as the CRM tells
    Column("told", Boolean, nullable=False),  # by the CRM; else a difference between two readings
    Column("run", Text, nullable=False),
)

health = Table(  # a connection in trouble is not tried again before `until`
    "health",
    metadata,
    Column("connection", Text, primary_key=True),
    Column("state", Text, nullable=False),  # ok, login, parked
    Column("failures", Integer, nullable=False),
    Column("until", BigInteger),
    Column("code", Text),
    Column("since", BigInteger, nullable=False),
)

allowance = Table(  # what a CRM allows us, as its headers last said
    "allowance",
    metadata,
    Column("connection", Text, primary_key=True),
    Column("name", Text, primary_key=True),  # day, window
    Column("limit", BigInteger, nullable=False),
    Column("used", BigInteger, nullable=False),
    Column("resets_at", BigInteger, nullable=False),
    Column("seen_at", BigInteger, nullable=False),
)

pace = Table(  # when the next call of a kind may leave, shared by every process
    "pace",
    metadata,
    Column("connection", Text, primary_key=True),
    Column("name", Text, primary_key=True),
    Column("free_at", BigInteger, nullable=False),
    Column("most", Integer, nullable=False),  # calls in a span, as headers told it last
    Column("slower", Double, nullable=False),  # 1 at full pace, more after refusals
)
