"""The `assay gate` commands."""
