"""Releases: what is bound to one commit, which gates it passed, and which channel serves it."""
