"""The demonstration that `assay demo` runs on a real data set."""
