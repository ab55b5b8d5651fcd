"""`leadloop nurture`, and what `plan` and `report` say of consent."""

from __future__ import annotations

import pytest

from tests.cli.test_commands import NOW, SETTINGS, small, start  # noqa: F401  the folder of files

MORE = """
consent: {policy: shipped}
nurture:
  phases: [problem]
  programmes: {price: {problem: price-1}}
  assets: [{name: price-list, theme: price, phase: problem}]
"""


@pytest.fixture
def ready(small):  # noqa: F811
    """Ada, Ben, Cem and Dee (whom sales rejected) live in France, Eve and Fay in the United
    States; Ada and Fay object to mail."""
    path = small / "data" / "people.csv"
    text = path.read_text().replace("2026-05-01 00:00", "2026-05-01T00:00:00Z")
    lines = text.replace("1,Ada,ada@a.example,CEO,,fr,web,2026-05-01T00:00:00Z,false",
                         "1,Ada,ada@a.example,CEO,,fr,web,2026-05-01T00:00:00Z,true")  # fmt: skip
    more = "".join(
        f"{n},{name},{name}@e.example,Clerk,,us,web,2026-05-01T00:00:00Z,{out},New,,,\n"
        for n, name, out in ((5, "Eve", "false"), (6, "Fay", "true"))
    )
    path.write_text(lines + more)
    (small / "leadloop.yaml").write_text(SETTINGS + MORE)
    return small


ROWS = [
    {"row": "EU and EEA", "people": 4, "no_sales": 1, "no_mail": 4, "other_lane": 3},
    {"row": "United States", "people": 2, "no_sales": 1, "no_mail": 1, "other_lane": 1},
]


def test_plan_and_report_say_how_many_each_row_of_the_policy_blocks(ready, answer, leadloop):
    planned = answer("plan", *NOW)
    assert planned["data"]["consent"] == ROWS
    told = leadloop("plan", *NOW).stdout
    assert "Consent: EU and EEA, 4 people: keeps 4 from mail, 1 from sales" in told
    assert "4 of them wait for another lane: leadloop nurture lane" in told
    shown = answer("plan", "--show", planned["data"]["plan"]["id"])
    assert shown["data"]["consent"] == ROWS
    assert answer("report", *NOW, "--html", "r.html")["data"]["consent"] == ROWS
    assert "United States" in (ready / "r.html").read_text()
    assert "4 wait for another lane" in leadloop("report", *NOW).stdout


def test_a_plan_says_who_comes_into_nurture_and_who_leaves(ready, answer, leadloop):
    planned = answer("plan", *NOW)
    assert planned["data"]["nurture"] == [{"theme": "general", "join": 1, "leave": 0}]
    leadloop("apply", planned["data"]["plan"]["id"], "--approve", *NOW)
    path = ready / "data" / "people.csv"
    path.write_text(path.read_text().replace("us,web", "de,web"))  # Eve moved, where consent lacks
    later = ("--now", "2026-06-02T00:00:00Z")
    second = answer("plan", *later)["data"]
    assert second["nurture"] == [{"theme": "general", "join": 0, "leave": 1}]
    shown = leadloop("plan", "--show", second["plan"]["id"]).stdout
    assert "Nurture: general: 0 come, 1 go" in shown


def test_nobody_who_may_not_be_mailed_is_dropped_but_listed_for_another_lane(ready, answer):
    start(answer)
    lane = answer("nurture", "lane", *NOW)["data"]["lane"]
    assert [(one["person"], one["state"], one["may_call"]) for one in lane] == [
        ("crm/lead/1", "inquiry", False),
        ("crm/lead/2", "inquiry", True),
        ("crm/lead/3", "inquiry", True),
        ("crm/lead/6", "inquiry", False),
    ]
    blocked = answer("nurture", "blocked", *NOW)["data"]["blocked"]
    assert sum(row["other_lane"] for row in blocked) == len(lane)


def test_the_matrix_the_unheard_and_what_is_to_be_mended_are_listed(ready, answer, leadloop):
    start(answer)
    cells = answer("nurture", *NOW)["data"]["cells"]
    assert {(c["theme"], c["assets"], c["waiting"]) for c in cells} == {
        ("general", 0, 1),  # Eve, whom nobody has anything to send
        ("price", 1, 0),
    }
    assert answer("nurture", "unheard", *NOW)["data"]["unheard"] == []
    later = ("--now", "2026-06-09T00:00:00Z")
    (row,) = answer("nurture", "unheard", *later)["data"]["unheard"]
    assert (row["theme"], row["people"]) == ("general", 1)
    assert "No programme listens" in leadloop("nurture", "unheard", *later).stdout
    segments = {row["name"]: row for row in answer("nurture", "segments", *NOW)["data"]["segments"]}
    assert {name: row["people"] for name, row in segments.items()} == {"emea": 4, "amer": 2}
    assert segments["amer"]["nurtured"] == 1
    path = ready / "data" / "people.csv"
    path.write_text(path.read_text().replace("Eve@e.example", "info@e.example"))
    answer("run", *NOW)
    found = answer("nurture", "hygiene", *NOW)["data"]["hygiene"]
    assert found == [{"person": "crm/lead/5", "finding": "role address"}]
    assert "role address" in leadloop("nurture", "hygiene", "-o", "csv", *NOW).stdout
