"""The `assay release` commands."""
