"""What both teams agree on, as one document with a version, and who signed it."""

from __future__ import annotations

from typing import Any, NamedTuple

from connector.config.load import Loaded
from connector.decisions.routing_document import Routing
from connector.documents import canonical_hash
from connector.domain.moment import DAY, Micros, format_iso
from connector.scoring.choice import Models
from connector.store.agreed.reviews import Review


class Agreement(NamedTuple):
    """`definition` is the version of what a qualified lead is, `process` that of everything.

    `document` is the definition itself: models, consent, and the words of it.
    """

    definition: str
    process: str
    document: dict[str, Any]


def agreement(loaded: Loaded, models: Models, routing: Routing | None) -> Agreement:
    """Give what is in force as one document; the same words always have the same version."""
    settings = loaded.settings
    document = {
        "models": models.plain(),
        "consent": settings.consent.model_dump(mode="json"),
        "words": settings.process.definition,
    }
    rest = {
        "routing": None if routing is None else routing.model_dump(mode="json", by_alias=True),
        **{
            name: getattr(settings, name).model_dump(mode="json", by_alias=True)
            for name in ("sla", "nurture", "explore", "process", "dispositions")
        },
    }
    return Agreement(canonical_hash(document), canonical_hash([document, rest]), document)


def signature(found: Agreement, last: Review | None, every: Micros, now: Micros) -> dict[str, Any]:
    """Say who signed which version when, whether it is the one in force, and when to meet again."""
    if last is None:
        return {"signed": False, "signed_by": [], "at": None, "version": None, "current": False,
                "whole": False, "due": None, "overdue": True,
                "words": "Nobody has signed yet: leadloop review record"}  # fmt: skip
    due = last.at + every
    current = last.definition == found.definition
    who = " and ".join(last.signed_by)
    day = format_iso(last.at)[:10]
    words = f"Signed by {who} on {day}, version {last.definition[:8]}"
    if not current:
        words += f"; what is in force now ({found.definition[:8]}) is another and not signed"
    elif last.process != found.process:
        words += "; the definition still holds, other parts of the process changed since"
    return {
        "signed": True,
        "signed_by": list(last.signed_by),
        "at": format_iso(last.at // DAY * DAY),
        "version": last.definition[:8],
        "current": current,
        "whole": last.process == found.process,
        "due": format_iso(due // DAY * DAY),
        "overdue": now > due,
        "words": words,
    }
