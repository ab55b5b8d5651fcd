"""A folder of CSV, JSONL or Parquet files as a CRM: read from there, written beside it."""
