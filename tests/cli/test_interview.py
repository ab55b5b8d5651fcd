"""`init` asks for the process in its order, and what was answered is what the files say."""

from __future__ import annotations

import os
import pty
import select
import subprocess
import sys
import time

import pytest
from click.testing import CliRunner

from connector.cli.main import leadloop as group
from connector.config.load import load_settings
from connector.domain.moment import DAY, HOUR
from connector.errors import UsageError
from connector.sync.opening import model_file, routing_file

PARTS = ("How leads come", "Filters", "Definition", "Scoring", "Data passed", "Routing", "SLA",
         "Nurture", "Recycling")  # fmt: skip


@pytest.fixture
def exports(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "x").mkdir()
    (tmp_path / "x" / "export.csv").write_text("Lead ID,E-Mail,Job Title\n7,a@b.example,CEO\n")
    return tmp_path


def ask(*lines, words=("--ask",)):
    given = "".join(f"{line}\n" for line in lines)
    return CliRunner().invoke(group, ["init", "files", "--folder", "x", *words], input=given)


def test_answers_become_settings_model_and_routing(exports):
    done = ask(
        "web, fair", "120", "", "https://no", "@Acme.example, acme.example",
        'Who "asks": ${and} buys', "70", "50", "pages seen, need", "inbound", "soon", "8bh", "",
        "cost", "30d",
    )  # fmt: skip
    assert done.exit_code == 0, done.output
    at = [done.output.index(part) for part in PARTS]
    assert at == sorted(at)
    assert "`https://no` is no domain" in done.output
    loaded = load_settings(exports / "leadloop.yaml")
    process, settings = loaded.settings.process, loaded.settings
    assert [(one.name, one.target) for one in process.sources] == [("web", 120), ("fair", None)]
    assert process.definition == 'Who "asks": ${and} buys'
    assert process.passes == ["pages seen", "need"]
    assert settings.connections[0].scope.exclude.own_domains == ["acme.example"]
    assert str(settings.sla.first_touch) != str(DAY)
    assert settings.nurture.default == "cost"
    assert settings.nurture.recycle["bad_timing"].review == 30 * DAY
    model = model_file(loaded).default
    assert (model.threshold, model.weights.fit, model.weights.behaviour) == (70, 50, 50)
    assert 'fallback: {queue: "inbound"}' in (exports / "routing.yaml").read_text()
    assert routing_file(loaded) is not None


def test_enter_takes_every_default_and_the_files_work(exports):
    done = ask(*[""] * 12)
    assert done.exit_code == 0, done.output
    loaded = load_settings(exports / "leadloop.yaml")
    assert loaded.settings.process.sources == []
    assert loaded.settings.sla.first_touch == 24 * HOUR
    assert model_file(loaded).default.threshold == 65
    assert CliRunner().invoke(group, ["check"]).exit_code == 0


def test_who_leaves_in_the_middle_leaves_no_file(exports):
    done = ask("web", "12")
    assert done.exit_code != 0
    assert [path.name for path in exports.iterdir()] == ["x"]


def test_files_that_are_there_are_told_before_anything_is_asked(exports):
    (exports / "model.yaml").write_text("mine")
    done = ask()
    assert isinstance(done.exception, UsageError)
    assert "How leads come" not in done.output
    assert (exports / "model.yaml").read_text() == "mine"


@pytest.mark.parametrize("words", [("--yes",), ()])
def test_nobody_is_asked_where_nobody_watches(exports, words):
    done = ask(words=words)
    assert done.exit_code == 0, done.output
    assert "How leads come" not in done.output
    assert "# process:" in (exports / "leadloop.yaml").read_text()


def test_on_a_terminal_it_asks_without_being_told_to(exports):
    ours, theirs = pty.openpty()
    words = [sys.executable, "-m", "connector", "init", "files", "--folder", "x"]
    with subprocess.Popen(words, stdin=theirs, stdout=theirs, stderr=theirs, cwd=exports) as run:
        os.close(theirs)
        said, answered, until = "", 0, time.monotonic() + 60
        while run.poll() is None and time.monotonic() < until:
            if select.select([ours], [], [], 0.2)[0]:
                try:
                    said += os.read(ours, 4096).decode()
                except OSError:  # the other end is closed: it has ended
                    break
            if said.rstrip().endswith(":") and len(said) > answered:
                os.write(ours, b"\n")
                answered = len(said) + 2
        assert run.wait(60) == 0, said
    os.close(ours)
    assert all(part in said for part in PARTS)
    assert load_settings(exports / "leadloop.yaml").settings.nurture.default == "general"
