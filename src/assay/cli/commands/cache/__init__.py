"""The commands about this machine's object cache."""
