"""After a run: what the metrics file, the heartbeat and the alerts say, and when they are silent."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
import responses

from connector.config.load import load_settings, show
from connector.watch import alerts
from connector.watch.heartbeat import beat
from connector.watch.metrics import write_metrics
from connector.watch.outcome import Outcome
from connector.watch.watch import after

URL = "https://beat.example/ping/canary-uuid"


def outcome(status="ok", code=0, **values):
    given = {"error": None, "counts": {"apply": {"applied": 3, "refused before": 1}}, **values}
    return Outcome("run", "01abc", status, code, 1_000_000, 3_500_000, **given)


@responses.activate
def test_the_heartbeat_is_called_after_a_run_that_went_through_and_silent_after_others():
    responses.post(URL, status=200)
    assert beat(URL, outcome()) is None
    assert beat(URL, outcome("needs_approval", 5)) is None
    assert json.loads(responses.calls[0].request.body) == {
        "command": "run",
        "run": "01abc",
        "status": "ok",
        "exit": 0,
        "error": None,
    }
    for status, code in (("failed", 2), ("incomplete", 75), ("interrupted", 75)):
        assert beat(URL, outcome(status, code)) is None
    assert len(responses.calls) == 2


@responses.activate
def test_an_address_with_a_place_for_the_exit_code_is_called_after_every_run():
    responses.post(f"{URL}/3", status=200)
    responses.post(f"{URL}/0", status=200)
    assert beat(URL + "/{exit}", outcome("failed", 3)) is None
    assert beat(URL + "/{exit}", outcome()) is None
    assert [call.request.url for call in responses.calls] == [f"{URL}/3", f"{URL}/0"]


@responses.activate
@pytest.mark.parametrize(
    "address",
    [URL, "http://beat.example/canary", "ftp://x/canary", "canary", "http://127.0.0.1:9/c"],
)
def test_a_heartbeat_that_cannot_be_is_told_without_its_address_and_never_raises(address):
    responses.post(URL, status=500)
    responses.add_passthru("http://127.0.0.1:9/")
    said = beat(address, outcome())
    assert said
    assert "canary" not in said


def samples(path):
    from prometheus_client.parser import text_string_to_metric_families

    return {
        (s.name, *sorted(s.labels.items())): s.value
        for family in text_string_to_metric_families(path.read_text())
        for s in family.samples
    }


def test_a_failed_run_keeps_the_time_of_the_last_success(tmp_path):
    path = tmp_path / "new" / "leadloop.prom"
    write_metrics(path, outcome("failed", 2), {})
    assert samples(path)["leadloop_last_success_timestamp_seconds",] == 0
    write_metrics(path, outcome(), {"people": {"nurture": 7}, "outbox": {"dead": 2}})
    found = samples(path)
    assert found["leadloop_last_success_timestamp_seconds",] == 3.5
    assert found["leadloop_last_run_duration_seconds",] == 2.5
    assert found["leadloop_people", ("state", "nurture")] == 7
    assert found["leadloop_last_run_rows", ("step", "apply"), ("what", "refused_before")] == 1
    later = outcome("incomplete", 75)._replace(ended=9_000_000)
    write_metrics(path, later, {})
    found = samples(path)
    assert found["leadloop_last_success_timestamp_seconds",] == 3.5
    assert found["leadloop_last_run_timestamp_seconds",] == 9
    assert found["leadloop_last_run_exit_code",] == 75
    assert list(path.parent.iterdir()) == [path], "nothing half-written is left beside it"


def told(*outcomes):
    known, titles = dict(alerts.NOTHING_TOLD), []
    for one in outcomes:
        known, alert = alerts.turn(known, one)
        titles.append(alert.title.partition(": ")[2] if alert else None)
    return titles


def test_only_turns_are_told():
    bad, later, well = outcome("failed", 3, error="login"), outcome("incomplete", 75), outcome()
    assert told(well, bad, bad, later, bad, well, outcome("partial", 4), well) == [
        None,
        "a run failed",
        None,
        None,
        None,
        "well again",
        None,
        None,
    ]


def test_a_plan_that_waits_is_told_once_and_again_when_more_is_held():
    def waits(*held, plan):
        return outcome("needs_approval", 5, held=held, plan=plan)

    assert told(
        waits("score: 4 of 5 records", plan="plan-1"),
        waits("score: 5 of 5 records", plan="plan-2"),
        outcome("incomplete", 75),
        waits("score: 5 of 5 records", plan="plan-3"),
        waits("score: 5 of 5 records", "owner: 9 owners would change", plan="plan-4"),
        outcome(),
        waits("score: 4 of 5 records", plan="plan-5"),
    ) == [
        "a plan waits for approval",
        None,
        None,
        None,
        "a plan waits for approval",
        None,
        "a plan waits for approval",
    ]


@pytest.fixture
def channel():
    """A channel of alerts on this machine: what arrives is kept."""
    got = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            got.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_):
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield f"json://127.0.0.1:{server.server_port}/", got
    server.shutdown()
    thread.join()
    server.server_close()


def loaded(tmp_path, text):
    path = tmp_path / "leadloop.yaml"
    path.write_text(f"version: 1\nconnections: [{{name: a, kind: files, mapping: m}}]\n{text}")
    return load_settings(path, environ={})


def test_an_alert_arrives_once_and_the_next_one_when_it_is_well_again(tmp_path, channel):
    pytest.importorskip("apprise")
    address, got = channel
    settings = loaded(tmp_path, f'store: sqlite:///s.db\nalerts: {{ops: ["{address}"]}}\n')
    said = []
    bad = outcome("failed", 3, error="login", hint="leadloop doctor")
    for one in (outcome(), bad, bad, outcome()):
        after(settings, one, said.append)
    assert said == []
    assert [one["title"] for one in got] == ["Leadloop: a run failed", "Leadloop: well again"]
    assert "Run 01abc ended with login (exit 3)" in got[0]["message"]
    assert "Next: leadloop doctor" in got[0]["message"]


def test_whatever_goes_wrong_afterwards_is_a_warning_and_no_more(tmp_path):
    (tmp_path / "s.db").write_text("no database" * 99)
    (tmp_path / "file").write_text("")
    settings = loaded(
        tmp_path,
        "store: sqlite:///s.db\nmetrics: file/x.prom\nheartbeat: http://127.0.0.1:9/c\n"
        'alerts: {ops: ["nonsense://canary"]}\n',
    )
    said = []
    after(settings, outcome("failed", 2, error="usage"), said.append)
    after(settings, outcome(), said.append)
    assert any("metrics cannot be written" in one for one in said)
    assert any("heartbeat" in one for one in said)
    assert any("address 1 under `alerts: ops:`" in one or "extra" in one for one in said)
    assert "canary" not in repr(said)


def test_settings_are_shown_without_the_secret_part_of_their_addresses(tmp_path):
    settings = loaded(tmp_path, f'heartbeat: {URL}\nalerts: {{ops: ["slack://canary/x"]}}\n')
    shown = {key: value for key, value, _ in show(settings)}
    assert (shown["heartbeat"], shown["alerts.ops.0"]) == ("https://***", "slack://***")
    assert "canary" not in repr(shown)
