"""Tells others how a run went: a file of metrics, a heartbeat, and alerts when it turns."""
