"""The `assay runs` commands."""
