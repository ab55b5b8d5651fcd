"""An invented company's year, and the loop played over it."""
