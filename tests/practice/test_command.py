"""`leadloop practice` as a process: what it prints works, and it ends when asked to."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests
from ruamel.yaml import YAML

from connector.config.settings import Connection


@contextmanager
def served(*arguments: str):
    command = [sys.executable, "-m", "connector", "practice", *arguments]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        lines = []
        for line in process.stdout:
            lines.append(line)
            if "auth:" in "".join(lines) and line.strip().startswith(("client_secret", "token")):
                break
        yield process, "".join(lines)
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate()


def entry(text: str) -> Connection:
    (found,) = YAML(typ="safe").load(text[text.index("connections:") :])["connections"]
    return Connection(**found)


def exported(text: str, name: str) -> str:
    return re.search(rf"export {name}=(\S+)", text).group(1)


@pytest.mark.parametrize("ending", [signal.SIGTERM, signal.SIGINT])
def test_salesforce_is_served_over_tls_with_an_authority_of_its_own(ending):
    with served("salesforce", "--tls", "--people", "300") as (process, text):
        connection, authority = entry(text), exported(text, "REQUESTS_CA_BUNDLE")
        assert connection.address.startswith("https://localhost:")
        with requests.Session() as session:
            session.trust_env, session.verify = False, authority
            form = {"grant_type": "client_credentials", "client_id": connection.auth["client_id"],
                    "client_secret": exported(text, "SALESFORCE_CLIENT_SECRET")}  # fmt: skip
            token = session.post(
                f"{connection.address}/services/oauth2/token", data=form, timeout=10
            ).json()
            session.headers["Authorization"] = f"Bearer {token['access_token']}"
            query = f"{connection.address}/services/data/v62.0/query?q=SELECT+COUNT()+FROM+Lead"
            assert session.get(query, timeout=10).json()["totalSize"] > 50
        process.send_signal(ending)
        out, errors = process.communicate(timeout=20)
        assert (process.returncode, out, errors) == (0, "", "")
        assert not Path(authority).exists()


def test_hubspot_is_served_with_the_faults_it_was_given(tmp_path):
    script = tmp_path / "faults.yaml"
    script.write_text("version: 1\nfaults:\n  - {match: 'GET /crm/*', status: 502}\n")
    with served("hubspot", "--people", "100", "--seed", "3", "--fault-script", str(script)) as (
        process,
        text,
    ):
        connection = entry(text)
        headers = {"Authorization": f"Bearer {exported(text, 'HUBSPOT_TOKEN')}"}
        get = lambda: requests.get(
            f"{connection.address}/crm/objects/2026-09/contacts", headers=headers, timeout=10
        )
        assert [get().status_code, get().status_code] == [502, 200]
        assert get().headers["X-HubSpot-RateLimit-Max"] == "190"
        process.terminate()
        assert process.wait(timeout=20) == 0


def test_a_port_that_is_taken_is_said_with_a_way_out():
    with served("hubspot", "--people", "0") as (_, text):
        port = entry(text).address.rpartition(":")[2]
        command = [
            sys.executable,
            "-m",
            "connector",
            "practice",
            "hubspot",
            "--people",
            "0",
            "--port",
            port,
        ]
        second = subprocess.run(command, check=False, capture_output=True, text=True, timeout=60)
    assert second.returncode == 2
    assert f"port {port}" in second.stderr
    assert "--port" in second.stderr


def test_a_fault_script_with_a_mistake_is_refused_with_its_place(tmp_path):
    script = tmp_path / "faults.yaml"
    script.write_text("version: 1\nfaults:\n  - {match: 'GET *', statuss: 502}\n")
    command = [
        sys.executable,
        "-m",
        "connector",
        "practice",
        "hubspot",
        "--fault-script",
        str(script),
    ]
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=60)
    assert done.returncode == 2
    assert "faults.yaml" in done.stderr
    assert "statuss" in done.stderr
