"""What does not move, and why: verdicts from evidence, and the causes that they come to."""
