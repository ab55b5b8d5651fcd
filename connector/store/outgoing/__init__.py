"""What would be written, what was sent, and what the CRM confirmed."""
