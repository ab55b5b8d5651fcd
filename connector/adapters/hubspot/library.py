"""hubspot-api-client's typed set-up calls, sent through our transport on our paths.

The library brings time-outs that never end, retries of its own and a log of whole bodies; all that
is in its `rest_client`, which is ours here. Its models check nothing: HubSpot's answers may lack
what they demand.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import urlencode, urlsplit

from hubspot.crm import properties

from connector.adapters.hubspot.calls import Calls
from connector.transport.http import Answer

_PAGE = 100


class Library:
    """The few calls we make by the library's models."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls
        self._properties = self._client(properties)
        # Nobody asks when a property was made or changed; to parse that takes longer than the rest.
        kinds = self._properties.NATIVE_TYPES_MAPPING
        self._properties.NATIVE_TYPES_MAPPING = {**kinds, "datetime": str}

    def all_properties(self, kind: str, *, archived: bool = False) -> list[Any]:
        """Give the definitions of an object's properties."""
        api = properties.CoreApi(self._properties)
        return list(api.get_all(kind, archived=archived).results)

    def create_properties(self, kind: str, wanted: Sequence[Mapping[str, Any]]) -> Any:
        """Create properties; of a 207 the answer holds `errors` too."""
        made = [self._wanted(one) for one in wanted]
        body = properties.BatchInputPropertyCreate(inputs=made)
        return properties.BatchApi(self._properties).create(kind, body)

    def group_names(self, kind: str) -> set[str]:
        """Give the names of an object's property groups."""
        return {one.name for one in properties.GroupsApi(self._properties).get_all(kind).results}

    def create_group(self, kind: str, name: str, label: str) -> None:
        """Create a property group."""
        wanted = properties.PropertyGroupCreate(name=name, label=label, display_order=-1)
        properties.GroupsApi(self._properties).create(kind, wanted)

    def owners(self, *, archived: bool) -> Iterator[Any]:
        """Give the owners, page by page."""
        from hubspot.crm import owners  # noqa: PLC0415  each family is slow to import

        api = owners.OwnersApi(self._client(owners))
        after = None
        while True:
            asked = {"limit": _PAGE, "archived": archived, **({"after": after} if after else {})}
            page = api.get_page(**asked)
            yield from page.results
            after = page.paging.next.after if page.paging and page.paging.next else None
            if not after:
                return

    def pipelines(self, kind: str) -> list[Any]:
        """Give the pipelines of an object, each with its stages."""
        from hubspot.crm import pipelines  # noqa: PLC0415  each family is slow to import

        return list(pipelines.PipelinesApi(self._client(pipelines)).get_all(kind).results)

    def _client(self, family: Any) -> Any:
        configuration = family.Configuration()
        configuration.client_side_validation = False
        client = family.ApiClient(configuration)
        client.rest_client = _Riding(self._calls)
        return client

    def _wanted(self, given: Mapping[str, Any]) -> Any:
        options = [
            properties.OptionInput(label=label, value=value, hidden=False, display_order=order)
            for order, (value, label) in enumerate(given.get("options", ()))
        ]
        plain = {name: value for name, value in given.items() if name != "options"}
        return properties.PropertyCreate(**plain, options=options or None, form_field=False)


class _Riding:
    """What the library calls its REST client: every request becomes one of ours."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls

    def GET(self, url: str, **given: Any) -> _Response:  # noqa: N802  the library's own name
        """Send a read."""
        return self._send("GET", url, given)

    def POST(self, url: str, **given: Any) -> _Response:  # noqa: N802
        """Send a creation; it is not repeated after a lost answer."""
        return self._send("POST", url, given)

    def _send(self, method: str, url: str, given: Mapping[str, Any]) -> _Response:
        path = self._calls.paths.of_library(urlsplit(url).path)
        query = [(name, _word(value)) for name, value in given.get("query_params") or ()]
        asked = f"{path}?{urlencode(query)}" if query else path
        body = given.get("body")
        return _Response(self._calls.send(method, asked, body, repeatable=method == "GET"))


def _word(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


class _Response:
    """An answer as the library wants it."""

    def __init__(self, answer: Answer) -> None:
        # It picks a model by the status: any 2xx of a creation but 207 means all of it was made.
        self.status = answer.status
        self.data: Any = answer.body
        self._headers = answer.headers

    def getheader(self, name: str, default: str | None = None) -> str | None:
        """Give one header; the charset is named, for the library reads it from there."""
        value = self._headers.get(name, default)
        plain = name.lower() == "content-type" and not re.search("charset", value or "")
        return f"{value};charset=utf-8" if plain else value

    def getheaders(self) -> Mapping[str, str]:
        """Give all headers."""
        return self._headers
