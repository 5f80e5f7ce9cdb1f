"""The light client of Postroom, for the agents whose messages it watches."""

__version__ = "0.1.0"
