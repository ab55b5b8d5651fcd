"""`leadloop serve`: the schedule, the webhooks, and pages that only read."""
