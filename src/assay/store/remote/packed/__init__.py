"""The packed remote: few large immutable files, many clients at once, collected safely."""
