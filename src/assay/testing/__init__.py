"""Conformance suites and fakes for authors of stores and other plug-ins."""
