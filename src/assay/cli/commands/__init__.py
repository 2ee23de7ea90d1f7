"""One file per command: the file path is the command path."""
