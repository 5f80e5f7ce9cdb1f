"""Not sending more than the other side can take: `throttle.py` is the front door."""
