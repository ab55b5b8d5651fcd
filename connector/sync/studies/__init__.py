"""Questions people ask: why this score, what if, where the threshold, what to learn."""
