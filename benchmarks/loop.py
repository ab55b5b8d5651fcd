"""How fast the loop is against the physical floor, in one run: ratios, CPU seconds, peak memory.

    python -m benchmarks.loop                        50,000 people, 250,000 activities
    N=100000 PER_PERSON=20 python -m benchmarks.loop

After the first run has been approved and one more has found nothing new, one in a hundred does
something, and a day later everybody is counted anew from the whole history. Each part runs in a
process of its own, with shipped defaults; what it stored is counted and checked afterwards. Wall
time depends on the machine's other work: compare CPU seconds and ratios.
"""

from __future__ import annotations

import csv
import json
import os
import sqlite3
import subprocess
import sys
import tempfile
import time
from pathlib import Path

N = int(os.environ.get("N", "50000"))
PER_PERSON = int(os.environ.get("PER_PERSON", "5"))
EVERY = 100
NOW, SOON = "2026-06-01T00:00:00Z", "2026-06-01T00:15:00Z"
NEXT_DAY = "2026-06-02T01:00:00Z"
SETTINGS = """
version: 1
store: sqlite:///./s.db
model: model.yaml
stage: score
connections:
  - {name: crm, kind: files, mapping: mapping.yaml, files: {folder: data, out: out}}
"""
MAPPING = """
version: 1
objects:
  lead:
    is: person
    source: people
    key: id
    fields: {email: email, title: title, country: country, employees: {from: employees, as: int}}
    write:
      score: {to: score, owner: ours}
      grade: {to: grade, owner: ours}
      reasons: {to: reasons, owner: ours}
  visit:
    is: activity
    source: visits
    key: id
    person: person
    type: type
    at: time
    fields: {url: url}
  latest:
    is: activity
    source: latest
    key: id
    person: person
    type: type
    at: time
    fields: {url: url}
"""
COLUMNS = ["id", "person", "type", "time", "url"]


def make(folder: Path) -> None:
    """Write the data, the same for everybody."""
    root = Path(__file__).parents[1]
    (folder / "data").mkdir()
    (folder / "leadloop.yaml").write_text(SETTINGS)
    (folder / "mapping.yaml").write_text(MAPPING)
    (folder / "model.yaml").write_text((root / "mappings" / "model.yaml").read_text())
    titles = ("VP Operations", "Student", "IT Manager", "CEO", "Accountant")
    with (folder / "data" / "people.csv").open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["id", "email", "title", "country", "employees"])
        for n in range(N):
            rows.writerow([n, f"p{n}@c{n % 997}.example", titles[n % 5], "de", n % 6000])
    with (folder / "data" / "visits.csv").open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(COLUMNS)
        for n in range(N * PER_PERSON):
            url = "/pricing" if n % 7 == 0 else "/product/x"
            rows.writerow([n, n % N, "page_view", f"2026-05-{n % 28 + 1:02}T10:00:00Z", url])
    visit(folder, every=None)


def visit(folder: Path, *, every: int | None) -> None:
    """Let one in so many see the prices once more; None for nobody yet."""
    with (folder / "data" / "latest.csv").open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(COLUMNS)
        for n in range(0, N, every) if every else ():
            rows.writerow([f"l{n}", n, "page_view", "2026-06-01T00:10:00Z", "/pricing"])


def forget(folder: Path) -> None:
    """Throw away the sums that are kept, so that the next scoring reads the whole history."""
    store = sqlite3.connect(folder / "s.db")
    store.execute("DELETE FROM tally")
    store.commit()
    store.close()


def floor(folder: Path) -> None:
    """The least one could do: read both files and put every row into SQLite, one commit a page."""
    store = sqlite3.connect(folder / "floor.db")
    store.execute("PRAGMA journal_mode=WAL")
    store.execute("PRAGMA synchronous=FULL")
    for name, columns in (("people", 5), ("visits", 5)):
        store.execute(f"CREATE TABLE {name} ({', '.join(f'c{n}' for n in range(columns))})")
        with (folder / "data" / f"{name}.csv").open(newline="") as file:
            rows = csv.reader(file)
            next(rows)
            while page := [row for _, row in zip(range(2000), rows, strict=False)]:
                store.executemany(f"INSERT INTO {name} VALUES (?, ?, ?, ?, ?)", page)
                store.commit()
    store.close()


def measured(name: str, command: list[str], folder: Path) -> dict[str, float]:
    """Run one part; CPU and memory count its own child processes too."""
    begun = time.perf_counter()
    code = """
import json, resource, subprocess, sys
done = subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
used = resource.getrusage(resource.RUSAGE_CHILDREN)
print(json.dumps([done.returncode, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024]))
"""
    done = subprocess.run(
        [sys.executable, "-c", code, *command],
        cwd=folder,
        capture_output=True,
        text=True,
        check=True,
    )
    code_out, cpu, peak = json.loads(done.stdout)
    if code_out not in {0, 5}:
        raise SystemExit(f"{name} ended with {code_out}")
    return {"wall": time.perf_counter() - begun, "cpu": cpu, "peak": peak}


def main() -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        make(folder)
        leadloop = [sys.executable, "-m", "connector"]
        parts = {
            "floor: read and insert": [sys.executable, "-m", "benchmarks.loop", "floor", name],
            "first run: pull to plan": [*leadloop, "run", "-q", "--now", NOW],
        }
        os.environ["PYTHONPATH"] = str(Path(__file__).parents[1])
        results = {part: measured(part, command, folder) for part, command in parts.items()}
        check(folder)
        approve = [*leadloop, "apply", plan_of(folder), "--approve", "--now", NOW]
        results["approved: all written"] = measured("apply", approve, folder)
        again = [*leadloop, "run", "-q", "--now", NOW]
        results["second run: nothing new"] = measured("second run", again, folder)
        visit(folder, every=EVERY)
        soon = [*leadloop, "run", "-q", "--now", SOON]
        results[f"one in {EVERY} came back"] = measured("a few", soon, folder)
        check_scored(folder, N // EVERY)
        forget(folder)
        later = [*leadloop, "run", "-q", "--now", NEXT_DAY]
        results["everybody counted anew"] = measured("everybody", later, folder)
        check_scored(folder, N)
    show(results)


def show(results: dict[str, dict[str, float]]) -> None:
    """Print each part beside the floor and the first run."""
    base, first = (one["cpu"] for one in list(results.values())[:2])
    print(f"{N:,} people, {N * PER_PERSON:,} activities")
    print(
        f"{'':26} {'wall s':>8} {'CPU s':>8} {'x floor':>8} {'of first':>9} {'peak MB':>8} "
        f"{'people/CPU-s':>13}"
    )
    for part, one in results.items():
        print(
            f"{part:26} {one['wall']:8.1f} {one['cpu']:8.2f} {one['cpu'] / base:8.1f} "
            f"{one['cpu'] / first:9.1%} {one['peak']:8.0f} {N / one['cpu']:13,.0f}"
        )


def plan_of(folder: Path) -> str:
    """Give the id of the first plan."""
    store = sqlite3.connect(folder / "s.db")
    (plan,) = store.execute("SELECT id FROM plan").fetchone()
    store.close()
    return str(plan)


def check(folder: Path) -> None:
    """Make sure that everybody was stored and scored, or the figures mean nothing."""
    store = sqlite3.connect(folder / "s.db")
    counts = [
        store.execute(f"SELECT count(*) FROM {table}").fetchone()[0]
        for table in ("person", "score", "activity")
    ]
    planned = store.execute("SELECT count(*) FROM outbox WHERE state = 'planned'").fetchone()[0]
    store.close()
    if counts != [N, N, N * PER_PERSON] or planned != N:
        raise SystemExit(f"stored {counts}, planned {planned}: the run did not do its work")


def check_scored(folder: Path, people: int) -> None:
    """Make sure that the last run scored as many as it should."""
    store = sqlite3.connect(folder / "s.db")
    (counts,) = store.execute("SELECT counts FROM run ORDER BY now DESC LIMIT 1").fetchone()
    store.close()
    scored = json.loads(counts)["score"]["scored"]
    if scored != people:
        raise SystemExit(f"{scored} people were scored, {people} should be")


if __name__ == "__main__":
    if sys.argv[1:2] == ["floor"]:
        floor(Path(sys.argv[2]))
    else:
        main()
