"""Gathering: small pages of a CRM, joined for one transaction: a commit costs the same for any."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from connector.adapters.base import Page
from connector.errors import LeadloopError

ROWS = 2_000
"""Rows kept in one transaction, as far as the CRM's own pages are smaller."""


def gathered(pages: Iterable[Page]) -> Iterator[Page]:
    """Join small pages that follow each other.

    What came before the CRM broke off is handed on first, so that nothing is read twice. A page
    that tells of deletions stays alone: the order of a row and its end means something.
    """
    held: list[Page] = []
    size = 0
    try:
        for page in pages:
            if page.gone and held:
                yield _joined(held)
                held, size = [], 0
            held.append(page)
            size += len(page.rows) + len(page.rejected)
            if size >= ROWS or page.gone:
                yield _joined(held)
                held, size = [], 0
    except LeadloopError:
        if held:
            yield _joined(held)
        raise
    if held:
        yield _joined(held)


def _joined(pages: Sequence[Page]) -> Page:
    if len(pages) == 1:
        return pages[0]
    placed = any(page.places for page in pages)
    places = [place for page in pages for place in page.places or [""] * len(page.rows)]
    return replace(
        pages[-1],
        rows=[row for page in pages for row in page.rows],
        places=places if placed else None,
        rejected=[row for page in pages for row in page.rejected],
    )
