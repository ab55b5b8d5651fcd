"""The shipped model in SQL as an analyst would write it for DuckDB, and the floor below it."""

from __future__ import annotations

import sys

import duckdb

DAY = 86_400_000_000

FLOOR = """
SELECT count(*), sum(n) FROM (
  SELECT person, count(*) AS n, max(time), max(type), max(url), max(asset), max(form)
  FROM read_parquet('{folder}/activities.parquet')
  WHERE time <= {now} AND NOT machine GROUP BY person)
"""

SCORE = """
COPY (
WITH counted AS (
  SELECT person, type, url, asset, form, time, ({now} - time)::DOUBLE AS age, time // {day} AS day
  FROM read_parquet('{folder}/activities.parquet') WHERE time <= {now} AND NOT machine
), days AS (
  SELECT person, ({now} - day * {day})::DOUBLE AS age,
    least(count(*) FILTER (type = 'page_view' AND starts_with(url, '/pricing')), 2) AS pricing,
    least(count(*) FILTER (type = 'page_view' AND starts_with(url, '/product')), 1) AS product,
    least(count(*) FILTER (type = 'page_view'), 1) AS viewed,
    least(count(*) FILTER (type = 'email_click'), 1) AS clicked
  FROM counted WHERE type IN ('page_view', 'email_click') GROUP BY person, day
), daily AS (
  SELECT person, sum(pricing * exp(age * -{h30})) * 10 AS pricing,
    sum(product * exp(age * -{h30})) * 3 AS product,
    sum(viewed * exp(age * -{h30})) * 2 AS viewed,
    sum(clicked * exp(age * -{h90})) * 4 AS clicked
  FROM days GROUP BY person
), plain AS (
  SELECT person, max(time) AS last,
    -10 * sum(exp(age * -{h30})) FILTER (type = 'page_view' AND starts_with(url, '/careers'))
      AS careers,
    10 * sum(exp(age * -{h90})) FILTER (type = 'webinar') AS webinar,
    10 * sum(exp(age * -{h90})) FILTER (type = 'email_reply') AS reply,
    15 * sum(exp(age * -{h180})) FILTER (type = 'form_submit') AS form,
    10 * sum(exp(age * -{h90})) FILTER (type IN ('meeting', 'call')) AS met,
    count(*) FILTER (type = 'form_submit' AND form IN ('demo', 'contact sales', 'pricing')
      AND age < 30 * {day}) > 0 AS asked
  FROM counted GROUP BY person
), downloads AS (
  SELECT person, 12 * sum(exp(({now} - time)::DOUBLE * -{h90})) AS downloaded FROM (
    SELECT person, asset, max(time) AS time FROM counted WHERE type = 'download'
    GROUP BY person, asset)
  GROUP BY person
), joined AS (
  SELECT p.person,
    (seniority IS NULL AND "account.employees" IS NULL AND "account.industry" IS NULL
      AND function IS NULL) AS unknown,
    CASE WHEN contains(title, 'job seeker') OR contains(title, 'looking for work')
        THEN 'job_seeker'
      WHEN email_kind = 'disposable' THEN 'disposable_address'
      WHEN email_domain IN ('rival.example', 'competitor.example') THEN 'competitor'
      END AS disqualified_by,
    CASE WHEN seniority IN ('vp', 'c_level') THEN 20 WHEN seniority = 'director' THEN 16
      WHEN seniority = 'manager' THEN 10 WHEN seniority = 'student' THEN -20 ELSE 0 END
    + CASE WHEN "account.employees" >= 5001 THEN 12 WHEN "account.employees" >= 501 THEN 20
      WHEN "account.employees" >= 51 THEN 14 WHEN "account.employees" >= 11 THEN 6 ELSE 0 END
    + CASE WHEN regexp_matches("account.industry",
      'software|manufactur|logistic|retail|financ|insur') THEN 12 ELSE 0 END
    + CASE WHEN function IN ('operations', 'it', 'purchasing') THEN 8
      WHEN function IN ('finance', 'engineering', 'sales') THEN 4 ELSE 0 END AS fit,
    least(least(coalesce(pricing, 0), 24) + least(coalesce(product, 0), 9)
      + least(coalesce(viewed, 0), 8) + greatest(coalesce(careers, 0), -10), 30)
    + least(least(coalesce(downloaded, 0), 20) + least(coalesce(webinar, 0), 15), 20)
    + least(least(coalesce(clicked, 0), 8) + coalesce(reply, 0), 10)
    + least(least(coalesce(form, 0), 25) + least(coalesce(met, 0), 20), 25)
    + CASE WHEN {now} - last > 90 * {day} THEN -10 ELSE 0 END AS done,
    coalesce(asked, false) AS asked
  FROM read_parquet('{folder}/people.parquet') p
  LEFT JOIN daily USING (person) LEFT JOIN plain USING (person) LEFT JOIN downloads USING (person)
), parts AS (
  SELECT person, unknown, disqualified_by, asked,
    greatest(least(fit / 60.0::DOUBLE, 1), 0) * 100 AS fit,
    greatest(least(done / 50.0::DOUBLE, 1), 0) * 100 AS behaviour
  FROM joined
), totals AS (
  SELECT *, floor(CASE WHEN unknown THEN behaviour ELSE (fit * 60 + behaviour * 40) / 100 END
    * 1e9 + 0.5) / 1e9 AS total
  FROM parts
)
SELECT person, fit, behaviour, total, floor(total + 0.5)::BIGINT AS score,
  CASE WHEN unknown THEN '?' WHEN fit >= 75 THEN 'A' WHEN fit >= 50 THEN 'B' WHEN fit >= 25 THEN 'C'
    ELSE 'D' END
  || CASE WHEN behaviour >= 75 THEN '1' WHEN behaviour >= 50 THEN '2' WHEN behaviour >= 25 THEN '3'
    ELSE '4' END AS grade,
  (floor(total + 0.5) >= 65 OR asked) AND disqualified_by IS NULL AS sales_ready,
  disqualified_by, CASE WHEN asked THEN 'Asked for a demo or a price' END AS fast_track_by
FROM totals ORDER BY person
) TO '{out}' (FORMAT PARQUET)
"""


def main(what: str, folder: str, now: int, out: str) -> None:
    """Run the floor or the score."""
    duck = duckdb.connect(config={"memory_limit": "2GB", "preserve_insertion_order": "false"})
    duck.execute(f"SET temp_directory = '{out}.spill'")
    halves = {f"h{days}": repr(0.6931471805599453 / (days * DAY)) for days in (30, 90, 180)}
    query = (FLOOR if what == "floor" else SCORE).format(
        folder=folder, now=now, day=DAY, out=out, **halves
    )
    print(list(duck.execute(query).fetchone() or ()))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4])
