"""The registered part of a host name, by the list of public suffixes that is installed."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any, NamedTuple


class Host(NamedTuple):
    """A host name cut at its registered part; `suffix` is empty where no public list has it."""

    name: str
    """Everything that was read as a host, without scheme, path and port."""
    domain: str
    suffix: str


def cut(text: str) -> Host:
    """Cut a host name or web address: `acme` and `co.uk` of `www.acme.co.uk/de`."""
    found = _suffixes()(text)
    labels = (found.subdomain, found.domain, found.suffix)
    return Host(".".join(label for label in labels if label), found.domain, found.suffix)


@cache
def _suffixes() -> Callable[[str], Any]:
    """The list, loaded when the first name is looked at: it takes a fifth of a second."""
    import tldextract  # noqa: PLC0415  it brings an HTTP client along: a tenth of a second

    return tldextract.TLDExtract(suffix_list_urls=(), cache_dir=None)
