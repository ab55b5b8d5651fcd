"""Behind a plan: what we want, what is known, what is worth a write, what is too much."""
