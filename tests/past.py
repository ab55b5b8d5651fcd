"""A past written straight into a store: people, what they did, cycles, verdicts and deals."""

from __future__ import annotations

from random import Random

from sqlalchemy import insert

from connector.domain.moment import DAY, HOUR, parse_iso
from connector.store import schema
from connector.store.persons.people import dumps

NOW = parse_iso("2026-11-01T12:00:00Z")
HOSTILE = '<script>alert("x")</script> & "sons" \'n'
_ENDS = (
    "accepted",
    "qualified",
    "rejected",
    "recycled",
    "won",
    "lost",
    "no_decision",
    "handed_off",
)
_REASONS = ("no_budget", "bad_timing", HOSTILE, None)


def fill(store, *, people, seed=1, hostile=False):
    """Write a past of so many people; gives their ids."""
    luck = Random(seed)
    rows = {
        name: []
        for name in ("person", "record", "activity", "cycle", "move", "disposition", "score")
    }
    for owner in ("anna", "ben"):
        name = HOSTILE if hostile and owner == "ben" else owner.title()
        rows["record"].append(_record("user", owner, "owner", {"name": name}))
    for number in range(people):
        _person(rows, luck, f"l{number:04}", hostile=hostile)
    with store.write() as tx:
        for name, found in rows.items():
            if found:
                tx.execute(insert(getattr(schema, name)), found)
        if people:
            tx.execute(insert(schema.quarantine), [
                {"connection": "crm", "object": "event", "place": f"e:{n}", "id": None,
                 "reason": HOSTILE if hostile else "`time` is no moment", "first_run": "r", "last_run": "r"}
                for n in range(2)
            ])  # fmt: skip
    return [row["id"] for row in rows["person"]]


def did(person, ident, at, **values):
    """One activity row."""
    blank = dict.fromkeys(
        ("subject", "email", "url", "asset", "campaign", "form", "channel", "visit", "message",
         "agent", "owner")
    )  # fmt: skip
    given = {"type": "page_view", "machine": False, "duplicate": False, **values}
    return {"connection": "crm", "object": "event", "id": ident, "person": person, "time": at,
            **blank, **given}  # fmt: skip


def _record(obj, ident, kind, doc, **values):
    blank = {"changed": None, "hash": "h", "remote": "{}", "gone": False, "merged_into": None,
             "person": None, "account": None, "subject": None, "first_run": "r", "dirty": False}  # fmt: skip
    return {"connection": "crm", "object": obj, "id": ident, "kind": kind, "doc": dumps(doc),
            **blank, **values}  # fmt: skip


def _person(rows, luck, ident, *, hostile):
    who = f"crm/lead/{ident}"
    created = NOW - luck.randrange(20, 400) * DAY
    source = luck.choice(["ads", "fair", HOSTILE if hostile else "web", None])
    doc = {
        "created": created,
        "source": source,
        "name": "Ada Secret",
        "email": f"{ident}@x.example",
    }
    facts = {
        "seniority": luck.choice(["vp", "staff", None]),
        "account.employees": luck.choice([900, 20, None]),
        "email_domain": "x.example",
    }
    rows["person"].append({
        "id": who, "facts": dumps({k: v for k, v in facts.items() if v is not None}),
        "doc": dumps(doc), "excluded": None, "stale": False, "pending": False, "first_run": "r",
    })  # fmt: skip
    rows["record"].append(_record("lead", ident, "person", doc, person=who))
    rows["score"].append({
        "person": who, "fit": 50.0, "behaviour": 50.0, "total": 50.0, "score": luck.randrange(101),
        "grade": "B2", "sales_ready": False, "disqualified_by": None, "fast_track_by": None,
        "reasons": "", "lines": "[]", "model": "m", "scored_at": NOW,
    })  # fmt: skip
    for n in range(luck.randrange(6)):
        rows["activity"].append(did(
            who, f"{ident}.{n}", created + luck.randrange(60 * 24) * HOUR,
            type=luck.choice(["page_view", "download"]), url=luck.choice(["/pricing", "/"]),
            campaign=(None, "spring", HOSTILE if hostile else "fair")[n % 3],
        ))  # fmt: skip
    _cycle(rows, luck, who, ident, created)


def _cycle(rows, luck, who, ident, created):
    steps = ["inquiry"]
    at = created
    if luck.random() < 0.7:
        steps += ["sales_ready", "handed_off", luck.choice(_ENDS)]
    elif luck.random() < 0.5:
        steps += ["sales_ready", "nurture"]
    end = steps[-1]
    reason = luck.choice(_REASONS) if end in {"rejected", "recycled", "lost"} else None
    handed = verdict_at = None
    before = None
    for state in dict.fromkeys(steps):
        if state == "handed_off":
            at = handed = at + 2 * DAY
        elif state != "inquiry":
            at += luck.randrange(1, 20 * 24) * HOUR
        rows["move"].append({"person": who, "number": 1, "before": before, "after": state,
                             "why": state, "by": "rule", "at": at, "run": "r"})  # fmt: skip
        before = state
    if end in {"accepted", "qualified", "rejected", "recycled", "won", "lost"}:
        verdict_at = at
        rows["disposition"].append({
            "id": ident, "person": who, "number": 1, "verdict": end, "reason": reason, "at": at,
            "by": None, "source": f"crm/lead/{ident}", "run": "r",
        })  # fmt: skip
    rows["cycle"].append({
        "person": who, "number": 1, "state": end, "why": end, "since": at, "next_at": None,
        "opened_at": created, "behaviour_at": None,
        "owner": luck.choice(["crm/anna", "crm/ben"]) if handed else None, "routed_at": handed,
        "handed_off_at": handed, "sla_due_at": handed + DAY if handed else None, "theme": None,
        "verdict": end if verdict_at else None, "verdict_reason": reason, "verdict_at": verdict_at,
        "current": True,
    })  # fmt: skip
    if handed and luck.random() < 0.6:
        owner = rows["cycle"][-1]["owner"].split("/")[1]
        rows["activity"].append(did(who, f"{ident}.t", handed + luck.randrange(60) * HOUR,
                                    type="call", owner=owner))  # fmt: skip
    if end in {"won", "lost", "qualified"}:
        deal = {"amount": luck.choice([luck.randrange(100, 9000) + 0.5, None]),
                "status": {"qualified": "open"}.get(end, end), "created": at - DAY, "closed": at}  # fmt: skip
        rows["record"].append(_record("deal", f"d{ident}", "opportunity", deal, subject=ident))
