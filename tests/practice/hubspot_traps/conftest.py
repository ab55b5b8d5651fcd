"""Leadloop beside a textbook client, at one portal whose clock the test holds."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from typing import Any

import pytest

from connector.adapters import open_adapter
from connector.adapters.base import Use, Window
from connector.config.settings import Connection
from connector.domain.change import Write
from connector.domain.moment import HOUR
from tests.practice.conftest import TOKEN, heard, patient

WRITABLE = frozenset({"jobtitle", "city", "country", "hs_lead_status", "hubspot_owner_id"})
USES = {
    "contacts": Use("id", WRITABLE),
    **{name: Use("id", frozenset()) for name in ("companies", "deals", "leads", "meetings")},
}


class Ours:
    """Our adapter as the sync opens it."""

    def __init__(self, hubspot: Any, adapter: Any) -> None:
        self.hubspot, self.adapter = hubspot, adapter

    def pages(
        self, since: int | None = None, until: int | None = None,
        names: tuple[str, ...] = ("id", "jobtitle"), source: str = "contacts",
    ) -> list[Any]:  # fmt: skip
        window = Window(since, until if until is not None else self.hubspot.now + HOUR)
        return list(self.adapter.read(source, list(names), window, None))

    def rows(self, *about: Any, **more: Any) -> list[dict[str, Any]]:
        return [dict(row) for page in self.pages(*about, **more) for row in page.rows]

    def write(self, **titles: str) -> list[Any]:
        return self.adapter.write(
            [Write("contacts", i, {"jobtitle": t}) for i, t in titles.items()]
        )

    def status(self, *wanted: tuple[str, str]) -> list[Any]:
        return self.adapter.write([Write("contacts", i, {"hs_lead_status": s}) for i, s in wanted])


@pytest.fixture
def waits(hubspot, monkeypatch):
    return patient(hubspot, monkeypatch)


@pytest.fixture
def opening(hubspot, tmp_path):
    """Opens our adapter, with a token and settings of one's own if need be."""

    @contextmanager
    def opened(token: str = TOKEN, **settings: Any):
        secret = tmp_path / f"secret-{len(list(tmp_path.iterdir()))}"
        secret.write_text(token)
        auth = settings.pop("auth", {"token": {"file": str(secret)}})
        connection = Connection(name="hs", kind="hubspot", mapping="x", address=hubspot.url,
                                auth=auth, **settings)  # fmt: skip
        adapter = open_adapter(connection, tmp_path, USES, lambda: hubspot.now)
        try:
            yield Ours(hubspot, adapter)
        finally:
            adapter.close()

    return opened


@pytest.fixture
def ours(opening):
    with ExitStack() as stack:
        yield stack.enter_context(opening())


@pytest.fixture
def calls(hubspot, monkeypatch):
    return heard(hubspot.crm, monkeypatch)
