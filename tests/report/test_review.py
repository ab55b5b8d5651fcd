"""The quarterly pack: what changed, what is disputed, what is proposed, and who signed."""

from __future__ import annotations

import json
import re

import pytest
from click.testing import CliRunner

from connector.cli.main import leadloop as group
from connector.report.page import page
from connector.report.review import proposals, review_markdown, review_pack
from tests.cli.test_commands import small  # noqa: F401  the folder of files
from tests.past import NOW


@pytest.fixture
def ask(small, monkeypatch):  # noqa: F811
    monkeypatch.chdir(small)

    def run(*words):
        done = CliRunner().invoke(group, [*words, "-o", "json"], standalone_mode=False)
        if done.exception:
            raise done.exception
        return json.loads(done.stdout)["data"]

    return run


def test_a_signed_definition_is_shown_until_it_changes_and_the_change_is_told(ask, small):  # noqa: F811
    assert ask("review")["first"] is True
    signed = ask(
        "review", "record", "--decision", "Stays at 65", "--signed-by", "Mia", "--signed-by", "Sam"
    )
    told = ask("process")
    assert told["signature"]["current"] is True
    assert told["definition"] == signed["definition"]
    assert told["signature"]["words"].startswith("Signed by Mia and Sam on ")
    model = small / "model.yaml"
    model.write_text(model.read_text().replace("points: 10}", "points: 7}") + "threshold: 50\n")
    pack = ask("review", "--html", "r.html", "--markdown", "r.md")
    assert set(pack["changes"]) == {"threshold: 65.0 is now 50.0", "Boss: +10 is now +7"}
    assert pack["last_decisions"] == ["Stays at 65"]
    assert ask("process")["signature"]["current"] is False
    assert "is another and not signed" in (small / "r.html").read_text()
    assert "- threshold: 65.0 is now 50.0" in (small / "r.md").read_text()
    (row,) = ask("review", "list")
    assert (row["signed_by"], row["decisions"]) == ("Mia and Sam", "Stays at 65")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--decision", "x", "--signed-by", "Mia"], "two different people"),
        (["--decision", "x", "--signed-by", "Mia", "--signed-by", "mia "], "two different people"),
        (["--decision", " ", "--signed-by", "Mia", "--signed-by", "Sam"], "nothing was decided"),
    ],
)
def test_a_review_that_one_team_signs_or_that_decides_nothing_is_refused(ask, words, said):
    with pytest.raises(Exception, match=said):
        ask("review", "record", *words)
    assert ask("review", "list") == []


@pytest.mark.parametrize("people", [0, 10, 300])
def test_the_pack_is_whole_for_any_past_and_says_where_data_do_not_suffice(quick_past, people):
    store, loaded, _ = quick_past(people)

    def propose(models):
        return proposals(
            store, loaded, models, model_path=loaded.path("model.yaml"), scenarios=None, now=NOW
        )

    data = review_pack(store, loaded, NOW, [], propose=propose)
    assert len(data["disputed"]) <= 20
    assert bool(data["disputed"]) is (people > 0)
    for one in data["proposals"].values():
        assert one["why"]
        if people < 20:
            assert one["proposed"] is None
            assert "needed" in one["why"]
    assert sum(row["leads"] for row in data["sources"]) == data["stages"][0]["leads"]
    shown = page("review.html", data)
    assert "<script" not in shown
    assert "default-src 'none'" in shown
    assert [part["part"] for part in data["maturity"]["parts"]] == [
        "capture", "qualify", "nurture", "route", "measure",
    ]  # fmt: skip
    text = review_markdown(data)
    assert len(re.findall(r"^## ", text, re.MULTILINE)) == 6
    for row in data["disputed"]:
        assert row["person"] in text
