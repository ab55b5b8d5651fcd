"""Who is who, what is known of them, and how they are forgotten."""
