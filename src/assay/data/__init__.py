"""What people do with tracked data: one file per verb."""
