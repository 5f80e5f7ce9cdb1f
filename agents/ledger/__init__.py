"""The life of each message, folded from lifecycle events."""
