"""The record of what was done: append-only, and provably unedited."""
