"""Custody of what agents gave up on: capture, grouping, triage, bodies, search."""
