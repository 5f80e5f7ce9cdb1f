"""Postroom's tests. Helpers that several of them need live in tests.support."""
