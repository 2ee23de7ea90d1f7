"""Tracing: from an output, a file or a release to what made it, and on to what was made of it."""
