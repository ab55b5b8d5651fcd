"""Runs tap-salesforce, as it is, against a practice org; on the Python of the tap's environment.

    python run_tap_salesforce.py ADDRESS CONFIG STATE STREAM...

The tap names its log-in host itself, so its calls are led to the loopback below `requests`. It
prints what it gives to a target: schemas, records and states, one JSON a line.
"""

import io
import json
import sys
from contextlib import redirect_stdout
from pathlib import Path
from urllib.parse import urlsplit

import requests
import tap_salesforce
from tap_salesforce.salesforce import Salesforce


def lead_to(address):
    send = requests.adapters.HTTPAdapter.send

    def led(self, request, *arguments, **options):
        parts = urlsplit(request.url)
        request.url = address + parts.path + (f"?{parts.query}" if parts.query else "")
        return send(self, request, *arguments, **options)

    requests.adapters.HTTPAdapter.send = led


def opened(config):
    known = json.loads(Path(config).read_text())
    crm = Salesforce(
        refresh_token=known["refresh_token"], sf_client_id=known["client_id"],
        sf_client_secret=known["client_secret"], quota_percent_total=None, quota_percent_per_run=None, is_sandbox="true",
        select_fields_by_default="true", default_start_date="2020-01-01T00:00:00Z",
        api_type="REST", lookback_window=None, config_path=config,
    )  # fmt: skip
    crm.rest_requests_attempted = 0
    crm.login()
    crm.login_timer.cancel()
    return crm


def discovered(crm, streams):
    said = io.StringIO()
    with redirect_stdout(said):
        tap_salesforce.do_discover(crm)
    catalog = json.loads(said.getvalue())
    for entry in catalog["streams"]:
        for one in entry["metadata"]:
            one["metadata"]["selected"] = not streams or entry["stream"] in streams
            keys = one["metadata"].get("valid-replication-keys", [])
            if not one["breadcrumb"] and keys:
                wanted = {"replication-method": "INCREMENTAL", "replication-key": keys[0]}
                one["metadata"].update(wanted)
    return catalog


def main(address, config, state, *streams):
    lead_to(address)
    crm = opened(config)
    catalog = discovered(crm, streams)
    known = tap_salesforce.build_state(json.loads(state), catalog)
    tap_salesforce.do_sync(crm, catalog, known)


if __name__ == "__main__":
    main(*sys.argv[1:])
