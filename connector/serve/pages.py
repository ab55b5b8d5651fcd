"""Pages that only read: the report, how things stand, and why a person has this score."""

from __future__ import annotations

import threading
from typing import Any

from connector.domain.moment import DAY, Micros, format_iso
from connector.report.figures import report_figures
from connector.report.page import page, report_page
from connector.serve.house import House
from connector.store.incoming import records
from connector.store.outgoing import plans
from connector.store.passes import cycles
from connector.store.running import leases, runs
from connector.sync.opening import agreed
from connector.sync.studies.explanation import explanation
from connector.sync.studies.reckoning import reckoning

_SECOND = 1_000_000


class Pages:
    """Renders pages; the report is kept until a run or a day has passed."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._lock = threading.Lock()
        self._report: tuple[object, str] | None = None

    def report(self) -> str:
        """The report; whoever asks while it is made waits for it instead of making it again."""
        with self._lock:
            now = self._house.clock()
            with self._house.store.read() as tx:
                last = runs.newest(tx, 1)
            key = (last[0].id, last[0].status) if last else None, now // DAY
            if self._report is None or self._report[0] != key:
                data = report_figures(self._house.store, self._house.loaded, now, [])
                self._report = (key, report_page(data))
            return self._report[1]

    def status(self) -> str:
        """What ran, what waits, and what was kept aside."""
        with self._house.store.read() as tx:
            last = runs.newest(tx, 10)
            waiting = plans.newest_plan(tx, "needs_approval")
            done = runs.last_done(tx)
            data: dict[str, Any] = {
                "success": None if done is None else _iso(done.ended_at or done.started_at),
                "going_on": bool(leases.holders(tx)),
                "waiting": None if waiting is None else {"id": waiting.id, "held": waiting.held},
                "runs": [
                    {"run": one.id, "command": one.command, "status": one.status,
                     "at": _iso(one.started_at), "error": one.error}
                    for one in last
                ],
                "standing": cycles.standing(tx),
                "aside": records.count_quarantined(tx),
            }  # fmt: skip
        return page("status.html", data)

    def explain(self, word: str) -> str:
        """Why a person has this score, state and owner. Raises UsageError when it names nobody."""
        store = self._house.store
        data = explanation(store, word)
        data["reckoning"] = None
        if data["excluded"] is None and data["score"] is not None:
            models, _ = agreed(self._house.loaded, store, candidate=False, warn=lambda _: None)
            data["reckoning"] = reckoning(store, models, data["person"], self._house.clock())
        return page("explain.html", data)


def _iso(moment: Micros) -> str:
    return format_iso(moment // _SECOND * _SECOND)
