"""What is planned for one person, record by record and field by field, without a store."""

from __future__ import annotations

from collections import Counter
from types import SimpleNamespace

import pytest

from connector.decisions.nurture import Place
from connector.decisions.standing import Cycle
from connector.domain.cycle import State
from connector.domain.moment import DAY
from connector.domain.outward import Group
from connector.domain.score import Score
from connector.mapping.compile import WriteTarget
from connector.store.outgoing.flapping import TURNS
from connector.store.persons.people import PersonRecord
from connector.store.scored.scores import Published
from connector.sync.diff import Do
from connector.sync.plan import _group_changes, _settle, _wishes
from connector.sync.planning.desire import Person
from connector.sync.planning.known import Known
from connector.sync.planning.quiet import Worth

NOW = 100 * DAY
KEY = ("crm", "lead", "l1")
SCORE = WriteTarget("score", "f_score", "ours", None, clear=False)
STATE = WriteTarget("state", "f_state", "ours", None, clear=False)
RUN = WriteTarget("run", "f_run", "ours", None, clear=False)
OWNER = WriteTarget("owner", "f_owner", "theirs", None, clear=False)
FLAG = WriteTarget("nurture", "f_flag", "theirs_for", 30 * DAY, clear=True)


GENERAL = Place("general", "problem")


def person(score=70, *, state=State.SALES_READY, owner="crm/anna", place=GENERAL):
    cycle = Cycle("p1", 1, state, "threshold", NOW, None, NOW, owner=owner, routed_at=NOW)
    scored = Score("p1", 50.0, 50.0, float(score), score, "A1", True, None, None)
    return Person("p1", Published(scored, "why", "[]", "m1", NOW), cycle, place=place)


def record(ident="l1", *, obj="lead", connection="crm", gone=False, frozen=None, **remote):
    doc = {} if frozen is None else {"frozen": frozen}
    return PersonRecord(connection, obj, ident, NOW, doc, remote, gone, None, "p1")


@pytest.fixture
def loop():
    said = []
    write = SimpleNamespace(min_change=3, max_age=7 * DAY)
    return SimpleNamespace(
        now=NOW,
        run="r1",
        settings=SimpleNamespace(write=write),
        allows=lambda _stage: True,
        warn=said.append,
        said=said,
    )


@pytest.fixture
def known():
    """One page as it would have been read: one record, nothing written yet."""
    page = Known.__new__(Known)
    one = SimpleNamespace(
        writes={t.field: t for t in (SCORE, STATE, RUN, OWNER, FLAG)}, name="lead", source="leads"
    )
    page.sources = {"crm": SimpleNamespace(name="crm", lost={}, objects={"lead": one})}
    page.records = {"p1": [record()]}
    page.primaries = {"p1": SimpleNamespace(record=record())}
    page.groups = list(Group)
    page.scopes = {"crm": {}}
    page.facts, page.bases, page.edits, page.turns, page.questions = {}, {}, {}, {}, {}
    page.inactive, page.queues = set(), set()
    page._targets, page.edits_seen, page.asked = {}, [], []
    return page


def wishes(loop, known, who=None):
    counts: Counter[str] = Counter()
    found = list(_wishes(loop, known, who or person(), counts))
    return {(w.record, w.grp): w for w in found}, dict(+counts)


def written(known, **values):
    known.bases[KEY] = {name: (value, NOW - DAY) for name, value in values.items()}


def policy(known, target, wanted):
    writes = known.sources["crm"].objects["lead"].writes
    writes[target.field] = WriteTarget(
        target.field, target.to, wanted, target.keep_for, target.clear
    )


# --- which records, and which groups -------------------------------------------------------------


def test_a_new_person_is_planned_whole_and_only_the_owner_row_is_not_quiet(loop, known):
    found, counts = wishes(loop, known)
    assert {key: w.quiet for key, w in found.items()} == {
        ("l1", "score"): True,
        ("l1", "owner"): False,
        ("l1", "nurture"): True,
    }
    one = found["l1", "score"]
    assert one.changes == {
        "f_score": (None, 70), "f_state": (None, "handed_off"), "f_run": (None, "r1")
    }  # fmt: skip
    assert (one.connection, one.object, one.person, one.state, one.refresh) == (
        "crm", "lead", "p1", "planned", False
    )  # fmt: skip
    assert found["l1", "owner"].changes == {"f_owner": (None, "anna")}
    assert counts == {}


@pytest.mark.parametrize(
    "other",
    [
        record("l2", gone=True),
        record("l2", connection="another"),
        record("l2", obj="contact"),
        record("l2", frozen=True),
    ],
    ids=["gone", "of a connection that is not open", "of an object nobody maps", "frozen"],
)
def test_a_record_that_cannot_be_written_is_left_out_and_the_others_are_not(loop, known, other):
    known.records["p1"] = [other, record()]
    assert {ident for ident, _ in wishes(loop, known)[0]} == {"l1"}


def test_a_record_that_says_it_is_not_frozen_is_written(loop, known):
    known.records["p1"] = [record(frozen=False)]
    assert ("l1", "score") in wishes(loop, known)[0]


def test_outside_the_scope_for_writing_nothing_is_planned(loop, known):
    known.scopes["crm"] = {"country": "fr"}
    known.facts = {"p1": {"country": "de"}}
    assert wishes(loop, known)[0] == {}
    known.facts = {"p1": {"country": "FR"}}
    assert wishes(loop, known)[0] != {}


def test_owner_and_nurture_go_to_the_primary_record_alone(loop, known):
    known.records["p1"] = [record("l2"), record()]
    assert set(wishes(loop, known)[0]) == {
        ("l2", "score"), ("l1", "score"), ("l1", "owner"), ("l1", "nurture")
    }  # fmt: skip
    known.primaries = {}
    assert set(wishes(loop, known)[0]) == {("l2", "score"), ("l1", "score")}


def test_groups_the_stage_does_not_allow_are_not_planned(loop, known):
    known.groups = [Group.NURTURE]
    assert set(wishes(loop, known)[0]) == {("l1", "nurture")}
    known.groups = [Group.SCORE]
    loop.allows = lambda _stage: False
    (one,) = wishes(loop, known)[0].values()
    assert one.changes["f_state"] == (None, "sales_ready"), "nobody is handed off before its stage"


# --- what a score is worth -----------------------------------------------------------------------


def standing(known, score=70, **more):
    """The CRM holds all we wish, but for what is given."""
    held = {"f_score": score, "f_state": "handed_off", "f_owner": "anna", "f_flag": True}
    known.records["p1"] = [record(**{**held, "f_run": "r0", **more})]
    written(known, **{**held, "f_run": "r0"})


def test_what_the_crm_holds_already_is_not_planned_and_a_run_id_is_no_reason(loop, known):
    standing(known)
    assert wishes(loop, known) == ({}, {})


def test_a_few_points_wait_until_they_are_old_and_then_count_as_a_refresh(loop, known):
    standing(known, score=68)
    assert wishes(loop, known)[0] == {}
    known.bases[KEY]["f_score"] = (68, NOW - 8 * DAY)
    (one,) = wishes(loop, known)[0].values()
    assert (one.grp, one.refresh) == ("score", True)
    assert one.changes == {"f_score": (68, 70), "f_run": ("r0", "r1")}


def test_many_points_are_written_at_once_and_are_no_refresh(loop, known):
    standing(known, score=67)
    (one,) = wishes(loop, known)[0].values()
    assert (one.grp, one.refresh, one.changes["f_score"]) == ("score", False, (67, 70))


def test_a_mapping_without_a_score_field_still_writes_the_state(loop, known):
    del known.sources["crm"].objects["lead"].writes["score"]
    standing(known, f_state="nurture")
    changes, worth = _group_changes(
        loop, known, person(), known.records["p1"][0], known.sources["crm"], Group.SCORE, Counter()
    )
    assert (changes["f_state"], worth) == (("nurture", "handed_off"), Worth.WRITE)


# --- owners --------------------------------------------------------------------------------------


def test_an_owner_who_left_is_counted_and_not_written_and_nobody_is_not_counted(loop, known):
    known.inactive = {"anna"}
    found, counts = wishes(loop, known)
    assert ("l1", "owner") not in found
    assert counts == {"owner inactive": 1}
    found, counts = wishes(loop, known, person(owner=None))
    assert ("l1", "owner") not in found
    assert counts == {}


@pytest.mark.parametrize("held", ["inbound", "left"])
def test_who_holds_a_record_in_a_queue_or_left_has_no_word(loop, known, held):
    known.queues, known.inactive = {"inbound"}, {"left"}
    known.records["p1"] = [record(f_owner=held)]
    assert wishes(loop, known)[0]["l1", "owner"].changes == {"f_owner": (held, "anna")}
    assert known.edits_seen == []


def test_a_queue_that_we_chose_ourselves_stays_ours_to_leave_alone(loop, known):
    known.queues = {"inbound"}
    known.records["p1"] = [record(f_owner="ben")]
    assert ("l1", "owner") not in wishes(loop, known, person(owner="crm/inbound"))[0]


def test_an_owner_a_person_set_stays_and_is_noted_once(loop, known):
    known.records["p1"] = [record(f_owner="ben")]
    assert ("l1", "owner") not in wishes(loop, known)[0]
    assert known.edits_seen == [(*KEY, "f_owner", "ben")]
    known.edits_seen.clear()
    known.edits[KEY] = {"f_owner": ("ben", NOW - DAY)}
    assert ("l1", "owner") not in wishes(loop, known)[0]
    assert known.edits_seen == [], "it is known already"
    known.edits[KEY] = {"f_owner": ("carla", NOW - DAY)}
    wishes(loop, known)
    assert known.edits_seen == [(*KEY, "f_owner", "ben")], "this is another edit"


def test_a_flag_taken_off_altogether_is_an_edit_and_an_empty_owner_is_nobodys(loop, known):
    assert settled(loop, known, FLAG, True, base=(True, 1), remote=None) is Do.KEEP
    assert known.edits_seen == [(*KEY, "f_flag", None)]
    assert settled(loop, known, OWNER, "anna", base=("anna", 1), remote=None) is Do.WRITE


# --- one field -----------------------------------------------------------------------------------


def settled(loop, known, target, after, *, base=None, remote=None):
    known.bases[KEY] = {target.to: base} if base else {}
    return _settle(loop, known, record(**{target.to: remote}), target, after)


def test_a_flag_somebody_took_off_stays_off_for_its_time(loop, known):
    assert settled(loop, known, FLAG, True, base=(True, 1), remote=False) is Do.KEEP
    known.edits[KEY] = {"f_flag": (False, NOW - 29 * DAY)}
    assert settled(loop, known, FLAG, True, base=(True, 1), remote=False) is Do.KEEP
    known.edits[KEY] = {"f_flag": (False, NOW - 30 * DAY)}
    assert settled(loop, known, FLAG, True, base=(True, 1), remote=False) is Do.WRITE


def test_a_field_set_back_too_often_is_left_alone_and_said(loop, known):
    known.turns[KEY] = {"f_score": TURNS - 1}
    assert settled(loop, known, SCORE, 70, base=(60, 1), remote=50) is Do.WRITE
    known.turns[KEY] = {"f_score": TURNS}
    assert settled(loop, known, SCORE, 70, base=(60, 1), remote=50) is Do.STOP
    assert settled(loop, known, SCORE, 70, base=(50, 1), remote=50) is Do.WRITE, "nobody fights it"
    assert settled(loop, known, SCORE, 70, base=None, remote=50) is Do.WRITE
    known.bases[KEY] = {"f_score": (60, 1)}
    known.records["p1"] = [record(f_score=50, f_state="handed_off", f_run="r1", f_owner="anna")]
    known.groups = [Group.SCORE]
    found, counts = wishes(loop, known)
    assert found == {}
    assert counts == {"flapping": 1}
    assert loop.said == [
        "`f_score` of lead/l1 in crm is set back by somebody each time: it is left alone; "
        "leadloop runs retry tries again"
    ]


def test_a_question_is_asked_once_and_its_answer_is_followed(loop, known):
    policy(known, OWNER, "ask")
    known.groups = [Group.OWNER]
    known.records["p1"] = [record(f_owner="ben")]
    written(known, f_owner="carla")
    assert wishes(loop, known)[0] == {}
    (asked,) = known.asked
    assert asked == ((*KEY, "f_owner"), "owner", "p1", "ben", "anna")
    answer = SimpleNamespace(theirs="ben", ours="anna", answer="")
    known.questions = {(*KEY, "f_owner"): answer}
    assert wishes(loop, known)[0] == {}
    assert len(known.asked) == 1
    answer.answer = "ours"
    assert wishes(loop, known)[0]["l1", "owner"].changes == {"f_owner": ("ben", "anna")}
    answer.answer = "theirs"
    assert wishes(loop, known)[0] == {}
    assert len(known.asked) == 1


def test_the_flag_is_set_and_taken_off_again(loop, known):
    known.groups = [Group.NURTURE]
    assert wishes(loop, known)[0]["l1", "nurture"].changes == {"f_flag": (None, True)}
    written(known, f_flag=True)
    known.records["p1"] = [record(f_flag=True)]
    found, _ = wishes(loop, known, person(place=None))
    assert found["l1", "nurture"].changes == {"f_flag": (True, False)}
