"""Each pass of a person through the funnel: moves, hand-offs, verdicts, nurture."""
