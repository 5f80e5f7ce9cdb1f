"""Rules, firing and notification."""
