"""One invented company's year, as rows a practice CRM loads: a pure function of its seed."""

from connector.practice.company.hubspot import hubspot_rows
from connector.practice.company.salesforce import salesforce_rows

__all__ = ["hubspot_rows", "salesforce_rows"]
