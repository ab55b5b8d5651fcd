"""A line that tells answers twice, or gives each of two requests the other's: all ends as over a good
one, nothing is half committed, and no value stands in another's record."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest

from connector.adapters.hubspot.adapter import HubSpotAdapter
from connector.domain.moment import HOUR
from connector.errors import LeadloopError
from tests.practice.at_work import AT_WORK
from tests.proxy import Proxy
from tests.sync.scoring import NoScorer, score_here

pytestmark = [pytest.mark.crash, pytest.mark.timeout(300)]
TITLES = ("VP Sales", "Clerk")


@pytest.fixture
def told(tmp_path, monkeypatch):
    """Tells a day of some people over a line that is bad while a plan is applied; gives the log."""
    monkeypatch.setattr("connector.sync.score.score_store", score_here)
    monkeypatch.setattr("connector.sync.score.Scorer", NoScorer)
    monkeypatch.setattr("tenacity.nap.time.sleep", lambda _seconds: None)
    small = replace(HubSpotAdapter.capabilities, paces=(), batch_size=2)
    monkeypatch.setattr(HubSpotAdapter, "capabilities", small)
    made = []

    def tell(kind, name, reading=None, writing=None):
        folder = tmp_path / name
        folder.mkdir()
        work = AT_WORK[kind](folder)
        address = next(
            line.split()[-1]
            for line in (folder / "leadloop.yaml").read_text().splitlines()
            if line.strip().startswith("address:")
        )
        proxy = Proxy(int(address.rpartition(":")[2]))
        made.extend([work, proxy])
        settings = (folder / "leadloop.yaml").read_text()
        (folder / "leadloop.yaml").write_text(settings.replace(address, proxy.address))
        for n in range(11):
            work.person(f"p{n}", title=TITLES[n % 2])
        proxy.always = reading
        plan = insist(work, work.run).plan.id
        work.written()
        proxy.always = writing
        insist(work, lambda: work.apply(plan))
        for _ in range(3):
            work.now += HOUR
            insist(work, work.run)
        return work, proxy

    yield tell
    for one in made:
        one.close()


def insist(work, step):
    for _ in range(30):
        try:
            return step()
        except LeadloopError as error:
            if "nothing to apply" in str(error):
                return None
            assert error.retryable, error  # noqa: PT017
            work.now += HOUR
    raise AssertionError("it never came to its end")


def log(work):
    return Counter(w for w in work.written() if not w[1].casefold().endswith(("_run", "_run__c")))


CASES = [
    ("hubspot", "answered twice", "answered twice"),
    ("salesforce", "answered twice", "answered twice"),
    ("hubspot", None, "swapped"),
    ("salesforce", "duplicated", "duplicated"),
]


@pytest.mark.parametrize(("kind", "reading", "writing"), CASES)
def test_mixed_up_answers_end_as_plain_ones(told, kind, reading, writing):
    calm, _ = told(kind, "calm")
    work, proxy = told(kind, "bad", reading, writing)
    assert Counter(proxy.met)[writing] > 5
    assert log(work) == log(calm)
    assert {n: work.shown(n).get("leadloop_score") for n in work.ids} == {
        n: calm.shown(n).get("leadloop_score") for n in calm.ids
    }
    assert work.rows("SELECT count(*) FROM record WHERE gone") == [(0,)]
    left = work.rows(
        "SELECT state, code FROM outbox WHERE state IN ('dead', 'sending', 'unknown', 'retry')"
    )
    assert left == []
