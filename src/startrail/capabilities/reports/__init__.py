"""Reports: what must be delivered, where, and by when."""
