"""After a hand-off: the CRM shows it, tasks and alerts, the SLA watched to its end."""
