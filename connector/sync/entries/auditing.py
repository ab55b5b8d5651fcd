"""The reasons sales gave, held against the agreed words and against what is known of the person."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from sqlalchemy import Connection

from connector.config.load import Loaded
from connector.decisions.vocabulary import Words, is_other, needs_reason
from connector.funnel.reasons import Word, audit_reasons
from connector.scoring.choice import Models
from connector.scoring.learning.advice import contradictions
from connector.store.database import Store
from connector.store.passes import verdicts
from connector.store.passes.verdicts import LastWord
from connector.store.persons import people
from connector.sync.entries.owners import owner_names

_PAGE = 500


def reason_audit(store: Store, loaded: Loaded, models: Models) -> dict[str, Any]:
    """Give what is missing, by owner; `other`; one reason for everything; reasons against the data.

    Only the last word on each pass counts: what was corrected is mended.
    """
    words = loaded.settings.dispositions.words()
    with store.read() as tx:
        last = [word for word in verdicts.last_words(tx) if needs_reason(word.verdict, words)]
        found = audit_reasons(_words(last, words))
        against = _contradictions(tx, models, last)
        names = owner_names(tx, loaded.settings.connections)
    return {
        **found._asdict(),
        "reasons": [{"verdict": v, "reason": r, "n": n} for v, r, n in found.reasons],
        "outside": [{"reason": r, "n": n} for r, n in found.outside],
        "owners": [
            {**one._asdict(), "name": names.get(one.owner, one.owner)} for one in found.owners
        ],
        "contradictions": against,
        "vocabulary": {verdict: list(allowed) for verdict, allowed in words.items()},
    }


def _words(last: Iterable[LastWord], words: Words) -> Iterator[Word]:
    for one in last:
        yield Word(
            one.owner or "unknown", one.verdict, one.reason, _kind(one.reason, words[one.verdict])
        )


def _kind(reason: str | None, allowed: tuple[str, ...]) -> str:
    if reason is None:
        return "missing"
    if is_other(reason):
        return "other"
    return "given" if reason in allowed else "outside"


def _contradictions(tx: Connection, models: Models, last: list[LastWord]) -> list[dict[str, Any]]:
    """Reasons that speak of a field in which the person is just what the model wants."""
    refused = [one for one in last if one.verdict == "rejected" and one.reason]

    def told() -> Iterator[tuple[str, Any]]:
        for start in range(0, len(refused), _PAGE):
            page = refused[start : start + _PAGE]
            facts = people.facts_of(tx, (one.person for one in page))
            for one in page:
                yield str(one.reason), facts.get(one.person, {})

    return contradictions(models.default, told())


def missing_by_owner(data: dict[str, Any], most: int = 10) -> list[str]:
    """Give a sentence for each owner who owes reasons, most first, and one for all the others."""
    owing = [one for one in data["owners"] if one["missing"]]
    said = [
        f"{one['name']}: {one['missing']} of {one['refused']} refusals without a reason"
        for one in owing[:most]
    ]
    if len(owing) > most:
        rest = sum(one["missing"] for one in owing[most:])
        said.append(f"{len(owing) - most} more owners: {rest} refusals without a reason")
    return said
