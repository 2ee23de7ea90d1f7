"""Lineage: the graph of what was made from what, each link with what its verification found."""
