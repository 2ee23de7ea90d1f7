"""The `assay trash` commands."""
