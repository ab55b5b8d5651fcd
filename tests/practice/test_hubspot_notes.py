"""The package of a hand-off as a note on the contact: only if asked for, and made once."""

from __future__ import annotations

import pytest

ASKED = "handoff: {note: true}\n"


@pytest.fixture
def work(opened):
    one = opened("hubspot")
    one.person("old", title="Clerk")
    one.go()
    one.hot("eve")
    one.pass_time()
    return one


def ask(work):
    settings = (work.folder / "leadloop.yaml").read_text(encoding="utf-8")
    work.write("leadloop.yaml", settings + ASKED)


def notes(work):
    return [row.values["hs_note_body"] for row in work.crm.portal.records["notes"].values()]


def states(work):
    return work.rows("SELECT state FROM alert WHERE kind = 'note'")


def test_none_is_made_unless_asked_for(work):
    work.go()
    assert work.rows("SELECT task FROM handoff") == [("done",)]
    assert notes(work) == []


def test_the_package_stands_on_the_contact_once_with_its_owner(work):
    ask(work)
    work.go()
    ((package, owner),) = work.rows("SELECT package, owner FROM handoff")
    (body,) = notes(work)
    assert package.splitlines()[0] in body
    (note,) = work.crm.portal.records["notes"].values()
    assert f"crm/{note.values['hubspot_owner_id']}" == owner
    assert work.crm.portal.associated("notes", note.id, "contacts") == [work.ids["eve"]]
    for _ in range(2):
        work.pass_time()
        work.go()
    assert len(notes(work)) == 1
    assert states(work) == [("sent",)]


def test_a_note_whose_answer_is_lost_is_looked_for_and_not_made_again(work):
    ask(work)
    work.fail("POST */objects/*/notes", drop="after", times=1)
    work.go()
    assert states(work) == [("sending",)]
    assert len(notes(work)) == 1
    work.pass_time()
    work.go()
    assert states(work) == [("sent",)]
    assert len(notes(work)) == 1


def test_a_note_that_never_arrived_is_made_by_a_later_run(work):
    ask(work)
    work.fail("POST */objects/*/notes", drop="before", times=1)
    work.go()
    assert (states(work), notes(work)) == ([("sending",)], [])
    work.pass_time()
    work.go()
    assert (states(work), len(notes(work))) == ([("sent",)], 1)


def test_without_the_right_to_notes_the_hand_off_stands_and_a_line_says_so(work):
    ask(work)
    work.fail("POST */objects/*/notes", status=403, body={}, times=9)
    work.run()
    assert [line for line in work.warnings if "no notes are made" in line]
    assert work.rows("SELECT task FROM handoff") == [("done",)]
    assert states(work) == [("refused",)]
