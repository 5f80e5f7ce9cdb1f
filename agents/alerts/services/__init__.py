"""What changes alerts."""
