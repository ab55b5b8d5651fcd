"""What a run does to a store, apart: change some people, score those who wait or everybody."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from sqlalchemy import delete, insert, text

from connector.cli.memory import leave_alone_what_is_loaded
from connector.config.settings import Engine
from connector.domain.moment import SECOND
from connector.scoring.choice import Models
from connector.scoring.model import Model, load_model
from connector.store.database import open_store
from connector.store.persons import people
from connector.store.running import runs
from connector.store.schema import activity, tally
from connector.sync.score import score

MODEL = Path(__file__).parents[2] / "mappings" / "model.yaml"


def touch(path: str, every: int, now: int) -> int:
    """Give each EVERYth person one more visit, as a pull and resolve would."""
    store = open_store(f"sqlite:///{path}")
    with store.write() as tx:
        chosen = list(
            tx.execute(
                text("SELECT id FROM (SELECT id, row_number() OVER (ORDER BY id) AS n FROM person)"
                     " WHERE n % :every = 0"),
                {"every": every},
            ).scalars()
        )  # fmt: skip
        row = {"connection": "crm", "object": "visit", "type": "page_view", "url": "/pricing",
               "time": now - SECOND, "machine": False, "duplicate": False}  # fmt: skip
        tx.execute(
            insert(activity), [{**row, "id": f"{now}-{who}", "person": who} for who in chosen]
        )
        more = [(who, str(row["type"])) for who in chosen]
        people.mark_active(tx, dict.fromkeys(more, now - SECOND))
    store.close()
    return len(chosen)


def with_colleagues() -> Model:
    """The shipped model with a rule that counts what the other people of the account did."""
    plain = load_model(MODEL).model_dump(mode="json", by_alias=True, exclude_none=True)
    rule = {"name": "Others came", "activity": "page_view", "points": 1, "by": "colleagues"}
    plain["behaviour"]["groups"].append({"name": "account", "max": 9, "rules": [rule]})
    return Model.model_validate_json(json.dumps(plain))


def forget(path: str) -> None:
    """Throw away what was counted, so that everybody is counted anew."""
    store = open_store(f"sqlite:///{path}")
    with store.write() as tx:
        tx.execute(delete(tally))
    store.close()


def other_points() -> Model:
    """The shipped model with a point more for every behaviour, and another threshold."""
    plain = load_model(MODEL).model_dump(mode="json", by_alias=True, exclude_none=True)
    for group in plain["behaviour"]["groups"]:
        for rule in group["rules"]:
            rule["points"] += 1
    return Model.model_validate_json(json.dumps(plain | {"threshold": 60}))


MODELS = {
    "shipped": lambda: load_model(MODEL),
    "repriced": other_points,
    "account": with_colleagues,
}


def scored(path: str, now: int, model: Model) -> dict[str, int]:
    """Take the step, in a run of its own."""
    store = open_store(f"sqlite:///{path}")
    leave_alone_what_is_loaded()  # as `leadloop` does
    models = Models.only(model)
    run = runs.new_id(now)
    loop: Any = SimpleNamespace(
        store=store,
        settings=SimpleNamespace(engine=Engine()),
        models=models,
        now=now,
        run=run,
        tell=lambda _step, _counts: None,
    )
    with store.write() as tx:
        runs.start(tx, run, "run", now=now, started=now)
    counts, everybody = score(loop)
    said = {**counts, "scored_all": everybody}
    with store.write() as tx:
        runs.finish(tx, run, status="ok", ended=now, counts=said, model=models.hash)
    store.close()
    return said
