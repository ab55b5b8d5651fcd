"""The pack for the quarterly meeting of both teams, and the record of what they decided."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from sqlalchemy import Connection

from connector.config.load import Loaded
from connector.config.settings import Report
from connector.decisions.routing_document import Routing
from connector.domain.moment import DAY, SECOND, Micros, format_iso
from connector.errors import UsageError
from connector.funnel.disputes import Judged, disputes
from connector.funnel.maturity import MaturityMeasure
from connector.funnel.segments import SOURCE
from connector.funnel.stages import Funnel, StageMeasure
from connector.report.agreement import agreement, signature
from connector.report.changes import changes
from connector.report.counting import View, filling, one_view
from connector.report.figures import handoff_connection
from connector.report.maturity import maturity_data
from connector.report.words import STAGE_NAMES
from connector.scoring.choice import Models
from connector.scoring.learning.advice import contradictions
from connector.store.agreed import reviews, surveys
from connector.store.agreed.reviews import Review
from connector.store.database import Store
from connector.store.passes import verdicts
from connector.store.passes.histories import Reading, watched
from connector.store.persons import people
from connector.store.running import audit, runs
from connector.store.scored import scores
from connector.sync.entries.auditing import missing_by_owner, reason_audit
from connector.sync.entries.owners import owner_names
from connector.sync.entries.surveying import survey_result
from connector.sync.opening import agreed, calendar_of

_PAGE = 500
MONTH = 365.25 / 12 * DAY
_FEW = 20
_SIGNERS = 2


def review_pack(
    store: Store,
    loaded: Loaded,
    now: Micros,
    warnings: list[str],
    *,
    propose: Callable[[Models], dict[str, Any]],
) -> dict[str, Any]:
    """Give everything both teams look at together; `propose` gives what could be changed."""
    models, routing = agreed(loaded, store, candidate=False, warn=warnings.append)
    found = agreement(loaded, models, routing)
    with one_view(store) as view:
        tx = view.tx
        last = next(iter(reviews.newest(tx)), None)
        since = last.at if last else now - loaded.settings.process.review
        measured = _measured(view, loaded, models, routing, since, now)
        disputed = _disputed(tx, loaded, models)
    return {
        "as_of": format_iso(now // SECOND * SECOND),
        "since": format_iso(since // SECOND * SECOND),
        "first": last is None,
        "definition": found.definition[:8],
        "process": found.process[:8],
        "signature": signature(found, last, loaded.settings.process.review, now),
        "last_decisions": list(last.decisions) if last else [],
        "changes": changes(last.document, found.document) if last else [],
        **measured,
        "disputed": disputed,
        "survey": survey_result(store),
        "reasons_missing": missing_by_owner(reason_audit(store, loaded, models)),
        "proposals": propose(models),
    }


def record_review(
    store: Store,
    loaded: Loaded,
    *,
    decisions: Sequence[str],
    signed_by: Sequence[str],
    now: Micros,
    clock: Callable[[], Micros],
) -> Review:
    """Store who agreed to what, with the definition in force.

    Raises UsageError when fewer than two different people sign, or nothing was decided.
    """
    names = list(dict.fromkeys(name.strip() for name in signed_by if name.strip()))
    said = [text.strip() for text in decisions if text.strip()]
    if len({name.casefold() for name in names}) < _SIGNERS:
        raise UsageError(
            "a review is signed by both teams: two different people",
            hint='Add --signed-by "Mia (marketing)" --signed-by "Sam (sales)"',
        )
    if not said:
        raise UsageError("nothing was decided", hint='Add --decision "Threshold stays at 65"')
    models, routing = agreed(loaded, store, candidate=False, warn=lambda _: None)
    found = agreement(loaded, models, routing)
    one = Review(
        runs.new_id(clock()), now, found.definition, found.process, found.document,
        tuple(said), tuple(names), audit.os_user(),
    )  # fmt: skip
    with store.write() as tx:
        reviews.add(tx, one)
        about = {"review": one.id, "definition": one.definition, "signers": len(names)}
        audit.append(tx, "review signed", about, now)
    return one


# --- figures -------------------------------------------------------------------------------------


def _measured(
    view: View,
    loaded: Loaded,
    models: Models,
    routing: Routing | None,
    since: Micros,
    now: Micros,
) -> dict[str, Any]:
    calendar, settings = calendar_of(loaded), loaded.settings
    reading = Reading(
        connection=handoff_connection(loaded),
        currency=settings.report.currency,
        verdict_due=lambda at: calendar.due(at, settings.sla.verdict),
        watched=watched(view.tx),
    )
    with filling(view, reading):
        pass  # nothing else is asked meanwhile
    ask = view.passes.ask
    came: Counter[str] = Counter()
    for source, n in ask(
        f"SELECT {SOURCE} AS kind, count(*) FROM pass WHERE inquiry_at >= {since} GROUP BY kind"
    ):
        came[source.casefold()] += n
    counts = MaturityMeasure(now).result(ask)
    return {
        "stages": _stages(
            settings.report, StageMeasure(since).result(ask), StageMeasure().result(ask)
        ),
        "sources": _targets(loaded, came, (now - since) / MONTH),
        "maturity": maturity_data(view.tx, loaded, models, routing, counts, now),
    }


def _stages(report: Report, recent: Funnel, whole: Funnel) -> list[dict[str, Any]]:
    rows = []
    goals = {str(name): goal for name, goal in report.goals.items()}
    pairs = zip(recent.stages, whole.stages, strict=True)
    for mine, before in pairs:
        goal = goals.get(mine.name)
        enough = mine.share is not None
        rows.append(
            {
                "stage": mine.name,
                "name": STAGE_NAMES[mine.name],
                "leads": mine.cycles,
                "of_previous": mine.share,
                "always": before.share,
                "goal": goal.share if goal else None,
                "owner": goal.owner if goal else None,
                "met": (mine.share or 0) >= goal.share if goal and enough else None,
            }
        )
    return rows


def _targets(loaded: Loaded, came: Counter[str], months: float) -> list[dict[str, Any]]:
    """Leads a month of each source that has a name in the process, then of all others."""
    named = loaded.settings.process.sources
    known = {one.name.casefold() for one in named}
    rows: list[dict[str, Any]] = [
        {"source": one.name, "target": one.target, "owner": one.owner,
         "leads": came[one.name.casefold()]}
        for one in named
    ]  # fmt: skip
    rows += [
        {"source": name, "target": None, "owner": None, "leads": n}
        for name, n in came.most_common()
        if name not in known
    ]
    return [
        {**row, "per_month": round(row["leads"] / months, 1) if months > 0 else None}
        for row in rows
    ]


def _disputed(tx: Connection, loaded: Loaded, models: Models) -> list[dict[str, Any]]:
    names = owner_names(tx, loaded.settings.connections)
    found = disputes(_judged(tx, models), models.default.threshold)
    return [
        {
            **one.judged._asdict(),
            "owner": names.get(one.judged.owner or "", one.judged.owner),
            "question": one.question,
        }
        for one in found
    ]


def _judged(tx: Connection, models: Models) -> Iterator[Judged]:
    answers = surveys.answers(tx)
    asked = {
        (row["person"], row["number"]): answers[row["code"]][0]
        for row in surveys.leads(tx)
        if row["code"] in answers
    }
    page: list[verdicts.LastWord] = []
    for word in verdicts.last_words(tx):
        page.append(word)
        if len(page) == _PAGE:
            yield from _judged_page(tx, models, page, asked)
            page = []
    yield from _judged_page(tx, models, page, asked)


def _judged_page(
    tx: Connection,
    models: Models,
    page: list[verdicts.LastWord],
    asked: dict[tuple[str, int], str],
) -> Iterator[Judged]:
    ids = [word.person for word in page]
    published = scores.published(tx, ids)
    facts = people.facts_of(tx, ids)
    for word in page:
        if word.person not in published:
            continue
        told = [(word.reason or "", facts.get(word.person, {}))]
        against = word.verdict == "rejected" and bool(contradictions(models.default, told))
        yield Judged(
            word.person, word.number, word.verdict, word.reason, word.owner,
            published[word.person].score.score, asked.get((word.person, word.number)), against,
        )  # fmt: skip


# --- proposals -----------------------------------------------------------------------------------


def proposals(
    store: Store,
    loaded: Loaded,
    models: Models,
    *,
    model_path: Path,
    scenarios: Path | None,
    now: Micros,
) -> dict[str, Any]:
    """Give what learning and the threshold propose, each with its test, or why there is nothing."""
    with store.read() as tx:
        judged = sum(1 for _ in verdicts.last_words(tx))
    if judged < _FEW:
        why = f"only {judged} leads were judged; {_FEW} of each outcome are needed"
        return {
            "threshold": {"proposed": None, "why": why},
            "learn": {"proposed": None, "why": why},
        }
    return {
        "threshold": _threshold(store, loaded, models, scenarios, now),
        "learn": _learn(store, loaded, models, model_path),
    }


def _threshold(
    store: Store, loaded: Loaded, models: Models, scenarios: Path | None, now: Micros
) -> dict[str, Any]:
    from connector.sync.studies.thresholding import Wishes, propose  # noqa: PLC0415  starts the engine

    data = propose(store, loaded, models, scenarios, Wishes(None, None, None, "region"), now)
    return {
        "proposed": data["feedback"]["threshold"],
        "why": data["feedback"]["why"],
        "now": models.default.threshold,
        "around": data["around"],
        "curve": data["curve"],
        "scenarios": data["scenarios"],
    }


def _learn(store: Store, loaded: Loaded, models: Models, model_path: Path) -> dict[str, Any]:
    if find_spec("sklearn") is None:
        return {"proposed": None, "why": 'not installed: pip install "leadloop[learn]"'}
    from connector.sync.studies.learning import learn_store  # noqa: PLC0415  slow to import

    data = learn_store(
        store, loaded, models, model_path, label="qualified", exclude=(), monotone={}
    )
    if data["patch"] is None:
        why = f"too few outcomes: {data['won']} good, {data['lost']} not; {_FEW} of each are needed"
        return {"proposed": None, "why": why}
    test = data["backtest"]
    return {
        "proposed": data["patch"],
        "why": "leadloop learn --out model.new.yaml writes it; a person merges it",
        "test": test,
        "auc": data["auc"],
        "warnings": data["warnings"],
    }


def review_markdown(data: dict[str, Any]) -> str:
    """Give the pack as Markdown."""
    lines = [
        f"# Review of {data['as_of'][:10]}",
        "",
        f"Since {data['since'][:10]}. Process {data['process']}, definition {data['definition']}. "
        + data["signature"]["words"],
        "",
        "## What changed since the last review",
        "",
        *_bullets(
            data["changes"], "Nothing." if not data["first"] else "This is the first review."
        ),
        *_bullets([f"Decided then: {said}" for said in data["last_decisions"]], None),
        "",
        "## Goals and what became of them",
        "",
        "| Stage | Leads | Of stage before | Always | Goal | Seen to by |",
        "|---|--:|--:|--:|--:|---|",
        *(
            f"| {row['name']} | {row['leads']} | {_share(row['of_previous'])} | "
            f"{_share(row['always'])} | {_share(row['goal'])} | {row['owner'] or ''} |"
            for row in data["stages"]
        ),
        "",
        f"## {len(data['disputed'])} leads to talk about",
        "",
        "| Lead | Score | Verdict | Reason | Owner | Question |",
        "|---|--:|---|---|---|---|",
        *(
            f"| {row['person']} | {row['score']} | {row['verdict']} | {_cell(row['reason'])} | "
            f"{_cell(row['owner'])} | {row['question']} |"
            for row in data["disputed"]
        ),
        "",
        "## Proposals",
        "",
        f"- Threshold: {_proposed(data['proposals']['threshold'])}",
        f"- Points: {_proposed(data['proposals']['learn'])}",
        "",
        f"## Maturity: {data['maturity']['level']}",
        "",
    ]
    for part in data["maturity"]["parts"]:
        lines.append(f"- {part['part'].capitalize()}: {part['level']}")
        lines += [f"  - {step}" for step in part["steps"]]
    lines += ["", "## To decide", "", *_bullets(data["reasons_missing"], None)]
    lines += ["- [ ] ", "- [ ] ", "- [ ] ", ""]
    lines.append('Record it: leadloop review record --decision "..." --signed-by A --signed-by B')
    return "\n".join(lines) + "\n"


def _bullets(said: Sequence[str], nothing: str | None) -> list[str]:
    return [f"- {one}" for one in said] or ([nothing] if nothing else [])


def _share(value: float | None) -> str:
    return "" if value is None else f"{value:.1%}"


def _cell(value: object) -> str:
    return "" if value is None else str(value).replace("|", "\\|").replace("\n", " ")


def _proposed(one: dict[str, Any]) -> str:
    found = one["proposed"]
    if found is None:
        return f"no change proposed; {one['why']}"
    return f"{found:g}; {one['why']}" if isinstance(found, int | float) else str(one["why"])
