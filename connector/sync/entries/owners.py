"""Owners by the names people call them: key, remote id, or e-mail address."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection as Transaction

from connector.config.settings import Connection
from connector.store.persons import people


def owners_by_name(tx: Transaction, connections: Sequence[Connection]) -> dict[str, str]:
    """Give each owner's key (`connection/id`) by the casefolded words that name it.

    A word that two owners of different connections share names that of the hand-off connection.
    """
    found: dict[str, str] = {}
    for connection in sorted(connections, key=lambda one: one.handoff):
        for row in people.records_of_kind(tx, connection.name, "owner"):
            key = f"{row.connection}/{row.id}"
            for word in (row.id, row.doc.get("email"), key):
                if word:
                    found[str(word).casefold()] = key
    return found


def owner_names(tx: Transaction, connections: Sequence[Connection]) -> dict[str, str]:
    """Give the name people read for each owner's key."""
    return {
        f"{row.connection}/{row.id}": str(row.doc["name"])
        for connection in connections
        for row in people.records_of_kind(tx, connection.name, "owner")
        if row.doc.get("name")
    }
