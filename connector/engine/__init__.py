"""Runs a compiled model over frames: DuckDB, in a process of its own."""
