"""Odoo: leads, mails and owners over JSON-2 (19 and later) or XML-RPC (before)."""
