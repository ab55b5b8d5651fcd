"""The steps that bring a store's tables from one version to the next."""

HEAD = "0026"
"""The version this program works with."""
