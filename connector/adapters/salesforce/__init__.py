"""Salesforce: leads, contacts, deals and owners over the REST API."""
