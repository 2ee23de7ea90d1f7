"""Objects on disk and in remotes: packs, loose files, segments, the index, links, transfers."""
