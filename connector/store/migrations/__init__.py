"""The steps that bring a store's tables from one version to the next."""

HEAD = "0025"
"""The version this program works with."""
