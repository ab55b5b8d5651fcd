"""The tables, alike on SQLite and PostgreSQL.

Moments are BIGINT microseconds UTC; documents are TEXT holding JSON with sorted keys, so that the
same value is the same bytes on both. `connection` is the name in leadloop.yaml, `object` the
name of an object in its mapping, `person` the id of a person: the key of the first record seen
(`connection/object/id`).
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    DDL,
    BigInteger,
    Boolean,
    Column,
    Double,
    Index,
    Integer,
    MetaData,
    Table,
    Text,
    event,
    text,
)

metadata = MetaData()


_WHERE = "where on PostgreSQL"


def _index_some(
    name: str, *columns: Column[Any], where: Any, on_sqlite: Any = None, unique: bool = False
) -> Index:
    """Index the rows for which something holds; each database takes it in its own words."""
    spelled = where if on_sqlite is None else on_sqlite
    return Index(name, *columns, unique=unique, sqlite_where=spelled, info={_WHERE: where})


@event.listens_for(metadata, "before_create")
def _say_it_to_postgresql(_metadata: MetaData, tx: Any, **_: Any) -> None:
    """Said when tables are made: said here above, it would load PostgreSQL's dialect each time."""
    if tx.dialect.name != "postgresql":
        return
    for index in (one for table in metadata.tables.values() for one in table.indexes):
        if _WHERE in index.info:
            index.dialect_options["postgresql"]["where"] = index.info[_WHERE]


def _index_known(name: str, *columns: Column[Any]) -> None:
    """Index the rows whose last column is known: most have none when they come."""
    _index_some(name, *columns, where=columns[-1].is_not(None))


def _index_true(name: str, flag: Column[Any], *columns: Column[Any]) -> None:
    """Index the few rows whose flag is set, in the very words our questions have for it."""
    _index_some(name, *columns, where=text(flag.name), on_sqlite=text(f"{flag.name} = 1"))


def _refuse_changes(table: Table) -> None:
    """Make a table append-only, in the database itself."""
    for what in ("UPDATE", "DELETE"):
        trigger = DDL(  # type: ignore[no-untyped-call]
            f"CREATE TRIGGER {table.name}_no_{what.lower()} BEFORE {what} ON {table.name} "
            f"BEGIN SELECT RAISE(ABORT, 'the {table.name} log is append-only'); END"
        )
        event.listen(table, "after_create", trigger.execute_if(dialect="sqlite"))
    for step in (
        (
            "CREATE OR REPLACE FUNCTION leadloop_append_only() RETURNS trigger LANGUAGE plpgsql AS "
            f"$$ BEGIN RAISE EXCEPTION 'the {table.name} log is append-only'; END $$"
        ),
        (
            f"CREATE TRIGGER {table.name}_append_only BEFORE UPDATE OR DELETE OR TRUNCATE "
            f"ON {table.name} FOR EACH STATEMENT EXECUTE FUNCTION leadloop_append_only()"
        ),
    ):
        made = DDL(step)  # type: ignore[no-untyped-call]
        event.listen(table, "after_create", made.execute_if(dialect="postgresql"))


# --- running -------------------------------------------------------------------------------------

lease = Table(
    "lease",
    metadata,
    Column("name", Text, primary_key=True),
    Column("holder", Text, nullable=False),
    Column("fence", BigInteger, nullable=False),
    Column("expires_at", BigInteger, nullable=False),
)

run = Table(
    "run",
    metadata,
    Column("id", Text, primary_key=True),
    Column("command", Text, nullable=False),
    Column("status", Text, nullable=False),  # running, then the envelope's words, or crashed
    Column("now", BigInteger, nullable=False),
    Column("started_at", BigInteger, nullable=False),
    Column("ended_at", BigInteger),
    Column("fence", BigInteger),
    Column("model", Text),
    Column("plan", Text),
    Column("counts", Text, nullable=False, server_default="{}"),
    Column("error", Text),
)

connection = Table(
    "connection",
    metadata,
    Column("name", Text, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("organisation", Text, nullable=False),  # pinned: another one is refused
    Column("first_seen", BigInteger, nullable=False),
)

approved = (
    Table(  # the last approved text of each file that decides: model, routing, mapping, scope
        "approved",
        metadata,
        Column("kind", Text, primary_key=True),
        Column("hash", Text, nullable=False),
        Column("document", Text, nullable=False),
        Column("at", BigInteger, nullable=False),
        Column("plan", Text, nullable=False),
    )
)

# --- reading -------------------------------------------------------------------------------------

checkpoint = Table(
    "checkpoint",
    metadata,
    Column("connection", Text, primary_key=True),
    Column("object", Text, primary_key=True),
    Column("kind", Text, primary_key=True),  # backfill, increment
    Column("done_until", BigInteger),  # everything below is in the store
    Column("window_since", BigInteger),  # the window being read; null when none is open
    Column("window_until", BigInteger),
    Column("position", Text),  # after the last stored page of that window
    Column("mapping", Text, nullable=False),
    Column("run", Text, nullable=False),
    Column("fence", BigInteger, nullable=False),
)

record = Table(
    "record",
    metadata,
    Column("connection", Text, primary_key=True),
    Column("object", Text, primary_key=True),
    Column("id", Text, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("changed", BigInteger),
    Column("hash", Text, nullable=False),  # of doc and mapping; not of remote
    Column("doc", Text, nullable=False),
    Column("remote", Text, nullable=False),  # what the fields we write to hold, but for empty ones
    Column("targets", Text),  # a mark of which fields `remote` tells of
    Column("gone", Boolean, nullable=False),
    Column("merged_into", Text),
    Column("person", Text),  # persons only, set by resolve
    Column("account", Text),  # doc's account id in the same connection, to find its people
    Column("subject", Text),  # doc's person id in the same connection (opportunities)
    Column("first_run", Text, nullable=False),
    Column("dirty", Boolean, nullable=False),  # resolve has not seen this version yet
)
_index_true("record_dirty", record.c.dirty, record.c.kind)
_index_known("record_person", record.c.person)
_index_known("record_account", record.c.connection, record.c.kind, record.c.account)
_index_known("record_subject", record.c.connection, record.c.kind, record.c.subject)
Index("record_kind", record.c.connection, record.c.kind, record.c.id)

activity = Table(
    "activity",
    metadata,
    Column("connection", Text, primary_key=True),
    Column("object", Text, primary_key=True),
    Column("id", Text, primary_key=True),
    Column("subject", Text),  # `<object>/<id>` of a person record in the same connection
    Column("email", Text),  # normalised; used when there is no subject
    Column("person", Text),  # set by resolve
    Column("type", Text, nullable=False),
    Column("time", BigInteger, nullable=False),
    Column("url", Text),
    Column("asset", Text),
    Column("campaign", Text),
    Column("form", Text),
    Column("channel", Text),
    Column("visit", Text),
    Column("message", Text),
    Column("agent", Text),
    Column("owner", Text),
    Column("machine", Boolean, nullable=False),
    Column("evidence", Text),  # why it was taken for a machine's
    Column("duplicate", Boolean, nullable=False),  # the same engagement is kept elsewhere
)
# What reports read of each person. PostgreSQL refuses rows whose texts are too long for an index.
_of_person = [
    activity.c[n] for n in ("person", "time", "machine", "duplicate", "owner", "connection")
]
_placed = activity.c.person.is_not(None)
Index("activity_person", *_of_person, activity.c.campaign, sqlite_where=_placed).ddl_if("sqlite")
_index_some("activity_of_person", *_of_person, where=_placed).ddl_if("postgresql")
_index_some(
    "activity_unresolved",
    activity.c.connection,
    activity.c.subject,
    where=text("person IS NULL"),
)
_index_some(
    "activity_unresolved_email",
    activity.c.email,
    where=text("person IS NULL"),
)

quarantine = Table(
    "quarantine",
    metadata,
    Column("connection", Text, primary_key=True),
    Column("object", Text, primary_key=True),
    Column("place", Text, primary_key=True),
    Column("id", Text),
    Column("reason", Text, nullable=False),
    Column("first_run", Text, nullable=False),
    Column("last_run", Text, nullable=False),
)

# --- people --------------------------------------------------------------------------------------

identity_key = Table(
    "identity_key",
    metadata,
    Column("kind", Text, primary_key=True),  # email, id, or a field named in the mapping
    Column("value", Text, primary_key=True),
    Column("person", Text, nullable=False),
)
Index("identity_key_person", identity_key.c.person)

person = Table(
    "person",
    metadata,
    Column("id", Text, primary_key=True),
    Column("facts", Text, nullable=False),  # what rules read: normalised, derived, account.*
    Column("doc", Text, nullable=False),  # the same person as people read it
    Column("excluded", Text),  # reason code when outside scope: own_staff, customer ...
    Column("stale", Boolean, nullable=False),  # score again
    Column("pending", Boolean, nullable=False),  # plan again
    Column("first_run", Text, nullable=False),
)
_index_true("person_stale", person.c.stale, person.c.id)
_index_true("person_pending", person.c.pending, person.c.id)

person_alias = Table(
    "person_alias",
    metadata,
    Column("old", Text, primary_key=True),
    Column("person", Text, nullable=False),
    Column("run", Text, nullable=False),
)

score = Table(
    "score",
    metadata,
    Column("person", Text, primary_key=True),
    Column("fit", Double, nullable=False),
    Column("behaviour", Double, nullable=False),
    Column("total", Double, nullable=False),
    Column("score", Integer, nullable=False),
    Column("grade", Text, nullable=False),
    Column("sales_ready", Boolean, nullable=False),
    Column("disqualified_by", Text),
    Column("fast_track_by", Text),
    Column("threshold", Double, nullable=False, server_default="65"),  # asked of this person
    Column("action", Text),  # the word of the band the score lies in
    Column("reasons", Text, nullable=False),  # as of the last change of score, grade or state
    Column("lines", Text, nullable=False),  # JSON: the explanation the reasons come from
    Column("model", Text, nullable=False),
    Column("scored_at", BigInteger, nullable=False),
)

tally = Table(
    "tally",
    metadata,
    Column("person", Text, primary_key=True),
    Column("units", Text, nullable=False),  # hash of what was counted: rules without their points
    Column("as_of", BigInteger, nullable=False),  # sums are decayed up to this moment
    Column("until", BigInteger),  # from then on other activities count
    Column("newest", BigInteger),  # the last activity, where a rule asks when it was
    Column("sums", Text, nullable=False),  # of closed days, `;` between, in the order of the units
    Column("open", Text, nullable=False, server_default=""),  # what its open days add to them
    Column("entries", Text, nullable=False, server_default=""),  # see domain/tally
)

# Of which types of activity what was counted of people must be counted anew.
recount = Table(
    "recount",
    metadata,
    Column("person", Text, primary_key=True),
    Column("type", Text, primary_key=True),
)

cycle = Table(
    "cycle",
    metadata,
    Column("person", Text, primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("state", Text, nullable=False),
    Column("why", Text, nullable=False),
    Column("since", BigInteger, nullable=False),
    Column("next_at", BigInteger),  # when the clock may move it; null only in final states
    Column("opened_at", BigInteger, nullable=False),
    Column("behaviour_at", BigInteger),  # newest counted activity when the cycle opened
    Column("owner", Text),  # `connection/id` it was given to
    Column("routed_at", BigInteger),  # when the owner was chosen, in this pass
    Column("handed_off_at", BigInteger),  # when the owner write was confirmed
    Column("sla_due_at", BigInteger),
    Column("theme", Text),
    Column("verdict", Text),
    Column("verdict_reason", Text),
    Column("verdict_at", BigInteger),
    Column("phase", Text),  # of the buying process, for nurture
    Column("next_owner", Text),  # who has the record after a verdict, where sales' rules say so
    Column("current", Boolean, nullable=False),
)
_index_some(
    "cycle_current",
    cycle.c.person,
    unique=True,
    where=text("current"),
)
Index("cycle_state", cycle.c.state)
_index_true("cycle_due", cycle.c.current, cycle.c.next_at)

move = Table(  # append-only: every move of every cycle
    "move",
    metadata,
    Column("seq", Integer, primary_key=True, autoincrement=True),
    Column("person", Text, nullable=False),
    Column("number", Integer, nullable=False),
    Column("before", Text),
    Column("after", Text, nullable=False),
    Column("why", Text, nullable=False),
    Column("by", Text, nullable=False),  # rule, activity, CRM field, clock or person
    Column("at", BigInteger, nullable=False),
    Column("run", Text, nullable=False),
)
Index("move_person", move.c.person)

disposition = Table(
    "disposition",
    metadata,
    Column("id", Text, primary_key=True),  # source record and what it said: once each
    Column("person", Text, nullable=False),
    Column("number", Integer, nullable=False),
    Column("verdict", Text, nullable=False),
    Column("reason", Text),
    Column("at", BigInteger, nullable=False),
    Column("by", Text),
    Column("source", Text, nullable=False),
    Column("run", Text, nullable=False),
)
Index("disposition_person", disposition.c.person)

routing = Table(  # append-only: why each lead went where it went
    "routing",
    metadata,
    Column("seq", Integer, primary_key=True, autoincrement=True),
    Column("person", Text, nullable=False),
    Column("number", Integer, nullable=False),
    Column("rule", Text, nullable=False),
    Column("pool", Text),
    Column("owner", Text),
    Column("skipped", Text, nullable=False),  # JSON: candidates and why each was not taken
    Column("value", Double),  # what the lead was expected to bring
    Column("at", BigInteger, nullable=False),
    Column("run", Text, nullable=False),
)
Index("routing_person", routing.c.person)

rotation = Table(  # smooth weighted round robin: the credit of each member of each pool
    "rotation",
    metadata,
    Column("pool", Text, primary_key=True),
    Column("owner", Text, primary_key=True),
    Column("credit", Double, nullable=False),
)

handoff = Table(  # one a cycle: its package, its clock, and its task in the CRM
    "handoff",
    metadata,
    Column("person", Text, primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("record", Text, nullable=False),  # `connection/object/id`
    Column("owner", Text, nullable=False),
    Column("tier", Text, nullable=False),
    Column("crossed_at", BigInteger, nullable=False),
    Column("began_at", BigInteger),  # owner confirmed: the clock runs
    Column("touch_due", BigInteger),
    Column("touched_at", BigInteger),
    Column("step", Text, nullable=False),  # '', warned, escalated, reassigned
    Column("turn", Integer, nullable=False),  # how often it was given to somebody else
    Column("package", Text, nullable=False),
    Column("do_next", Text, nullable=False),
    Column("alert", Text, nullable=False),  # JSON: title and body
    Column("task", Text, nullable=False),  # wanted, sending, done, refused, none
    Column("task_id", Text),
    Column("task_at", BigInteger),
    Column("score", Integer),  # of the person when the owner was chosen
)
_index_some(
    "handoff_running",
    handoff.c.touch_due,
    where=text("touched_at IS NULL AND began_at IS NOT NULL"),
)
_index_some(
    "handoff_task",
    handoff.c.task,
    where=text("task IN ('wanted', 'sending')"),
)

alert = Table(  # who was to be told what, once for each cycle, turn and kind
    "alert",
    metadata,
    Column("person", Text, primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("turn", Integer, primary_key=True),
    Column("kind", Text, primary_key=True),  # crossing, warned, escalated, reassigned
    Column("owner", Text, nullable=False),
    Column("state", Text, nullable=False),  # wanted, digest, sending, sent, left_out, failed
    Column("due_at", BigInteger, nullable=False),
    Column("settled_at", BigInteger),
)
_index_some(
    "alert_wanted",
    alert.c.due_at,
    where=text("state IN ('wanted', 'digest')"),
)

offer = Table(  # a lead offered to a partner, and what the partner said
    "offer",
    metadata,
    Column("person", Text, primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("partner", Text, primary_key=True),
    Column("state", Text, nullable=False),  # offered, accepted, declined, timed_out
    Column("code", Text, nullable=False),  # what the partner answers with
    Column("offered_at", BigInteger, nullable=False),
    Column("due_at", BigInteger, nullable=False),
    Column("answered_at", BigInteger),
    Column("delivered", Text, nullable=False),  # '', offer, whole: how much of it went out
)
Index("offer_code", offer.c.code)

# --- writing -------------------------------------------------------------------------------------

plan = Table(
    "plan",
    metadata,
    Column("id", Text, primary_key=True),
    Column("run", Text, nullable=False),
    Column("kind", Text, nullable=False),  # write, undo
    Column("state", Text, nullable=False),  # open, needs_approval, approved, applied, superseded
    Column("basis", Text, nullable=False),  # hash of model, mapping, routing and scope
    Column("created_at", BigInteger, nullable=False),
    Column("approved_at", BigInteger),
    Column("counts", Text, nullable=False),
    Column("held", Text, nullable=False),  # JSON: limits exceeded, in words
)

LIVE = ("planned", "approved", "sending", "retry", "unknown")
"""States of which nothing is settled yet: `settled_at` is empty in these, and in no other."""

outbox = Table(
    "outbox",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("plan", Text, nullable=False),
    Column("connection", Text, nullable=False),
    Column("object", Text, nullable=False),
    Column("record", Text, nullable=False),
    Column("grp", Text, nullable=False),
    Column("person", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("changes", Text, nullable=False),  # JSON: remote name -> [before, after]
    Column("quiet", Boolean, nullable=False),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("code", Text),
    Column("field", Text),
    Column("message", Text),
    Column("hint", Text),
    Column("settled_at", BigInteger),
)
is_live = outbox.c.settled_at.is_(None)
"""Nothing is settled of a live row. Indexes of live rows go by this and not by their state, for a
row on its way changes its state three times, and each index that looks at it is written anew."""


_index_some(
    "outbox_live",
    outbox.c.connection,
    outbox.c.object,
    outbox.c.record,
    outbox.c.grp,
    where=is_live,
    unique=True,
)
_index_some(
    "outbox_queue",
    outbox.c.connection,
    outbox.c.state,
    outbox.c.object,
    outbox.c.grp,
    outbox.c.quiet,
    outbox.c.id,
    where=is_live,
)
_index_some("outbox_live_person", outbox.c.person, where=is_live)
Index("outbox_plan", outbox.c.plan)
Index("outbox_person", outbox.c.person)

last_written = Table(  # advances only with a confirmed write
    "last_written",
    metadata,
    Column("connection", Text, primary_key=True),
    Column("object", Text, primary_key=True),
    Column("record", Text, primary_key=True),
    Column("fields", Text, nullable=False),  # JSON: remote name -> [value, confirmed at]
    Column("run", Text, nullable=False),
)

human_edit = Table(  # a value of a shared field that somebody else set, and when we first saw it
    "human_edit",
    metadata,
    Column("connection", Text, primary_key=True),
    Column("object", Text, primary_key=True),
    Column("record", Text, primary_key=True),
    Column("field", Text, primary_key=True),
    Column("value", Text, nullable=False),
    Column("seen_at", BigInteger, nullable=False),
    Column("run", Text, nullable=False),
)

journal = Table(  # append-only, before the request leaves
    "journal",
    metadata,
    Column("seq", Integer, primary_key=True, autoincrement=True),
    Column("outbox", Integer, nullable=False),
    Column("connection", Text, nullable=False),
    Column("object", Text, nullable=False),
    Column("record", Text, nullable=False),
    Column("changes", Text, nullable=False),  # JSON: remote name -> [before, after]
    Column("at", BigInteger, nullable=False),
    Column("run", Text, nullable=False),
)
Index("journal_outbox", journal.c.outbox)

# --- trust ---------------------------------------------------------------------------------------

audit = Table(  # append-only: who did what, each row sealed with the one before it
    "audit",
    metadata,
    Column("seq", Integer, primary_key=True, autoincrement=True),
    Column("at", BigInteger, nullable=False),
    Column("who", Text, nullable=False),
    Column("what", Text, nullable=False),
    Column("about", Text, nullable=False),  # JSON: ids, hashes, counts and salted digests only
    Column("before", Text, nullable=False),  # hash of the row before; empty for the first
    Column("hash", Text, nullable=False),
)
_refuse_changes(audit)

forgotten = Table(  # salted digests of people who are not to come back
    "forgotten",
    metadata,
    Column("digest", Text, primary_key=True),
    Column("pseudonym", Text, nullable=False),
    Column("at", BigInteger, nullable=False),
)
Index("forgotten_pseudonym", forgotten.c.pseudonym)

token = Table(  # rotated secrets, encrypted with a key that is not in the database
    "token",
    metadata,
    Column("connection", Text, primary_key=True),
    Column("name", Text, primary_key=True),
    Column("sealed", Text, nullable=False),
)

note = Table(  # what the loop notes about itself: salt, last clearing, last status told
    "note",
    metadata,
    Column("name", Text, primary_key=True),
    Column("value", Text, nullable=False),
)
