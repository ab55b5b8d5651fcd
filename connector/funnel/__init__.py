"""Measures over cycles. Pure: histories in, figures out; times in microseconds, money in cents."""
