"""An existing Celery application with Postroom's letters, events and traces: the front door is postroom/celery.py."""
