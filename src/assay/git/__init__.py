"""The git program: objects, refs, ignore files, clones."""
