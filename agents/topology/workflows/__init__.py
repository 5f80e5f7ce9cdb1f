"""Workflows: traces of one shape, their runs, the usual path and its figures."""
