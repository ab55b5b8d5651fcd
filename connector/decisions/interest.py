"""Which product a person is interested in, by what they asked for and looked at. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple
from urllib.parse import urlsplit

from connector.decisions.routing_document import Product
from connector.domain.moment import DAY, Micros
from connector.domain.text import normalise

SINCE: Micros = 90 * DAY
"""What is older says nothing of what somebody wants now."""


class Sign(NamedTuple):
    """Something a person did: when, and what it was about."""

    at: Micros
    asset: str | None = None
    url: str | None = None
    campaign: str | None = None
    form: str | None = None


class Products:
    """The products of a routing file, made ready once."""

    def __init__(self, products: Mapping[str, Product]) -> None:
        self._named = {
            (kind, normalise(word)): name
            for name, one in reversed(tuple(products.items()))
            for kind, words in (
                ("asset", one.assets),
                ("campaign", one.campaigns),
                ("form", one.forms),
            )
            for word in words
        }
        self._pages = tuple(
            (_path(page), name) for name, one in products.items() for page in one.pages
        )

    def interest(self, signs: Iterable[Sign]) -> str | None:
        """Give the product that most signs are of; of equals the one with the newest sign."""
        counts: dict[str, int] = {}
        newest: dict[str, Micros] = {}
        for sign in signs:
            name = self._of(sign)
            if name is not None:
                counts[name] = counts.get(name, 0) + 1
                newest[name] = max(sign.at, newest.get(name, sign.at))
        return max(counts, key=lambda name: (counts[name], newest[name], name), default=None)

    def _of(self, sign: Sign) -> str | None:
        """The product one sign is of: what was asked for says more than where it was."""
        for kind in ("asset", "form", "campaign"):
            word = getattr(sign, kind)
            if word is not None and (found := self._named.get((kind, normalise(word)))):
                return found
        if sign.url is None:
            return None
        path = _path(sign.url)
        return next((name for page, name in self._pages if _below(path, page)), None)


def _path(url: str) -> str:
    """The path of an address, or of what is a path already."""
    return normalise(urlsplit(url).path).rstrip("/") or "/"


def _below(path: str, page: str) -> bool:
    return path == page or path.startswith(page if page == "/" else f"{page}/")
