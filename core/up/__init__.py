"""`manage.py up`: every process of one machine, started, watched and ended together."""
