"""A survey of sales: drawn into a form, filled in, read back."""

from __future__ import annotations

import csv

from tests.cli.test_commands import NOW, small, start  # noqa: F401  the folder of files


def fill(folder, answers):
    path = folder / "form.csv"
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.reader(file))
    for row, answer in zip(rows[1:], answers, strict=True):
        row[-3:] = answer
    with path.open("w", newline="") as file:
        csv.writer(file).writerows(rows)


def test_a_form_is_drawn_filled_in_read_back_once_and_shown(small, answer, leadloop):  # noqa: F811
    people = small / "data" / "people.csv"
    more = "".join(
        f"{n},P{n},p{n}@e.example,CEO,,fr,web,2026-05-01T00:00:00Z,false,Rejected,no_budget,"
        "2026-05-09T00:00:00Z,anna\n"
        for n in range(10, 40)
    )
    people.write_text(people.read_text() + more)
    start(answer)
    drawn = answer("survey", "draw", "--size", "20", "--out", "form.csv", *NOW)["data"]
    assert (len(drawn["leads"]), drawn["population"]) == (20, 31)
    assert "is there already" in leadloop("survey", "draw", "--out", "form.csv", expect=2).stderr
    fill(
        small,
        [["yes", "", ""]] * 10
        + [["no", "wrong_size", "Budget"]] * 8
        + [["", "", ""], ["maybe", "", ""]],
    )
    read = answer("survey", "read", "form.csv", *NOW, expect=4)["data"]
    assert [read[name] for name in ("added", "known", "blank")] == [18, 0, 1]
    (aside,) = read["kept_aside"]
    assert aside["place"] == "form.csv:21"
    assert (read["agreed"], read["disagreed"]) == (10, 8)
    again = answer("survey", "read", "form.csv", *NOW, expect=4)["data"]
    assert [again[name] for name in ("added", "known")] == [0, 18]
    shown = answer("survey", "show")["data"]
    assert shown["missing"] == [{"what": "budget", "n": 8}]
    assert shown["by_verdict"] == [{"verdict": "rejected", "answered": 18, "agreed": 10}]
    assert len(shown["disputed"]) == 8
    (small / "other.csv").write_text("a,b\n1,2\n")
    assert "not that of a survey form" in leadloop("survey", "read", "other.csv", expect=2).stderr
    number = shown["disputed"][0]["person"].rpartition("/")[2]
    address = f"p{number}@e.example" if int(number) >= 10 else "dee@d.example"
    leadloop("forget", address)
    after = answer("survey", "show")["data"]
    assert (after["answered"], after["disagreed"]) == (18, 8)
    (gone,) = [one for one in after["disputed"] if one["person"].startswith("forgotten/")]
    assert (gone["reason"], gone["why"], gone["missing"]) == (None, None, None)
