"""Verdicts entered by hand, imported from a file, and their reasons audited."""

from __future__ import annotations

import pytest

from tests.cli.test_commands import NOW, small, start  # noqa: F401  the folder of files


@pytest.fixture
def ran(answer, small):  # noqa: F811
    start(answer)
    answer("handoffs", "release", "--per-day", "5", *NOW)
    answer("run", *NOW)
    return small


def verdicts(answer, *words):
    return [
        (row["person"], row["verdict"], row["reason"])
        for row in answer("dispositions", "list", *words)["data"]
    ]


def test_a_verdict_entered_by_hand_moves_the_lead_and_is_attributed(ran, answer, leadloop):
    done = answer("dispositions", "add", "1", "rejected", "wrong_size", *NOW)
    (row,) = done["data"]["added"]
    assert (row["person"], row["number"], row["by"]) == ("crm/lead/1", 1, "crm/anna")
    assert row["source"].startswith("hand/")
    assert (row["at"], row["run"]) == ("2026-06-01T00:00:00Z", done["run_id"])
    assert answer("explain", "1")["data"]["cycle"]["state"] == "rejected"
    assert "rejected" in leadloop("dispositions").stdout
    answer("run", *NOW)
    from tests.cli.test_commands import written

    assert written(ran)["1"]["leadloop_state"] == "rejected"


def test_a_correction_is_a_new_row_and_the_newest_one_counts(ran, answer):
    answer("dispositions", "add", "1", "rejected", "wrong_size", *NOW)
    later = ("--now", "2026-06-02T00:00:00Z")
    done = answer("dispositions", "add", "1", "recycled", "bad_timing", *later)
    assert done["data"]["moved"] == 1
    assert verdicts(answer, "--person", "1") == [
        ("crm/lead/1", "recycled", "bad_timing"),
        ("crm/lead/1", "rejected", "wrong_size"),
    ]
    assert answer("explain", "1")["data"]["cycle"]["state"] == "recycled"
    audit = answer("dispositions", "audit")["data"]
    assert ("rejected", "wrong_size") not in {(r["verdict"], r["reason"]) for r in audit["reasons"]}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("1", "rejected"), "`rejected` needs a reason: wrong_size"),
        (("1", "rejected", "wrong_sise"), "did you mean `wrong_size`?"),
        (("1", "rejected", "ada@a.example"), "what stands there is none for `rejected`"),
        (("1", "rejectd", "wrong_size"), "did you mean `rejected`?"),
        (("1", "rejected", "other"), "`other` says nothing by itself"),
        (("1", "accepted", "--at", "2027-01-01T00:00:00Z"), "`at` lies in the future"),
        (("1", "accepted", "--by", "nobody@x.example"), "`by` names no owner"),
        (("1", "accepted", "--cycle", "7"), "there is no such cycle"),
        (("nobody", "accepted"), "`person` names nobody"),
    ],
)
def test_what_cannot_be_entered_says_what_would_be_right_and_enters_nothing(
    ran, answer, words, said
):
    before = verdicts(answer)
    error = answer("dispositions", "add", *words, *NOW, expect=2)["error"]
    assert said.casefold() in error["message"].casefold()
    assert "ada@a.example" not in error["message"]
    assert verdicts(answer) == before


def test_a_file_is_entered_once_and_its_bad_lines_are_named_kept_aside_and_mended(ran, answer):
    file = ran / "v.csv"
    file.write_text(
        "person,verdict,reason,at,by\n"
        "1,accepted,,2026-05-30T00:00:00Z,anna@x.example\n"
        "crm/lead/2,rejected,,2026-05-30T00:00:00Z,anna\n"
        "\n"
        '1,rejected,"other: moved\nabroad",2026-05-31T00:00:00Z,\n'
        "9,accepted,,,\n"
    )
    done = answer("dispositions", "import", "v.csv", *NOW, expect=4)
    assert done["status"] == "partial"
    assert [row["verdict"] for row in done["data"]["added"]] == ["accepted", "rejected"]
    places = [one["place"] for one in done["data"]["kept_aside"]]
    assert places == ["v.csv:3", "v.csv:7"]
    assert "v.csv:3" in {one["place"] for one in answer("status")["data"]["kept_aside"]}
    again = answer("dispositions", "import", "v.csv", *NOW)
    assert (again["data"]["added"], again["data"]["known"]) == ([], 2)
    file.write_text(file.read_text().replace("rejected,,", "rejected,no_budget,"))
    mended = answer("dispositions", "import", "v.csv", *NOW)
    assert [row["person"] for row in mended["data"]["added"]] == ["crm/lead/2"]
    aside = {one["place"] for one in answer("status")["data"]["kept_aside"]}
    assert "v.csv:3" not in aside
    assert "v.csv:7" in aside


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("who,verdict\n1,accepted\n", "v.csv:1: the header has no column `person`"),
        ("person,verdict,person\n1,accepted,1\n", "v.csv:1: the header names `person` twice"),
        ('person,verdict\n1,"accepted\n', "v.csv:"),
    ],
)
def test_a_file_that_is_no_list_of_verdicts_is_refused_whole(ran, leadloop, text, said):
    (ran / "v.csv").write_text(text)
    assert said in leadloop("dispositions", "import", "v.csv", expect=2).stderr


def test_reasons_that_are_missing_are_listed_for_each_owner(ran, answer, leadloop):
    people = ran / "data" / "people.csv"
    people.write_text(people.read_text().replace("Rejected,no_budget,", "Rejected,,"))
    answer("run", *NOW)
    assert "Anna: 1 of 1 refusals without a reason" in answer("dispositions")["warnings"]
    assert "Anna" in leadloop("dispositions", "audit").stdout


def test_more_reject_reasons_than_agreed_are_refused_and_fewer_can_be_chosen(ran, leadloop, answer):
    settings = (ran / "leadloop.yaml").read_text()
    seven = "[a, b, c, d, e, f, g]"
    (ran / "leadloop.yaml").write_text(f"{settings}dispositions: {{rejected: {seven}}}\n")
    assert "7 reasons, more than `at_most: 6`" in leadloop("dispositions", expect=2).stderr
    (ran / "leadloop.yaml").write_text(f"{settings}dispositions: {{rejected: [too_far]}}\n")
    answer("dispositions", "add", "1", "rejected", "too_far", *NOW)
    answer("dispositions", "add", "1", "rejected", "wrong_size", *NOW, expect=2)


def test_what_was_decided_is_exported_for_analysts(ran, answer):
    answer("dispositions", "add", "1", "rejected", "wrong_size", *NOW)
    files = answer("export", "--to", "x", "--format", "csv")["data"]["files"]
    assert {one["file"] for one in files} >= {"views/dispositions.csv", "views/cycles.csv"}
    assert (
        "rejected,wrong_size,2026-06-01T00:00:00Z" in (ran / "x/views/dispositions.csv").read_text()
    )
    assert not (ran / "x" / "people").exists()
    answer("export", "--to", "y")
    assert (ran / "y" / "people").is_dir()
    assert (ran / "y" / "views" / "scores.parquet").is_file()
    answer("export", "--to", "z", "--format", "csv", "--only", "cluster", expect=2)
