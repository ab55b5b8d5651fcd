"""The case, the process, the review and the status page in a real browser, as the report is."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from connector.report.case import case_figures
from connector.report.figures import report_figures
from connector.report.page import page
from connector.report.process import process
from connector.report.review import proposals, review_pack
from connector.serve.house import House
from connector.serve.pages import Pages
from connector.store.database import open_store
from tests.past import NOW, fill
from tests.sync.world import World
from tests.web.test_report_page import LOOKS, complaints

pytestmark = pytest.mark.web
PAST = [0, 10, 600]
NAMES = ["case", "process", "review", "status"]


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    """Every page of nobody, of ten people and of a year, as files."""
    found = {}
    for people in PAST:
        folder = tmp_path_factory.mktemp(f"pages{people}")
        world = World(folder, f"sqlite:///{folder}/state/leadloop.db")
        store = open_store(world.loaded.store_url())
        fill(store, people=people, hostile=True)
        for name, text in _texts(store, world.loaded).items():
            path = found[name, people] = folder / f"{name}.html"
            path.write_text(text, encoding="utf-8")
        store.close()
    return found


def _texts(store, loaded):
    case = case_figures(report_figures(store, loaded, NOW, []), loaded.settings.report, None)
    house = House(loaded, store, lambda: NOW, SimpleNamespace())
    pack = review_pack(
        store,
        loaded,
        NOW,
        [],
        propose=lambda models: proposals(
            store, loaded, models, model_path=loaded.path("model.yaml"), scenarios=None, now=NOW
        ),
    )
    return {
        "case": page("case.html", case),
        "process": page("process.html", process(store, loaded, NOW, [])),
        "review": page("review.html", pack),
        "status": Pages(house).status(),
    }


@pytest.mark.parametrize("name", NAMES)
def test_it_asks_for_nothing_fits_the_width_and_axe_has_no_complaint(browser, pages, axe, name):
    for people in PAST:
        address = pages[name, people].as_uri()
        for width, dark in LOOKS:
            browser.look(width=width, dark=dark)
            browser.open(address)
            asked = [one["request"]["url"] for one in browser.told("Network.requestWillBeSent")]
            assert [url for url in asked if not url.startswith("data:")] == [address]
            assert browser.told("Log.entryAdded") == []
            assert browser.told("Runtime.exceptionThrown") == []
            browser.value("document.querySelectorAll('details').forEach(d => d.open = true)")
            assert browser.value("document.documentElement.scrollWidth") <= width, (people, width)
            if name == "case" and width > 600:
                assert browser.value(
                    "[...document.querySelectorAll('.scroll')].every(d => d.scrollWidth <= d.clientWidth)"
                )
            found = complaints(browser, axe, address)
            assert found["bad"] == [], (people, width, dark)
            assert "color-contrast" in found["good"]
