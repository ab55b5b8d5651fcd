"""Practice HubSpot's lists, subscriptions and webhooks do what its documents say."""

from __future__ import annotations

from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread

import orjson
import pytest

from connector.practice.hubspot.webhooks import signature

LISTS = ["/crm/v3/lists", "/crm/lists/2026-09"]


@pytest.mark.parametrize("base", LISTS)
def test_a_list_filled_by_hand_takes_members_once_and_names_the_missing(hubspot, base):
    ids = hubspot.contacts(3)
    new = {"name": "Nurture: price", "objectTypeId": "0-1", "processingType": "MANUAL"}
    made = hubspot.json("POST", base, new)["list"]["listId"]
    path = f"{base}/{made}/memberships"
    change = {"recordIdsToAdd": [*ids[:2], "404"], "recordIdsToRemove": []}
    first = hubspot.json("PUT", f"{path}/add-and-remove", change)
    again = hubspot.json("PUT", f"{path}/add-and-remove", change)
    assert (first["recordsIdsAdded"], first["recordIdsMissing"]) == (ids[:2], ["404"])
    assert again["recordsIdsAdded"] == []
    page = hubspot.json("GET", f"{path}?limit=1")
    assert [one["recordId"] for one in page["results"]] == ids[:1]
    rest = hubspot.json("GET", f"{path}?limit=1&after={page['paging']['next']['after']}")
    assert [one["recordId"] for one in rest["results"]] == ids[1:2]
    assert "paging" not in rest
    asked = {"inputs": [{"objectTypeId": "0-1", "recordId": one} for one in ids]}
    on = hubspot.json("POST", f"{base}/records/memberships/batch/read", asked)["results"]
    assert [len(one["recordListMemberships"]) for one in on] == [1, 1, 0]
    assert hubspot.call("POST", base, new).status_code == 400


def test_lists_are_found_by_name_and_dynamic_ones_take_no_members(hubspot):
    base = LISTS[1]
    (id_,) = hubspot.contacts(1)
    for name, how in (("Work now", "DYNAMIC"), ("Nurture", "MANUAL")):
        hubspot.json("POST", base, {"name": name, "objectTypeId": "0-1", "processingType": how})
    found = hubspot.json("POST", f"{base}/search", {"query": "work", "count": 10})
    assert [one["name"] for one in found["lists"]] == ["Work now"]
    assert (found["total"], found["hasMore"]) == (1, False)
    path = f"{base}/{found['lists'][0]['listId']}/memberships/add-and-remove"
    assert hubspot.call("PUT", path, {"recordIdsToAdd": [id_]}).status_code == 400


def test_silence_about_mail_is_no_consent_and_batches_need_the_edition(hubspot):
    hubspot.load(subscriptions={"7": "News"}, consents={"A@mills.example": {"7": "UNSUBSCRIBED"}})
    base = "/communication-preferences/2026-09/statuses"
    asked = {"inputs": ["a@mills.example", "b@mills.example"]}
    said = hubspot.json("POST", f"{base}/batch/read?channel=EMAIL", asked)["results"]
    assert [one["statuses"][0]["status"] for one in said] == ["UNSUBSCRIBED", "NOT_SPECIFIED"]
    wide = hubspot.json("POST", f"{base}/batch/unsubscribe-all/read?channel=EMAIL", asked)
    assert [len(one["wideStatuses"]) for one in wide["results"]] == [1, 0]
    hubspot.crm.steer("rules", {"enterprise": False})
    assert hubspot.call("POST", f"{base}/batch/read?channel=EMAIL", asked).status_code == 403
    one = hubspot.json("GET", f"{base}/a@mills.example?channel=EMAIL")["results"]
    assert one[0]["status"] == "UNSUBSCRIBED"


class Listener:
    """Takes what is posted, and answers what it is told to."""

    def __init__(self) -> None:
        self.got: list[tuple[dict[str, str], bytes]] = []
        self.status = 200
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                outer.got.append(({k.lower(): v for k, v in self.headers.items()}, body))
                self.send_response(outer.status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/hooks/hs"

    def events(self) -> list[dict]:
        return [one for _, body in self.got for one in orjson.loads(body)]


@pytest.fixture
def listener():
    made = Listener()
    thread = Thread(target=made.server.serve_forever, args=(0.01,))
    thread.start()
    yield made
    made.server.shutdown()
    thread.join()
    made.server.server_close()


def test_what_happened_is_told_signed_and_again_where_it_was_refused(hubspot, listener):
    public = "https://hooks.acme.example/hs"
    hubspot.crm.steer("webhooks", {"url": listener.url, "secret": "s", "public": public})
    (id_,) = hubspot.contacts(1)
    hubspot.crm.steer("edit", {"type": "contacts", "id": id_, "set": {"jobtitle": "CEO"}})
    listener.status = 500
    assert hubspot.crm.steer("deliver", {}) == {"statuses": [500], "waiting": 1}
    listener.status = 200
    hubspot.tick(60)
    assert hubspot.crm.steer("deliver", {}) == {"statuses": [200], "waiting": 0}
    headers, body = listener.got[-1]
    stamp = headers["x-hubspot-request-timestamp"]
    assert stamp == str(hubspot.now // 1000)
    assert headers["x-hubspot-signature-v3"] == signature("s", "POST", public, body, stamp)
    first, second = listener.events()
    assert (first["attemptNumber"], second["attemptNumber"]) == (0, 1)
    assert first["eventId"] == second["eventId"]
    assert (first["objectId"], first["propertyValue"]) == (int(id_), "CEO")


def test_events_come_a_hundred_at_most_twice_and_backwards_when_told(hubspot, listener):
    ids = hubspot.contacts(120)
    hubspot.crm.steer("webhooks", {"url": listener.url, "secret": "s", "twice": True, "backwards": True})  # fmt: skip
    for n, one in enumerate(ids):
        hubspot.crm.steer("edit", {"type": "contacts", "id": one, "set": {"city": str(n)}})
    hubspot.crm.steer("deliver", {})
    sizes = [len(orjson.loads(body)) for _, body in listener.got]
    assert sizes == [100, 100, 20, 20]
    assert listener.events()[0]["objectId"] == int(ids[-1])
    assert len({one["eventId"] for one in listener.events()}) == 120


def test_merges_and_erasures_have_events_of_their_own(hubspot, listener):
    one, two, three = hubspot.contacts(3)
    hubspot.crm.steer("webhooks", {"url": listener.url, "secret": "s"})
    made = hubspot.crm.steer("merge", {"type": "contacts", "primary": one, "other": two})["id"]
    hubspot.crm.steer("erase", {"type": "contacts", "id": three})
    hubspot.crm.steer("deliver", {})
    kinds = {event["subscriptionType"]: event for event in listener.events()}
    assert set(kinds) == {"contact.merge", "contact.privacyDeletion"}
    assert kinds["contact.merge"]["newObjectId"] == int(made)
    assert kinds["contact.privacyDeletion"]["objectId"] == int(three)
