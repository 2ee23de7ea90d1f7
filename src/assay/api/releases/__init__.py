"""Releases as a program meets them: one repository's records, and the verbs on them."""
