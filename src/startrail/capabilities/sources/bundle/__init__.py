"""A source as a function in the cloud: what goes into it, what it may, and what calls it. All of it pure."""
