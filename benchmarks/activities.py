"""Makes people and activities for the scoring part: by hash, the same everywhere, in seconds."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import duckdb

from benchmarks.measuring import cache

NOW = 1_780_000_000_000_000
SECONDS = 2 * 365 * 86_400
"""How far back activities reach."""

_PEOPLE = """
SELECT 'p' || i AS person,
  ['vp operations','student','it manager','ceo','accountant','','head of sales']
    [h % 7 + 1] AS title,
  nullif(['vp','student','manager','c_level','staff','','director'][h % 7 + 1], '') AS seniority,
  nullif(['operations','','it','','finance','','sales'][h % 7 + 1], '') AS function,
  CASE WHEN h % 11 > 1 THEN (h // 7) % 9000 END::DOUBLE AS "account.employees",
  nullif(['software','retail trade','mining','','insurance','farming'][(h // 13) % 6 + 1], '')
    AS "account.industry",
  CASE WHEN h % 101 = 0 THEN 'rival.example' ELSE 'c' || h % 997 || '.example' END AS email_domain,
  CASE WHEN h % 53 = 0 THEN 'disposable' ELSE 'business' END AS email_kind
FROM (SELECT i, (hash(i, 1) // 2)::BIGINT AS h FROM range({people}) t(i))
"""
# A few people do most of it: the share falls with the fifth power of a uniform number.
_ACTIVITIES = """
SELECT 'p' || (({people} * pow((hash(i, 2) % 1000003) / 1000003.0, 2.5))::BIGINT % {people})
    AS person,
  'a' || i AS id, type,
  {now} - ((hash(i, 4) % {seconds})::BIGINT * 1000000) AS time,
  CASE WHEN type = 'page_view' THEN ['/pricing','/product/a','/product/b','/blog/x','/careers/dev',
    '/','/docs','/about'][(hash(i, 5) % 8)::INT + 1] END AS url,
  CASE WHEN type = 'download' AND hash(i, 6) % 9 > 0 THEN 'guide-' || hash(i, 6) % 40 END AS asset,
  NULL::VARCHAR AS campaign,
  CASE WHEN type = 'form_submit'
    THEN ['demo','newsletter','pricing','contact sales','event'][(hash(i, 7) % 5)::INT + 1] END
    AS form,
  NULL::VARCHAR AS channel, NULL::VARCHAR AS visit, hash(i, 8) % 50 = 0 AS machine
FROM (SELECT i, CASE
    WHEN k < 60 THEN 'page_view' WHEN k < 75 THEN 'email_open' WHEN k < 87 THEN 'email_click'
    WHEN k < 91 THEN 'download' WHEN k < 95 THEN 'form_submit' WHEN k < 97 THEN 'webinar'
    WHEN k < 98 THEN 'email_reply' WHEN k < 99 THEN 'meeting' ELSE 'call' END AS type
  FROM (SELECT i, hash(i, 3) % 100 AS k FROM range({activities}) t(i)))
"""


def made(people: int, activities: int) -> Path:
    """Give a folder with people.parquet and activities.parquet, made when it is missing."""
    folder = cache() / f"scoring-1-{people}-{activities}"
    if (folder / "activities.parquet").is_file():
        return folder
    folder.mkdir(exist_ok=True)
    duck = duckdb.connect()
    given = {"people": people, "activities": activities, "now": NOW, "seconds": SECONDS}
    for name, query in (("people", _PEOPLE), ("activities", _ACTIVITIES)):
        part = folder / f"{name}.part"
        duck.execute(
            f"COPY ({query.format(**given)}) TO '{part}' (FORMAT PARQUET, COMPRESSION ZSTD)"
        )
        part.rename(folder / f"{name}.parquet")
    return folder


if __name__ == "__main__":
    print(json.dumps(str(made(int(sys.argv[1]), int(sys.argv[2])))))
