"""The contract suite's stand-ins do what it asks of them, whether or not there is an adapter yet."""

from __future__ import annotations

import pytest
import requests

from connector.practice.server import PracticeServer
from tests.contract.practice_fakes import CLIENT, SECRET, TOKEN, HubSpotFake, SalesforceFake

DATA = "/services/data/v62.0"


@pytest.fixture
def sf():
    fake = SalesforceFake()
    with PracticeServer(fake.crm) as server:
        yield fake, server.address


@pytest.fixture
def hs():
    fake = HubSpotFake()
    with PracticeServer(fake.crm) as server:
        yield fake, server.address


def token(address):
    form = {"grant_type": "client_credentials", "client_id": CLIENT, "client_secret": SECRET}
    return requests.post(f"{address}/services/oauth2/token", data=form, timeout=10)


def test_a_connection_to_salesforce_can_be_written_down_and_locked_out(sf, tmp_path):
    fake, address = sf
    connection = fake.connection(address, tmp_path)
    assert connection.secret("client_secret").reveal() == SECRET
    bearer = {"Authorization": f"Bearer {token(address).json()['access_token']}"}
    assert requests.get(f"{address}{DATA}/limits", headers=bearer, timeout=10).status_code == 200
    fake.lock_out()
    assert requests.get(f"{address}{DATA}/limits", headers=bearer, timeout=10).status_code == 401
    assert token(address).status_code == 400


def test_salesforces_person_puts_changes_and_deletes_leads(sf):
    fake, address = sf
    bearer = {"Authorization": f"Bearer {token(address).json()['access_token']}"}
    ids = [fake.put(n, title=f"title {n}") for n in range(8)]
    fake.tick()
    assert fake.put(3, title="other") == ids[3]
    fake.delete(ids[4])
    query = {"q": "SELECT Id, Title FROM Lead"}
    page = requests.get(f"{address}{DATA}/query", params=query, headers=bearer, timeout=10).json()
    assert (page["totalSize"], len(page["records"]), page["done"]) == (7, 7, True)
    assert page["records"][3]["Title"] == "other"
    assert fake.missing not in ids


def test_hubspots_person_puts_changes_and_deletes_contacts(hs, tmp_path):
    fake, address = hs
    assert fake.connection(address, tmp_path).secret("token").reveal() == TOKEN
    bearer = {"Authorization": f"Bearer {TOKEN}"}
    ids = [fake.put(n, title=f"title {n}") for n in range(3)]
    fake.tick()
    assert fake.put(1, title="other") == ids[1]
    fake.delete(ids[2])
    path = f"{address}/crm/objects/2026-09/contacts?properties=jobtitle"
    rows = requests.get(path, headers=bearer, timeout=10).json()["results"]
    assert [row["properties"]["jobtitle"] for row in rows] == ["title 0", "other"]
    fake.lock_out()
    assert requests.get(path, headers=bearer, timeout=10).status_code == 401


def test_answers_of_writes_get_lost_after_they_were_applied(sf, hs):
    fake, address = sf
    bearer = {"Authorization": f"Bearer {token(address).json()['access_token']}"}
    body = {
        "records": [{"attributes": {"type": "Lead"}, "id": fake.put(0, title="a"), "Title": "b"}]
    }
    fake.lose_answers(1)
    with pytest.raises(requests.ConnectionError):
        requests.patch(f"{address}{DATA}/composite/sobjects", json=body, headers=bearer, timeout=10)
    assert fake.crm.org.find(body["records"][0]["id"])["Title"] == "b"
    fake, address = hs
    body = {"inputs": [{"id": fake.put(0, title="a"), "properties": {"jobtitle": "b"}}]}
    fake.lose_answers(1)
    path = f"{address}/crm/objects/2026-09/contacts/batch/update"
    with pytest.raises(requests.ConnectionError):
        requests.post(path, json=body, headers={"Authorization": f"Bearer {TOKEN}"}, timeout=10)
    assert fake.crm.portal.find("contacts", body["inputs"][0]["id"]).values["jobtitle"] == "b"
