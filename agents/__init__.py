"""What agents tell us, and what we do with their messages."""
