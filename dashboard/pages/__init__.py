"""One module per screen: HTML."""
