"""Runs tap-hubspot for some streams against an address; for the Python of the tap's environment.

    PYTHON run_tap_hubspot.py ADDRESS TOKEN START STREAM...

The tap names HubSpot's host itself; its calls are led to the address below `requests`. Nothing else
of it is touched: its messages go to the standard output, as to a target.
"""

from __future__ import annotations

import sys
from urllib.parse import urlsplit

import requests
import tap_hubspot

ADDRESS, TOKEN, START, *STREAMS = sys.argv[1:]
_send = requests.adapters.HTTPAdapter.send


def _led(self, request, *arguments, **options):  # type: ignore[no-untyped-def]
    parts = urlsplit(request.url)
    query = f"?{parts.query}" if parts.query else ""
    request.url = f"{ADDRESS}{parts.path}{query}"
    return _send(self, request, *arguments, **options)


requests.adapters.HTTPAdapter.send = _led
tap_hubspot.CONFIG.update(api_key=TOKEN, start_date=START, select_fields_by_default=True)
catalog = []
for stream in tap_hubspot.STREAMS:
    name = stream.tap_stream_id
    if name in STREAMS:
        schema, known = tap_hubspot.load_discovered_schema(stream)
        for one in known:
            one["metadata"]["selected"] = True
        catalog.append({"stream": name, "tap_stream_id": name, "schema": schema, "metadata": known})
tap_hubspot.do_sync({}, {"streams": catalog})
