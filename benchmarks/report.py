"""The report over a large store: CPU, memory and the size of its page.

    python -m benchmarks.report --people 1000000 --activities 20

Fills a SQLite store with a past of three years (seed fixed; the time for that is not counted),
then runs `leadloop report --html --json` as anybody would, and checks the figures afterwards.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

from sqlalchemy import insert

from benchmarks.measuring import measured
from connector.domain.moment import DAY, HOUR, parse_iso
from connector.store import schema
from connector.store.database import Store, open_store
from connector.store.persons.people import dumps
from connector.store.schema import activity, cycle, disposition, move, person, record, score

NOW = parse_iso("2026-11-01T12:00:00Z")
BATCH = 5_000
_SETTINGS = """version: 1
store: sqlite:///./leadloop.db
model: model.yaml
connections: [{name: crm, kind: memory, mapping: mapping.yaml, handoff: true}]
report: {costs: costs.csv, segment: industry, margin: 40%}
"""
_MODEL = """version: 1
name: bench
fit:
  full_marks: 10
  groups: [{name: size, rules: [{name: Known, field: title, missing: true, points: 1}]}]
behaviour:
  full_marks: 10
  groups: [{name: web, rules: [{name: Page, activity: page_view, points: 1}]}]
"""
_MAPPING = """version: 1
objects:
  lead: {is: person, key: Id, changed: Changed, fields: {email: Email}}
"""
Rows = dict[str, list[dict[str, Any]]]


def main() -> int:
    """Fill, run, check, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--people", type=int, default=1_000_000)
    parser.add_argument("--activities", type=int, default=20, help="mean per person")
    parser.add_argument("--store", type=Path, help="a folder to keep the store in, for next time")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = given.store or Path(name)
        wanted = _filled(folder, given.people, given.activities)
        page, figures = folder / "report.html", folder / "report.json"
        run = measured([
            sys.executable, "-m", "connector", "report", "-c", str(folder / "leadloop.yaml"),
            "--now", "2026-11-01T12:00:00Z", "--html", str(page), "--json", str(figures),
        ], watch=True)  # fmt: skip
        data = json.loads(figures.read_text(encoding="utf-8"))["data"]
        found = (data["headline"]["cycles"], data["headline"]["won"])
        print(f"people {given.people:,}, about {given.people * given.activities:,} activities")
        print(f"wall {run.wall:.1f} s, CPU {run.cpu:.1f} s, peak {run.peak:.0f} MB, "
              f"both processes together {run.together:.0f} MB, "
              f"page {page.stat().st_size / 1000:.0f} kB")  # fmt: skip
        print("figures " + ("right" if found == wanted else f"WRONG: {found}, not {wanted}"))
        return found != wanted


def _filled(folder: Path, people: int, activities: int) -> tuple[int, int]:
    """Fill the folder unless it was filled so before; gives cycles and how many were won."""
    mark, asked = folder / "filled.json", [people, activities]
    if mark.is_file() and (kept := json.loads(mark.read_text(encoding="utf-8")))[:2] == asked:
        return kept[2], kept[3]
    if mark.is_file():
        raise SystemExit(f"{folder} holds another store: name another folder, or delete it")
    folder.mkdir(parents=True, exist_ok=True)
    found = _fill(folder, people, activities)
    mark.write_text(json.dumps([*asked, *found]), encoding="utf-8")
    return found


def _fill(folder: Path, people: int, activities: int) -> tuple[int, int]:
    """Write settings and store; gives cycles and how many of them were won."""
    for name, text in (("leadloop.yaml", _SETTINGS), ("model.yaml", _MODEL),
                       ("mapping.yaml", _MAPPING)):  # fmt: skip
        (folder / name).write_text(text, encoding="utf-8")
    costs = "".join(f"c{n},2025-{m:02},1000,EUR\n" for n in range(40) for m in range(1, 13))
    (folder / "costs.csv").write_text("campaign,period,amount,currency\n" + costs, encoding="utf-8")
    store = open_store(f"sqlite:///{folder}/leadloop.db")
    won = 0
    for rows, n in _batches(people, activities):
        _write(store, rows)
        won += n
    store.close()
    return people, won


def _write(store: Store, rows: Rows) -> None:
    with store.write() as tx:
        for name, found in rows.items():
            if found:
                tx.execute(insert(getattr(schema, name)), found)


def _batches(people: int, activities: int) -> Iterator[tuple[Rows, int]]:
    luck = Random(7)
    tables = (person, record, activity, cycle, move, disposition, score)
    for start in range(0, people, BATCH):
        rows: Rows = {table.name: [] for table in tables}
        ids = range(start, min(start + BATCH, people))
        yield rows, sum(_person(rows, luck, n, activities) for n in ids)


def _person(rows: Rows, luck: Random, number: int, activities: int) -> bool:
    ident, came = f"{number:08}", NOW - luck.randrange(20, 3 * 365) * DAY
    who, doc = f"crm/lead/{ident}", {
        "created": came, "source": f"source {luck.randrange(60)}",
        "industry": luck.choice(["retail", "steel", "health", "banking"]),
    }  # fmt: skip
    rows["person"].append({"id": who, "facts": "{}", "doc": dumps(doc), "excluded": None,
                           "stale": False, "pending": False, "first_run": "r"})  # fmt: skip
    rows["record"].append(_record("lead", ident, "person", doc, person=who))
    rows["score"].append({
        "person": who, "fit": 50.0, "behaviour": 50.0, "total": 50.0, "score": luck.randrange(101),
        "grade": "B2", "sales_ready": False, "reasons": "", "lines": "[]", "model": "m",
        "scored_at": NOW,
    })  # fmt: skip
    for n in range(luck.randrange(2 * activities + 1)):
        rows["activity"].append(_did(
            who, f"{ident}.{n}", came + luck.randrange(400 * 24) * HOUR,
            campaign=f"c{luck.randrange(80)}" if luck.random() < 0.2 else None,
        ))  # fmt: skip
    return _cycle(rows, luck, who, ident, came)


def _cycle(rows: Rows, luck: Random, who: str, ident: str, came: int) -> bool:
    ready = luck.random() < 0.15
    end = luck.choice(["rejected", "recycled", "no_decision", "accepted", "lost", "won"])
    states = ["inquiry", "sales_ready", "handed_off", end] if ready else ["inquiry", "nurture"]
    at = handed = came
    for before, state in zip([None, *states], states, strict=False):
        at += luck.randrange(1, 200) * HOUR
        handed = at if state == "handed_off" else handed
        rows["move"].append({"person": who, "number": 1, "before": before, "after": state,
                             "why": state, "by": "rule", "at": at, "run": "r"})  # fmt: skip
    owner = f"o{luck.randrange(50)}"
    rows["cycle"].append({
        "person": who, "number": 1, "state": states[-1], "why": "w", "since": at,
        "opened_at": came, "owner": f"crm/{owner}" if ready else None, "current": True,
        "handed_off_at": handed if ready else None, "sla_due_at": handed + DAY if ready else None,
        "verdict_reason": luck.choice(["no_budget", "bad_timing"]) if ready else None,
    })  # fmt: skip
    if not ready:
        return False
    if luck.random() < 0.7:
        touched = handed + luck.randrange(48) * HOUR
        rows["activity"].append(_did(who, f"{ident}.t", touched, owner=owner))
    if end != "no_decision":
        rows["disposition"].append({"id": ident, "person": who, "number": 1, "verdict": end,
            "reason": None, "at": at, "by": None, "source": who, "run": "r"})  # fmt: skip
    if end in {"won", "lost"}:
        deal = {"amount": luck.randrange(1000, 90_000), "status": end, "created": at, "closed": at}
        rows["record"].append(_record("deal", ident, "opportunity", deal, subject=ident))
    return end == "won"


def _record(obj: str, ident: str, kind: str, doc: dict[str, Any], **more: str) -> dict[str, Any]:
    blank = {"person": None, "subject": None}
    return {"connection": "crm", "object": obj, "id": ident, "kind": kind, "doc": dumps(doc),
            "hash": "h", "remote": "{}", "gone": False, "first_run": "r", "dirty": False,
            **blank, **more}  # fmt: skip


def _did(who: str, ident: str, at: int, **more: str | None) -> dict[str, Any]:
    blank = {"campaign": None, "owner": None}
    return {
        "connection": "crm", "object": "event", "id": ident, "person": who, "time": min(at, NOW),
        "type": "page_view", "machine": False, "duplicate": False, **blank, **more,
    }  # fmt: skip


if __name__ == "__main__":
    sys.exit(main())
