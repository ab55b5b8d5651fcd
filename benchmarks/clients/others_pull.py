"""Other ways to read the same rows, each only counting them: the floor, and two libraries."""

from __future__ import annotations

import json
import sys

import orjson
import requests

LEADS = "SELECT FIELDS(ALL) FROM Lead"


def floor_salesforce(address: str) -> int:
    """Requests and orjson, following the cursor."""
    session = requests.Session()
    session.trust_env = False
    path, params, count = "/services/data/v62.0/query", {"q": LEADS}, 0
    while path:
        page = orjson.loads(session.get(address + path, params=params).content)
        count += len(page["records"])
        path, params = page.get("nextRecordsUrl"), {}
    return count


def floor_hubspot(address: str) -> int:
    """Requests and orjson, following the cursor."""
    session = requests.Session()
    session.trust_env = False
    after, count = None, 0
    while True:
        params = {"limit": "100"} | ({"after": after} if after else {})
        answer = session.get(f"{address}/crm/v3/objects/contacts", params=params)
        page = orjson.loads(answer.content)
        count += len(page["results"])
        if "paging" not in page:
            return count
        after = page["paging"]["next"]["after"]


def simple_salesforce(address: str) -> int:
    """A bare `query_all_iter` loop; the library speaks https only, so its calls are led here."""
    from simple_salesforce.api import Salesforce

    class Led(requests.adapters.HTTPAdapter):
        def send(self, request, *arguments, **options):  # type: ignore[no-untyped-def]
            request.url = address + request.url.partition("crm.invalid")[2]
            return super().send(request, *arguments, **options)

    session = requests.Session()
    session.trust_env = False
    session.mount("https://crm.invalid", Led())
    crm = Salesforce(session_id="x", instance_url="https://crm.invalid", session=session)
    return sum(1 for _ in crm.query_all_iter(LEADS))


def hubspot_api_client(address: str) -> int:
    """A `get_page` loop."""
    from hubspot import HubSpot

    crm = HubSpot(access_token="pat-x")
    crm.config["host"] = address
    api = crm.crm.contacts.basic_api
    after, count = None, 0
    while True:
        page = api.get_page(limit=100, after=after)
        count += len(page.results)
        if page.paging is None:
            return count
        after = page.paging.next.after


if __name__ == "__main__":
    print(json.dumps(globals()[sys.argv[1]](sys.argv[2])))
