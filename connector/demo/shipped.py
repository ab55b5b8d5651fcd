"""The defaults that ship with Leadloop, for those who set up a workspace."""

from connector.documents.shipped import shipped

__all__ = ["shipped"]
