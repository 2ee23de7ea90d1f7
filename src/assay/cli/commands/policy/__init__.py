"""The `assay policy` commands."""
