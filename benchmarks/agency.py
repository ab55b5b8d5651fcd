"""What one more connection costs an agency: CPU seconds and peak memory of a whole loop over many.

    python -m benchmarks.agency              1, 30 and 300 connections, 20 people each
    N=1,100 python -m benchmarks.agency

Each command is a process of its own over one folder with a file a connection, as an agency has it.
What was written is counted afterwards: every person of every connection.
"""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

SIZES = [int(one) for one in os.environ.get("N", "1,30,300").split(",")]
PEOPLE = 20
NOW = ("--now", "2026-06-01T00:00:00Z")
ROOT = Path(__file__).parents[1]
SETTINGS = """
version: 1
store: sqlite:///./s.db
model: model.yaml
routing: routing.yaml
stage: score
write: {limits: {records: 100%, owners: 100000, clears: 100%}}
"""
ROUTING = "version: 1\nfallback: {queue: inbound}\n"
HEADS = {
    "owners.csv": "id,name,email,active,type\n",
    "accounts.csv": "id,name,domain,employees,industry,country,customer\n",
    "opportunities.csv": "id,person,account,owner,stage,amount,created,closed,reason\n",
}
PERSON = (
    "id,name,email,title,account,country,source,created,opted_out,status,reason,status_at,owner"
)
VISIT = {"type": "page_view", "time": "2026-05-20T00:00:00Z", "url": "/pricing"}


def make(folder: Path, count: int) -> None:
    """Write the settings and the customers' files."""
    for ours, theirs in (("mapping", "files"), ("model", "model")):
        text = (ROOT / "mappings" / f"{theirs}.yaml").read_text(encoding="utf-8")
        (folder / f"{ours}.yaml").write_text(text, encoding="utf-8")
    (folder / "leadloop.yaml").write_text(SETTINGS, encoding="utf-8")
    (folder / "routing.yaml").write_text(ROUTING, encoding="utf-8")
    (folder / "connections.d").mkdir()
    for number in range(count):
        _customer(folder, f"c{number:03}", first=number == 0)


def _customer(folder: Path, name: str, *, first: bool) -> None:
    (folder / "connections.d" / f"{name}.yaml").write_text(
        f"name: {name}\nkind: files\nmapping: mapping.yaml\nhandoff: {str(first).lower()}\n"
        f"files: {{folder: data/{name}, out: out/{name}}}\n",
        encoding="utf-8",
    )
    data = folder / "data" / name
    data.mkdir(parents=True)
    people = [
        f"{n},P{n},p{n}@{name}.example,CEO,,fr,web,2026-05-01T00:00:00Z,false,New,,,"
        for n in range(PEOPLE)
    ]
    visits = [json.dumps({"id": f"v{n}", "person": str(n), **VISIT}) for n in range(PEOPLE)]
    files = {
        **HEADS,
        "people.csv": "\n".join([PERSON, *people, ""]),
        "activities.jsonl": "\n".join([*visits, ""]),
    }
    for file, text in files.items():
        (data / file).write_text(text, encoding="utf-8")


def measured(folder: Path, *words: str, expect: int = 0) -> tuple[dict[str, Any], str]:
    """Run a command; gives its envelope, and what it took in words."""
    began = time.monotonic()
    with (folder / "told").open("wb") as out, (folder / "said").open("wb") as err:
        child = subprocess.Popen(
            [sys.executable, "-m", "connector", *words, "-o", "json"],
            cwd=folder,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stdout=out,
            stderr=err,
        )
        _, status, used = os.wait4(child.pid, 0)
    if os.waitstatus_to_exitcode(status) != expect:
        raise SystemExit((folder / "said").read_text(encoding="utf-8")[-2000:])
    took = f"{used.ru_utime + used.ru_stime:6.2f} {used.ru_maxrss / 1024:7.0f}"
    return (
        json.loads((folder / "told").read_text(encoding="utf-8")),
        f"{took} {time.monotonic() - began:6.1f}",
    )


def written(folder: Path) -> int:
    """How many people have a score in what was written."""
    found = 0
    for file in (folder / "out").glob("*/people.csv"):
        with file.open(encoding="utf-8", newline="") as rows:
            found += sum(bool(row["leadloop_score"]) for row in csv.DictReader(rows))
    return found


def main() -> None:
    print("connections command        CPU s  MB peak wall s")
    for count in SIZES:
        with tempfile.TemporaryDirectory(prefix="ll-agency-") as name:
            folder = Path(name)
            make(folder, count)
            told = {"check": measured(folder, "check")[1]}
            first, told["first run"] = measured(folder, "run", *NOW, expect=5)
            plan = first["data"]["plan"]["id"]
            told["apply"] = measured(folder, "apply", plan, "--approve", *NOW)[1]
            told["quiet run"] = measured(folder, "run", *NOW)[1]
            told["status"] = measured(folder, "status")[1]
            for word, took in told.items():
                print(f"{count:11} {word:12} {took}", flush=True)
            if written(folder) != count * PEOPLE:
                raise SystemExit(f"{written(folder)} of {count * PEOPLE} people were written")


if __name__ == "__main__":
    main()
