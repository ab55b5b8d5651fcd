"""What people enter by hand: verdicts and surveys, held against the data."""
