"""Who is the same person, what is known of them, and which activity counts. Pure."""
