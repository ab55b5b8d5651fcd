"""The contestants: each module is one process, and says on its last line what it did."""
