"""The one database: what was read, decided, planned, sent and answered."""
