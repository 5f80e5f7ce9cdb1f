"""How a message is handled, stage by stage: the front door is `api.py`, the stages stand in `stages.py`."""
