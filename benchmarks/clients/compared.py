"""Compares two files of scores, person by person; ends with 1 where they differ."""

from __future__ import annotations

import json
import sys

import duckdb

PUBLISHED = ("score", "grade", "sales_ready", "disqualified_by", "fast_track_by")
NEAR = 1e-9


def main(ours: str, theirs: str, *, whole: bool) -> None:
    """Print how many people were compared and the largest difference in their total."""
    duck = duckdb.connect()
    names = {row[0] for row in duck.execute(f"DESCRIBE SELECT * FROM '{theirs}'").fetchall()}
    differ = " OR ".join(
        [f"abs(o.{n} - t.{n}) > {NEAR}" for n in ("fit", "behaviour", "total")]
        + [f"o.{n} IS DISTINCT FROM t.{n}" for n in PUBLISHED if n in names]
    )
    row = duck.execute(
        f"SELECT count(t.person), max(abs(o.total - t.total)), "
        f"count(*) FILTER ({differ}), count(*) FILTER (t.person IS NULL), "
        f"count(*) FILTER (o.person IS NULL) "
        f"FROM '{ours}' o FULL JOIN '{theirs}' t USING (person)"
    ).fetchone()
    assert row is not None
    compared, apart, other, missing, extra = row
    if other or extra or not compared or (whole and missing):
        raise SystemExit(f"{other} of {compared} people differ, {missing} missing, {extra} extra")
    print(json.dumps({"people": compared, "apart": apart}))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], whole=sys.argv[3] == "whole")
