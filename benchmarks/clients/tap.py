"""Runs a Singer tap for one stream against the rendered CRM, and counts its records.

Runs on the Python of the tap's own environment. The taps name their hosts themselves; their calls
are led to the loopback below `requests`. What they write goes to a file, as a target would read it.
"""

from __future__ import annotations

import io
import json
import sys
import tempfile
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import requests


def lead_here(address: str) -> None:
    """Send every request to this address, whatever host it names."""
    send = requests.adapters.HTTPAdapter.send

    def led(self: Any, request: Any, *arguments: Any, **options: Any) -> Any:
        parts = urlsplit(request.url)
        request.url = (
            f"{address}{parts.path}?{parts.query}" if parts.query else (address + parts.path)
        )
        return send(self, request, *arguments, **options)

    requests.adapters.HTTPAdapter.send = led  # type: ignore[method-assign]


def salesforce() -> None:
    """The whole Lead table by REST."""
    import tap_salesforce
    from tap_salesforce.salesforce import Salesforce

    crm = Salesforce(
        refresh_token="x", sf_client_id="x", sf_client_secret="x", quota_percent_total=None,
        quota_percent_per_run=None, is_sandbox=None, select_fields_by_default="true",
        default_start_date="2020-01-01T00:00:00Z", api_type="REST", lookback_window=None,
        config_path=None,
    )  # fmt: skip
    crm.rest_requests_attempted = 0
    crm.login()
    found = io.StringIO()
    with redirect_stdout(found):
        tap_salesforce.do_discover(crm)
    catalog = json.loads(found.getvalue())
    select(catalog)
    tap_salesforce.do_sync(crm, catalog, tap_salesforce.build_state({}, catalog))
    crm.login_timer.cancel()


def hubspot() -> None:
    """The contacts stream."""
    import tap_hubspot

    tap_hubspot.CONFIG.update(
        api_key="x", start_date="2020-01-01T00:00:00Z", select_fields_by_default=True
    )
    stream = next(s for s in tap_hubspot.STREAMS if s.tap_stream_id == "contacts")
    schema, known = tap_hubspot.load_discovered_schema(stream)
    name = stream.tap_stream_id
    entry = {"stream": name, "tap_stream_id": name, "schema": schema, "metadata": known}
    catalog = {"streams": [entry]}
    select(catalog)
    tap_hubspot.do_sync({}, catalog)


def select(catalog: dict[str, Any]) -> None:
    """Mark the stream and all of its fields as wanted."""
    for entry in catalog["streams"]:
        for one in entry["metadata"]:
            one["metadata"]["selected"] = True


def main(kind: str, address: str) -> None:
    """Run the tap into a file and count the records in it."""
    lead_here(address)
    said = sys.stdout
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "out.jsonl"
        with path.open("w") as out, redirect_stdout(out):
            {"salesforce": salesforce, "hubspot": hubspot}[kind]()
        with path.open("rb") as written:
            count = sum(b'"RECORD"' in line[:40] for line in written)
    print(json.dumps(count), file=said)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
