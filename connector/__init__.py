"""Leadloop: lead management inside the CRM a company already has."""

__version__ = "0.1.0"
