"""Who is the same person, what is known of them, and which activity counts."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.domain.moment import MINUTE, SECOND
from connector.identity.address import is_role_address, normalise_address
from connector.identity.engagement import Seen, duplicates, machine_made
from connector.identity.fuse import Version, fuse
from connector.identity.resolve import Candidate, resolve


@pytest.mark.parametrize(
    ("text", "address"),
    [
        (" Ada@Example.COM ", "ada@example.com"),
        ("ada@bücher.example", "ada@xn--bcher-kva.example"),
        ("a.d.a+x@gmail.com", "a.d.a+x@gmail.com"),
        ("nobody", None),
        ("'; DROP TABLE people; --@x.y", None),
        ("a@b@c.example", None),
        ("", None),
    ],
)
def test_addresses_are_equal_when_they_reach_the_same_box(text, address):
    assert normalise_address(text) == address


parts = st.text("abcZ09._%+-", min_size=1, max_size=12)


@given(parts, parts, st.sampled_from(["com", "example", "co.uk", "x", "1"]))
def test_the_short_way_says_what_the_library_says(box, host, top):
    from email_validator import EmailNotValidError, validate_email

    text = f"{box}@{host}.{top}"
    try:
        checked = validate_email(text, check_deliverability=False, test_environment=True)
        wanted = (
            f"{checked.normalized.rpartition('@')[0].casefold()}@{checked.ascii_domain.casefold()}"
        )
    except EmailNotValidError:
        wanted = None
    assert normalise_address(text) == wanted


def test_desks_are_nobody():
    assert is_role_address("info@acme.example")
    assert not is_role_address("inga@acme.example")


def candidate(key, *addresses, person=None):
    return Candidate(key, person, (("record", key), *(("email", a) for a in addresses)))


def test_records_of_one_address_are_one_person_called_after_the_first():
    found = resolve(
        [candidate("c/l/1", "a"), candidate("c/l/2", "b"), candidate("c/l/3", "a")], {}, {}
    )
    assert found.people == {"c/l/1": "c/l/1", "c/l/2": "c/l/2", "c/l/3": "c/l/1"}


def test_a_record_with_two_known_addresses_makes_one_person_of_two_the_elder_winning():
    known = {("email", "a"): "P2", ("email", "b"): "P1"}
    found = resolve([candidate("r", "a", "b")], known, {"P1": 0, "P2": 1})
    assert found.people == {"r": "P1"}
    assert found.merged == {"P2": "P1"}


addresses = st.lists(st.sampled_from("abcdef"), max_size=2, unique=True)


@given(st.lists(addresses, min_size=1, max_size=8), st.lists(st.integers(1, 4), max_size=8))
def test_however_pages_are_cut_the_same_records_are_together(groups, cuts):
    page = [candidate(f"r{n}", *keys) for n, keys in enumerate(groups)]
    whole = resolve(page, {}, {}).people
    keys: dict = {}
    people: dict = {}
    order: dict = {}
    todo = list(page)
    while todo:
        size = cuts.pop(0) if cuts else 2
        some, todo = todo[:size], todo[size:]
        found = resolve(some, keys, order)
        for loser, winner in found.merged.items():
            keys = {k: winner if p == loser else p for k, p in keys.items()}
            people = {r: winner if p == loser else p for r, p in people.items()}
        keys.update(found.keys)
        people.update(found.people)
        for person in found.people.values():
            order.setdefault(person, len(order))
    together = lambda placed: {
        frozenset(r for r, p in placed.items() if p == one) for one in placed.values()
    }
    assert together(people) == together(whole)


def test_the_newest_known_value_wins_and_ties_go_to_the_first_connection():
    fused = fuse(
        [
            Version(5, 0, "1", {"title": "Old", "country": "fr"}),
            Version(9, 1, "2", {"title": "New", "country": None}),
            Version(9, 0, "3", {"title": "First", "opted_out": None}),
        ]
    )
    assert fused == {"title": "First", "country": "fr"}


def test_an_objection_on_any_record_counts_for_the_person():
    fused = fuse(
        [Version(1, 0, "1", {"opted_out": True}), Version(9, 0, "2", {"opted_out": False})]
    )
    assert fused["opted_out"] is True


def test_a_ban_on_calls_on_any_record_counts_for_the_person():
    fused = fuse(
        [Version(1, 0, "1", {"do_not_call": True}), Version(9, 0, "2", {"do_not_call": False})]
    )
    assert fused["do_not_call"] is True


def seen(key, kind, time, *, connection="c", asset=None, message=None, agent=None, url=None):
    return Seen((connection, "o", key), connection, kind, time, asset, message, agent, url)


def test_one_engagement_seen_in_two_systems_counts_once():
    one = seen("1", "email_open", 0, message="m")
    other = seen("1", "email_open", 90 * SECOND, connection="d", message="m")
    again = seen("2", "page_view", 10, asset="a")
    there = seen("2", "page_view", 20, connection="d", asset="a")
    later = seen("3", "page_view", 2 * MINUTE, connection="d", asset="a")
    assert duplicates([one, other, again, there, later]) == {other.key, there.key}


def test_a_mail_logged_as_a_task_and_as_a_mail_counts_once_and_each_click_of_it_counts():
    task = Seen(("c", "task", "1"), "c", "email_sent", 0, None, "m", None)
    mail = Seen(("c", "email", "9"), "c", "email_sent", MINUTE, None, "m", None)
    clicks = [seen(str(n), "email_click", n * MINUTE, message="m") for n in range(3)]
    assert duplicates([task, mail, *clicks]) == {task.key}


def test_a_copy_that_lost_its_message_id_counts_once():
    call = seen("1", "call", 0, message="00T1", connection="sf")
    copy = seen("9", "call", 59 * SECOND, connection="hs")
    later = seen("8", "call", MINUTE, connection="hs")
    mail = seen("7", "email_sent", 0, connection="hs")
    assert duplicates([call, copy, later, mail]) == {copy.key}


def test_a_system_that_gives_some_of_its_activities_a_message_id_copies_none_of_its_own():
    copy = seen("0", "call", 0, connection="a")
    ours = [seen("1", "call", 0, connection="b"), seen("2", "call", 0, message="m", connection="b")]
    assert duplicates(ours) == set()
    assert duplicates([copy, *ours]) == {copy.key}


ACTIVITIES = st.lists(
    st.builds(
        Seen,
        st.tuples(st.sampled_from("ab"), st.sampled_from("op"), st.sampled_from("1234")),
        st.just(""),
        st.sampled_from(["call", "email_sent"]),
        st.sampled_from([0, SECOND, MINUTE]),
        st.sampled_from([None, "x"]),
        st.sampled_from([None, "m", "n"]),
        st.none(),
    ).map(lambda one: one._replace(connection=one.key[0])),
    unique_by=lambda one: one.key,
)


@given(ACTIVITIES)
def test_whatever_is_left_out_as_a_copy_stays_once_and_the_order_is_no_matter(activities):
    redundant = duplicates(activities)
    assert duplicates(activities[::-1]) == redundant
    kept = {(one.type, one.message) for one in activities if one.key not in redundant}
    moments = {(one.type, one.asset, one.time // MINUTE) for one in activities}
    messages = {(one.type, one.message) for one in activities if one.message}
    assert messages <= kept
    left = [one for one in activities if one.key not in redundant or one.message]
    assert {(one.type, one.asset, one.time // MINUTE) for one in left} == moments
    for one in activities:
        if one.key in redundant and one.message is None:
            others = [o for o in left if o.key[0] != one.key[0] and o.type == one.type]
            assert any(o.time // MINUTE == one.time // MINUTE for o in others)


def test_two_visits_in_one_system_are_two():
    assert duplicates([seen("1", "page_view", 1), seen("2", "page_view", 2)]) == set()


def test_a_click_seconds_after_sending_was_a_scanner_and_so_was_its_open():
    sent = seen("1", "email_sent", 0, message="m")
    opened = seen("2", "email_open", SECOND, message="m")
    clicked = seen("3", "email_click", 2 * SECOND, message="m")
    person = seen("4", "email_click", 3600 * SECOND, message="m")
    flagged = machine_made([sent, opened, clicked, person])
    assert set(flagged) == {opened.key, clicked.key}
    assert flagged[clicked.key] == "click 2.0 s after sending"


def test_an_open_alone_is_no_proof_of_a_machine():
    assert (
        machine_made(
            [seen("1", "email_sent", 0, message="m"), seen("2", "email_open", SECOND, message="m")]
        )
        == {}
    )


def test_clicks_on_every_link_of_a_mail_within_seconds_were_a_scanner_without_a_sending_time():
    burst = [seen(str(n), "email_click", n * SECOND, message="m", url=f"/{n}") for n in range(4)]
    reader = seen("9", "email_click", 3600 * SECOND, message="m", url="/1")
    flagged = machine_made([*burst, reader])
    assert set(flagged) == {one.key for one in burst}
    assert flagged[burst[0].key] == "4 links of one mail within seconds"


def test_clicking_one_link_thrice_is_a_person_in_a_hurry():
    again = [seen(str(n), "email_click", n * SECOND, message="m", url="/1") for n in range(3)]
    assert machine_made(again) == {}


def test_an_address_that_opens_everything_and_never_does_anything_is_a_proxy():
    opens = [seen(str(n), "email_open", n * MINUTE, message=f"m{n}") for n in range(8)]
    assert set(machine_made(opens, acted=False)) == {one.key for one in opens}
    assert machine_made(opens, acted=True) == {}
    assert machine_made(opens[:7], acted=False) == {}


def test_the_agent_of_a_scanner_is_named_as_evidence():
    one = seen("1", "page_view", 0, agent="Mozilla/5.0 (compatible; Barracuda Sentinel)")
    assert machine_made([one]) == {one.key: "agent of a scanner: barracuda"}
