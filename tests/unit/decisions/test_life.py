"""Lives by chance: whatever happens, a person is in one state, has a next date, and is not lost."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from connector.decisions.calendar import Calendar
from connector.decisions.cycle import advance
from connector.decisions.sla import (
    LATE,
    SILENT,
    TOUCHED,
    UNTIMED,
    WAITING,
    Patience,
    Step,
    Tier,
    Watched,
    bucket,
    next_step,
    tier_of,
)
from connector.decisions.standing import Policy, Recycling, Standing
from connector.decisions.verdict import judge
from connector.domain.cycle import FINAL, State, Verdict
from connector.domain.moment import DAY, HOUR, MINUTE, parse_iso
from connector.domain.score import Score

NOW = parse_iso("2026-03-02T09:00:00Z")
CALENDAR = Calendar("UTC")
POLICY = Policy(recycle={"budget": Recycling("cost", 20 * DAY, 60 * DAY)})
HELD_FOR = 90 * DAY

EVENTS = st.one_of(
    st.tuples(st.just("days"), st.integers(1, 120)),
    st.tuples(st.just("score"), st.integers(0, 100)),
    st.tuples(st.just("acts"), st.booleans()),
    st.tuples(st.just("out"), st.booleans()),
    st.tuples(st.just("consent"), st.booleans()),
    st.tuples(st.just("hold"), st.booleans()),
    st.tuples(st.just("says"), st.sampled_from([*Verdict])),
)


class Life:
    """One person, the law, and a sales team that does what it is told to."""

    def __init__(self):
        self.now, self.cycle, self.standing = NOW, None, Standing(scored(20))
        self.full = False
        self.look()

    def look(self):
        before = None if self.cycle is None else self.cycle.number
        for step in advance(self.cycle, self.standing, POLICY, CALENDAR, self.now):
            self.cycle = step.cycle
        assert self.cycle is not None
        assert before is None or self.cycle.number in {before, before + 1}
        if self.cycle.state is State.SALES_READY and not self.full:
            self.cycle = self.cycle._replace(
                state=State.HANDED_OFF,
                owner="c/1",
                handed_off_at=self.now,
                next_at=CALENDAR.due(self.now, POLICY.no_decision_after),
            )
        elif self.cycle.state is State.SALES_READY:
            self.cycle = self.cycle._replace(
                state=State.HELD, why="capacity", next_at=self.now + DAY
            )
        elif self.cycle.state is State.HELD and not self.full:
            self.cycle = self.cycle._replace(state=State.SALES_READY, next_at=self.now)
            self.look()

    def meet(self, what, value):
        match what:
            case "days":
                self.now += value * DAY
            case "score":
                self.standing = self.standing._replace(score=scored(value))
            case "acts":
                fast = "demo" if value else None
                score = self.standing.score._replace(fast_track_by=fast)
                self.standing = self.standing._replace(score=score, behaviour_at=self.now)
            case "out":
                score = self.standing.score._replace(disqualified_by="rival" if value else None)
                self.standing = self.standing._replace(score=score)
            case "consent":
                self.standing = self.standing._replace(may_nurture=value)
            case "hold":
                self.full = value
            case "says":
                self.hear(value)
        self.look()

    def hear(self, verdict):
        if self.cycle.state not in {State.HANDED_OFF, State.ACCEPTED, State.QUALIFIED,
                                    State.NO_DECISION}:  # fmt: skip
            return
        move = judge(
            self.cycle,
            verdict,
            reason="budget",
            at=self.now,
            behaviour_at=self.standing.behaviour_at,
            policy=POLICY,
            calendar=CALENDAR,
            now=self.now,
        )
        self.cycle = move.cycle if move else self.cycle


def scored(score):
    return Score("p", 0, 0, float(score), score, "C3", score >= 65, None, None)


@given(st.lists(EVENTS, max_size=30))
@settings(max_examples=300)
def test_whatever_happens_everybody_is_in_one_state_with_a_next_date_that_is_not_past(events):
    life = Life()
    for what, value in events:
        life.meet(what, value)
        cycle = life.cycle
        assert (cycle.next_at is None) == (cycle.state in FINAL)
        assert cycle.state in FINAL or cycle.state is State.HELD or cycle.next_at > life.now


@given(st.lists(EVENTS, max_size=20))
@settings(max_examples=300)
def test_nobody_held_nurtured_or_recycled_is_lost(events):
    """Left alone long enough, and hot again, everybody who is not out comes to sales."""
    life = Life()
    for what, value in events:
        life.meet(what, value)
    life.full = False
    life.meet("out", False)
    for _ in range(8):  # each wait ends within its longest: no state keeps anybody for good
        life.meet("days", 91)
    assert life.cycle.state not in {State.HELD, State.RECYCLED, State.SALES_READY, State.HANDED_OFF}
    if life.cycle.state in {State.ACCEPTED, State.QUALIFIED, State.WON}:
        return  # with sales, or bought
    life.meet("acts", True)
    life.meet("score", 90)
    assert life.cycle.state is State.HANDED_OFF


@given(
    st.sampled_from([s for s in State if s not in {State.INQUIRY, State.NURTURE}]),
    st.one_of(st.none(), st.integers(NOW, NOW + DAY)),
    st.one_of(st.none(), st.integers(NOW, NOW + DAY)),
    st.integers(NOW, NOW + 2 * DAY),
)
def test_every_hand_off_is_in_exactly_one_bucket(state, due, touched, now):
    words = {WAITING, LATE, TOUCHED, SILENT, UNTIMED} | {s.value for s in State}
    assert bucket(state, touch_due=due, touched_at=touched, now=now) in words
    late = bucket(State.HANDED_OFF, touch_due=due, touched_at=touched, now=now) == LATE
    assert late == (touched is None and due is not None and now > due)


@given(
    st.integers(1, 5 * 24 * 60),
    st.lists(st.integers(1, 3 * 24 * 60), min_size=1, max_size=30),
    st.integers(0, 2),
)
def test_steps_only_grow_graver_and_a_second_owner_is_the_last(minutes, waits, turn):
    order = list(Step)
    one = Watched(NOW, NOW + minutes * MINUTE, turn=turn)
    now = NOW
    for wait in waits:
        now += wait * MINUTE
        step = next_step(one, Patience(reassign_after=4 * HOUR), CALENDAR, now)
        assert order.index(step) >= order.index(one.step)
        assert step is not Step.REASSIGNED or turn == 0
        assert step is Step.NONE or now > NOW
        if now >= one.touch_due:
            assert step in {Step.ESCALATED, Step.REASSIGNED}, "late is always told"
        one = one._replace(step=step)
    assert next_step(one._replace(touched_at=now), Patience(), CALENDAR, now + DAY) is one.step


def test_a_hand_raise_comes_before_a_high_score_and_the_rest_is_the_last_tier():
    tiers = [
        Tier("hand-raise", 5 * MINUTE, fast_track=True),
        Tier("high", 30 * MINUTE, score=80),
        Tier("others", DAY),
    ]
    found = [
        tier_of(tiers, fast_track=f, score=s).name
        for f, s in ((True, 20), (False, 80), (False, 79))
    ]
    assert found == ["hand-raise", "high", "others"]
