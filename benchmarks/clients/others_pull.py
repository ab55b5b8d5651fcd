"""Other ways to read the same rows, each only counting them: the floors, and two libraries."""

from __future__ import annotations

import csv
import io
import json
import sys
import time
from typing import Any

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


def floor_salesforce_bulk(address: str) -> int:
    """Requests and csv: one job of the query that ours asked, but of every lead."""
    session = requests.Session()
    session.trust_env = False
    jobs = f"{address}/services/data/v62.0/jobs/query"
    wanted = {"operation": "queryAll", "query": asked(address), "contentType": "CSV"}
    job = session.post(jobs, json=wanted).json()
    while job["state"] != "JobComplete":
        time.sleep(0.5)
        job = session.get(f"{jobs}/{job['id']}").json()
    params, count = {"maxRecords": "50000"}, 0
    while params.get("locator") != "null":
        page = session.get(f"{jobs}/{job['id']}/results", params=params)
        count += rows_of(page.content)
        params["locator"] = page.headers["Sforce-Locator"]
    return count


def asked(address: str) -> str:
    """Give the query of our job without where it begins, so that all read the same columns."""
    return str(requests.get(f"{address}/asked").json()).partition(" WHERE ")[0]


def rows_of(page: bytes) -> int:
    """Count the rows of a page by reading its CSV."""
    return sum(1 for _ in csv.reader(io.TextIOWrapper(io.BytesIO(page), "utf-8", newline=""))) - 1


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
    """A bare `query_all_iter` loop."""
    return sum(1 for _ in _led(address).query_all_iter(LEADS))


def simple_salesforce_bulk(address: str) -> int:
    """Its `bulk2` query, page by page, each page read as CSV."""
    pages = _led(address).bulk2.Lead.query(asked(address), max_records=50_000)
    return sum(rows_of(page.encode()) for page in pages)


def _led(address: str) -> Any:
    """The library speaks https only, so its calls are led here."""
    from simple_salesforce.api import Salesforce

    class Led(requests.adapters.HTTPAdapter):
        def send(self, request, *arguments, **options):  # type: ignore[no-untyped-def]
            request.url = address + request.url.partition("crm.invalid")[2]
            return super().send(request, *arguments, **options)

    session = requests.Session()
    session.trust_env = False
    session.mount("https://crm.invalid", Led())
    return Salesforce(session_id="x", instance_url="https://crm.invalid", session=session)


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
