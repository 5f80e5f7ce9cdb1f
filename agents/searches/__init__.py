"""Searches that somebody keeps: of letters, groups, messages, traces and logs, for themselves or for everybody."""
