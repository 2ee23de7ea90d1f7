"""Signed statements about digests, and whose signature counts for what."""
