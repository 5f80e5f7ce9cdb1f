"""Who sent a message, and whether they may: `secure.py` is the front door."""
