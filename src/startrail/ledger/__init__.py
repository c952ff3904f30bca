"""Facts: what happened, in order, unalterable; and what can go wrong with the book they stand in."""
