"""Reasons: what is missing, what is `other`, who has one for everything."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from connector.funnel.reasons import Word, audit_reasons

KINDS = ("given", "other", "outside", "missing")


def word(owner, reason, kind="given"):
    return Word(owner, "rejected", reason, kind)


def test_who_owes_most_stands_first_and_one_reason_for_everything_is_seen_from_five_on():
    words = [word("ben", "no_budget")] * 5 + [word("anna", None, "missing"), word("anna", "x")]
    found = audit_reasons(words)
    assert [one.owner for one in found.owners] == ["anna", "ben"]
    assert [one.one_reason for one in found.owners] == [False, True]
    assert (found.refused, found.missing) == (7, 1)
    assert audit_reasons(words[:4]).owners[0].one_reason is False


def test_too_much_other_is_said_only_when_numbers_bear_it():
    few = [word("a", "other: x", "other"), word("a", "y")]
    many = [word("a", "other: x", "other")] * 40 + [word("a", "y")] * 40
    assert audit_reasons(few).too_much_other is False
    assert audit_reasons(many).too_much_other is True


@given(
    st.lists(
        st.builds(
            lambda owner, kind, reason: word(owner, None if kind == "missing" else reason, kind),
            st.sampled_from("abc"),
            st.sampled_from(KINDS),
            st.sampled_from(["p", "q"]),
        )
    )
)
def test_owners_add_up_to_everybody(words):
    found = audit_reasons(words)
    assert sum(one.refused for one in found.owners) == found.refused == len(words)
    assert sum(one.missing for one in found.owners) == found.missing
    assert sum(one.other for one in found.owners) == found.other
    assert sum(n for _, _, n in found.reasons) == found.refused - found.missing
