"""Facts: what happened, in order, unalterable."""
