"""The law of cycles, working time, consent and routing: plain values in, plain values out."""

from __future__ import annotations

from datetime import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connector.decisions.calendar import Calendar
from connector.decisions.consent import may_contact
from connector.decisions.cycle import NO_RECORD, advance
from connector.decisions.lanes import EXPLORE, explored, held_out
from connector.decisions.nurture import Matrix
from connector.decisions.routing import Desk, Lead, Owner, Router, holds
from connector.decisions.routing_document import FieldTest, Routing, Target
from connector.decisions.standing import Cycle, Policy, Standing
from connector.decisions.verdict import judge
from connector.documents import parse
from connector.domain.cycle import FINAL, State, Verdict
from connector.domain.duration import BusinessTime
from connector.domain.moment import DAY, HOUR, format_iso, parse_iso
from connector.domain.score import Score
from connector.errors import UsageError

NOW = parse_iso("2026-03-02T09:00:00Z")
CALENDAR = Calendar("UTC")


def scored(score=50, *, ready=None, out=None, fast=None):
    ready = score >= 65 if ready is None else ready
    return Score("p", 0, 0, float(score), score, "C3", ready, out, fast)


def cycle(state, **values):
    given = {"why": "x", "since": NOW, "next_at": NOW + DAY, "opened_at": NOW, **values}
    return Cycle("p", given.pop("number", 1), state, **given)


def states(start, standing, *, now=NOW, **policy):
    return [m.cycle.state for m in advance(start, standing, Policy(**policy), CALENDAR, now)]


def test_somebody_below_the_threshold_is_nurtured():
    assert states(None, Standing(scored(20))) == [State.INQUIRY, State.NURTURE]


def test_without_consent_somebody_below_the_threshold_stays_an_inquiry():
    assert states(None, Standing(scored(20), may_nurture=False)) == [State.INQUIRY]


def test_somebody_at_the_threshold_is_sales_ready():
    assert states(None, Standing(scored(65))) == [State.INQUIRY, State.SALES_READY]


def test_somebody_who_may_not_be_contacted_never_goes_to_sales():
    assert State.SALES_READY not in states(None, Standing(scored(90), may_sell=False))


def test_a_hand_raise_needs_no_score():
    assert states(None, Standing(scored(3, ready=True, fast="demo")))[-1] is State.SALES_READY


def test_on_day_one_the_free_ones_wait_and_those_with_sales_are_left_there():
    assert states(None, Standing(scored(90)), day_one=True)[-1] is State.HELD
    assert states(None, Standing(scored(90), owner="c/1"), day_one=True) == [State.HANDED_OFF]
    said = Standing(scored(90), said=State.REJECTED, said_reason="no")
    (move,) = advance(None, said, Policy(day_one=True), CALENDAR, NOW)
    assert (move.cycle.state, move.cycle.verdict_reason) == (State.REJECTED, "no")
    assert move.cycle.sla_due_at is None


def test_hysteresis_keeps_the_ready_ready_down_to_five_below():
    ready = cycle(State.SALES_READY)
    assert states(ready, Standing(scored(60, ready=False))) == []
    assert states(ready, Standing(scored(59, ready=False))) == [State.NURTURE]


def test_a_hand_off_never_lapses_by_decay():
    assert states(cycle(State.HANDED_OFF), Standing(scored(0))) == []


def test_silence_after_a_hand_off_is_no_decision_and_later_nurture():
    late = NOW + 2 * DAY
    assert states(cycle(State.HANDED_OFF), Standing(scored(80)), now=late) == [State.NO_DECISION]
    silent = cycle(State.NO_DECISION, next_at=NOW + 30 * DAY)
    assert states(silent, Standing(scored(20)), now=NOW + 31 * DAY) == [State.NURTURE]


def test_whom_sales_never_answered_about_goes_back_to_sales_only_with_new_behaviour():
    waited = NOW + 2 * DAY
    hot = Standing(scored(90), behaviour_at=NOW)
    (silent,) = advance(cycle(State.HANDED_OFF), hot, Policy(), CALENDAR, waited)
    over = waited + 31 * DAY
    (move,) = advance(silent.cycle, hot, Policy(), CALENDAR, over)
    assert (move.cycle.state, move.cycle.number, move.why) == (State.NURTURE, 2, "no decision")
    assert states(move.cycle, hot, now=over + 300 * DAY) == [State.NURTURE], "its next date"
    again = hot._replace(behaviour_at=waited + HOUR)
    assert states(silent.cycle, again, now=waited + DAY) == [], "sales may still answer"
    assert states(silent.cycle, again, now=over) == [State.NURTURE, State.SALES_READY]


def test_a_new_cycle_needs_new_behaviour():
    again = cycle(State.NURTURE, number=2, behaviour_at=NOW - DAY)
    assert states(again, Standing(scored(90), behaviour_at=NOW - DAY)) == []
    assert states(again, Standing(scored(90), behaviour_at=NOW)) == [State.SALES_READY]


def test_the_recycled_come_back_by_date_or_by_behaviour_in_a_new_cycle():
    resting = cycle(State.RECYCLED, next_at=NOW + 90 * DAY, behaviour_at=NOW)
    assert states(resting, Standing(scored(90), behaviour_at=NOW)) == []
    (move, *_) = advance(
        resting, Standing(scored(20), behaviour_at=NOW + HOUR), Policy(), CALENDAR, NOW + DAY
    )
    assert (move.cycle.number, move.cycle.state, move.by) == (2, State.NURTURE, "activity")
    (dated, *_) = advance(resting, Standing(scored(20)), Policy(), CALENDAR, NOW + 91 * DAY)
    assert (dated.cycle.number, dated.by) == (2, "clock")


def test_the_rejected_come_back_only_by_a_hand_raise_after_the_cool_off():
    gone = cycle(State.REJECTED, next_at=None, behaviour_at=NOW)
    hot = Standing(scored(90, fast="demo"), behaviour_at=NOW + DAY)
    assert states(gone, hot, now=NOW + 30 * DAY) == []
    assert states(gone, Standing(scored(99), behaviour_at=NOW + DAY), now=NOW + 91 * DAY) == []
    assert states(gone, hot, now=NOW + 91 * DAY) == [State.NURTURE, State.SALES_READY]


def test_who_is_out_says_why():
    (*_, last) = advance(None, Standing(scored(90, out="competitor")), Policy(), CALENDAR, NOW)
    assert (last.cycle.state, last.cycle.why) == (State.DISQUALIFIED, "competitor")


standings = st.builds(
    Standing,
    score=st.builds(
        scored,
        st.integers(0, 100),
        out=st.sampled_from([None, "x"]),
        fast=st.sampled_from([None, "demo"]),
    ),
    said=st.sampled_from([None, State.ACCEPTED, State.WON, State.REJECTED]),
    owner=st.sampled_from([None, "c/1"]),
    behaviour_at=st.one_of(st.none(), st.integers(NOW - DAY, NOW + 200 * DAY)),
    may_sell=st.booleans(),
    may_nurture=st.booleans(),
)


@given(standings, st.integers(0, 400), st.booleans())
def test_every_state_that_is_not_final_has_a_next_date_and_the_law_comes_to_rest(
    standing, days, day_one
):
    policy = Policy(day_one=day_one)
    moves = advance(None, standing, policy, CALENDAR, NOW)
    last = moves[-1].cycle
    for step in moves:
        assert (step.cycle.next_at is None) == (step.cycle.state in FINAL)
    assert advance(last, standing, policy, CALENDAR, NOW) == []
    later = NOW + days * DAY
    for step in advance(last, standing, Policy(), CALENDAR, later):
        assert step.cycle.next_at is None or step.cycle.next_at >= later


def said(start, verdict, *, at=NOW, reason=None):
    return judge(
        start,
        verdict,
        reason=reason,
        at=at,
        behaviour_at=None,
        policy=Policy(),
        calendar=CALENDAR,
        now=NOW + DAY,
    )


def test_a_verdict_moves_the_cycle_once_and_never_backwards():
    move = said(cycle(State.HANDED_OFF), Verdict.QUALIFIED)
    assert move.cycle.state is State.QUALIFIED
    assert said(move.cycle, Verdict.QUALIFIED) is None
    assert said(move.cycle, Verdict.ACCEPTED) is None


def test_a_late_verdict_wins_over_no_decision():
    assert said(cycle(State.NO_DECISION), Verdict.REJECTED, reason="no").cycle.why == "rejected: no"


def test_a_win_reopens_even_a_final_cycle_and_nothing_else_does():
    assert said(cycle(State.LOST, next_at=None), Verdict.WON).cycle.state is State.WON
    assert said(cycle(State.WON, next_at=None), Verdict.LOST) is None


def test_a_verdict_from_before_this_cycle_belongs_to_an_earlier_one():
    assert said(cycle(State.HANDED_OFF, number=2), Verdict.REJECTED, at=NOW - DAY) is None


# --- working time --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("start", "span", "due"),
    [
        ("2026-03-06T16:30:00Z", BusinessTime(2, "bh"), "2026-03-09T10:00:00Z"),
        ("2026-03-07T12:00:00Z", BusinessTime(1, "bh"), "2026-03-09T10:00:00Z"),
        ("2026-03-02T10:00:00Z", BusinessTime(5, "bd"), "2026-03-09T10:00:00Z"),
        ("2026-03-02T10:00:00Z", 24 * HOUR, "2026-03-03T10:00:00Z"),
        ("2026-03-02T03:00:00Z", BusinessTime(1, "bh"), "2026-03-02T10:00:00Z"),
    ],
)
def test_business_time_is_counted_in_working_hours(start, span, due):
    assert format_iso(CALENDAR.due(parse_iso(start), span)) == due


def test_public_holidays_are_no_working_days():
    french = Calendar("Europe/Paris", time(9), time(17, 30), "FR")
    due = french.due(parse_iso("2026-04-30T10:00:00Z"), BusinessTime(1, "bd"))
    assert format_iso(due) == "2026-05-04T10:00:00Z"


def test_hours_are_those_of_the_place_and_survive_the_change_of_clocks():
    paris = Calendar("Europe/Paris", time(9), time(17))
    friday = parse_iso("2026-03-27T15:30:00Z")
    assert format_iso(paris.due(friday, BusinessTime(1, "bh"))) == "2026-03-30T07:30:00Z"


@pytest.mark.parametrize(
    ("doc", "policy", "allowed"),
    [
        ({}, "opt_out", True),
        ({"opted_out": True}, "opt_out", False),
        ({}, "opt_in", False),
        ({"opted_in": True}, "opt_in", True),
        ({"opted_in": True, "opted_out": True}, "opt_in", False),
        ({"opted_out": True}, "any", True),
    ],
)
def test_consent_gates_contact(doc, policy, allowed):
    assert may_contact(doc, policy) is allowed


def test_the_theme_is_that_of_the_first_asset():
    matrix = Matrix(themes={"roi-guide": "money"}, default="general")
    assert matrix.theme(["ROI-Guide"]) == "money"
    assert matrix.theme(["other"]) == "other"
    assert matrix.theme([]) == "general"


def test_somebody_ready_whom_sales_has_no_record_of_is_held_until_there_is_one():
    unknown = Standing(scored(80), in_handoff=False)
    held = advance(None, unknown, Policy(), CALENDAR, NOW)[-1].cycle
    assert (held.state, held.why) == (State.HELD, NO_RECORD)
    assert advance(held, unknown, Policy(), CALENDAR, NOW) == []
    (found,) = advance(held, Standing(scored(80)), Policy(), CALENDAR, NOW)
    assert (found.cycle.state, found.cycle.why) == (State.SALES_READY, "threshold")
    assert states(cycle(State.SALES_READY), unknown) == [State.HELD]


# --- routing -------------------------------------------------------------------------------------

ROUTING = """
version: 1
precedence: [account_owner, last_owner]
pools:
  emea:
    members:
      - {owner: anna@x.example, weight: 2}
      - {owner: ben@x.example, weight: 1, capacity: {open: 2}}
      - {owner: gone@x.example}
  outside: {members: [{owner: partner@x.example}]}
rules:
  - {name: big, when: {account.employees: {range: [1000, null]}}, to: {owner: carla@x.example}}
  - {name: emea, when: {country: {in: [DE, fr]}}, to: {pool: emea}}
fallback: {queue: Inbound}
overflow: {hold: 14d, then: {pool: outside}}
"""
OWNERS = [
    Owner("c/1", "anna@x.example", "Anna", True),
    Owner("c/2", "ben@x.example", "Ben", True),
    Owner("c/3", "carla@x.example", "Carla", True),
    Owner("c/4", "gone@x.example", "Gone", False),
    Owner("c/5", "partner@x.example", "Partner", True),
    Owner("c/9", "", "Inbound", True, True),
]


def router(text=ROUTING, owners=OWNERS, **desk):
    return Router(parse(text, Routing, name="r"), owners, Desk(**desk))


def test_the_first_rule_that_holds_decides():
    big = Lead({"account.employees": 5000.0, "country": "de"})
    assert router().route(big, NOW)[:3] == ("c/3", "big", None)


def test_turns_follow_weights_and_can_be_gone_on_with_from_the_store():
    lead = Lead({"country": "de"})
    whole = router()
    turns = [whole.route(lead, NOW).owner for _ in range(6)]
    assert sorted(turns[:3]) == ["c/1", "c/1", "c/2"]
    first = router()
    some = [first.route(lead, NOW).owner for _ in range(2)]
    rest = router(credit=dict(first.desk.credit), open=dict(first.desk.open))
    assert some + [rest.route(lead, NOW).owner for _ in range(4)] == turns


def test_somebody_who_was_away_comes_back_to_no_pile():
    lead = Lead({"country": "de"})
    away = [o._replace(active=o.key != "c/1") for o in OWNERS]
    first = router(owners=away, open={})
    for _ in range(2):
        first.route(lead, NOW)
    back = router(credit=dict(first.desk.credit))
    assert [back.route(lead, NOW).owner for _ in range(3)].count("c/1") <= 2


def test_the_inactive_and_the_full_are_passed_over_and_it_is_said_why():
    full = router(open={"c/2": 2})
    routed = full.route(Lead({"country": "fr"}), NOW)
    assert routed.owner == "c/1"
    assert set(routed.skipped) == {"c/2: full: 2 open", "c/4: not active"}


def test_when_everybody_is_full_the_lead_waits_then_goes_elsewhere():
    text = ROUTING.replace("weight: 2}", "weight: 2, capacity: {open: 0}}")
    full = router(text, open={"c/2": 2})
    lead = Lead({"country": "de"})
    assert full.route(lead, NOW).owner is None
    waited = full.route(lead._replace(held_since=NOW - 15 * DAY), NOW)
    assert (waited.owner, waited.rule) == ("c/5", "emea, overflow")


def test_a_week_has_its_own_limit():
    text = ROUTING.replace("capacity: {open: 2}", "capacity: {per_week: 5}")
    routed = router(text, week={"c/2": 5, "c/1": 0}).route(Lead({"country": "de"}), NOW)
    assert "c/2: full: 5 in seven days" in routed.skipped


def test_nobody_gets_a_lead_outside_his_hours_on_a_holiday_or_while_away():
    text = ROUTING.replace(
        "weight: 2}", 'weight: 2, hours: "09:00-17:00", tz: Europe/Berlin, country: DE}'
    )
    lead = Lead({"country": "de"})
    ben_away = [o._replace(away=o.key == "c/2") for o in OWNERS]

    def at(moment):
        return router(text, ben_away).route(lead, parse_iso(moment))

    assert at("2026-03-04T08:30:00Z").owner == "c/1"
    for moment, why in (
        ("2026-03-04T17:30:00+01:00", "an evening"),
        ("2026-03-07T11:00:00Z", "a Saturday"),
        ("2026-10-03T11:00:00Z", "a Saturday and a holiday"),
        ("2026-05-01T11:00:00Z", "Labour Day, a Friday"),
    ):
        routed = at(moment)
        assert (routed.owner, routed.waits) == (None, True), why
        assert {"c/1: not at work", "c/2: away"} <= set(routed.skipped)


def test_a_pool_in_which_nobody_ever_can_does_not_wait():
    text = ROUTING.replace("ben@x", "gone@x").replace("anna@x", "nobody@x")
    routed = router(text).route(Lead({"country": "de"}), NOW)
    assert (routed.owner, routed.rule) == ("c/9", "fallback")


@settings(deadline=None)
@given(st.lists(st.floats(0.1, 50), min_size=1, max_size=80))
def test_balanced_by_value_nobody_is_ever_more_than_one_great_lead_from_his_share(values):
    text = "version: 1\npools: {p: {balance: value, members: [{owner: o1, weight: 2}, {owner: o2}]}}\nfallback: {pool: p}\n"
    one = router(text, [Owner(f"c/o{n}", f"o{n}", "", True) for n in (1, 2)])
    got = {"c/o1": 0.0, "c/o2": 0.0}
    for value in values:
        got[one.route(Lead({}, value=value), NOW).owner] += value
    assert abs(got["c/o1"] - sum(values) * 2 / 3) <= max(values) + 1e-6


def test_a_lead_no_rule_wants_goes_to_the_fallback():
    assert router().route(Lead({"country": "us"}), NOW)[:2] == ("c/9", "fallback")


def test_somebody_who_has_the_person_keeps_the_person_unless_he_said_no():
    assert router().route(Lead({}, current_owner="c/2"), NOW)[:2] == ("c/2", "current owner")
    assert router().route(Lead({}, account_owner="c/3", last_owner="c/1"), NOW).owner == "c/3"
    again = router().route(Lead({}, last_owner="c/1", rejected_by="c/1"), NOW)
    assert again.owner == "c/9"
    assert again.skipped == ("c/1: last owner, but said no",)
    gone = router().route(Lead({}, current_owner="c/4"), NOW)
    assert gone.owner == "c/9"


def test_a_lead_of_somebody_on_leave_goes_on_to_the_next_rule_and_at_last_to_the_fallback():
    text = ROUTING.replace(
        "rules:\n", "rules:\n  - {name: key, when: {key: true}, to: {owner: carla@x.example}}\n"
    )

    def routed(lead, *away, file=text):
        owners = [o._replace(away=o.key in away) for o in OWNERS]
        return router(file, owners).route(lead, NOW)

    theirs = Lead({"country": "us"}, account_owner="c/3", last_owner="c/1")
    assert routed(theirs)[:2] == ("c/3", "account owner")
    onward = routed(theirs, "c/3")
    assert onward[:2] == ("c/1", "last owner")
    assert onward.skipped == ("c/3: account owner, but away",)
    assert routed(theirs, "c/3", "c/1")[:2] == ("c/9", "fallback")

    named = Lead({"key": True, "country": "de"})
    assert routed(named)[:2] == ("c/3", "key")
    onward = routed(named, "c/3")
    assert onward[:3] == ("c/1", "emea", "emea")
    assert onward.skipped[0] == "c/3: named by the rule key, but away"
    everybody = routed(named, "c/1", "c/2", "c/3")
    assert (everybody.owner, everybody.waits) == (None, True), "the pool's overflow counts"

    last = text.replace("{queue: Inbound}", "{owner: carla@x.example}")
    kept = routed(Lead({"country": "us"}), "c/3", file=last)
    assert kept[:2] == ("c/3", "fallback"), "a lead is nobody's only where nobody is left to name"
    assert (
        router(last, [o._replace(away=o.key == "c/3") for o in OWNERS]).onward(
            Target(owner="carla@x.example"), NOW, frozenset()
        )
        is None
    )


def test_whose_record_it_is_keeps_it_while_away_and_that_is_said():
    owners = [o._replace(away=o.key == "c/2") for o in OWNERS]
    routed = router(owners=owners).route(Lead({}, current_owner="c/2"), NOW)
    assert routed[:2] == ("c/2", "current owner, who is away")


def test_owners_the_crm_does_not_have_are_named():
    assert router().unknown_owners() == ["gone@x.example"]


@given(st.lists(st.sampled_from([1, 2, 3, 5]), min_size=1, max_size=4), st.integers(1, 60))
def test_nobody_is_ever_more_than_one_turn_away_from_his_share(weights, count):
    members = ", ".join(f"{{owner: o{n}, weight: {w}}}" for n, w in enumerate(weights))
    text = f"version: 1\npools: {{p: {{members: [{members}]}}}}\nfallback: {{pool: p}}\n"
    owners = [Owner(f"c/o{n}", f"o{n}", "", True) for n in range(len(weights))]
    one = router(text, owners)
    got = [one.route(Lead({}), NOW).owner for _ in range(count)]
    for n, weight in enumerate(weights):
        share = count * weight / sum(weights)
        assert abs(got.count(f"c/o{n}") - share) < len(weights)


@pytest.mark.parametrize(
    ("test", "value", "wanted"),
    [
        ({"in": ["DE"]}, "de ", True),
        ({"range": [1, 5]}, 5, False),
        ({"range": [1, 5]}, 1, True),
        ({"range": [1, None]}, "3", False),
        ({"range": [0, None]}, True, False),
        ({"missing": True}, None, True),
        ({"missing": False}, None, False),
        ({"prefix": "No"}, "north", True),
        ({"in": [1]}, True, False),
    ],
)
def test_tests_of_fields_hold_as_written(test, value, wanted):
    assert holds(FieldTest.model_validate(test), value) is wanted


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("fallback: {queue: Inbound}\n", "", "fallback is missing"),
        ("to: {pool: emea}", "to: {pool: apac}", "no pool `apac`"),
        ("name: emea, when", "name: big, when", "two rules are called `big`"),
        ("to: {owner: carla@x.example}", "to: {}", "exactly one of pool, owner, queue"),
        ("range: [1000, null]", "range: [1]", "range"),
    ],
)
def test_a_mistake_in_routing_is_told(old, new, words):
    with pytest.raises(UsageError) as caught:
        parse(ROUTING.replace(old, new), Routing, name="routing.yaml")
    assert words in str(caught.value)


def test_lanes_are_even_and_each_person_stays_in_them():
    people = [f"crm/lead/{n}" for n in range(4000)]
    out = {one for one in people if held_out(one, 0.1)}
    assert abs(len(out) - 400) < 80
    assert out == {one for one in people if held_out(one, 0.1)}
    assert out <= {one for one in people if held_out(one, 0.2)}
    assert not any(held_out(one, 0.0) for one in people)
    explore = {one for one in people if explored(one, 40, 65, 0.1, 30)}
    assert abs(len(explore & out) - 40) < 30  # the lanes do not follow each other
    assert not any(
        explored(one, 29, 65, 1.0, 30) or explored(one, 65, 65, 1.0, 30) for one in people
    )


def test_somebody_explored_goes_to_sales_and_the_reason_says_so():
    (_, ready) = advance(None, Standing(scored(40), explore=True), Policy(), CALENDAR, NOW)
    assert (ready.cycle.state, ready.why) == (State.SALES_READY, EXPLORE)
    out = scored(40)._replace(disqualified_by="competitor")
    assert advance(None, Standing(out, explore=True), Policy(), CALENDAR, NOW)[-1].cycle.state is (
        State.DISQUALIFIED
    )


def test_nobody_is_explored_on_day_one():
    moves = advance(None, Standing(scored(40), explore=True), Policy(day_one=True), CALENDAR, NOW)
    assert moves[-1].cycle.state is State.NURTURE
