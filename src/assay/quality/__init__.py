"""What data must look like: contracts, how a first one is inferred and how data is checked."""
