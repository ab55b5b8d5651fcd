"""How one run ended, as far as others are told: ids and counts only."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from connector.domain.moment import Micros

WELL = frozenset({"ok", "partial", "needs_approval"})
"""A run that went through every step; what the guard held or the CRM refused is told apart."""
Standing = Mapping[str, Mapping[str, int]]
"""What the store counts: `people` by state, `outbox` by state, `quarantine` in all."""


class Outcome(NamedTuple):
    """`status` is the envelope's word and `exit` the process's code; `held` says in words what
    waits for approval; `error` is the stable code of what ended the run."""

    command: str
    run: str
    status: str
    exit: int
    started: Micros
    ended: Micros
    counts: Mapping[str, Mapping[str, int]]
    plan: str | None = None
    held: tuple[str, ...] = ()
    error: str | None = None
    hint: str | None = None

    @property
    def went_well(self) -> bool:
        return self.status in WELL
