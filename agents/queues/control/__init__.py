"""What people ask of those who consume: stop taking from a queue, take again, end one task."""
