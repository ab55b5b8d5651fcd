"""What people agree on and read: reviews, surveys, analysts' views."""
