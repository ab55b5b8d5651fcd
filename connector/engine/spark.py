"""Scores an export on Spark: the same compiler, other hands. Imported in the scoring process only.

Spark reads dots and backticks in column names as structure, so fields and rules get short names
here; what comes back is matched by place.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import narwhals as nw

from connector.engine.job import Job, numbered
from connector.errors import TryLaterError, UsageError
from connector.scoring.choice import Choice, Models, revived
from connector.scoring.compile import choose, score_frame
from connector.scoring.model import ACCOUNT, Model


def score_on_spark(job: Job) -> None:
    """Score FOLDER and write one folder of Parquet for each model."""
    session = _session(job.source["master"])
    try:
        models = revived(job.model)
        short = {field: f"f{n}" for n, field in enumerate(sorted(models.person_fields()))}
        people, activities = _latest(session, Path(job.source["spark"]), short)
        shortened = Models(
            [Choice(_short(m, short), {short[f]: t for f, t in when.items()}) for m, when in models]
        )
        chosen = choose(people, shortened) if len(models.choices) > 1 else None
        for place, (model, _) in enumerate(shortened):
            scored = score_frame(
                people, activities, model, job.now, account=short.get(ACCOUNT, ACCOUNT)
            )
            if chosen is not None:
                mine = chosen.filter(nw.col("choice") == place).select("person")
                scored = scored.join(mine, on="person", how="semi")
            scored = scored.with_columns(_hand_raise(models.choices[place].model, model))
            scored.to_native().write.mode("overwrite").parquet(numbered(job.out, place))
    finally:
        session.stop()


def _hand_raise(model: Model, shortened: Model) -> nw.Expr:
    """`fast_track_by` under the rules' own names again."""
    told: Any = nw.lit(None, dtype=nw.String)
    for rule, short in zip(model.fast_track, shortened.fast_track, strict=True):
        told = (
            nw.when(nw.col("fast_track_by") == short.name).then(nw.lit(rule.name)).otherwise(told)
        )
    return told.alias("fast_track_by")  # type: ignore[no-any-return]


def _session(master: str) -> Any:
    try:
        from pyspark.sql import SparkSession  # noqa: PLC0415
    except ImportError:
        raise UsageError(
            "`engine: {kind: spark}` needs PySpark, which is not installed",
            hint='Run: pip install "leadloop[spark]"',
        ) from None
    builder = SparkSession.builder.master(master).appName("leadloop")
    for name, value in {
        "spark.sql.session.timeZone": "UTC",
        "spark.sql.shuffle.partitions": "32",
        "spark.sql.ansi.enabled": "true",
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
    }.items():
        builder = builder.config(name, value)
    try:
        return builder.getOrCreate()
    except Exception as error:  # noqa: BLE001  py4j raises whatever the JVM does
        raise TryLaterError(
            f"Spark at {master} did not answer ({type(error).__name__})",
            hint="Check `engine.master`, and that Java 17 or later is on the PATH",
        ) from None


def _latest(session: Any, folder: Path, short: dict[str, str]) -> tuple[Any, Any]:
    """The newest version of everybody who is not gone, and all that they did."""
    people = _read(session, folder / "people")
    newest = people.groupBy("person").agg({"run": "max"}).withColumnRenamed("max(run)", "run")
    current = people.join(newest, ["person", "run"]).filter("NOT gone")
    fields = [f"`{field}` AS {name}" for field, name in short.items()]
    done = _read(session, folder / "activities").join(
        current.select("person", "run"), ["person", "run"], "left_semi"
    )
    kept = [name for name in done.columns if name not in {"run", "bucket"}]
    return (
        nw.from_native(current.selectExpr("person", *fields).cache()),
        nw.from_native(done.select(*kept)),
    )


def _read(session: Any, folder: Path) -> Any:
    return (
        session.read.option("basePath", str(folder))
        .option("mergeSchema", "false")
        .schema(_schema(session, folder))
        .parquet(str(folder))
    )


def _schema(session: Any, folder: Path) -> Any:
    """The columns as written, and `run` as text: a run's id may look like a number."""
    from pyspark.sql.types import IntegerType, StringType, StructField, StructType  # noqa: PLC0415

    file = next(iter(sorted(folder.glob("run=*/bucket=*/*.parquet"))), None)
    if file is None:
        raise UsageError(f"there is no export in {folder.parent}", hint="Run leadloop export first")
    written = session.read.parquet(str(file)).schema
    return StructType(
        [
            *written.fields,
            StructField("run", StringType()),
            StructField("bucket", IntegerType()),
        ]
    )


def _short(model: Model, short: dict[str, str]) -> Model:
    """The model with short names of rules and fields, in the same places."""
    number = iter(range(1_000_000))

    def renamed(rule: Any) -> Any:
        update = {"name": f"r{next(number)}"}
        if hasattr(rule, "field"):
            update["field"] = short[rule.field]
        return rule.model_copy(update=update)

    def group(one: Any) -> Any:
        return one.model_copy(update={"rules": [renamed(rule) for rule in one.rules]})

    def part(one: Any) -> Any:
        return one.model_copy(update={"groups": [group(g) for g in one.groups]})

    segments = [
        s.model_copy(update={"when": {short[f]: test for f, test in s.when.items()}})
        for s in model.thresholds
    ]
    return model.model_copy(
        update={
            "fit": part(model.fit),
            "behaviour": part(model.behaviour),
            "filters": [renamed(rule) for rule in model.filters],
            "disqualify": [renamed(rule) for rule in model.disqualify],
            "fast_track": [renamed(rule) for rule in model.fast_track],
            "thresholds": segments,
        }
    )
