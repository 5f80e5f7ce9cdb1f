"""Snapshot and delta over websockets."""
