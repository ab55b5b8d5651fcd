"""Killed with three batches under way, some applied and some not: each change takes effect once.

The practice HubSpot does or leaves what each batch asks, and answers none of them or one; then the
process that waits is killed. What became of the others is found out by reading back.
"""

from __future__ import annotations

import os
import signal
import threading
import time
import traceback
from collections import Counter
from dataclasses import replace
from itertools import combinations

import orjson
import pytest

from connector.adapters.hubspot.adapter import HubSpotAdapter
from connector.domain.moment import HOUR
from connector.mapping.outbound import same
from connector.practice.wire import Response
from tests.practice.at_work import HubSpotAtWork
from tests.sync.scoring import NoScorer, score_here

pytestmark = [pytest.mark.crash, pytest.mark.timeout(300)]
PEOPLE, BATCH, AT_ONCE = 13, 2, 3
PATIENCE_S = 10


class Portal(HubSpotAtWork):
    """A portal that can hold the answers to three batches back until whoever waits is dead."""

    def make(self):
        crm = super().make()
        self.asked: list[list[str]] = []
        self.held = None
        self.early: dict[int, object] = {}
        self.one = threading.Lock()
        self.whole, crm.answer = crm.answer, self.answered
        self.faults, crm.faults.due = crm.faults.due, self.due
        return crm

    def hold(self, applied, told):
        """Hold the next batches: those `applied` take effect, that `told` is answered as well."""
        self.held = iter([(n in applied, n == told) for n in range(AT_ONCE)])
        self.all_in = threading.Barrier(AT_ONCE + 1)
        self.over = threading.Event()

    def due(self, request):
        """What is asked of each request before its turn, so that three can wait at once."""
        if not request.path.endswith("/contacts/batch/update"):
            return self.faults(request)
        with self.one:
            self.asked.append([one["id"] for one in orjson.loads(request.body)["inputs"]])
            if self.held is None:
                return None
            does, tells = next(self.held, (None, False))
            self.early[id(request)] = self.whole(request) if does else Response(503, {}, b"")
        if does is not None:
            self.all_in.wait(PATIENCE_S)
        if not tells:
            assert self.over.wait(PATIENCE_S)
        return None

    def answered(self, request):
        return self.early.pop(id(request), None) or self.whole(request)

    def killed(self, plan, batches):
        """Apply a plan in a child that is killed once that many batches are under way."""
        child = os.fork()
        if child == 0:
            try:
                self.apply(plan)
            except BaseException:  # noqa: BLE001  the child says it and ends
                traceback.print_exc()
            finally:
                os._exit(1)
        self.all_in.wait(PATIENCE_S)
        until = time.monotonic() + PATIENCE_S
        while len(self.asked) < batches and time.monotonic() < until:
            time.sleep(0.05)
        time.sleep(0.3)  # for one too many to be seen
        os.kill(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
        assert os.WIFSIGNALED(status)
        self.held = None
        self.over.set()


@pytest.fixture
def portal(tmp_path, monkeypatch):
    monkeypatch.setattr("connector.sync.score.score_store", score_here)
    monkeypatch.setattr("connector.sync.score.Scorer", NoScorer)
    small = replace(HubSpotAdapter.capabilities, paces=(), batch_size=BATCH, at_once=AT_ONCE)
    monkeypatch.setattr(HubSpotAdapter, "capabilities", small)
    made = []

    def new(name):
        folder = tmp_path / name
        folder.mkdir()
        made.append(Portal(folder))
        for n in range(PEOPLE):
            made[-1].person(f"p{n}")
        return made[-1]

    yield new
    for one in made:
        one.close()


CASES = [(applied, None) for n in range(AT_ONCE + 1) for applied in combinations(range(AT_ONCE), n)]
CASES += [((0,), 0), ((0, 2), 0), ((0, 1, 2), 2)]


def planned(portal, name):
    work = portal(name)
    plan = work.run().plan.id
    work.written()
    return work, plan


def ended(work):
    for _ in range(2):
        work.now += HOUR
        assert work.run().status == "ok"
    return sorted((w for w in work.written() if w[1] != "leadloop_run"), key=repr)


@pytest.mark.parametrize(("applied", "told"), CASES, ids=str)
def test_each_change_of_three_batches_under_way_takes_effect_once(portal, applied, told):
    calm, plan = planned(portal, "calm")
    calm.apply(plan)
    wanted = ended(calm)
    assert len([w for w in wanted if w[1] == "leadloop_score"]) == PEOPLE

    work, plan = planned(portal, "killed")
    work.asked.clear()
    work.hold(applied, told)
    batches = AT_ONCE + (told == 0)
    work.killed(plan, batches)
    under_way, work.asked = work.asked, []
    assert len(under_way) == batches, "one that was told makes room for another"
    states = dict(work.rows("SELECT state, count(*) FROM outbox GROUP BY 1"))
    noted = BATCH if told == 0 else 0
    assert states.get("applied", 0) == noted
    assert states["sending"] == BATCH * AT_ONCE

    assert ended(work) == wanted, "as if nothing had happened, and each change once"
    sent_again = Counter(one for ids in work.asked for one in ids)
    assert unjournaled(work) == []
    assert work.rows("SELECT DISTINCT state FROM outbox") == [("applied",)]
    for place, ids in enumerate(under_way):
        groups = 2 - (place in applied)  # the flag is still to come; the score only if it must
        assert [sent_again[one] for one in ids] == [groups] * len(ids), f"batch {place}"


def unjournaled(work):
    """Our effective changes of which the journal does not know."""
    known = {}
    for record, changes in work.rows("SELECT record, changes FROM journal"):
        for name, (_, after) in orjson.loads(changes).items():
            known.setdefault((record, name), []).append(after)
    return [
        (e.id, e.field)
        for e in work.crm.oracle.effects
        if e.by == work.us
        and e.id in work.ids.values()
        and not any(
            same(after, e.after) or str(after) == e.after
            for after in known.get((e.id, e.field), ())
        )
    ]
