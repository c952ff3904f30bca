"""One package per capability; none imports another."""
