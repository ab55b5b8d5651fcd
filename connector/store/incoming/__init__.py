"""What CRMs told us, and how far each has been read."""
