"""Where each resource of HubSpot's API lives: one table, a column a version.

Source: HubSpot's migration guide and changelog of the dated versions (2026-11). What has no dated
path yet (forms, their submissions, email events) stays where it is in both columns.
"""

from __future__ import annotations

from connector.errors import UsageError

API_VERSION = "2026-09"
FALLBACK = "v3"

_TABLE = {  # resource: (dated, v3)
    "objects": (f"/crm/objects/{API_VERSION}", "/crm/v3/objects"),
    "associations": (f"/crm/associations/{API_VERSION}", "/crm/v4/associations"),
    "properties": (f"/crm/properties/{API_VERSION}", "/crm/v3/properties"),
    "pipelines": (f"/crm/pipelines/{API_VERSION}", "/crm/v3/pipelines"),
    "owners": (f"/crm/owners/{API_VERSION}", "/crm/v3/owners"),
    "account": (f"/account-info/{API_VERSION}/details", "/account-info/v3/details"),
    "events": (f"/events/event-occurrences/{API_VERSION}", "/events/v3/events"),
    "forms": ("/marketing/v3/forms", "/marketing/v3/forms"),
    "submissions": (
        "/form-integrations/v1/submissions/forms",
        "/form-integrations/v1/submissions/forms",
    ),
    "lists": (f"/crm/lists/{API_VERSION}", "/crm/v3/lists"),
    "consent": (
        f"/communication-preferences/{API_VERSION}/statuses",
        "/communication-preferences/v4/statuses",
    ),
    "usage": (
        f"/account-info/{API_VERSION}/api-usage/daily/private-apps",
        "/account-info/v3/api-usage/daily/private-apps",
    ),
    "oauth": (f"/oauth/{API_VERSION}/token", "/oauth/v1/token"),
    "email_events": ("/email/public/v1/events", "/email/public/v1/events"),
}
_OF_LIBRARY = ("properties", "pipelines", "owners")


class Paths:
    """The paths of one version. Raises UsageError for a version we do not know."""

    def __init__(self, version: str = API_VERSION) -> None:
        if version not in {API_VERSION, FALLBACK}:
            raise UsageError(
                f"HubSpot's API version `{version}` is not one we speak",
                hint=f"Write `auth: {{api_version: {FALLBACK}}}`, or leave it out",
            )
        self.version = version
        column = 0 if version == API_VERSION else 1
        self._path = {name: columns[column] for name, columns in _TABLE.items()}

    def __getitem__(self, resource: str) -> str:
        return self._path[resource]

    def of_library(self, path: str) -> str:
        """Give the path of this version for one that hubspot-api-client 12 has built in (v3)."""
        for name in _OF_LIBRARY:
            built_in = _TABLE[name][1]
            if path == built_in or path.startswith(f"{built_in}/"):
                return self[name] + path[len(built_in) :].rstrip("/")
        raise ValueError(f"no path of ours for {path}")
