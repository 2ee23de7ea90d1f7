"""The `assay stage` commands."""
