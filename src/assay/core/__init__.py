"""Nouns shared by every layer: digests, manifests, pointers, dialects.  Pure, no I/O."""
