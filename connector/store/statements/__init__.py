"""How rows are asked for and written: many by one statement, a page in memory at most."""
