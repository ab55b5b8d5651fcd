"""What deploy/ tells a machine to run exists, with these options."""

from __future__ import annotations

import re
import shlex
from configparser import ConfigParser
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from connector.cli.main import COMMANDS, leadloop
from connector.config.settings import Settings

DEPLOY = Path(__file__).parents[1] / "deploy"


class Unit(ConfigParser):
    def optionxform(self, name):
        return name


def unit(name):
    parsed = Unit(interpolation=None, strict=True)
    parsed.read(DEPLOY / "systemd" / name)
    return parsed


def cron():
    lines = (DEPLOY / "leadloop.cron").read_text().splitlines()
    (line,) = [one for one in lines if one and not one.startswith("#")]
    return line


def commands():
    yield "service", unit("leadloop.service")["Service"]["ExecStart"]
    yield "cron", cron().partition("&& ")[2].partition(" >>")[0]
    text = (DEPLOY / "Dockerfile").read_text()
    entry = re.search(r"ENTRYPOINT \[(.*)\]", text)[1] + "," + re.search(r"CMD \[(.*)\]", text)[1]
    yield "container", entry.replace('"', "").replace(",", " ")


@pytest.mark.parametrize(("where", "line"), list(commands()))
def test_a_scheduled_line_names_a_command_and_options_that_exist(where, line):
    program, name, *options = shlex.split(line)
    assert program == "/opt/leadloop/bin/leadloop"
    assert name in COMMANDS
    command = leadloop.get_command(click.Context(leadloop), name)
    parsed = command.make_context(name, list(options))
    assert parsed.params["output"] == "json"
    assert parsed.params["config"].name == "leadloop.yaml"
    assert CliRunner().invoke(leadloop, [name, "--help"]).exit_code == 0


def test_the_unit_knows_our_exit_codes_and_stops_us_as_we_expect():
    from connector.cli.stopping import GRACE_S

    service = unit("leadloop.service")["Service"]
    assert set(service["SuccessExitStatus"].split()) == {"4", "5", "75"}
    assert service["KillMode"] == "mixed"
    assert float(service["TimeoutStopSec"]) > GRACE_S
    assert unit("leadloop.timer")["Timer"]["Persistent"] == "true"


def test_the_cron_line_has_five_times_a_user_and_no_output_of_its_own():
    fields = cron().split()
    assert [bool(re.fullmatch(r"[\d*/,-]+", one)) for one in fields[:5]] == [True] * 5
    assert fields[5] == "leadloop"
    assert cron().endswith("2>&1")


def test_the_runbook_names_real_commands_and_settings():
    text = (DEPLOY / "README.md").read_text()
    named = set(re.findall(r"`leadloop ([a-z]+)", text)) | set(
        re.findall(r"by leadloop ([a-z]+)", text)
    )
    assert named <= set(COMMANDS)
    block = re.search(r"```yaml\n(.*?)```", text, re.DOTALL)[1]
    from connector.documents.reader import parse

    base = "version: 1\nconnections: [{name: a, kind: files, mapping: m}]\n"
    environ = {"HEARTBEAT_URL": "https://x.example/y", "ALERT_URL": "json://x.example"}
    found = parse(base + block, Settings, name="README.md", environ=environ)
    assert found.metrics.endswith(".prom")
    assert found.vault.secret().origin == "file /etc/leadloop/key"


def test_the_container_names_no_registry_and_copies_what_is_there():
    text = (DEPLOY / "Dockerfile").read_text()
    assert all("/" not in image for image in re.findall(r"^FROM (\S+)", text, re.MULTILINE))
    root = DEPLOY.parent
    for line in re.findall(r"^COPY (?!--from)(.*)$", text, re.MULTILINE):
        for source in line.split()[:-1]:
            assert (root / source).exists(), source
