"""Pipelines: declared stages, what they last consumed and produced, and running what changed."""
