"""How a message is taken from a broker and how it is settled: the front door is `api.py`."""
