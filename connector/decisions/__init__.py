"""What the loop does next with a person, and why. Pure: values and `now` in, values out."""
