"""Retain: once a day, clear what is older than the settings allow to be kept."""

from __future__ import annotations

from collections import Counter

from connector.domain.moment import DAY
from connector.store.persons import retention
from connector.store.running import audit, notes
from connector.sync.context import Loop

_NOTE = "cleared_at"


def retain(loop: Loop) -> Counter[str]:
    """Clear what is old, if a day has passed since last time; gives how much of each kind."""
    limits = loop.settings.retention
    counts: Counter[str] = Counter()
    with loop.store.write() as tx:
        last = notes.get(tx, _NOTE)
        if last is not None and loop.now - last < DAY:
            return counts
        for name, kept, clear in (
            ("activities", limits.activities, retention.clear_activities),
            ("earlier values", limits.activities, retention.clear_history),
            ("journal values", limits.journal, retention.clear_values),
            ("rows kept aside", limits.quarantine, retention.clear_quarantine),
        ):
            if kept is not None:
                counts[name] += clear(tx, loop.now - kept)
        counts = +counts
        notes.put(tx, _NOTE, loop.now)
        if counts:
            audit.append(tx, "retention", {"run": loop.run, "counts": dict(counts)}, loop.now)
    return counts
