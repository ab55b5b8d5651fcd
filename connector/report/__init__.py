"""What the loop has to show: figures for people who were not there."""
