"""`leadloop handoffs` and `simulate --routing`: partners, answers, what is late, who got what."""

from __future__ import annotations

import csv
import email
import json
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from tests.cli.test_commands import NOW, small, start, written  # noqa: F401

PARTNER = """
version: 1
pools:
  abroad:
    members:
      - owner: pat@one.example
        partner: {{name: One, answer_within: 2d, deliver: {deliver}}}
  team: {{members: [{{owner: anna@x.example, capacity: {{per_week: 5}}}}]}}
rules: [{{name: France, when: {{country: fr}}, to: {{pool: abroad}}}}]
fallback: {{pool: team}}
"""
LATER = ("--now", "2026-06-04T00:00:00Z")


@pytest.fixture
def offered(small, answer):  # noqa: F811
    """Give (folder, offer it by a way): Ada, released from the backlog, is offered to Pat."""

    def by(deliver, *, expect=0):
        with (small / "data" / "owners.csv").open("a") as file:
            file.write("pat,Pat,pat@one.example,true,user\n")
        (small / "routing.yaml").write_text(PARTNER.format(deliver=deliver))
        start(answer)
        answer("handoffs", "release", "--per-day", "1", *NOW)
        return answer("run", *NOW, expect=expect)

    return small, by


def mails(folder):
    found = {}
    for path in sorted((folder / "mails").glob("*.eml")):
        message = email.message_from_bytes(path.read_bytes())
        found[path.stem.rpartition("-")[2]] = (
            message["To"],
            message.get_payload(decode=True).decode(),
        )
    return found


def test_an_offer_by_mail_names_nobody_until_the_partner_accepts_by_its_code(
    offered, answer, leadloop
):
    folder, by = offered
    by("{mail: mails, to: leads@one.example}")
    ((to, text),) = mails(folder).values()
    assert to == "leads@one.example"
    assert "Ada" not in text
    assert "ada@a.example" not in text
    assert "score: 80" in text
    code = text.partition("code: ")[2].split()[0]
    assert "accept noted" in leadloop("handoffs", "answer", code, "accept", *NOW).stdout
    refused = answer("handoffs", "answer", code, "decline", *NOW, expect=2)
    assert "no offer" in refused["error"]["message"]
    answer("run", *NOW)
    assert written(folder)["1"]["owner"] == "pat"
    told = mails(folder)
    assert "ada@a.example" in told["whole"][1]
    assert "ada@a.example" not in told["offer"][1]
    (row,) = answer("handoffs", "partners")["data"]["partners"]
    assert (row["offers"], row["accepted"], row["won"]) == (1, 1, 0)
    before = {path: path.read_bytes() for path in (folder / "mails").iterdir()}
    answer("run", *NOW)
    assert {path: path.read_bytes() for path in (folder / "mails").iterdir()} == before


def test_answers_come_from_the_mail_folder_too_and_a_no_sends_the_lead_on(offered, answer):
    folder, by = offered
    by("{mail: mails, to: leads@one.example}")
    ((_, text),) = mails(folder).values()
    code = text.partition("code: ")[2].split()[0]
    (folder / "mails" / "answers.csv").write_text(f"code,answer\n{code},Decline\nnone,accept\n")
    answer("run", *NOW)
    assert written(folder)["1"]["owner"] == "anna"
    (row,) = answer("handoffs", "partners")["data"]["partners"]
    assert (row["declined"], row["accepted"]) == (1, 0)


@pytest.fixture
def hook():
    """A partner's web address; `answers` are the statuses it gives, then 200."""
    got, answers = [], []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            status = answers.pop(0) if answers else 200
            got.append((self.path, status, body))
            self.send_response(status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_):
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/leads?for=one", got, answers
    server.shutdown()
    thread.join()
    server.server_close()


def test_an_offer_by_web_is_sent_again_until_it_was_taken_and_then_no_more(offered, answer, hook):
    address, got, answers = hook
    answers += [410]
    folder, by = offered
    by(f'{{webhook: "{address}"}}')
    assert [(path, status) for path, status, _ in got] == [("/leads?for=one", 410)]
    answer("run", *NOW)
    answer("run", *NOW)
    assert [status for _, status, _ in got] == [410, 200]
    offer = got[-1][2]
    assert (offer["state"], offer["score"], offer["country"]) == ("offered", 80, "fr")
    assert not {"name", "email", "phone"} & offer.keys()
    answer("handoffs", "answer", offer["code"], "accept", *NOW)
    answer("run", *NOW)
    assert (got[-1][2]["state"], got[-1][2]["email"]) == ("accepted", "ada@a.example")
    assert written(folder)["1"]["owner"] == "pat"


def test_what_is_late_is_listed_with_its_package_to_be_read(small, answer, leadloop):  # noqa: F811
    with (small / "data" / "activities.jsonl").open("a") as file:
        file.write(
            '{"id":"c","person":"4","type":"call","time":"2026-05-10T00:00:00Z","owner":"anna"}\n'
        )
    mapping = small / "mapping.yaml"
    mapping.write_text(mapping.read_text().replace("{url: url,", "{url: url, owner: owner,"))
    start(answer)
    answer("handoffs", "release", "--per-day", "1", *NOW)
    answer("run", *NOW)
    data = answer("handoffs", *NOW)["data"]
    assert data["buckets"] == {"waiting": 1}
    assert answer("handoffs", "--late", *NOW)["data"]["handoffs"] == []
    late = answer("handoffs", "--late", *LATER)["data"]
    assert [(row["person"], row["bucket"]) for row in late["handoffs"]] == [("crm/lead/1", "late")]
    assert late["buckets"] == {"late": 1}
    rows = list(
        csv.DictReader(leadloop("handoffs", "--late", "-o", "csv", *LATER).stdout.splitlines())
    )
    assert [row["person"] for row in rows] == ["crm/lead/1"]
    assert "Score 80" in leadloop("handoffs", "package", "crm/lead/1").stdout
    assert answer("handoffs", "package", "crm/lead/2", expect=2)["error"]["hint"]


def test_who_got_what_is_held_against_the_share_and_another_file_is_rehearsed(
    small,  # noqa: F811
    answer,
    leadloop,
):
    pools = (
        "version: 1\npools: {{team: {{members: [{{owner: anna@x.example, weight: {a}}}, "
        "{{owner: bob@x.example, capacity: {{per_week: 7}}}}]}}}}\nfallback: {{pool: team}}\n"
    )
    with (small / "data" / "owners.csv").open("a") as file:
        file.write("bob,Bob,bob@x.example,true,user\n")
    (small / "routing.yaml").write_text(pools.format(a=3))
    start(answer)
    answer("handoffs", "release", "--per-day", "1", *NOW)
    answer("run", *NOW)
    rows = {row["owner"]: row for row in answer("handoffs", "fairness", *NOW)["data"]["owners"]}
    assert {owner: (row["leads"], row["due"]) for owner, row in rows.items()} == {
        "crm/anna": (1, 0.75),
        "crm/bob": (0, 0.25),
    }
    assert "Who got what in 7 days" in leadloop("handoffs", "fairness", "--days", "7", *NOW).stdout
    (small / "other.yaml").write_text(
        "version: 1\npools: {team: {members: [{owner: bob@x.example, capacity: {per_week: 7}}]}}\n"
        "fallback: {pool: team}\n"
    )
    before = (small / "s.db").read_bytes()
    data = answer("simulate", "--routing", "other.yaml", *NOW)["data"]
    assert (small / "s.db").read_bytes() == before, "a rehearsal stores nothing"
    assert {(row["owner"], row["old"], row["new"], row["per_week"]) for row in data["owners"]} == {
        ("crm/anna", 1, 0, None),
        ("crm/bob", 0, 1, 7),
    }
    assert "By pool" in leadloop("simulate", "--routing", "other.yaml", *NOW).stdout
    both = leadloop("simulate", "--routing", "other.yaml", "--model", "model.yaml", expect=2)
    assert "either --model or --routing" in both.stderr


def test_release_lets_the_best_go_first_and_says_how_many_wait(small, answer, leadloop):  # noqa: F811
    path = small / "data" / "people.csv"
    path.write_text(
        path.read_text() + "9,Eve,e@e.example,CEO,,fr,web,2026-05-01T00:00:00Z,false,New,,,\n"
    )
    with (small / "data" / "activities.jsonl").open("a") as file:
        for n in range(2):
            file.write(
                f'{{"id":"n{n}","person":"9","type":"page_view","time":"2026-05-2{n}T00:00:00Z"}}\n'
            )
    start(answer)
    assert "2 more wait since day one" in leadloop("handoffs", "list").stdout
    assert (
        "1 released, 1 still wait" in leadloop("handoffs", "release", "--per-day", "1", *NOW).stdout
    )
    answer("run", *NOW)
    given = answer("handoffs", "list")["data"]
    assert ([row["person"] for row in given["open"]], given["backlog"]) == (["crm/lead/9"], 1)
    answer("handoffs", "release", "--per-day", "1", *NOW)
    answer("run", *NOW)
    best = answer("handoffs", "--best", "--owner", "anna", *NOW)["data"]["handoffs"]
    assert [row["person"] for row in best] == ["crm/lead/9", "crm/lead/1"]
    assert best[0]["score"] > best[1]["score"]
    assert answer("handoffs", "--owner", "crm/ben", *NOW)["data"]["handoffs"] == []
