"""The plain remote: one file per object, as other tools lay them out."""
