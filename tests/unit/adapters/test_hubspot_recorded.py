"""Real exchanges with HubSpot, recorded by others: what its refusals and headers look like."""

from __future__ import annotations

from pathlib import Path

import pytest
from requests.structures import CaseInsensitiveDict
from ruamel.yaml import YAML

from connector.adapters.hubspot import answers
from connector.adapters.hubspot.limits import Allowance
from connector.errors import LeadloopError
from connector.mapping.converters import moment
from connector.transport.http import Answer

ROOT = Path(__file__).parents[3]
FOLDER = ROOT / ".." / "shared" / "recorded" / "hubspot" / "hubspot-ruby-cassettes"


@pytest.fixture(scope="module")
def exchanges():
    """All recorded answers: (name, answer)."""
    if not FOLDER.is_dir():
        pytest.skip("the recorded exchanges are not on this machine")
    yaml = YAML(typ="safe", pure=True)
    found = []
    for path in sorted(FOLDER.glob("*.yml")):
        for one in yaml.load(path.read_text().replace(" !binary", " !!binary"))[
            "http_interactions"
        ]:
            response = one["response"]
            headers = {name: values[0] for name, values in response["headers"].items()}
            body = response["body"].get("string") or ""
            raw = body if isinstance(body, bytes) else body.encode()
            status = response["status"]["code"]
            found.append((path.stem, Answer(status, CaseInsensitiveDict(headers), raw)))
    assert len(found) > 100
    return found


def test_every_refusal_is_an_error_with_a_next_step_and_none_of_its_words(exchanges):
    seen = set()
    for name, answer in exchanges:
        if answer.status < 400:
            continue
        with pytest.raises(LeadloopError) as caught:
            answers.overrules(answer)
            answers.judge_read(answer)
        assert caught.value.hint, name
        said = str(answers.body_of(answer).get("message", ""))
        assert not said or said not in f"{caught.value} {caught.value.hint}", name
        seen.add(answer.status)
    assert {400, 404, 409} <= seen


def test_what_went_well_passes(exchanges):
    for _, answer in exchanges:
        if answer.status < 300:
            answers.overrules(answer)
            answers.judge_read(answer)


def test_daily_headers_are_understood(exchanges):
    told = [a for _, a in exchanges if "X-HubSpot-RateLimit-Daily-Remaining" in a.headers]
    assert told
    for answer in told:
        allowance = Allowance(reserve=0.2)
        allowance.hear(answer)
        allowance.check()  # those accounts had most of their day left


def test_epoch_milliseconds_are_read_as_moments(exchanges):
    read = moment("epoch_ms", None)
    found = [
        body["engagement"]["timestamp"]
        for _, answer in exchanges
        if isinstance((body := answers.body_of(answer)).get("engagement"), dict)
    ]
    assert found
    assert all(read(one) == one * 1000 for one in found)
