"""The subcommands of `postroom`, one module each; cli.py has their table."""
