"""Redis as the library's broker: one atomic claim, renewed while its process lives, and one script that settles it."""
