"""Jobs: what takes a release and makes something with it, each output stamped with what made it."""
