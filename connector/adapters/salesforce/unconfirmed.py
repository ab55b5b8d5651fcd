"""What is taken for granted of Salesforce and was never confirmed in a live org, each in one place.

A constant here is the switch: whoever learns better changes it, and nothing else. What has none is
decided in the one place named, or is not relied on at all. docs/salesforce.md shows the same list.
"""

from __future__ import annotations

from connector.adapters.assumed import Assumed

MAX_URL = 14_000
"""Bytes of path and query we let a request have; Salesforce takes 16,384 with all headers."""
PLAIN = "(),'"
"""What a query's text may hold in a URL as it is, like letters."""
CONCURRENT = "concurrent"
"""The word that tells too many long requests at once from the day's quota used up."""
TEST_LEVEL = "NoTestRun"
"""What a deploy without Apex may say of tests in production."""
BULK_KEEPS_OWNERS = True
"""Whether a Bulk update that names no assignment rule runs none. If not, no job writes people."""
ERROR_PARTS = ":"
"""What parts code, message and fields in an error of a Bulk result."""
MARKETING = "UserPermissionsMarketingUser"
"""The field of User that says whether it may fill campaigns."""


UNCONFIRMED = (
    Assumed("A request may be 16,384 bytes long with its headers", "reading.py", "MAX_URL"),
    Assumed("Brackets, commas and quotes may stand in a URL as they are", "soql.py", "PLAIN"),
    Assumed(
        "The message of too many requests at once holds the word `concurrent`",
        "answers.py",
        "CONCURRENT",
    ),
    Assumed("Production takes a deploy without Apex and tests", "deploying.py", "TEST_LEVEL"),
    Assumed(
        "A Bulk update runs no assignment rule when the job names none; owners are never written "
        "by Bulk in any case",
        "writing.py",
        "BULK_KEEPS_OWNERS",
    ),
    Assumed("An error in a Bulk result is `CODE:message:fields --`", "outcomes.py", "ERROR_PARTS"),
    Assumed(
        "An integration user can be a Marketing User and change members' statuses",
        "permissions.py",
        "MARKETING",
    ),
    Assumed(
        "A record rolled back beside a refused one says ALL_OR_NONE_OPERATION_ROLLED_BACK; we send "
        "`allOrNone: false`",
        "outcomes.py",
        "table `_LATER`",
    ),
    Assumed(
        "An owner who may not read the object is refused as TRANSFER_REQUIRES_READ",
        "outcomes.py",
        "table `_HINTS`",
    ),
    Assumed(
        "A user without Edit Tasks is refused with a code that begins INSUFFICIENT_ACCESS",
        "answers.py",
        "`_NO_RIGHT`",
    ),
    Assumed(
        "Queries order ids by their first 15 characters; pages go on behind the last one, and we "
        "compare none ourselves",
        "soql.py",
        "`Select.text`",
    ),
    Assumed(
        "History objects have no SystemModstamp; the best stamp of those described is taken",
        "describing.py",
        "`Described.stamp`",
    ),
    Assumed(
        "A change of a relation leaves two rows of history, with names and with ids; those with "
        "ids are kept",
        "edits.py",
        "`name_fields`",
    ),
    Assumed(
        "The global describe's If-Modified-Since minds changes of fields, permissions and "
        "profiles, as its documents say; an answer is kept for a day at most",
        "recalling.py",
        "`Recalling.load`; `Keeping.lasting`",
    ),
    Assumed(
        "History objects can be read by Bulk jobs; where one is refused, pages are read",
        "reading.py",
        "`BULK_FROM`",
    ),
    Assumed(
        "A campaign member of a converted lead names the contact and still the lead: the contact "
        "counts",
        "mappings/salesforce.yaml",
        "`response: person:`",
    ),
    Assumed(
        "Deleted campaign members pass no bin",
        "none",
        "not relied on: the log of deletes tells of those with and without a bin",
    ),
    Assumed(
        "Invitees' copies and the pattern of a series count twice unless left out",
        "mappings/salesforce.yaml",
        "`event: where:`",
    ),
    Assumed(
        "EmailMessageRelation has SystemModstamp",
        "mappings/salesforce.yaml",
        "`email: changed:`; the object is `optional:`",
    ),
    Assumed(
        "Columns of list views for standard fields are called as in metadata/views.py",
        "metadata/views.py",
        "tables there; `--without views`",
    ),
    Assumed(
        "A quick action that updates needs no target object",
        "metadata/views.py",
        "`--without actions`",
    ),
    Assumed(
        "A failed part of a deploy by REST looks as in SOAP",
        "deploying.py",
        "`succeeded`",
    ),
    Assumed(
        "A deploy shows new fields to nobody, not even administrators",
        "installing.py",
        "`assign`, then `verify` looks",
    ),
    Assumed(
        "FlowDefinitionView can be asked by its trigger's object",
        "surveying.py",
        "else the plan says that it cannot be seen",
    ),
    Assumed(
        "LeadConvertSettings is read by readMetadata under its own name",
        "conversion.py",
        "else what converted leads show counts",
    ),
    Assumed(
        "Permissions are called PermissionsTransferAnyEntity, PermissionsEditTask and so on; those "
        "that the org does not describe are not asked for",
        "permissions.py",
        "tables there",
    ),
    Assumed(
        "A write of what is there already bumps stamps and runs flows",
        "none: such writes are not made",
        "not relied on",
    ),
    Assumed(
        "Salesforce tries the rest of a chunk again after a refusal, so triggers may run twice",
        "none",
        "not relied on",
    ),
    Assumed(
        "Composite requests take 25 parts, If-Unmodified-Since gives 412, change events name who "
        "made them, external ids ignore case, LeadHistory says leadConverted",
        "none",
        "not used",
    ),
    Assumed(
        "A removed field keeps its name for 15 days",
        "docs/salesforce.md",
        "said to the admin",
    ),
)
