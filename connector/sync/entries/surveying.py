"""Asks sales about a few leads instead of many fields: draws a form, and reads it back."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Callable, Iterator
from io import StringIO
from pathlib import Path
from typing import Any, NamedTuple

from sqlalchemy import Connection

from connector.config.load import Loaded
from connector.documents import read_text
from connector.domain.moment import DAY, Micros
from connector.domain.record import Rejected
from connector.domain.text import inert
from connector.errors import UsageError
from connector.funnel.bands import band_edges, band_of
from connector.funnel.sampling import Candidate, draw
from connector.scoring.model import Model
from connector.store.agreed import surveys
from connector.store.database import Store
from connector.store.passes import verdicts
from connector.store.persons import people
from connector.store.running import runs
from connector.store.scored import scores
from connector.sync.entries.owners import owner_names
from connector.sync.opening import agreed, alone

HEADER = (
    "code", "person", "name", "company", "score", "owner", "verdict", "reason",
    "agree (yes/no/unsure)", "right reason", "what was missing",
)  # fmt: skip
_YES = {"y": "yes", "yes": "yes", "j": "yes", "ja": "yes", "oui": "yes", "true": "yes", "1": "yes",
        "n": "no", "no": "no", "nein": "no", "non": "no", "false": "no", "0": "no",
        "unsure": "unsure", "?": "unsure", "do not know": "unsure"}  # fmt: skip
_PAGE = 500
_DISPUTED = ("person", "number", "verdict", "reason", "why", "missing")


class Drawn(NamedTuple):
    """What was drawn: the form's text, the rows kept, and out of how many."""

    survey: str
    form: str
    leads: list[dict[str, Any]]
    population: int


class Answered(NamedTuple):
    """What came back: new answers, those known before, blank ones, and lines that say nothing."""

    run: str
    added: int
    known: int
    blank: int
    aside: tuple[Rejected, ...]
    surveys: tuple[str, ...]


def draw_survey(
    store: Store,
    loaded: Loaded,
    *,
    size: int,
    seed: int,
    since: Micros,
    now: Micros,
    clock: Callable[[], Micros],
) -> Drawn:
    """Draw leads judged since a moment, by band, owner and verdict, and keep whom was asked about.

    Raises UsageError when nobody was judged since then.
    """
    run = runs.new_id(clock())
    models, _ = agreed(loaded, store, candidate=False, warn=lambda _: None)
    with alone(loaded, store, run) as held, held.write() as tx:
        names = owner_names(tx, loaded.settings.connections)
        found = dict(_candidates(tx, models.default, since))
        if not found:
            raise UsageError(
                f"sales judged nobody in the last {(now - since) // DAY} days",
                hint="Look further back with --since 365d",
            )
        picked = draw([one for one, _ in found.values()], size, seed)
        rows = []
        for line, one in enumerate(picked, start=1):
            last = found[one.key][1]
            rows.append({
                "survey": run, "code": f"{run[-8:]}-{line:02}", "person": last.person,
                "number": last.number, "band": one.band, "owner": last.owner,
                "verdict": last.verdict, "reason": last.reason, "drawn_at": now,
            })  # fmt: skip
        surveys.add_leads(tx, rows)
        form = _form(tx, rows, names)
    return Drawn(run, form, rows, len(found))


def _candidates(
    tx: Connection, model: Model, since: Micros
) -> Iterator[tuple[str, tuple[Candidate, verdicts.LastWord]]]:
    edges = band_edges(model.threshold, exceeds=model.compare == "exceeds")
    ends = [edge - 1 for edge in edges[1:]] + [100]
    recent = [word for word in verdicts.last_words(tx) if word.at >= since]
    for start in range(0, len(recent), _PAGE):
        page = recent[start : start + _PAGE]
        published = scores.published(tx, [word.person for word in page])
        for word in page:
            if word.person not in published:
                continue
            at = band_of(published[word.person].score.score, edges)
            key = f"{word.person}#{word.number}"
            band = f"{edges[at]}-{ends[at]}"
            yield key, (Candidate(key, band, word.owner or "unknown", word.verdict), word)


def _form(tx: Connection, rows: list[dict[str, Any]], names: dict[str, str]) -> str:
    ids = [row["person"] for row in rows]
    documents = people.documents_of(tx, ids)
    published = scores.published(tx, ids)
    out = StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(HEADER)
    for row in rows:
        doc = documents.get(row["person"], {})
        company = doc.get("company") or doc.get("account.name")
        owner = names.get(row["owner"], row["owner"])
        score = published[row["person"]].score.score
        said = (owner, row["verdict"], row["reason"])
        values = [row["code"], row["person"], doc.get("name"), company, score, *said]
        writer.writerow([*(inert(value) for value in values), "", "", ""])
    return out.getvalue()


def read_survey(
    store: Store, loaded: Loaded, path: Path, *, now: Micros, clock: Callable[[], Micros]
) -> Answered:
    """Read a form back: an answer that is known is not entered twice, a changed one is a new row.

    Raises UsageError for a file that is no form of ours.
    """
    lines = list(_lines(path))
    run = runs.new_id(clock())
    with alone(loaded, store, run) as held, held.write() as tx:
        codes, before = surveys.codes(tx), surveys.answers(tx)
        rows: list[dict[str, Any]] = []
        aside: list[Rejected] = []
        known = blank = 0
        for place, code, agree, reason, missing in lines:
            if fault := _fault(code, agree, codes):
                aside.append(Rejected(place, fault))
            elif not agree:
                blank += 1
            else:
                answer = (_YES[agree.casefold()], reason or None, missing or None)
                known += before.get(code) == answer
                if before.get(code) != answer:
                    rows.append(
                        {"code": code, "agreed": answer[0], "reason": answer[1],
                         "missing": answer[2], "at": now, "run": run}
                    )  # fmt: skip
        surveys.add_answers(tx, rows)
    mine = sorted({codes[code] for _, code, *_ in lines if code in codes})
    return Answered(run, len(rows), known, blank, tuple(aside), tuple(mine))


def _fault(code: str, agree: str, codes: dict[str, str]) -> str | None:
    if code not in codes:
        return "`code` is of no survey this store drew; leave that column as it was"
    if agree and agree.casefold() not in _YES:
        return "`agree` is neither yes, no nor unsure"
    return None


def _lines(path: Path) -> Iterator[tuple[str, str, str, str, str]]:
    text = read_text(path)
    mark = ";" if text.partition("\n")[0].count(";") > text.partition("\n")[0].count(",") else ","
    reader = csv.reader(StringIO(text, newline=""), delimiter=mark, strict=True)
    try:
        header = [name.strip() for name in next(reader, [])]
        places = [header.index(name) for name in (HEADER[0], *HEADER[-3:]) if name in header]
        if len(places) != 4:
            raise UsageError(
                f"{path.name}:1: the header is not that of a survey form",
                hint="leadloop survey draw writes one",
            )
        while True:
            line = reader.line_num + 1
            cells = next(reader, None)
            if cells is None:
                return
            if any(cell.strip() for cell in cells):
                code, *given = (cells[p].strip() if p < len(cells) else "" for p in places)
                yield (f"{path.name}:{line}", code, *given)  # type: ignore[misc]
    except csv.Error as error:
        raise UsageError(
            f"{path.name}:{reader.line_num}: not CSV: {error}", hint="Mend the quotes of that line"
        ) from None


def survey_result(store: Store, survey: str | None = None) -> dict[str, Any]:
    """Give what sales said: verdicts confirmed, by verdict and band, and what was missing.

    Without `survey` every survey's answers are taken together.
    """
    with store.read() as tx:
        leads = surveys.leads(tx, survey)
    given = [lead for lead in leads if lead["agreed"] is not None]
    missing = Counter(lead["missing"].casefold() for lead in given if lead["missing"])
    return {
        "asked": len(leads),
        "answered": len(given),
        "agreed": sum(lead["agreed"] == "yes" for lead in given),
        "disagreed": sum(lead["agreed"] == "no" for lead in given),
        "by_verdict": _by(given, "verdict"),
        "by_band": _by(given, "band"),
        "missing": [{"what": what, "n": n} for what, n in missing.most_common(20)],
        "disputed": [
            {name: lead[name] for name in _DISPUTED} for lead in given if lead["agreed"] == "no"
        ],
    }


def _by(given: list[dict[str, Any]], name: str) -> list[dict[str, Any]]:
    groups = Counter(lead[name] for lead in given)
    agreed = Counter(lead[name] for lead in given if lead["agreed"] == "yes")
    return [
        {name: word, "answered": n, "agreed": agreed[word]} for word, n in sorted(groups.items())
    ]
