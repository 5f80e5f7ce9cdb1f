"""Spans, metrics and log fields of an agent, through OpenTelemetry: `telemetry.py` is the front door."""
