"""Cycles of every kind, for laws: drawn from a seed, because drawing each field is slow."""

from __future__ import annotations

from random import Random

from hypothesis import strategies as st

from connector.domain.cycle import State
from connector.funnel.history import STAGES, Handoff, History

DAY = 86_400_000_000
NOW = 400 * DAY
_STATES = [state.value for state in State]


def _handoff(luck):
    at = luck.randrange(NOW)

    def later():
        return luck.choice([None, at, at + luck.randrange(30 * DAY), NOW])

    touched = later()
    worked = None if touched is None else luck.randrange(9 * DAY)
    return Handoff(at, later(), touched, later(), later(), luck.random() < 0.5, worked)


def _stays(luck):
    return tuple(
        (
            luck.choice(["held", "handed_off", "accepted"]),
            luck.randrange(NOW),
            luck.choice([None, luck.randrange(NOW)]),
        )
        for _ in range(luck.choice([0, 1, 3]))
    )


def _history(luck):
    state = luck.choice(_STATES)
    others = {s for s in luck.sample(_STATES, luck.randrange(5)) if s != "won"}
    amounts = [None, 1, 2, luck.randrange(1, 10_000_000)]
    return History(
        person=luck.choice(["p1", "p2", "p3"]),
        number=luck.choice([1, 1, 2, 3]),
        state=state,
        states=frozenset({state, *others}),
        reached={
            stage: luck.choice([0, luck.randrange(500 * DAY)])
            for stage in STAGES
            if luck.random() < 0.7
        },
        newest=luck.random() < 0.8,
        found=luck.random() < 0.3,
        reason=luck.choice([None, "budget", "timing"]),
        owner=luck.choice([None, "crm/anna", "crm/ben"]),
        source=luck.choice([None, "ads", "fair"]),
        score=luck.choice(
            [None, luck.randrange(101), luck.choice([0, 24, 25, 64, 65, 79, 80, 100])]
        ),
        handoff=luck.choice([None, _handoff(luck)]),
        won_cents=luck.choice(amounts),
        other_cents=luck.choice(amounts),
        campaigns=tuple(
            sorted(
                (luck.choice([0, luck.randrange(450 * DAY)]), luck.choice("abc"))
                for _ in range(luck.choice([0, 0, 1, 2, 5]))
            )
        ),
        theme=luck.choice([None, "cost", "speed"]),
        segment=luck.choice([None, "small", "large"]),
        last_at=luck.choice([None, 0, luck.randrange(NOW)]),
        machine_only=luck.random() < 0.2,
        stays=_stays(luck),
        efforts=luck.choice([0, 0, 1, 5]),
        sales=tuple(
            (luck.choice([None, 0, luck.randrange(NOW)]), luck.choice(amounts))
            for _ in range(luck.choice([0, 0, 1, 2]))
        ),
        products=luck.choice([(), ("desk",), ("desk", "lamp")]),
        partner=luck.choice([None, None, "crm/dealer"]),
        phase=luck.choice([None, None, "learning", "choosing"]),
        given_score=luck.choice([None, luck.randrange(101)]),
    )


def _inquiry(luck):
    """One that never went near sales: many of them look alike to every measure."""
    began = NOW - luck.choice([30, 60, 242, 425, 100]) * DAY + luck.choice([-1, 0, 1])
    state = luck.choice(["inquiry", "nurture", "disqualified"])
    return _history(luck)._replace(
        number=luck.choice([1, 1, 1, 2]),
        state=state,
        states=frozenset({state, luck.choice(["inquiry", "nurture"])}),
        reached={"inquiry": began} if luck.random() < 0.9 else {},
        last_at=luck.choice([None, began, began + DAY, began + DAY + 1]),
        handoff=None, won_cents=None, other_cents=None, owner=None, stays=(), sales=(),
        theme=luck.choice([None, "cost"]), segment=None, score=luck.choice([None, 24, 25]),
        reason=None,
    )  # fmt: skip


def _mixed(seed, size):
    luck = Random(seed)
    return [(_inquiry if luck.random() < 0.8 else _history)(luck) for _ in range(size)]


def _histories(seed, size):
    luck = Random(seed)
    return [_history(luck) for _ in range(size)]


histories = st.builds(_histories, st.integers(0, 2**32), st.integers(0, 60))


mixed = st.builds(_mixed, st.integers(0, 2**32), st.integers(0, 300))
"""As most stores are: many inquiries, and few that went on."""
