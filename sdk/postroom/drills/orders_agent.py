"""The agent of the drill `orders`: books each order in a database, and can be killed in the worst moments."""

from __future__ import annotations
