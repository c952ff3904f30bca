"""Files over SSH."""
