"""The `assay data` commands."""
