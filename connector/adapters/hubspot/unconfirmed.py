"""What is taken for granted of HubSpot and was never confirmed in a live portal, each in one place.

A constant here is the switch: whoever learns better changes it, and nothing else. What has none is
decided in the one place named, or is not relied on at all. docs/hubspot.md shows the same list.
"""

from __future__ import annotations

from connector.adapters.assumed import Assumed

SEARCH_BODY = 3000
"""Characters a search may have by HubSpot's page, if `auth.search_body` does not say otherwise."""
LISTS_PAGE, MEMBERS_PAGE = 100, 100
"""How many lists, and members of one, are asked for at once; 100 is safe by every source."""
TASK_TO_CONTACT, NOTE_TO_CONTACT = 204, 202
"""Association types by HubSpot's pages; the second was seen in recorded answers."""
HANDS = frozenset(
    {"CRM_UI", "CRM_UI_BULK_ACTION", "BATCH_UPDATE", "MOBILE_IOS", "MOBILE_ANDROID", "EXTENSION"}
)
"""Sources of a value that are a person at work in HubSpot; imports, workflows and integrations
are none. HubSpot publishes no list of them."""
NOWHERE = "OBJECT_NOT_FOUND"
"""The category of an error of a batch read by which HubSpot says that it has no such record."""
SCOPES = ("requiredGranularScopes", "requiredScopes")
"""Where the context of a 403 names the scopes it asks for."""
LAST_SEEN, LAST_URL = "hs_analytics_last_timestamp", "hs_analytics_last_url"
"""Contact properties of the last page looked at."""
OPT_OUT = "hs_email_optout_"
"""What the contact property that says who opted out of a subscription begins with."""
EVENT_IDS, EVENT_MERGED = ("objectId", "primaryObjectId", "newObjectId"), "mergedObjectIds"
"""Where an event of a webhook names records, and those that were merged away."""
SALESFORCE_ID = "salesforceleadid"
"""The contact property that HubSpot's own sync with Salesforce makes."""


UNCONFIRMED = (
    Assumed(
        "A search may have 3,000 characters in all",
        "reading.py",
        "`auth.search_body`, or SEARCH_BODY",
    ),
    Assumed("Cursors of lists are ids", "listing.py", "noticed where not; `auth.leaps: off`"),
    Assumed("Dated paths answer as v3 does", "paths.py", "`auth.api_version: v3`"),
    Assumed(
        "One bad value refuses a whole batch, on dated paths too",
        "writing.py",
        "`_halve`; either answer is understood",
    ),
    Assumed(
        "A 429 may lack Retry-After: ten seconds or one by its policy then",
        "answers.py",
        "`_too_many`",
    ),
    Assumed("Which sources of a value are a person", "derived.py", "HANDS"),
    Assumed("Association type 204 ties a task to a contact", "tasks.py", "TASK_TO_CONTACT"),
    Assumed("Association type 202 ties a note to a contact", "tasks.py", "NOTE_TO_CONTACT"),
    Assumed("A search of lists gives 100 at once", "lists.py", "LISTS_PAGE"),
    Assumed("Memberships of a list come 100 at once", "lists.py", "MEMBERS_PAGE"),
    Assumed("Filters of active lists", "views.py", "`_branch`; refused ones are left to clicks"),
    Assumed("A 403 names its scopes", "answers.py", "SCOPES"),
    Assumed("An event of a webhook names its record", "hooks.py", "EVENT_IDS"),
    Assumed("A merge's event names all that took part", "hooks.py", "EVENT_MERGED"),
    Assumed(
        "An event's sourceId is our app's id where we made the change",
        "hooks.py",
        "`_is_echo`; where it is not, one read more is made",
    ),
    Assumed("When a contact last looked at a page", "derived.py", "LAST_SEEN"),
    Assumed("Which page a contact looked at last", "derived.py", "LAST_URL"),
    Assumed("A property for each subscription somebody left", "consent.py", "OPT_OUT"),
    Assumed(
        "An erased record is OBJECT_NOT_FOUND, live and archived; else it counts as deleted",
        "reading.py",
        "NOWHERE",
    ),
    Assumed("HubSpot's sync with Salesforce makes this property", "probing.py", "SALESFORCE_ID"),
    Assumed(
        "`filteredEvent` marks a machine's open",
        "mappings/hubspot.yaml",
        "`mailing: where:`",
    ),
    Assumed(
        "Stages of leads have the ids they begin with",
        "mappings/hubspot.yaml",
        "`lead: status: values:`",
    ),
    Assumed(
        "How many values of a property's past are given; older verdicts lack their moment",
        "derived.py",
        "not relied on beyond that",
    ),
    Assumed(
        "A record without associations is an error or missing",
        "associations.py",
        "either is understood",
    ),
    Assumed(
        "What a service key's sourceId is; our own writes are known by their values",
        "none",
        "not used",
    ),
    Assumed("App cards for project apps with static authentication", "none", "not used"),
)
