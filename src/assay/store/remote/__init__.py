"""Remotes: shared stores of objects, in one of two layouts, over any object store."""
