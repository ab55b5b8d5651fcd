"""Behind applying: batches under way, what became of each row, and the way back."""
