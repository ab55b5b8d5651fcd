"""The shipped model as a plain Python loop over dicts: the reference scorer of the tests."""

from __future__ import annotations

import json
import sys
from collections import defaultdict
from pathlib import Path

import duckdb
from ruamel.yaml import YAML

from tests.reference_scorer import score


def main(folder: str, now: int, people: int, out: str) -> None:
    """Score the first people and write CSV; says how many activities they had."""
    model = YAML(typ="safe").load(Path(__file__).parents[2] / "mappings" / "model.yaml")
    duck = duckdb.connect()
    chosen = f"(SELECT * FROM '{folder}/people.parquet' ORDER BY person LIMIT {people})"
    persons = _dicts(duck.execute(f"SELECT * FROM {chosen}"))
    done = defaultdict(list)
    query = f"SELECT * FROM '{folder}/activities.parquet' SEMI JOIN {chosen} USING (person)"
    for one in _dicts(duck.execute(query)):
        done[one["person"]].append(one)
    with Path(out).open("w") as file:
        file.write("person,fit,behaviour,total\n")
        for person in persons:
            name = person["person"]
            found = score(model, person, done[name], now)
            file.write(f"{name},{found['fit']!r},{found['behaviour']!r},{found['total']!r}\n")
    print(json.dumps(sum(map(len, done.values()))))


def _dicts(result: duckdb.DuckDBPyConnection) -> list[dict[str, object]]:
    names = [column[0] for column in result.description]
    return [dict(zip(names, row, strict=True)) for row in result.fetchall()]


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4])
