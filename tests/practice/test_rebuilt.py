"""A store that was lost or brought back from a backup is rebuilt from the fields of a real CRM.

The same weeks are told twice, once without trouble. What the CRM noted as truly changed by us must
be the same: no second hand-off, no lost one, no score that moves twice.
"""

from __future__ import annotations

import re
import shutil
from collections import Counter

import pytest

from connector.domain.moment import DAY
from tests.practice.at_work import AT_WORK

PASSENGERS = ("run", "model")
MINUTES = re.compile(r"(?<=\d\d-\d\d)[T ]\d\d:\d\d\S*")


@pytest.fixture(params=sorted(AT_WORK))
def new(request, opened):
    """Opens one more CRM of the kind."""
    return lambda: opened(request.param)


def in_words(work):
    """Says a value as it is in both stories: an owner by name, a moment by its day, for a run more
    takes its minutes.
    """
    named = {id_: who for who, id_ in work.owners.items()}

    def said(value):
        if isinstance(value, str):
            value = MINUTES.sub("", value)
        return named.get(value, value)

    return said


def effects(work):
    """What we changed since the last look, as one may compare it between two CRMs."""
    said = in_words(work)
    return Counter(
        (who, field, said(before), said(after))
        for who, field, before, after in work.written()
        if not field.removesuffix("__c").casefold().endswith(PASSENGERS)
    )


def stands(work):
    """What the CRM shows of everybody."""
    said = in_words(work)
    return {
        who: {
            k: said(v)
            for k, v in work.shown(who).items()
            if not k.removesuffix("__c").casefold().endswith(PASSENGERS)
        }
        for who in work.ids
    }


def early_weeks(work):
    work.person("clerk", title="Clerk")
    work.hot("backlog")
    work.go()
    for name in ("waits", "taken", "no", "moved"):
        work.hot(name)
    work.hot("rival", **{work.email_field: "x@rival.example"})
    work.go()
    work.pass_time()
    work.says("taken", "accepted")
    work.says("no", "rejected")
    work.gives("moved", "ben" if work.owner("moved") == "anna" else "anna")
    work.go()
    work.pass_time(2 * DAY)
    work.go()


def later_weeks(work):
    work.meets("clerk")
    work.meets("no")
    work.says("waits", "rejected")
    work.go()
    work.pass_time()
    work.hot("new")
    work.go()
    for _ in range(4):
        work.pass_time(10 * DAY)
        work.go()


def story(work, loss):
    early_weeks(work)
    effects(work)
    loss(work)
    later_weeks(work)
    return effects(work), stands(work)


def test_a_lost_store_is_rebuilt_from_the_crm_without_a_second_hand_off(new):
    known, stood = story(new(), lambda _work: None)

    def loss(work):
        before = stands(work)
        shutil.rmtree(work.folder / "state")
        first = work.run()
        assert first.status == "ok", first.plan
        assert first.counts["recall"] == {"recalled": 7}
        assert effects(work) == Counter()
        assert stands(work) == before
        states = dict(work.rows("SELECT r.id, c.state FROM record r JOIN cycle c ON c.person = "
                                "r.person AND c.current WHERE r.person IS NOT NULL"))  # fmt: skip
        assert states == {id_: work.mirrored(who, "state") for who, id_ in work.ids.items()}
        assert work.rows("SELECT count(*) FROM cycle WHERE sla_due_at IS NOT NULL") == [(0,)]

    found, stand = story(new(), loss)
    turns = {"OwnerId", "hubspot_owner_id"}  # whose turn it is, is not written down in the CRM
    due = {"Leadloop_First_Contact_Due__c", "leadloop_first_contact_due"}  # no clock goes on
    own = turns | due
    assert {k for k in found - known if k[1] not in own} == set(), "nobody would have made these"
    assert {k for k in known - found if k[1] not in own} == set(), "these were not made"
    handed = [sorted(k[0] for k in some if k[1] in turns) for some in (known, found)]
    assert handed == [["clerk", "new"]] * 2
    assert {w: {k: v for k, v in f.items() if k not in own} for w, f in stand.items()} == {
        w: {k: v for k, v in f.items() if k not in own} for w, f in stood.items()
    }


def test_an_old_backup_put_back_holds_its_plan_and_hands_nobody_off_again(new):
    work = new()
    for name in ("clerk", "one", "two"):
        work.person(name, title="Clerk")
    work.go()
    shutil.copytree(work.folder / "state", work.folder / "backup")
    for name in ("one", "two"):
        work.edit(name, **{work.title_field: "VP Sales"})
        work.meets(name)
    work.go()
    work.pass_time()
    work.says("two", "rejected")
    work.go()
    assert [work.mirrored(w, "state") for w in ("one", "two")] == ["handed_off", "rejected"]
    shutil.rmtree(work.folder / "state")
    shutil.copytree(work.folder / "backup", work.folder / "state")
    assert any("older" in said for said in _doctor(work))
    work.edit("clerk", **{work.title_field: "CEO"})
    effects(work)
    result = work.run()
    assert result.counts["recall"] == {"ahead": 2}
    assert result.status == "needs_approval"
    assert result.plan.held[0].startswith("the store was older than the CRM (2 people")
    assert effects(work) == Counter()
    work.apply(work.run().plan.id)
    assert {key[0] for key in effects(work)} == {"clerk"}
    for _ in range(3):
        work.pass_time(10 * DAY)
        assert work.run().status == "ok"
    handed = {key[0] for key in effects(work) if key[1] == work.owner_field}
    assert handed == set(), "somebody was handed off a second time"


def _doctor(work):
    from connector.sync.upkeep.health import examine

    return [one.said for one in examine(work.loaded, lambda: work.now) if one.state == "look"]
