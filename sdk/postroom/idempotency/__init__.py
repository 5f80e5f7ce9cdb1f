"""Handled once: a repeated message is known by its record, and its handler does not run again. See `api.py`."""
