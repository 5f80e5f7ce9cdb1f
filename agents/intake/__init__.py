"""The machines' door: OTLP, heartbeats, events and letters come in as bytes and leave as clean values."""
