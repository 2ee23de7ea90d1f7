"""The gates: one module for each kind, and the port that they stand behind."""
