"""What was counted and scored, and what the engine reads for it."""
