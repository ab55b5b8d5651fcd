"""Measures over cycles. Pure: rows in, figures out."""
