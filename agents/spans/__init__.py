"""The store for spans and logs: a protocol, its engines, search, retention."""
