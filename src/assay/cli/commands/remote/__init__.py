"""The commands that set up where data is shared."""
