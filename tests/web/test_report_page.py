"""The report in a real browser: quiet, self-contained, readable, and accessible."""

from __future__ import annotations

import json

import pytest

from connector.config.settings import Report
from connector.domain.moment import DAY
from connector.report.figures import report_figures
from connector.report.page import report_page
from connector.store.database import open_store
from connector.store.outgoing import plans
from connector.store.persons.people import dumps
from connector.sync.opening import model_file
from tests.past import NOW, fill
from tests.report.test_page import leaves
from tests.sync.world import World

pytestmark = pytest.mark.web
LOOKS = [(1200, False), (1200, True), (375, False), (375, True)]


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    """Reports of nobody, of ten people and of a year, as files."""
    found = {}
    for people in (0, 10, 600):
        folder = tmp_path_factory.mktemp(f"past{people}")
        world = World(folder, f"sqlite:///{folder}/state/leadloop.db")
        store = open_store(world.loaded.store_url())
        fill(store, people=people, hostile=True)
        loaded = configured(store, world.loaded) if people > 10 else world.loaded
        path = folder / "report.html"
        data = report_figures(store, loaded, NOW, [])
        path.write_text(report_page(data), encoding="utf-8")
        path.with_suffix(".json").write_text(json.dumps(data), encoding="utf-8")
        store.close()
        found[people] = path
    return found


def configured(store, loaded):
    """Settings that fill every part of the page, and a model approved half a year ago."""
    with store.write() as tx:
        model = dumps(model_file(loaded).plain())
        files = {"model": ("h", model), "routing": ("r", "null")}
        plans.save_approvals(tx, files, "p", NOW - 200 * DAY)
    report = Report.model_validate({
        "margin": "30%", "segment": "source", "phases": {"Need": "inquiry", "Deal": "won"},
        "sales_time": {"hour": 60, "hours": {"handed_off": 0.5, "qualified": 4}, "week": 6},
    })  # fmt: skip
    return loaded._replace(settings=loaded.settings.model_copy(update={"report": report}))


@pytest.mark.parametrize("people", [0, 10, 600])
def test_what_the_browser_shows_is_what_the_figures_say(browser, pages, people):
    browser.look(width=1200)
    browser.open(pages[people].as_uri())
    shown = browser.value("[...document.querySelectorAll('data')].map(d => d.value)")
    data = json.loads(pages[people].with_suffix(".json").read_text(encoding="utf-8"))
    numbers = {str(v) for v in leaves(data) if isinstance(v, int | float)}
    derived = {str(len(data["by_source"]) - 10), str(len(data["by_owner"]) - 10)}
    assert shown
    assert set(shown) <= numbers | derived


@pytest.mark.parametrize("people", [0, 10, 600])
def test_it_asks_for_nothing_and_complains_of_nothing(browser, pages, people):
    browser.look(width=1200)
    browser.open(pages[people].as_uri())
    asked = [one["request"]["url"] for one in browser.told("Network.requestWillBeSent")]
    assert [url for url in asked if not url.startswith("data:")] == [pages[people].as_uri()]
    assert browser.told("Log.entryAdded") == []
    assert browser.told("Runtime.consoleAPICalled") == []
    assert browser.told("Runtime.exceptionThrown") == []


@pytest.mark.parametrize("people", [0, 10, 600])
@pytest.mark.parametrize(("width", "dark"), LOOKS)
def test_nothing_sticks_out_at_the_side(browser, pages, people, width, dark):
    browser.look(width=width, dark=dark)
    browser.open(pages[people].as_uri())
    browser.value("document.querySelectorAll('details').forEach(d => d.open = true)")
    assert browser.value("document.documentElement.scrollWidth") <= width


def test_dark_is_dark_and_light_is_light(browser, pages):
    shades = []
    for dark in (False, True):
        browser.look(width=1200, dark=dark)
        browser.open(pages[10].as_uri())
        shades.append(browser.value("getComputedStyle(document.body).backgroundColor"))
    assert shades == ["rgb(251, 250, 247)", "rgb(20, 23, 26)"]


def complaints(browser, axe, address):
    """What axe finds on a page with everything unfolded: violations, passes, and what it cannot tell."""
    browser.ask("Page.setBypassCSP", enabled=True)
    browser.open(address)
    browser.value("document.querySelectorAll('details').forEach(d => d.open = true)")
    browser.value(axe + "; 0")
    found = browser.value(
        "axe.run().then(r => ({bad: r.violations.map(v => [v.id, v.nodes.slice(0, 3).map(n => n.html)]),"
        " good: r.passes.map(p => p.id), open: r.incomplete.map(p => p.id)}))"
    )
    browser.ask("Page.setBypassCSP", enabled=False)
    return found


@pytest.mark.parametrize("people", [0, 10, 600])
@pytest.mark.parametrize(("width", "dark"), LOOKS)
def test_axe_finds_nothing_to_complain_of(browser, pages, axe, people, width, dark):
    browser.look(width=width, dark=dark)
    found = complaints(browser, axe, pages[people].as_uri())
    assert found["bad"] == []
    assert {"color-contrast", "document-title", "html-has-lang"} <= set(found["good"])
    if width > 600:  # on a phone axe cannot see through tables that scroll
        assert "color-contrast" not in found["open"]


def test_every_table_is_on_the_printed_page(browser, pages):
    browser.look(width=1200)
    browser.open(pages[600].as_uri())
    browser.ask("Emulation.setEmulatedMedia", media="print")
    hidden = browser.value(
        "[...document.querySelectorAll('table')].filter(t => !t.checkVisibility()).length"
    )
    browser.ask("Emulation.setEmulatedMedia", media="")
    assert hidden == 0
