"""Where large payloads lie while their messages carry only a reference: the front door is `api.py`."""
