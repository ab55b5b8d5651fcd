"""`leadloop apply PLAN --approve`, and what its sending alone took: what a run does to write back.

Sending journals each row, writes it, and notes what became of it. What `apply` does besides, a run
does not: it holds every row of the plan against the CRM first.
"""

from __future__ import annotations

import json
import os
import sys
from typing import Any

from connector.cli.main import leadloop
from connector.cli.memory import prepare_for_pages
from connector.sync import apply as sending


def main(settings: str, plan: str, now: str) -> None:
    """Apply the plan; the last line says the CPU seconds of sending."""
    prepare_for_pages()
    apply, took = sending.apply, []

    def timed(*given: Any) -> None:
        begun = os.times()
        apply(*given)
        ended = os.times()
        took.append(ended.user - begun.user + ended.system - begun.system)

    sending.apply = timed  # type: ignore[assignment]
    words = ["apply", "-c", settings, plan, "--approve", "-q", "--now", now]
    leadloop(words, standalone_mode=False)
    print(json.dumps({"sending": sum(took)}))


if __name__ == "__main__":
    main(*sys.argv[1:])
