"""What runs share: leases, budgets, tokens, the book of runs and the audit log."""
