"""Leadloop beside a textbook client, at one org whose clock the test holds."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from fnmatch import fnmatchcase
from typing import Any

import pytest

from connector.adapters import open_adapter
from connector.adapters.base import Use, Window
from connector.adapters.keeping import Forgetful, Keeping, keeping
from connector.config.settings import Connection
from connector.domain.change import Write
from connector.domain.moment import HOUR
from tests.practice.conftest import CLIENT, SECRET, heard, patient

WRITABLE = frozenset({"Title", "City", "Country", "Status", "Industry", "OwnerId"})
USES = {
    "Lead": Use("Id", WRITABLE),
    "Contact": Use("Id", frozenset({"Title", "OwnerId"})),
    **{
        name: Use("Id", frozenset())
        for name in ("Account", "Opportunity", "Task", "Event", "CampaignMember")
    },
}


class Ours:
    """Our adapter as the sync opens it."""

    def __init__(self, salesforce: Any, adapter: Any) -> None:
        self.salesforce, self.adapter = salesforce, adapter

    def pages(
        self, since: int | None = None, until: int | None = None,
        names: tuple[str, ...] = ("Id", "Title"), source: str = "Lead", after: str | None = None,
    ) -> Any:  # fmt: skip
        window = Window(since, until if until is not None else self.salesforce.now + HOUR)
        return self.adapter.read(source, list(names), window, after)

    def rows(self, *about: Any, **more: Any) -> list[dict[str, Any]]:
        return [dict(row) for page in self.pages(*about, **more) for row in page.rows]

    def write(self, *changes: tuple[str, dict[str, Any]], source: str = "Lead") -> list[Any]:
        return self.adapter.write([Write(source, id_, values) for id_, values in changes])


@pytest.fixture
def waits(salesforce, monkeypatch):
    return patient(salesforce, monkeypatch)


@pytest.fixture
def bookmark():
    """What our adapter keeps from one opening to the next."""
    return Forgetful()


@pytest.fixture
def opening(salesforce, tmp_path, bookmark):
    """Opens our adapter, with a log-in and settings of one's own if need be."""

    @contextmanager
    def opened(uses: Any = None, **settings: Any):
        secret = tmp_path / f"secret-{len(list(tmp_path.iterdir()))}"
        secret.write_text(SECRET)
        auth = settings.pop("auth", {"client_id": CLIENT, "client_secret": {"file": str(secret)}})
        connection = Connection(name="sf", kind="salesforce", mapping="x",
                                address=settings.pop("address", salesforce.url), auth=auth,
                                **settings)  # fmt: skip
        with keeping(Keeping(bookmark)):
            adapter = open_adapter(connection, tmp_path, uses or USES, lambda: salesforce.now)
        try:
            yield Ours(salesforce, adapter)
        finally:
            adapter.close()

    return opened


@pytest.fixture
def ours(opening):
    with ExitStack() as stack:
        yield stack.enter_context(opening())


@pytest.fixture
def calls(salesforce, monkeypatch):
    return heard(salesforce.crm, monkeypatch)


@pytest.fixture
def just_before(monkeypatch):
    """Lets something happen in a CRM just before it does the first call that matches."""

    def arranged(crm: Any, match: str, happens: Any) -> None:
        answer, left = crm.answer, [happens]

        def answered(request: Any) -> Any:
            if left and fnmatchcase(f"{request.method} {request.path}", match):
                left.pop()()
            return answer(request)

        monkeypatch.setattr(crm, "answer", answered)

    return arranged
