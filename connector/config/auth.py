"""What `auth:` of a connection may hold, for editors and for those who read the schema.

Which of them a CRM takes is its adapter's affair: it refuses the others by name.
"""

from __future__ import annotations

from typing import Any

_SECRET_FORM = "; never in clear: ${NAME}, {file: PATH} or {keyring: service/name}"  # noqa: S105
_SECRETS = {
    "client_secret": "Salesforce, HubSpot: the app's secret",
    "private_key": "Salesforce: the RSA key in PEM form whose certificate the app holds (JWT)",
    "refresh_token": "The approval of a user, once; what it changes into is kept in the vault",
    "password": "Salesforce: the old log-in of `login`; ends in summer 2027",
    "security_token": "Salesforce: stands behind the password, outside trusted networks",
    "token": "HubSpot: a service key",
    "key": "Odoo: an API key",
}
_PLAIN = {
    "client_id": "Salesforce, HubSpot: the consumer key of the app",
    "login": "Salesforce (JWT, password), Odoo: the user name",
    "audience": "Salesforce (JWT): if other than login or test.salesforce.com",
    "sf_cli": "Salesforce: the alias of a log-in of the sf CLI on this machine",
    "database": "Odoo: the database",
}
_REFERENCE = {
    "anyOf": [
        {"type": "string"},
        {
            "type": "object",
            "minProperties": 1,
            "maxProperties": 1,
            "additionalProperties": False,
            "properties": {kind: {"type": "string"} for kind in ("env", "file", "keyring")},
        },
    ]
}
AUTH_SCHEMA: dict[str, Any] = {
    "description": "How the connection logs in; each CRM takes its own of these",
    "properties": {
        name: {"description": said + (_SECRET_FORM if name in _SECRETS else ""), **_REFERENCE}
        for name, said in sorted({**_SECRETS, **_PLAIN}.items())
    },
}
"""JSON Schema of `auth:`; further keys are let through, for adapters of others."""
